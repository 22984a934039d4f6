"""Many labels at once, points, tracks and rows on the Label page, under real mouse and key events."""

from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import QPoint, Qt

from studio.data.labels import Labels, Segment
from studio.data.pyramid import Pyramid
from studio.data.recording import load, save
from studio.ui.labels import arrange
from studio.ui.labels.group import CLIPBOARD
from studio.ui.labels.rows import Row
from studio.ui.labels.traces import Traces
from studio.ui.pages.label import LabelPage
from studio.ui.plots.envelope import EnvelopeItem
from tests.ui.label_parts import BareShell, drag, make_project, themed

Key, Modifier = Qt.Key, Qt.KeyboardModifier
CTRL, SHIFT, ALT = Modifier.ControlModifier, Modifier.ShiftModifier, Modifier.AltModifier
FOUR = (
    Segment(1.0, 2.0, "wave"), Segment(3.0, 4.0, "tap"), Segment(6.0, 8.0, "tap"), Segment(12.0, 15.0, "idle"),
)  # fmt: skip


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any, qapp: Any) -> LabelPage:
    monkeypatch.setenv("SENSORSMITH_HOME", str(tmp_path / "home"))
    CLIPBOARD.segments = ()
    return open_page(qtbot, qapp, make_project(tmp_path, labels=FOUR))


def open_page(qtbot: Any, qapp: Any, path: Path) -> LabelPage:
    themed(qapp)
    shell = BareShell(path)
    page = LabelPage(shell)
    qtbot.addWidget(page)
    page.resize(1280, 800)
    with qtbot.waitExposed(page):
        page.show()
    shell.open(page)
    qtbot.wait(30)
    return page


def found(page: LabelPage) -> tuple[Segment, ...]:
    return page.shell.session.state.labels.segments


def spans(page: LabelPage) -> list[tuple[Any, Any, str]]:
    return [(pytest.approx(s.start_s, abs=0.03), pytest.approx(s.stop_s, abs=0.03), s.label) for s in found(page)]


def px(page: LabelPage, time_s: float) -> QPoint:
    return page.timeline.px(time_s, 0)


def press(qtbot: Any, page: LabelPage, *keys: Any) -> None:
    for one in keys:
        key, modifiers = one if isinstance(one, tuple) else (one, Modifier.NoModifier)
        qtbot.keyClick(page.timeline, key, modifiers)


def click(qtbot: Any, page: LabelPage, time_s: float, modifiers: Any = Modifier.NoModifier) -> None:
    qtbot.mouseClick(page.timeline.viewport(), Qt.MouseButton.LeftButton, modifiers, px(page, time_s))
    qtbot.wait(5)


def strip(page: LabelPage, name: str) -> Row:
    return next(r for r in page.timeline.strips if r.key == f"track:{name}")


# --- selections ------------------------------------------------------------------------------


def test_a_band_selects_what_it_touches_and_marks_the_stretch(page: LabelPage, qtbot: Any) -> None:
    drag(qtbot, page.timeline, px(page, 2.5), px(page, 7.0), CTRL)
    assert page.edit_.chosen_indices == (1, 2) and found(page) == FOUR
    a, b = page.timeline.marked_s or (0, 0)
    assert a == pytest.approx(2.5, abs=0.05) and b == pytest.approx(7.0, abs=0.05)
    press(qtbot, page, Key.Key_Escape)
    assert page.timeline.marked_s == (3.0, 8.0), "the selection outlives the marked stretch"


def test_ctrl_click_adds_and_takes_shift_click_selects_up_to_there(page: LabelPage, qtbot: Any) -> None:
    click(qtbot, page, 1.5)
    click(qtbot, page, 13.0, CTRL)
    assert page.edit_.chosen_indices == (0, 3)
    click(qtbot, page, 1.5, CTRL)
    assert page.edit_.chosen_indices == (3,)
    click(qtbot, page, 3.5, SHIFT)
    assert page.edit_.chosen_indices == (1, 2, 3)
    press(qtbot, page, (Key.Key_A, CTRL))
    assert page.edit_.chosen_indices == (0, 1, 2, 3)
    assert "4 LABELS" in page.inspector.title.text()


