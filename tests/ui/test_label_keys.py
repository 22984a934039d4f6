"""Keyboard only: a hundred events of twenty minutes, labelled by real key events and judged against the truth.

The model of time, stated so that the figures can be checked: each key press takes 0.2 s (a practised typist's pace),
and before each class key the person looks at the event for 0.8 s to know what it is. Playing takes what it takes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.data.labels import Labels, Segment
from studio.data.project import create, new_recording_path, save, with_classes
from studio.data.recording import load, write
from studio.data.stream import Stream
from studio.ui.commands import sheet
from studio.ui.labels import reaction
from studio.ui.labels.paint import TAP_S
from studio.ui.pages.label import LabelPage
from tests.ui.label_parts import BareShell, make_project, themed

Key, Modifier = Qt.Key, Qt.KeyboardModifier
ACC = Stream("acc", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
CLASSES = ("wave", "tap", "shake")
KEY_S, LOOK_S = 0.2, 0.8


@dataclass
class Typist:
    """Presses keys on the page and counts them."""

    page: LabelPage
    n_keys: int = 0

    def press(self, key: Any, modifiers: Any = Modifier.NoModifier) -> None:
        self.down(key, modifiers)
        self.up(key, modifiers)

    def down(self, key: Any, modifiers: Any = Modifier.NoModifier) -> None:
        self.n_keys += 1
        self._send(QtCore.QEvent.Type.KeyPress, key, modifiers)

    def up(self, key: Any, modifiers: Any = Modifier.NoModifier) -> None:
        self._send(QtCore.QEvent.Type.KeyRelease, key, modifiers)

    def _send(self, kind: Any, key: Any, modifiers: Any) -> None:
        text = QtGui.QKeySequence(key).toString().lower() if key < 256 else ""
        QtWidgets.QApplication.sendEvent(self.page.timeline, QtGui.QKeyEvent(kind, key, modifiers, text))


@dataclass
class Clock:
    """A clock that the test turns."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def open_page(qtbot: Any, qapp: Any, path: Path) -> tuple[LabelPage, BareShell]:
    themed(qapp)
    shell = BareShell(path)
    page = LabelPage(shell)
    qtbot.addWidget(page)
    page.resize(1280, 748)
    with qtbot.waitExposed(page):
        page.show()
    shell.open(page)
    return page, shell


def twenty_minutes(folder: Path) -> tuple[Path, list[Segment]]:
    """A hundred motions of three kinds in noise, at uneven times, and what they are."""
    rng = np.random.default_rng(4)
    raw = rng.normal(0, 60, (120_000, 3))
    truth, at = [], 400
    for i in range(100):
        at += int(rng.integers(300, 1400)) if i else 0
        n, kind = int(rng.integers(60, 350)), int(rng.integers(0, 3))
        t = np.arange(n) / 100
        hz, strength = ((1.7, 4000), (11.0, 2500), (5.5, 6500))[kind]
        shape = strength * np.cos(2 * np.pi * hz * t) * (1 - 0.5 * np.arange(n) / n)
        raw[at : at + n] += np.stack([shape, 0.6 * np.roll(shape, 3), 0.3 * shape], 1)
        truth.append(Segment(at / 100, (at + n) / 100, CLASSES[kind]))
        at += n
    project = create(folder / "long", "Long")
    save(type(project)(project.path, project.name, with_classes((), CLASSES)))
    write(new_recording_path(project, "walk"), [(ACC, raw.astype("<i2"))])
    assert at < len(raw)
    return project.path, truth


