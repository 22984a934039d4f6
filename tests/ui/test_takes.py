"""Recording by hand, by key, by prompt and by trigger: what is done on the page stands in the recording."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.app.prompts import Plan
from studio.data.labels import Segment
from studio.data.recording import load
from studio.params import param
from studio.ui.pages.capture import CapturePage
from studio.ui.parts.stage import picture_of
from studio.ui.window import Window
from tests.ui.fakes import FakeBoard
from tests.ui.test_capture import connect, press


@dataclass(frozen=True)
class Options:
    """What a device lets one choose."""

    rate: str = param("100", "Sampling rate", choices=("50", "100"))
    gain: int = param(2, "Gain", low=1, high=8)


@pytest.fixture
def page(window: Window, board: FakeBoard, qtbot: QtBot, project_path: Path) -> CapturePage:
    """Streaming, with a project of the classes wave (1) and idle (2), staying on the page after a take."""
    window.open_project(project_path)
    connect(window, qtbot, board)
    found = window.pages["capture"]
    assert isinstance(found, CapturePage)
    found.recorder.open_after.setChecked(False)
    qtbot.waitUntil(found.record.isEnabled)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    found.plots.setFocus()
    return found


def feed(board: FakeBoard, until_s: float) -> None:
    """Samples come up to `until_s` of the device."""
    for name, rate in (("accelerometer", 100), ("microphone", 16000)):
        n = round(until_s * rate) - board.last.rings[name].end
        if n > 0:
            channels = len(board.last.rings[name].stream.channels)
            board.last.feed(name, np.full((n, channels), 100))
    board.last.now_s = until_s


def finished(window: Window, board: FakeBoard, qtbot: QtBot, n: int = 2) -> Any:
    press(window, qtbot, "record_stop")
    qtbot.waitUntil(lambda: len(window.session.state.recordings) == n)
    return window.session.state.open_recording


def test_a_held_key_paints_and_a_marker_is_a_point(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    press(window, qtbot, "record_start")
    feed(board, 1.0)
    qtbot.keyPress(window, Qt.Key.Key_1)
    assert [m.label for m in page.taking.take.held] == ["wave"]
    feed(board, 2.5)
    qtbot.waitUntil(lambda: any(m.label == "wave" for m in page.plots.marks))
    qtbot.waitUntil(lambda: page.recorder._keys["wave"].property("tone") == "accent")
    qtbot.keyClick(window, Qt.Key.Key_M)
    qtbot.keyRelease(window, Qt.Key.Key_1)
    feed(board, 4.0)
    recording = finished(window, board, qtbot)
    assert recording.labels["labels"].segments == (Segment(1.0, 2.5, "wave"), Segment(2.5, 2.5, "marker"))
    assert "marker" not in {c.name for c in window.session.state.project.classes}


def test_digits_typed_into_a_field_are_no_labels_and_stopping_ends_what_is_held(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    press(window, qtbot, "record_start")
    feed(board, 1.0)
    page.sources.url.setFocus()
    qtbot.keyClicks(page.sources.url, "12")
    assert page.sources.url.text() == "12" and page.taking.take.held == ()
    page.plots.setFocus()
    qtbot.keyPress(window, Qt.Key.Key_2)
    feed(board, 3.0)
    recording = finished(window, board, qtbot)
    assert recording.labels["labels"].segments == (Segment(1.0, 3.0, "idle"),)


def test_a_label_for_all_gives_way_to_held_keys(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    page.recorder.label.setCurrentText("idle")
    press(window, qtbot, "record_start")
    feed(board, 1.0)
    page.plots.setFocus()
    qtbot.keyPress(window, Qt.Key.Key_1)
    feed(board, 2.0)
    qtbot.keyRelease(window, Qt.Key.Key_1)
    feed(board, 3.0)
    labels = [(s.start_s, s.stop_s, s.label) for s in finished(window, board, qtbot).labels["labels"].segments]
    assert labels == [(0.0, 1.0, "idle"), (1.0, 2.0, "wave"), (2.0, 3.0, "idle")]


def test_marks_are_on_disk_before_the_recording_ends(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    press(window, qtbot, "record_start")
    feed(board, 1.0)
    qtbot.keyPress(window, Qt.Key.Key_1)
    feed(board, 2.0)
    qtbot.keyRelease(window, Qt.Key.Key_1)
    assert board.last._writer is not None
    path = board.last._writer.path
    qtbot.waitUntil(lambda: "labels" in load(path).labels)
    assert load(path).labels["labels"].segments == (Segment(1.0, 2.0, "wave"),)
    feed(board, 3.0)
    closed = finished(window, board, qtbot)
    assert closed.n_samples["accelerometer"] == 300
    assert closed.labels["labels"].segments == (Segment(1.0, 2.0, "wave"),)


def test_a_countdown_is_seen_and_can_be_called_off(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    page.recorder.countdown.setCurrentIndex(page.recorder.countdown.findData(10.0))
    page.recorder.pre.setValue(2.5)
    press(window, qtbot, "record_start")
    qtbot.waitUntil(page.stage.isVisible)
    assert page.stage.title == "10" and board.last.started == ("", "")
    press(window, qtbot, "record_stop")
    qtbot.waitUntil(lambda: not page.stage.isVisible())
    press(window, qtbot, "record_start")
    page.taking._counted_s = time.monotonic() - 0.01
    qtbot.waitUntil(lambda: page.taking.recording_s > 0)
    assert board.last.pre_s == 2.5
    feed(board, 1.0)
    finished(window, board, qtbot)


def test_pausing_by_key_keeps_recording_and_scrolls(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    feed(board, 30.0)
    qtbot.waitUntil(lambda: page.plots.rows["accelerometer"].head.at > 2900)
    press(window, qtbot, "record_start")
    page.plots.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: page.plots.paused and page.bar.back.isVisible())
    page.bar.back.setFocus()
    qtbot.keyClick(page.bar.back, Qt.Key.Key_Left)
    assert page.plots.back_s == pytest.approx(0.25, abs=0.02)
    feed(board, 32.0)
    qtbot.waitUntil(lambda: page.bar.state.text() == "Paused" and "recorded" in page.bar.words.text())
    qtbot.keyClick(page.bar.back, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: not page.plots.paused and not page.bar.back.isVisible())
    assert finished(window, board, qtbot).n_samples["accelerometer"] == 200


def test_a_trigger_holds_the_picture_and_records_around_the_crossing(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    feed(board, 20.0)
    page.tabs.buttons["trigger"].click()
    page.findChild(QtWidgets.QCheckBox, "trigger_record_each").setChecked(True)
    press(window, qtbot, "trigger_arm")
    qtbot.waitUntil(lambda: page.bar.state.text() == "Armed")
    window.heartbeat._beat()
    board.last.now_s = 21.0
    board.last.feed("accelerometer", np.r_[np.zeros((50, 3)), np.full((50, 3), 4096)])
    qtbot.waitUntil(lambda: page.taking.recording_s > 0)
    assert board.last.pre_s == pytest.approx(1.0 + 0.5, abs=0.01)  # the crossing was half a second ago
    assert not page.plots.paused  # what comes after it is not there yet
    board.last.feed("accelerometer", np.full((900, 3), 4096))
    qtbot.waitUntil(lambda: page.plots.paused)
    row = page.plots.rows["accelerometer"]
    edge = row.head.at - page.plots.back_s * 100
    assert edge == pytest.approx(2050 + 0.9 * 10 * 100, abs=1)  # a second of ten before it
    qtbot.waitUntil(lambda: page.bar.state.text() == "Triggered")
    press(window, qtbot, "trigger_arm")
    assert not page.triggering.armed
    finished(window, board, qtbot)


def test_a_single_shot_stays_until_resumed(window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot) -> None:
    feed(board, 20.0)
    page.tabs.buttons["trigger"].click()
    page.findChild(QtWidgets.QComboBox, "trigger_mode").setCurrentIndex(1)
    press(window, qtbot, "trigger_arm")
    window.heartbeat._beat()
    jump = np.r_[np.zeros((50, 3)), np.full((950, 3), 4096)]
    board.last.feed("accelerometer", jump)
    qtbot.waitUntil(lambda: page.plots.paused)
    first = page.plots.rows["accelerometer"].head.at
    board.last.feed("accelerometer", jump)
    for _ in range(3):
        window.heartbeat._beat()
    assert page.plots.rows["accelerometer"].head.at == first
    page.plots.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: not page.plots.paused and page.triggering.state.text() == "Armed")


def test_prompts_write_their_labels_and_can_be_held(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page.prompting.form, "value", lambda: Plan(1, 2.0, 1.0, 0.5))
    page.tabs.buttons["prompts"].click()
    said: list[str] = []
    monkeypatch.setattr(page.prompting.voice, "say", said.append)
    press(window, qtbot, "prompt_start")
    prompter = page.prompting.prompter
    assert prompter is not None and prompter.running
    feed(board, 5.0)
    began_s = prompter._began_s
    assert began_s is not None
    first, second = prompter.steps
    prompter._began_s = time.monotonic() - 2.0
    qtbot.waitUntil(lambda: page.stage.isVisible() and page.stage.title == first and page.stage.above == "Now")
    assert said == [first]
    prompter._began_s = time.monotonic() - 3.5  # the first is done half a second ago
    qtbot.waitUntil(lambda: prompter.at == 1)
    press(window, qtbot, "prompt_stop")
    assert not prompter.running and page.taking.recording_s > 0
    press(window, qtbot, "prompt_start")
    assert page.prompting.prompter is prompter and prompter.running and prompter.look(time.monotonic()).label == second
    recording = finished(window, board, qtbot)
    (made,) = recording.labels["labels"].segments
    assert made.label == first and made.stop_s - made.start_s == pytest.approx(1.5)
    assert made.stop_s <= 4.5 + 1e-6  # half a second ago or more, on a slow computer


def test_prompts_without_a_ticked_class_say_so(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    page.tabs.buttons["prompts"].click()
    for i in range(page.prompting.classes.count()):
        page.prompting.classes.item(i).setCheckState(Qt.CheckState.Unchecked)
    press(window, qtbot, "prompt_start")
    assert window.banner.isVisible() and "ticked" in window.banner.seen.text()


def test_a_class_may_have_a_picture(tmp_path: Path, look: object) -> None:
    (tmp_path / "prompts").mkdir()
    picture = QtGui.QImage(8, 8, QtGui.QImage.Format.Format_RGB32)
    picture.fill(0)
    assert picture.save(str(tmp_path / "prompts" / "wave.png"))
    assert picture_of("wave", tmp_path) == tmp_path / "prompts" / "wave.png" and picture_of("idle", tmp_path) is None


def test_settings_of_a_device_are_a_form_and_only_changes_are_sent(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    page.tabs.buttons["device"].click()
    board.last.options = Options()
    qtbot.waitUntil(lambda: page.about.apply.isVisible())
    page.findChild(QtWidgets.QSpinBox, "device_option_gain").setValue(4)
    press(window, qtbot, "device_options_apply")
    assert board.last.set == [("gain", 4)]