def test_a_group_is_relabelled_moved_and_deleted_in_one_step_each(page: LabelPage, qtbot: Any) -> None:
    session = page.shell.session
    click(qtbot, page, 3.5)
    click(qtbot, page, 7.0, CTRL)
    press(qtbot, page, Key.Key_3)
    assert [s.label for s in found(page)] == ["wave", "idle", "idle", "idle"]
    assert session.undo_text == "Relabel 2 labels as idle" and page.edit_.chosen_indices == (1, 2)
    drag(qtbot, page.timeline, px(page, 3.5), px(page, 5.5))
    assert spans(page)[1:3] == [(5.0, 6.0, "idle"), (8.0, 10.0, "idle")] and session.undo_text == "Move 2 labels"
    assert page.edit_.chosen_indices == (1, 2)
    drag(qtbot, page.timeline, px(page, 9.0), px(page, 19.0))
    assert spans(page)[2] == (10.0, 12.0, "idle"), "they stop at the one that stays"
    press(qtbot, page, Key.Key_Delete)
    assert len(found(page)) == 2 and session.undo_text == "Delete 2 labels"
    for _ in range(4):
        session.undo()
    assert found(page) == FOUR


def test_arrows_move_a_group_by_samples(page: LabelPage, qtbot: Any) -> None:
    click(qtbot, page, 1.5)
    press(qtbot, page, (Key.Key_Down, SHIFT), (Key.Key_Right, SHIFT))
    assert page.edit_.chosen_indices == (0, 1)
    assert [s.start_s for s in found(page)[:2]] == [pytest.approx(1.2), pytest.approx(3.2)]


def test_copy_and_paste_at_the_line_and_into_another_recording(page: LabelPage, qtbot: Any) -> None:
    click(qtbot, page, 3.5)
    click(qtbot, page, 7.0, CTRL)
    press(qtbot, page, (Key.Key_C, CTRL))
    click(qtbot, page, 16.0)
    page.edit_.hover(None)
    press(qtbot, page, (Key.Key_V, CTRL))
    assert spans(page)[4:] == [(16.0, 17.0, "tap"), (19.0, 20.0, "tap")], "cut at the end"
    assert page.edit_.chosen_indices[0] == 4
    page.list.setCurrentIndex(page.lines.index(1))
    assert found(page) == ()
    press(qtbot, page, (Key.Key_V, CTRL))
    assert spans(page) == [(0.0, 1.0, "tap"), (3.0, 5.0, "tap")]


def test_split_merge_and_trim_at_the_line(page: LabelPage, qtbot: Any) -> None:
    click(qtbot, page, 13.0)
    page.edit_.hover(None)
    press(qtbot, page, Key.Key_S)
    assert spans(page)[3:] == [(12.0, 13.0, "idle"), (13.0, 15.0, "idle")]
    press(qtbot, page, (Key.Key_Up), Key.Key_M)
    assert spans(page)[3:] == [(12.0, 15.0, "idle")]
    page.playhead.seek(12.5)
    press(qtbot, page, Key.Key_BracketLeft)
    page.playhead.seek(14.0)
    press(qtbot, page, Key.Key_BracketRight)
    assert spans(page)[3:] == [(12.5, 14.0, "idle")]
    page.playhead.seek(10.0)
    press(qtbot, page, Key.Key_Escape, Key.Key_S)
    assert "no label" in str(page.shell.errors[0])


def test_points_are_added_moved_and_live_inside_labels(page: LabelPage, qtbot: Any) -> None:
    page.edit_.label = "tap"
    click(qtbot, page, 13.0)
    page.edit_.label = "tap"
    page.edit_.hover(None)
    press(qtbot, page, Key.Key_P)
    assert found(page)[4] == Segment(pytest.approx(13.0, abs=0.03), found(page)[4].start_s, "tap")
    page.timeline.grab()
    assert page.timeline.rows[0].marks.n_handles == 1
    press(qtbot, page, (Key.Key_Right, SHIFT))
    assert found(page)[4].start_s == found(page)[4].stop_s == pytest.approx(13.2, abs=0.03)
    drag(qtbot, page.timeline, px(page, found(page)[4].start_s), px(page, 10.0))
    assert found(page)[3].is_point and found(page)[3].start_s == pytest.approx(10.0, abs=0.05)
    press(qtbot, page, Key.Key_Escape)
    page.timeline.grab()
    assert page.timeline.rows[0].layer.n_points == 1


def test_comment_and_confidence_are_on_disk(page: LabelPage, qtbot: Any) -> None:
    click(qtbot, page, 3.5)
    press(qtbot, page, Key.Key_C)
    qtbot.keyClicks(page.inspector.comment, "maybe two")
    qtbot.keyClick(page.inspector.comment, Key.Key_Return)
    page.inspector.sure.setValue(40)
    kept = load(page.shell.session.state.open_recording.path).labels["labels"].segments[1]
    assert (kept.comment, kept.score) == ("maybe two", 0.4) and page.shell.session.undo_text == "Confidence 40%"


