"""From a source to a recording, by mouse and by keys."""

from pathlib import Path

import numpy as np
import pytest
from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.app.devices import Device, DeviceList, Eyes, Way
from studio.errors import LinkError
from studio.sources.ports import Port
from studio.ui.pages.capture import CapturePage
from studio.ui.parts.numbers import RateMeter, rate_text
from studio.ui.parts.sources import TITLE, short, source_of
from studio.ui.window import Window
from tests.ui.fakes import FakeBoard


@pytest.fixture
def page(window: Window) -> CapturePage:
    found = window.pages["capture"]
    assert isinstance(found, CapturePage)
    return found


def press(window: Window, qtbot: QtBot, name: str) -> None:
    one = window.findChild(QtWidgets.QPushButton, name)
    assert one.isVisible() and one.isEnabled(), name
    qtbot.mouseClick(one, Qt.MouseButton.LeftButton)


def connect(window: Window, qtbot: QtBot, board: FakeBoard) -> None:
    press(window, qtbot, "source_connect_virtual")
    qtbot.waitUntil(lambda: bool(board.connections))
    board.last.stream()
    qtbot.waitUntil(lambda: window.device.streaming)


def test_an_empty_page_offers_the_virtual_board(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    assert window.findChild(QtWidgets.QPushButton, "record_start").isEnabled() is False
    connect(window, qtbot, board)
    assert board.last.url == "virtual:host"
    qtbot.waitUntil(lambda: page.plots.isVisible() and list(page.plots.rows) == ["accelerometer", "microphone"])
    assert "This computer" in window.top.device.text()


def test_enter_in_the_address_connects(window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot) -> None:
    qtbot.keyClicks(page.sources.url, "COM7")
    qtbot.keyClick(page.sources.url, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(board.connections))
    assert board.last.url == "COM7"
    qtbot.waitUntil(lambda: window.findChild(QtWidgets.QPushButton, "source_cancel").isVisible())
    press(window, qtbot, "source_cancel")
    qtbot.waitUntil(lambda: board.last.closed and window.device.state == "idle")


def test_the_list_holds_the_boards_of_this_computer(page: CapturePage, qtbot: QtBot) -> None:
    def urls() -> list[str]:
        return [page.sources.list.item(i).data(Qt.ItemDataRole.UserRole) for i in range(page.sources.list.count())]

    qtbot.waitUntil(lambda: "virtual:host" in urls())


def test_a_port_that_cannot_be_opened_says_why_and_what_next(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    board.fails = LinkError("COM7", "access denied", "Close other programs that use it, then connect again.")
    press(window, qtbot, "source_connect_virtual")
    qtbot.waitUntil(lambda: page._lost.isVisible())
    assert page._lost.title.text() == "COM7"
    assert page._lost.sentence.text().startswith("Access denied. Close other programs")
    board.fails = None
    press(window, qtbot, "source_connect_again")
    qtbot.waitUntil(lambda: len(board.connections) == 2)


def test_trouble_while_streaming_keeps_the_plots_and_names_itself(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    connect(window, qtbot, board)
    board.last.state = "stalled"
    qtbot.waitUntil(lambda: page._strip.isVisible())
    assert page.plots.isVisible() and "No samples" in page._strip._words.text()
    board.last.lose()
    qtbot.waitUntil(lambda: "is looked for. A recording goes on" in page._strip._words.text())


def test_losses_are_counted_before_ones_eyes(window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot) -> None:
    connect(window, qtbot, board)
    board.last.feed("accelerometer", np.zeros((20, 3)))
    board.last.feed("accelerometer", np.zeros((20, 3)), lost=7)
    qtbot.waitUntil(lambda: "accelerometer" in page.numbers.streams)
    streams = page.numbers.streams
    qtbot.waitUntil(lambda: streams["accelerometer"].figures["lost"].text() == "7 lost")
    assert streams["microphone"].figures["lost"].text() == "0 lost"


def test_record_and_stop_by_keys_opens_the_recording_in_label(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot, project_path: Path
) -> None:
    window.open_project(project_path)
    connect(window, qtbot, board)
    page.recorder.subject.setText("ben")
    page.recorder.label.setCurrentText("jump")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.waitUntil(lambda: page.record.isEnabled())
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: board.last.started == ("ben", "jump"))
    qtbot.waitUntil(lambda: page.stop_button.isVisible() and page.recorder.clock.text() == "00:00.1")
    assert not page.recorder.subject.isEnabled()
    for _ in range(5):
        board.last.feed("accelerometer", np.ones((20, 3)))
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.page == "label")
    state = window.session.state
    assert len(state.recordings) == 2 and state.open_recording.subject == "ben"
    assert state.open_recording.n_samples["accelerometer"] == 100
    assert "jump" in {c.name for c in state.project.classes}


def test_several_takes_in_a_row_stay_on_the_page(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot, project_path: Path
) -> None:
    window.open_project(project_path)
    connect(window, qtbot, board)
    page.recorder.open_after.setChecked(False)
    for take in (2, 3):
        qtbot.waitUntil(lambda: page.record.isEnabled() and page.record.isVisible())
        press(window, qtbot, "record_start")
        board.last.feed("accelerometer", np.ones((20, 3)))
        press(window, qtbot, "record_stop")
        qtbot.waitUntil(lambda take=take: len(window.session.state.recordings) == take)
    assert window.page == "capture"


def test_recording_without_a_project_says_what_is_missing(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot
) -> None:
    connect(window, qtbot, board)
    qtbot.waitUntil(lambda: page.record.isEnabled())
    press(window, qtbot, "record_start")
    assert window.banner.isVisible() and "Ctrl+N" in window.banner.next_step.text()


def test_a_cable_pulled_while_recording_keeps_what_came(
    window: Window, page: CapturePage, board: FakeBoard, qtbot: QtBot, project_path: Path
) -> None:
    window.open_project(project_path)
    connect(window, qtbot, board)
    qtbot.waitUntil(lambda: page.record.isEnabled())
    press(window, qtbot, "record_start")
    board.last.feed("accelerometer", np.ones((60, 3)))
    board.last.lose()
    window.heartbeat._beat()
    assert page.taking.recording_s > 0  # it may come back
    board.last.give_up()
    qtbot.waitUntil(lambda: len(window.session.state.recordings) == 2)
    assert max(r.n_samples.get("accelerometer", 0) for r in window.session.state.recordings) == 60


def test_rates_are_measured_and_read_well() -> None:
    meter = RateMeter()
    rates = [meter.measure(int(100 * t / 10), t / 10) for t in range(40)]
    assert rates[0] == 0 and rates[-1] == pytest.approx(100, rel=0.01)
    assert (rate_text(99.83), rate_text(15999.0)) == ("99.8 Hz", "15.999 kHz")
    assert short("replay:/a/b/wave-001?loop=1") == "replay:…/wave-001" and short("COM7") == "COM7"


@pytest.mark.slow
def test_the_real_virtual_board_streams_into_the_plots(
    qtbot: QtBot, look: object, own_home: Path, project_path: Path
) -> None:
    from studio.app.session import Session

    window = Window(Session())
    qtbot.addWidget(window)
    window.open_project(project_path)
    window.go("capture")
    window.show()
    page = window.pages["capture"]
    press(window, qtbot, "source_connect_virtual")
    qtbot.waitUntil(lambda: window.device.streaming and page.record.isEnabled(), timeout=90_000)
    press(window, qtbot, "record_start")
    qtbot.waitUntil(lambda: page.recorder.clock.text() >= "00:01.0", timeout=20_000)
    press(window, qtbot, "record_stop")
    qtbot.waitUntil(lambda: window.page == "label", timeout=20_000)
    recorded = window.session.state.open_recording
    assert recorded.n_samples["accelerometer"] > 50 and not any(recorded.gaps.values())
    window.close()
    QtCore.QThread.msleep(300)


def test_a_board_that_is_plugged_in_appears_and_goes(window: Window, page: CapturePage, qtbot: QtBot) -> None:
    there: list[Port] = []
    nothing = Eyes(ports=lambda: there, drives=tuple, probes=tuple, ble=lambda _s: (), virtual=tuple)
    page.sources.end()
    page.sources.devices, page.sources._version = DeviceList(nothing, look_s=0.02), -1
    page.sources.begin()

    def titles() -> list[str]:
        return [page.sources.list.item(i).data(TITLE) for i in range(page.sources.list.count())]

    there.append(Port("/dev/ttyACM7", "A board", serial="12345678"))
    qtbot.waitUntil(lambda: "A board" in titles())
    window.device.connect("/dev/ttyACM7?baud=115200")
    page.sources._choose(window.device.url)
    assert page.sources._chosen_url() == "/dev/ttyACM7"
    there.clear()
    qtbot.waitUntil(lambda: "A board" not in titles())
    page.sources.end()


def test_what_only_can_be_flashed_is_listed_but_not_connected(
    window: Window, page: CapturePage, board: FakeBoard
) -> None:
    drive = source_of(Device("k", "Pico", "drive RPI-RP2", (Way("drive", "file:///x", "drive RPI-RP2"),)))
    assert drive.url == "" and drive.note == "drive RPI-RP2"
    page.sources.url.setText("")
    page.sources._connect(drive.url)
    assert window.device.state == "idle"


def test_a_scan_that_cannot_be_says_why(page: CapturePage, qtbot: QtBot) -> None:
    def off(_seconds: float) -> tuple[Port, ...]:
        raise LinkError("Bluetooth", "is off", "Switch it on.")

    page.sources.devices._eyes = Eyes(ble=off)
    page.sources.look()
    qtbot.waitUntil(lambda: "Bluetooth: is off. Switch it on." in page.sources.scanning.text())
