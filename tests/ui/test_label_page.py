"""The Label page under real mouse and key events."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import QPoint, Qt

from studio.data.labels import Labels, Segment
from studio.data.project import new_recording_path
from studio.data.recording import load, write
from studio.errors import DataError
from studio.ui.labels.axis import TimeAxis
from studio.ui.labels.layer import CROWD, STRIP_PX
from studio.ui.pages import label as label_module
from studio.ui.pages.label import LabelPage
from tests.ui.label_parts import ACCEL, BareShell, drag, hold, make_project, themed

Key, Modifier = Qt.Key, Qt.KeyboardModifier
THREE = (Segment(2.0, 4.0, "wave"), Segment(6.0, 8.0, "tap"), Segment(12.0, 15.0, "idle"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SENSORSMITH_HOME", str(tmp_path / "home"))
    return tmp_path


def open_page(qtbot: Any, qapp: Any, path: Path | None) -> tuple[LabelPage, BareShell]:
    themed(qapp)
    shell = BareShell(path)
    page = LabelPage(shell)
    qtbot.addWidget(page)
    page.resize(1200, 700)
    with qtbot.waitExposed(page):
        page.show()
    shell.open(page)
    qtbot.wait(30)
    return page, shell


@pytest.fixture
def page(home: Path, qtbot: Any, qapp: Any) -> LabelPage:
    made, _ = open_page(qtbot, qapp, make_project(home, labels=THREE))
    return made


def found(page: LabelPage) -> tuple[Segment, ...]:
    return page.shell.session.state.labels.segments


def px(page: LabelPage, time_s: float, row: int = 0) -> QPoint:
    return page.timeline.px(time_s, row)


def keys(qtbot: Any, page: LabelPage, *pressed: Any) -> None:
    for one in pressed:
        key, modifiers = one if isinstance(one, tuple) else (one, Modifier.NoModifier)
        qtbot.keyClick(page.timeline, key, modifiers)


def test_a_drag_on_empty_ground_adds_a_label_that_is_on_disk_and_can_be_undone(page: LabelPage, qtbot: Any) -> None:
    session = page.shell.session
    qtbot.keyClick(page.timeline, Key.Key_2)
    drag(qtbot, page.timeline, px(page, 9.0), px(page, 11.0))
    made = found(page)[2]
    assert (
        made.label == "tap"
        and made.start_s == pytest.approx(9, abs=0.05)
        and made.stop_s == pytest.approx(11, abs=0.05)
    )
    assert (made.start_s * 50) == pytest.approx(round(made.start_s * 50)), "snapped to a sample of the row"
    assert session.undo_text == "Add label tap" and session.state.selected == 2
    assert load(session.state.open_recording.path).labels["labels"] == session.state.labels
    session.undo()
    assert found(page) == THREE and page.edit_.labels.segments == THREE
    session.redo()
    assert found(page)[2] == made


def test_the_row_under_the_mouse_gives_the_samples_to_snap_to(page: LabelPage, qtbot: Any) -> None:
    left, right = 9.0, 9.25
    page.timeline.look_at(left - 0.5, right + 0.5)
    drag(qtbot, page.timeline, px(page, left, 1), px(page, right, 1))
    made = found(page)[2]
    assert page.edit_.rate_hz == 1000.0
    assert made.start_s * 1000 == pytest.approx(round(made.start_s * 1000), abs=1e-6)


def test_a_drag_inside_moves_and_an_edge_resizes(page: LabelPage, qtbot: Any) -> None:
    drag(qtbot, page.timeline, px(page, 7.0), px(page, 9.0))
    moved = found(page)[1]
    assert moved.start_s == pytest.approx(8, abs=0.06) and moved.stop_s - moved.start_s == pytest.approx(2)
    assert page.shell.session.undo_text == "Move label tap"
    drag(qtbot, page.timeline, px(page, 15.0), px(page, 17.0))
    assert found(page)[2].stop_s == pytest.approx(17, abs=0.06) and found(page)[2].start_s == 12.0
    assert page.shell.session.undo_text == "Resize label idle"


def test_a_drag_over_a_neighbour_stops_at_it(page: LabelPage, qtbot: Any) -> None:
    drag(qtbot, page.timeline, px(page, 5.0), px(page, 18.0))
    made = found(page)[1]
    assert made.stop_s == 6.0 and len(found(page)) == 4


def test_click_selects_and_keys_delete_relabel_and_nudge(page: LabelPage, qtbot: Any) -> None:
    port = page.timeline.viewport()
    qtbot.mouseClick(port, Qt.MouseButton.LeftButton, pos=px(page, 7.0))
    assert page.shell.session.state.selected == 1
    keys(qtbot, page, Key.Key_Right, (Key.Key_Right, Modifier.ShiftModifier))
    assert found(page)[1].start_s == pytest.approx(6.0 + 11 / 50)
    keys(qtbot, page, (Key.Key_Left, Modifier.AltModifier), (Key.Key_Right, Modifier.ControlModifier))
    assert found(page)[1].stop_s == pytest.approx(8.0 + 10 / 50)
    assert found(page)[1].start_s == pytest.approx(6.0 + 12 / 50)
    keys(qtbot, page, Key.Key_3)
    assert found(page)[1].label == "idle" and page.shell.session.undo_text == "Relabel tap as idle"
    keys(qtbot, page, Key.Key_Delete)
    assert [s.label for s in found(page)] == ["wave", "idle"] and page.shell.session.undo_text == "Delete label idle"
    qtbot.mouseClick(port, Qt.MouseButton.LeftButton, pos=px(page, 10.0))
    assert page.shell.session.state.selected is None


def test_a_held_arrow_is_one_step_of_undo(page: LabelPage, qtbot: Any) -> None:
    page.edit_.pick(0)
    for n in range(5):
        event = QtGui.QKeyEvent(QtGui.QKeyEvent.Type.KeyPress, Key.Key_Right, Modifier.NoModifier, "", n > 0)
        page.timeline.keyPressEvent(event)
        if n < 4:  # a held key comes up and goes down again and again
            up = QtGui.QKeyEvent(QtGui.QKeyEvent.Type.KeyRelease, Key.Key_Right, Modifier.NoModifier, "", True)
            page.timeline.keyReleaseEvent(up)
    assert found(page) == THREE
    qtbot.keyRelease(page.timeline, Key.Key_Right)
    assert found(page)[0].start_s == pytest.approx(2.1)
    page.shell.session.undo()
    assert found(page) == THREE


def test_escape_drops_a_drag_even_when_the_mouse_moves_on(page: LabelPage, qtbot: Any) -> None:
    hold(qtbot, page.timeline, px(page, 9.0), px(page, 11.0))
    assert page.edit_.draft is not None
    keys(qtbot, page, Key.Key_Escape)
    qtbot.mouseMove(page.timeline.viewport(), px(page, 10.0))
    qtbot.wait(12)
    qtbot.mouseRelease(page.timeline.viewport(), Qt.MouseButton.LeftButton, pos=px(page, 10.0))
    assert found(page) == THREE and page.edit_.draft is None


def test_shift_drag_pans_and_the_wheel_zooms_to_the_mouse(page: LabelPage, qtbot: Any) -> None:
    page.timeline.look_at(5.0, 10.0)
    drag(qtbot, page.timeline, px(page, 8.0), px(page, 7.0), Modifier.ShiftModifier)
    left, right = page.timeline.visible_s
    assert left == pytest.approx(6.0, abs=0.1) and right - left == pytest.approx(5.0)
    assert found(page) == THREE
    before = page.timeline.visible_s
    at = px(page, 9.0)
    place, port = page.timeline.viewport().mapToGlobal(at), page.timeline.viewport()
    none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    points = (at.toPointF(), place.toPointF(), QPoint(), QPoint(0, 240))
    wheel = QtGui.QWheelEvent(*points, none, Modifier.NoModifier, phase, False)
    QtWidgets.QApplication.sendEvent(port, wheel)
    left, right = page.timeline.visible_s
    assert right - left < 0.7 * (before[1] - before[0])
    assert px(page, 9.0).x() == pytest.approx(at.x(), abs=2)
    keys(qtbot, page, Key.Key_F)
    assert page.timeline.visible_s == (0.0, 20.0)


def test_a_label_can_be_made_without_a_mouse(page: LabelPage, qtbot: Any) -> None:
    keys(qtbot, page, Key.Key_1, Key.Key_A)
    made = found(page)[page.shell.session.state.selected]
    assert made.label == "wave" and len(found(page)) == 4 and made.stop_s - made.start_s == pytest.approx(2.0)
    page.add.click()
    assert len(found(page)) == 5
    keys(qtbot, page, Key.Key_Escape, Key.Key_Up)
    assert page.shell.session.state.selected is not None


def test_the_fields_place_and_rename_the_selected_label(page: LabelPage, qtbot: Any) -> None:
    page.edit_.pick(1)
    page.inspector.show_edit()
    assert page.inspector.start.value() == 6.0
    page.inspector.stop.setValue(9.0)
    assert found(page)[1].stop_s == 9.0
    page.inspector.name.lineEdit().setText("clap")
    qtbot.keyClick(page.inspector.name.lineEdit(), Key.Key_Return)
    assert found(page)[1].label == "clap"
    assert "clap" in [c.name for c in page.shell.session.state.project.classes]
    page.shell.session.undo()
    assert found(page)[1].label == "tap" and len(page.shell.session.state.project.classes) == 3


def test_a_class_is_added_renamed_and_kept_while_labels_use_it(page: LabelPage, qtbot: Any) -> None:
    shell = page.shell
    page.inspector.new_name.setText("jump")
    page.inspector.add.click()
    assert [c.name for c in shell.session.state.project.classes] == ["wave", "tap", "idle", "jump"]
    at = page.inspector.lines.index(0)
    assert page.inspector.lines.setData(at, "swing")
    assert found(page)[0].label == "swing" and shell.session.undo_text == "Rename class wave to swing"
    page.inspector.classes.setCurrentIndex(page.inspector.lines.index(1))
    page.inspector.remove.click()
    assert len(shell.errors) == 1 and "is on 1 labels" in str(shell.errors[0])
    page.inspector.classes.setCurrentIndex(page.inspector.lines.index(3))
    page.inspector.remove.click()
    assert [c.name for c in shell.session.state.project.classes] == ["swing", "tap", "idle"]


def test_the_first_label_of_a_project_without_classes_asks_for_its_name(home: Path, qtbot: Any, qapp: Any) -> None:
    page, shell = open_page(qtbot, qapp, make_project(home, 1, classes=()))
    drag(qtbot, page.timeline, px(page, 2.0), px(page, 5.0))
    assert [s.label for s in found(page)] == ["event"]
    assert [c.name for c in shell.session.state.project.classes] == ["event"]
    page.inspector.name.lineEdit().setText("clap")
    qtbot.keyClick(page.inspector.name.lineEdit(), Key.Key_Return)
    assert [s.label for s in found(page)] == ["clap"] and page.edit_.label == "clap"


def test_the_overview_moves_the_window_of_time(page: LabelPage, qtbot: Any) -> None:
    page.timeline.look_at(0.0, 5.0)
    view = page.overview
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(view.width() // 2, 20))
    left, right = page.timeline.visible_s
    assert (left + right) / 2 == pytest.approx(10.0, abs=0.1)


def test_another_recording_opens_from_the_list(page: LabelPage, qtbot: Any) -> None:
    page.list.setCurrentIndex(page.lines.index(1))
    assert page.shell.session.state.recording == "session-002"
    assert found(page) == () and len(page.timeline.rows) == 3
    page.edit_.label = "wave"
    drag(qtbot, page.timeline, px(page, 1.0), px(page, 3.0))
    assert len(found(page)) == 1
    page.list.setCurrentIndex(page.lines.index(0))
    assert found(page) == THREE


def test_rows_keep_their_height_when_another_recording_has_fewer_streams(page: LabelPage, qtbot: Any) -> None:
    project = page.shell.session.state.project
    write(new_recording_path(project, "session"), [(ACCEL, np.ones((900, 3), "<i2"))])
    page.shell.session.reload()
    heights = []
    for row in (2, 0, 2):
        page.list.setCurrentIndex(page.lines.index(row))
        qtbot.wait(40)
        heights.append([round(r.plot.vb.height()) for r in page.timeline.rows])
    assert [len(h) for h in heights] == [1, 3, 1]
    assert sum(heights[1]) > 350 and heights[0] == heights[2] and heights[0][0] > 400


def test_long_times_read_as_minutes() -> None:
    axis = TimeAxis("bottom")
    axis.setRange(0, 2050)
    assert axis.tickSpacing(0, 2050, 680) == [(300.0, 0.0)]
    assert axis.tickStrings([0, 300, 3900], 1, 300) == ["0:00", "5:00", "1:05:00"]
    axis.setRange(100, 101)
    assert axis.tickStrings([100.25], 1, 0.25) == ["1:40.25"]
    axis.setRange(0, 20)
    assert axis.tickStrings([2.5, 12], 1, 2.5) == ["2.5 s", "12.0 s"]


def test_the_table_shows_the_labels_as_text_and_selects_them(page: LabelPage, qtbot: Any) -> None:
    page.as_table.click()
    model = page.table_model
    shown = [model.data(model.index(1, c)) for c in range(4)]
    assert shown == ["tap", "6.000", "8.000", "2.000"]
    page.table.selectRow(2)
    assert page.shell.session.state.selected == 2


def test_twenty_thousand_labels_cost_a_bounded_number_of_rectangles(home: Path, qtbot: Any, qapp: Any) -> None:
    many = tuple(Segment(i * 0.01, i * 0.01 + 0.008, ("wave", "tap")[i * i // 3 % 2]) for i in range(20_000))
    page, _ = open_page(qtbot, qapp, make_project(home, 1, many, seconds=200.0))
    layer = page.timeline.rows[0].layer
    page.timeline.grab()
    width = page.timeline.width()
    assert width / 4 < layer.n_rects <= width and layer.n_names == 0
    page.timeline.look_at(100.0, 101.0)
    page.timeline.grab()
    assert 95 <= layer.n_rects <= 105
    assert page.edit_.table.at(100.002) == 10_000
    assert CROWD > 105 and STRIP_PX < 20


def test_labels_painted_are_those_in_view(page: LabelPage, qtbot: Any) -> None:
    layer = page.timeline.rows[0].layer
    page.timeline.look_at(5.0, 10.0)
    page.timeline.grab()
    assert layer.n_rects == 1 and layer.n_names == 1
    page.edit_.pick(1)
    page.timeline.grab()
    assert layer.n_rects == 1, "the selected label is painted once"


def test_the_page_without_recordings_says_what_to_do(home: Path, qtbot: Any, qapp: Any) -> None:
    page, shell = open_page(qtbot, qapp, make_project(home, recordings=0))
    assert page.stack.currentIndex() == 0 and not page.add.isEnabled()
    page.findChild(QtWidgets.QPushButton, "capture_open").click()
    assert shell.went == ["capture"]
    nothing, _ = open_page(qtbot, qapp, None)
    assert nothing.stack.currentIndex() == 0


def test_a_recording_without_samples_opens(home: Path, qtbot: Any, qapp: Any) -> None:
    page, _ = open_page(qtbot, qapp, make_project(home, 1, seconds=0.0))
    assert page.timeline.rows == [] and page.edit_.labels == Labels()


def test_every_acting_widget_is_named_for_tests_and_screen_readers(page: LabelPage) -> None:
    acting = (
        QtWidgets.QPushButton,
        QtWidgets.QComboBox,
        QtWidgets.QDoubleSpinBox,
        QtWidgets.QListView,
        QtWidgets.QTableView,
    )
    widgets = [w for kind in acting for w in page.findChildren(kind) if "qt_" not in w.objectName()]
    lists = [
        w for w in widgets if not w.objectName().endswith("_list") or w.objectName() in ("class_list", "recording_list")
    ]
    assert len(lists) > 12
    for widget in lists:
        assert widget.objectName() and widget.accessibleName() and widget.toolTip(), widget


def test_handles_lie_over_the_traces_of_every_row(page: LabelPage, qtbot: Any) -> None:
    page.edit_.pick(1)
    page.timeline.grab()
    assert [row.marks.n_handles for row in page.timeline.rows] == [2, 2, 2]
    page.timeline.look_at(7.0, 12.0)
    page.timeline.grab()
    assert page.timeline.rows[0].marks.n_handles == 1, "the start is out of view"


def test_a_long_recording_is_read_beside_the_window(home: Path, qtbot: Any, qapp: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(label_module, "AT_ONCE", 10)
    page, shell = open_page(qtbot, qapp, make_project(home, labels=THREE))
    assert page.timeline.rows == [] and len(shell.watches) == 1
    qtbot.waitUntil(lambda: shell.beat() or bool(page.timeline.rows), timeout=5000)
    assert len(page.timeline.rows) == 3 and page.timeline.visible_s == (0.0, 20.0)
    drag(qtbot, page.timeline, px(page, 9.0), px(page, 10.0))
    assert len(found(page)) == 4


def test_a_full_disk_is_told_and_the_label_is_not_shown(page: LabelPage, qtbot: Any, monkeypatch: Any) -> None:
    def full(*_: Any) -> None:
        raise DataError("disk", "is full", "Free some space.")

    monkeypatch.setattr("studio.data.edits.append", full)
    drag(qtbot, page.timeline, px(page, 9.0), px(page, 11.0))
    assert [str(e) for e in page.shell.errors] == ["disk: is full. Free some space."]
    assert page.edit_.labels.segments == THREE and page.edit_.draft is None


def test_the_help_card_names_the_keys(page: LabelPage) -> None:
    page.keys.click()
    assert page.help.isVisible() and "Del  Backspace: Delete" in page.help.accessibleName()
    page.help.hide()