def test_a_border_snaps_to_other_labels_when_it_is_told_to(page: LabelPage, qtbot: Any) -> None:
    session = page.shell.session
    session.set_tracks("x", session.state.recording, {"labels:bo": Labels((Segment(9.0, 10.013, "tap"),))})
    page.timeline.look_at(7.5, 12.5)
    drag(qtbot, page.timeline, px(page, 8.5), px(page, 10.02))
    assert found(page)[3].stop_s == 10.013
    session.undo()
    press(qtbot, page, (Key.Key_T, ALT))
    drag(qtbot, page.timeline, px(page, 8.5), px(page, 10.02))
    assert found(page)[3].stop_s == pytest.approx(10.02, abs=0.011) and found(page)[3].stop_s != 10.013


# --- tracks ----------------------------------------------------------------------------------


def test_tracks_are_strips_and_a_click_on_one_edits_it(page: LabelPage, qtbot: Any) -> None:
    session = page.shell.session
    session.set_tracks("x", session.state.recording, {"labels:bo": Labels((Segment(9.0, 10.0, "tap"),))})
    assert [r.key for r in page.timeline.strips] == ["track:labels", "track:labels:bo"]
    there = page.timeline.px_of(strip(page, "labels:bo"), 9.5)
    qtbot.mouseClick(page.timeline.viewport(), Qt.MouseButton.LeftButton, Modifier.NoModifier, there)
    assert session.state.track == "labels:bo" and page.edit_.selected == 0
    press(qtbot, page, Key.Key_Delete)
    assert session.state.open_recording.labels == {"labels": Labels(FOUR), "labels:bo": Labels()}
    press(qtbot, page, Key.Key_T)
    assert session.state.track == "labels" and len(page.edit_.labels) == 4


def test_labels_go_to_another_track_as_copy_or_not(page: LabelPage, qtbot: Any) -> None:
    session = page.shell.session
    page.desk.new_track("labels:ann")
    assert session.state.track == "labels:ann" and found(page) == ()
    press(qtbot, page, Key.Key_T)
    click(qtbot, page, 3.5)
    press(qtbot, page, (Key.Key_D, CTRL))
    click(qtbot, page, 7.0)
    press(qtbot, page, (Key.Key_D, CTRL | SHIFT))
    tracks = session.state.open_recording.labels
    assert tracks["labels:ann"].segments == FOUR[1:3] and tracks["labels"].segments == (FOUR[0], FOUR[1], FOUR[3])
    page.desk.rename_track("labels:ann", "labels:bo")
    page.desk.delete_track("labels:bo")
    assert list(session.state.open_recording.labels) == ["labels"]
    session.undo()
    assert session.state.open_recording.labels["labels:bo"].segments == FOUR[1:3]
    page.desk.new_track("labels")
    assert "exists already" in str(page.shell.errors[0])


# --- rows ------------------------------------------------------------------------------------


def test_rows_are_hidden_moved_and_remembered(page: LabelPage, qtbot: Any, qapp: Any) -> None:
    keys = lambda p: [r.key for r in p.timeline.rows]  # noqa: E731
    assert keys(page) == ["stream:accel", "stream:mic", "spectrogram:mic"]
    page.timeline.current = "stream:mic"
    press(qtbot, page, (Key.Key_Up, CTRL | SHIFT))
    assert keys(page) == ["stream:mic", "stream:accel", "spectrogram:mic"]
    before = page.timeline.rows[0].plot.size().height()
    press(qtbot, page, (Key.Key_Up, CTRL | ALT), (Key.Key_Up, CTRL | ALT))
    qtbot.wait(20)
    assert page.timeline.rows[0].plot.size().height() == pytest.approx(before + 40, abs=4)
    page.timeline.current = "spectrogram:mic"
    press(qtbot, page, Key.Key_H)
    assert keys(page) == ["stream:mic", "stream:accel"]
    again = open_page(qtbot, qapp, page.shell.session.state.project.path)
    assert keys(again) == ["stream:mic", "stream:accel"]
    press(qtbot, again, (Key.Key_H, SHIFT))
    assert keys(again) == ["stream:mic", "stream:accel", "spectrogram:mic"]


def test_the_border_of_a_row_is_dragged_and_its_heading_moves_it(page: LabelPage, qtbot: Any) -> None:
    row = page.timeline.rows[0]
    before, bottom = row.plot.size().height(), row.plot.sceneBoundingRect().bottom()
    start = QPoint(300, round(bottom))
    drag(qtbot, page.timeline, start, start + QPoint(0, 60))
    qtbot.wait(20)
    assert row.plot.size().height() == pytest.approx(before + 60, abs=4)
    assert arrange.load(page.shell.session.state.project.path).heights["stream:accel"] == pytest.approx(
        before + 60, abs=4
    )
    assert found(page) == FOUR
    head = page.timeline.rows[1].head.sceneBoundingRect().center().toPoint()
    drag(qtbot, page.timeline, head, QPoint(head.x(), 4))
    assert [r.key for r in page.timeline.rows][:2] == ["stream:mic", "stream:accel"]