def test_a_hundred_events_of_twenty_minutes_in_under_three(
    qtbot: Any, qapp: Any, tmp_path: Path, record_property: Any
) -> None:
    path, truth = twenty_minutes(tmp_path)
    page, shell = open_page(qtbot, qapp, path)
    typist, looks = Typist(page), 0
    while True:
        typist.press(Key.Key_N)
        marked = page.edit_.range_s
        if marked is None:
            break
        left, right = page.timeline.visible_s
        assert left <= marked[0] and marked[1] <= right, "who labels must see it"
        looks += 1
        kind = max(truth, key=lambda s: min(s.stop_s, marked[1]) - max(s.start_s, marked[0])).label
        typist.press((Key.Key_1, Key.Key_2, Key.Key_3)[CLASSES.index(kind)])
        if looks > 150:
            pytest.fail("it goes on and on")
    seconds = typist.n_keys * KEY_S + looks * LOOK_S
    record_property("keys_per_label", typist.n_keys / len(truth))
    record_property("seconds_per_label", seconds / len(truth))
    made = load(shell.session.state.open_recording.path).labels["labels"].segments
    assert [s.label for s in made] == [s.label for s in truth]
    off = [
        abs(a - b) for m, t in zip(made, truth, strict=True) for a, b in ((m.start_s, t.start_s), (m.stop_s, t.stop_s))
    ]
    print(f"{typist.n_keys} keys, {seconds:.0f} s, worst border {1000 * max(off):.0f} ms")
    assert max(off) <= 0.05
    assert seconds < 180 and typist.n_keys <= 2 * len(truth) + 2


def playing(page: LabelPage, at: float, speed: float) -> Clock:
    """The page's playhead, moving by a clock that the test turns."""
    clock = Clock()
    page.playhead._clock = page.desk.brush._clock = clock
    page.playhead.seek(at)
    page.playhead.set_speed(speed)
    return clock


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_holding_a_class_key_paints_what_the_person_saw(qtbot: Any, qapp: Any, tmp_path: Path, speed: float) -> None:
    page, _ = open_page(qtbot, qapp, make_project(tmp_path))
    reaction.keep("ann", 0.3)
    typist, clock = Typist(page), playing(page, 2.0, speed)
    typist.press(Key.Key_Space)
    assert page.playhead.playing
    clock.now += 1.3  # the person saw it begin 0.3 s ago
    typist.down(Key.Key_2)
    for _ in range(6):
        clock.now += 0.25
        page.tick()
    assert page.edit_.draft is not None and page.edit_.draft.label == "tap"
    typist.up(Key.Key_2)
    made = page.shell.session.state.labels.segments
    assert len(made) == 1 and made[0].label == "tap"
    assert made[0].start_s == pytest.approx(2.0 + 1.0 * speed, abs=0.021)
    assert made[0].stop_s == pytest.approx(2.0 + 2.5 * speed, abs=0.021)
    assert page.shell.session.undo_text == "Paint tap"
    page.shell.session.undo()
    assert page.shell.session.state.labels == Labels()
    typist.press(Key.Key_K)
    assert not page.playhead.playing


def test_a_tap_leaves_a_point_and_a_second_class_ends_the_first(qtbot: Any, qapp: Any, tmp_path: Path) -> None:
    page, shell = open_page(qtbot, qapp, make_project(tmp_path))
    reaction.keep("ann", 0.0)
    typist, clock = Typist(page), playing(page, 1.0, 1.0)
    typist.press(Key.Key_Space)
    clock.now += 1.0
    typist.down(Key.Key_1)
    clock.now += TAP_S / 2
    typist.up(Key.Key_1)
    clock.now += 1.0
    typist.down(Key.Key_1)
    clock.now += 1.0
    typist.down(Key.Key_2)
    clock.now += 1.0
    typist.up(Key.Key_1)
    typist.up(Key.Key_2)
    found = shell.session.state.labels.segments
    assert [(s.label, s.is_point) for s in found] == [("wave", True), ("wave", False), ("tap", False)]
    assert found[1].stop_s == found[2].start_s == pytest.approx(4.08, abs=0.02)


def test_jumps_go_to_borders_gaps_and_doubts(qtbot: Any, qapp: Any, tmp_path: Path) -> None:
    track = (Segment(2.0, 4.0, "wave"), Segment(6.0, 8.0, "tap", 0.5), Segment(8.0, 9.0, "idle"))
    page, shell = open_page(qtbot, qapp, make_project(tmp_path, labels=track))
    typist = Typist(page)
    stood = []
    for _ in range(6):
        typist.press(Key.Key_B)
        stood.append(page.playhead.time_s)
    assert stood == [2.0, 4.0, 6.0, 8.0, 9.0, 9.0] and shell.said[-1] == "No further border"
    typist.press(Key.Key_B, Modifier.ShiftModifier)
    assert page.playhead.time_s == 8.0
    typist.press(Key.Key_Home)
    typist.press(Key.Key_U)
    assert page.edit_.selected == 1 and page.playhead.time_s == 6.0
    typist.press(Key.Key_Q)
    assert shell.session.state.labels.segments[1].score == 1.0
    typist.press(Key.Key_Escape)
    typist.press(Key.Key_Home)
    typist.press(Key.Key_G)
    assert page.timeline.marked_s == (4.0, 6.0)
    typist.press(Key.Key_3)
    assert shell.session.state.labels.segments[1] == Segment(4.0, 6.0, "idle")
    typist.press(Key.Key_G)
    assert page.timeline.marked_s == (9.0, 20.0)