def test_the_rows_panel_hides_a_track_and_the_history_goes_back(page: LabelPage, qtbot: Any) -> None:
    page.side.show_panel("rows")
    panel = page.side.panel("rows")
    view = panel.findChild(QtWidgets.QListWidget, "rows_list")
    view.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert [r.key for r in page.timeline.rows] == ["stream:accel", "spectrogram:mic"]
    click(qtbot, page, 3.5)
    press(qtbot, page, Key.Key_1, Key.Key_Delete)
    page.side.show_panel("history")
    page.tick()
    steps = page.side.panel("history").list
    assert [steps.item(i).text() for i in range(steps.count())] == [
        "As it was opened", "Relabel tap as wave", "Delete label wave",
    ]  # fmt: skip
    steps.setCurrentRow(0)
    page.side.panel("history").go()
    assert found(page) == FOUR and page.shell.session.redo_text == "Relabel tap as wave"


# --- classes ---------------------------------------------------------------------------------


def test_classes_are_merged_deleted_moved_and_get_keys(page: LabelPage, qtbot: Any) -> None:
    session = page.shell.session
    names = lambda: [c.name for c in session.state.project.classes]  # noqa: E731
    page.edit_.assign("tap")
    press(qtbot, page, (Key.Key_Up, ALT))
    assert names() == ["tap", "wave", "idle"]
    page.asks.set_class_key("tap", "7")
    press(qtbot, page, Key.Key_2)
    click(qtbot, page, 1.5)
    press(qtbot, page, Key.Key_7)
    assert found(page)[0].label == "tap"
    page.asks.set_class_key("tap", "n")
    assert "Next event" in str(page.shell.errors[0])
    page.asks.merge_class("tap", "idle")
    assert names() == ["wave", "idle"] and {s.label for s in found(page)} == {"idle"}
    page.edit_.pick(None)
    page.edit_.assign("idle")
    press(qtbot, page, (Key.Key_Delete, ALT))
    assert names() == ["wave"] and found(page) == ()
    for _ in range(5):
        session.undo()
    assert found(page) == FOUR and names() == ["wave", "tap", "idle"]


def test_labels_past_the_end_of_another_recording_are_refused_and_nothing_is_lost(page: LabelPage) -> None:
    session = page.shell.session
    page.edit("Import", Labels((Segment(5.0, 99.0, "late"),)), None)
    assert "past the end" in str(page.shell.errors[0]) and found(page) == FOUR
    kept = load(session.state.open_recording.path)
    assert kept.labels["labels"].segments == FOUR
    save(kept)


def test_the_menu_of_a_right_click_acts_on_all_that_is_selected(page: LabelPage, qtbot: Any) -> None:
    page.edit_.pick(1, (2,))

    class Event:
        def screenPos(self) -> Any:
            return QtGui.QCursor.pos().toPointF()

    page.hands.menu(3.5, Event())
    menu = page.findChild(QtWidgets.QMenu)
    texts = [a.text() for a in menu.actions()]
    assert any(t.startswith("Delete 2 labels") for t in texts)
    next(a for a in menu.actions() if a.text().startswith("Merge")).trigger()
    menu.close()
    assert spans(page)[1] == (3.0, 8.0, "tap")


def test_traces_over_each_other_look_as_if_each_were_painted(qapp: Any, qtbot: Any) -> None:
    rng = np.random.default_rng(2)
    pyramid = Pyramid((rng.normal(0, 900, (40_000, 5)) * [1, 2, 0.5, 1, 1.5]).astype("<i2"))
    gaps, lanes = ((9000, 2000),), [0, 1, 2, 3, 4]
    pictures = []
    for items in (
        [EnvelopeItem(pyramid, c, 100.0, 0.01, gaps, c) for c in lanes],
        [Traces(pyramid, 100.0, 0.01, gaps, lanes)],
    ):
        view = pg.PlotWidget()
        qtbot.addWidget(view)
        view.resize(700, 300)
        for item in items:
            view.addItem(item)
        for left, right in ((0, 400), (85, 120), (10.0, 10.5)):
            view.setXRange(left, right, padding=0)
            image = view.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB32)
            pictures.append(np.frombuffer(image.constBits(), np.uint32).copy())
    for one, other in zip(pictures[:3], pictures[3:], strict=True):
        assert (one != other).mean() < 0.0005