def test_the_reaction_is_measured_by_the_flash_and_kept_for_the_person(qtbot: Any, qapp: Any, tmp_path: Path) -> None:
    themed(qapp)
    clock = Clock()
    dialog = reaction.Calibration(None, clock, seed=1)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.who.setText("bo")
    dialog.begin_button.click()
    qtbot.keyClick(dialog, Key.Key_Space)
    assert "Too early" in dialog.words.text() and dialog.times_s == []
    for late in (0.31, 0.29, 2.5, 0.30, 0.33, 0.01, 0.28, 0.30):
        dialog.flash()
        clock.now += late
        qtbot.keyClick(dialog, Key.Key_Space)
    assert dialog.save_button.isEnabled()
    dialog.save_button.click()
    assert reaction.reaction_s("bo") == pytest.approx(0.30) and reaction.person() == "bo"
    assert reaction.reaction_s("somebody else") == reaction.USUAL_S and not dialog.isVisible()
    assert reaction.measured([0.3, 5.0]) is None


def test_every_action_has_a_key_of_its_own_and_stands_on_the_sheet(qtbot: Any, qapp: Any, tmp_path: Path) -> None:
    page, shell = open_page(qtbot, qapp, make_project(tmp_path))
    actions = page.actions()
    assert len({a.name for a in actions}) == len(actions) > 70
    assert all(a.keys and a.title for a in actions)
    page.asks.save_keys(tmp_path / "keys.html")
    text = (tmp_path / "keys.html").read_text(encoding="utf-8")
    assert all(sheet.escape(a.title) in text for a in actions) and "wave" in text
    page.asks.save_keys(tmp_path / "keys.pdf")
    assert (tmp_path / "keys.pdf").read_bytes().startswith(b"%PDF") and shell.errors == []
    page.asks.save_keys(tmp_path / "nowhere" / "keys.html")
    assert "cannot be written" in str(shell.errors[0])


def test_a_button_names_the_key_of_its_action(qtbot: Any, qapp: Any, tmp_path: Path) -> None:
    page, _ = open_page(qtbot, qapp, make_project(tmp_path))
    page.side.show_panel("rows")
    actions = {a.name: a for a in page.actions()}
    seen = []
    for widget in [*page.findChildren(QtWidgets.QAbstractButton), *page.toolbar()]:
        if (action := actions.get(widget.objectName())) is not None:
            seen.append(action.name)
            keys = QtGui.QKeySequence(action.keys[0]).toString(QtGui.QKeySequence.SequenceFormat.NativeText)
            assert f"({keys}" in widget.toolTip() or f"{keys})" in widget.toolTip() or "Delete" in widget.toolTip()
    assert {"play_toggle", "play_loop", "label_delete", "label_add"} <= set(seen)


def test_the_palette_finds_an_action_of_the_page_and_does_it(window: Any, qtbot: Any, project_path: Path) -> None:
    window.open_project(project_path)
    window.go("label")
    page = window.pages["label"]
    keys = {s.key().toString() for s in window.findChildren(QtGui.QShortcut)}
    assert {"Ctrl+K", "Ctrl+Shift+P"} <= keys
    window.open_palette()
    palette = window.findChild(QtWidgets.QDialog, "command_palette")
    names = [palette.found.item(i).text() for i in range(palette.found.count())]
    assert {a.title for a in page.actions()} <= set(names)
    qtbot.keyClicks(palette.typed, "nxt bound")
    qtbot.keyClick(palette.typed, Key.Key_Return)
    qtbot.waitUntil(lambda: page.playhead.time_s == 1.0, timeout=2000)
