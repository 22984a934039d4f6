"""The panels of proposals and reviews under real key and mouse events; every decision is one step of undo."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6 import QtWidgets
from PySide6.QtCore import QPoint, Qt

from studio.app import proposals, reviewing
from studio.app.proposals import WindowMap
from studio.data.labels import Labels, Segment
from studio.data.recording import load
from studio.learn.propose import PROPOSERS
from studio.learn.propose.alike import Alike
from studio.learn.propose.energy import Energy
from studio.learn.propose.judge import Met
from studio.progress import finish
from studio.ui.pages.label import LabelPage
from studio.ui.review import PANELS
from studio.ui.review.queue import DIFFER, SUSPECTS, UNSURE
from tests.app.proposing import people
from tests.ui.label_parts import BareShell, themed

Key, Modifier = Qt.Key, Qt.KeyboardModifier
FOUR = Labels(tuple(Segment(a, a + 1, "event", 0.5) for a in (2.0, 5.0, 8.0, 11.0)))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SENSORSMITH_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def page(home: Path, qtbot: Any, qapp: Any) -> LabelPage:
    """The Label page on two people of 20 s; the first one's labels are emptied."""
    themed(qapp)
    shell = BareShell(people(home, n=2, seconds=20.0).path)
    session = shell.session
    session.set_tracks("empty", session.state.recording, {"labels": Labels()})
    made = LabelPage(shell)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    with qtbot.waitExposed(made):
        made.show()
    shell.open(made)
    qtbot.wait(20)
    return made


def panel(page: LabelPage, name: str) -> Any:
    """Open a panel; its long work runs here and now instead of in a process."""
    page.side.show_panel(name)
    found = page.side.panel(name)

    def here(title: str, target: str, args: tuple[Any, ...], done: Callable[[Any], None]) -> None:
        function = getattr(__import__("importlib").import_module(target.split(":")[0]), target.split(":")[1])
        done(finish(function(*args)))

    found.start = here
    found.tick()
    return found


def put(page: LabelPage, **tracks: Labels | None) -> None:
    named = {name.replace("__", ":"): track for name, track in tracks.items()}
    page.session.set_tracks("prepared", page.session.state.recording, named)


def tracks(page: LabelPage) -> dict[str, Labels]:
    return page.session.state.open_recording.labels


def spans(track: Labels) -> list[tuple[float, float, str]]:
    return [(round(s.start_s, 3), round(s.stop_s, 3), s.label) for s in track.segments]


def click(qtbot: Any, page: LabelPage, name: str) -> None:
    found = page.findChild(QtWidgets.QAbstractButton, name)
    assert found.isEnabled(), name
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("name", PANELS)
def test_everything_a_person_acts_on_is_named_and_explained(page: LabelPage, name: str) -> None:
    found = panel(page, name)
    kinds = (QtWidgets.QAbstractButton, QtWidgets.QComboBox, QtWidgets.QListView, QtWidgets.QLineEdit)
    for kind in kinds:
        for widget in found.findChildren(kind):
            inner = widget.objectName().startswith("qt_") or isinstance(widget.parent(), QtWidgets.QComboBox)
            inner = inner or isinstance(widget.parent(), QtWidgets.QAbstractSpinBox) or "_list" in widget.objectName()
            assert inner or (widget.objectName() and widget.accessibleName() and widget.toolTip()), widget
    assert found.width() <= page.side.width()


# --- proposals -----------------------------------------------------------------------------------


def test_a_proposal_is_found_turned_accepted_and_undone(page: LabelPage, qtbot: Any) -> None:
    found = panel(page, "proposals")
    click(qtbot, page, "proposals_find")
    rid, session = page.session.state.recording, page.session
    method, known = Energy(), session.state.open_recording
    expected = method.pick(finish(proposals.measure(session.state.project.path, rid, "acc", method)))
    assert spans(tracks(page)["proposed:energy"]) == spans(expected) and len(expected) > 2
    steps = len(session.history[0])
    found.findChild(QtWidgets.QDoubleSpinBox, "proposals_energy_on_level").setValue(0.8)
    for _ in range(6):
        found.tick()
    turned = tracks(page)["proposed:energy"]
    assert spans(turned) == spans(replace(method, on_level=0.8).pick(found._measured[1]))
    assert len(session.history[0]) == steps, "a threshold that is turned adds no step"
    n = len(turned)
    found.list.setFocus()
    found.list.choose(0)
    qtbot.keyClick(found.list, Key.Key_2)
    second = session.state.project.classes[1].name
    assert spans(tracks(page)["labels"]) == [(*spans(turned)[0][:2], second)]
    assert len(tracks(page)["proposed:energy"]) == n - 1 and found.list.row == 0
    assert load(known.path).labels["labels"] == tracks(page)["labels"]
    session.undo()
    assert len(tracks(page)["labels"]) == 0 and len(tracks(page)["proposed:energy"]) == n


def test_keys_accept_reject_in_view_and_all(page: LabelPage, qtbot: Any) -> None:
    put(page, proposed__energy=FOUR)
    found = panel(page, "proposals")
    found.list.setFocus()
    qtbot.keyClick(found.list, Key.Key_Down)
    assert found.list.row == 1
    left, right = page.timeline.visible_s
    assert left <= 5.0 and right >= 6.0 and page.playhead.now_s == pytest.approx(5.0), "the timeline follows"
    qtbot.keyClick(found.list, Key.Key_Backspace)
    assert spans(tracks(page)["proposed:energy"]) == [(2, 3, "event"), (8, 9, "event"), (11, 12, "event")]
    assert page.session.undo_text == "Reject proposal"
    page.timeline.look_at(7.5, 9.5)
    qtbot.keyClick(found.list, Key.Key_Return, Modifier.ShiftModifier)
    assert spans(tracks(page)["labels"]) == [(8, 9, "event")]
    qtbot.keyClick(found.list, Key.Key_Return, Modifier.ControlModifier)
    assert len(tracks(page)["labels"]) == 3 and "proposed:energy" not in tracks(page)
    assert all(s.score == 1.0 for s in tracks(page)["labels"].segments), "a person's word"
    for _ in range(3):
        page.session.undo()
    assert tracks(page)["proposed:energy"] == FOUR


def test_the_class_that_is_chosen_is_given(page: LabelPage, qtbot: Any) -> None:
    put(page, proposed__energy=FOUR)
    found = panel(page, "proposals")
    name = page.session.state.project.classes[2].name
    found.named_as.setCurrentIndex(found.named_as.findData(name))
    click(qtbot, page, "proposals_accept_all")
    assert {s.label for s in tracks(page)["labels"].segments} == {name}


def test_a_value_out_of_range_goes_to_the_banner(page: LabelPage, qtbot: Any) -> None:
    found = panel(page, "proposals")
    index = found.method.findData("threshold")
    found.method.setCurrentIndex(index)
    found.findChild(QtWidgets.QLineEdit, "proposals_threshold_channel").setText("w")
    with pytest.raises(Exception, match="none named 'w'"):  # in a process it would come as the job's error
        found.find()


def test_every_method_has_its_own_form(page: LabelPage, qtbot: Any) -> None:
    found = panel(page, "proposals")
    for method in PROPOSERS:
        found.method.setCurrentIndex(found.method.findData(method))
        qtbot.wait(5)
        fields = {w.objectName() for w in found.findChildren(QtWidgets.QAbstractSpinBox) if w.isVisible()}
        assert fields and all(name.startswith(f"proposals_{method}_") for name in fields)
        assert found.track == f"proposed:{method}"


def test_what_is_learned_from_labels_fills_the_form(page: LabelPage, qtbot: Any) -> None:
    put(page, labels=FOUR)
    found = panel(page, "proposals")
    found._learned(Energy(on_level=0.3, smooth_s=0.5), Met(4, 4, 5))
    assert found.form.findChild(QtWidgets.QDoubleSpinBox, "proposals_energy_on_level").value() == pytest.approx(0.3)
    assert "4 of 4" in page.shell.said[-2]


# --- find alike ------------------------------------------------------------------------------------


def test_alike_takes_the_selected_label_as_its_example(page: LabelPage, qtbot: Any) -> None:
    put(page, labels=Labels((Segment(2.0, 3.0, "wave"),)))
    page.session.show(replace(page.session.state, selected=0))
    found = panel(page, "alike")
    assert found.examples.text() == "1 example: wave"
    least = found.findChild(QtWidgets.QDoubleSpinBox, "alike_least")
    least.setValue(0.2)
    click(qtbot, page, "alike_find")
    rid, path = page.session.state.recording, page.session.state.project.path
    example = [Segment(2.0, 3.0, "wave")]
    expected = Alike(least=0.2).pick(finish(proposals.alike(path, rid, "acc", Alike(), example)), "wave")
    fresh = reviewing.news(expected, tracks(page)["labels"])
    assert spans(tracks(page)["proposed:alike"]) == spans(fresh) and len(fresh) >= 1
    assert len(fresh) == len(expected) - 1, "the example itself is labelled already"
    least.setValue(1.0)
    for _ in range(6):
        found.tick()
    assert "proposed:alike" not in tracks(page), "nothing is so alike: no empty track"


def test_alike_in_all_recordings_is_one_step(page: LabelPage, qtbot: Any) -> None:
    put(page, labels=Labels((Segment(2.0, 3.0, "wave"),)))
    other = next(r.id for r in page.session.state.recordings if r.id != page.session.state.recording)
    page.session.set_tracks("empty", other, {"labels": Labels()})
    page.session.show(replace(page.session.state, selected=0))
    found = panel(page, "alike")
    found.findChild(QtWidgets.QDoubleSpinBox, "alike_least").setValue(0.1)
    click(qtbot, page, "alike_find_all")
    after = {r.id: r.labels for r in page.session.state.recordings}
    assert all(len(labels["proposed:alike"]) > 0 for labels in after.values()) and len(after) == 2
    assert load(next(r.path for r in page.session.state.recordings if r.id == other)).labels == after[other]
    page.session.undo()
    assert not any("proposed:alike" in r.labels for r in page.session.state.recordings)


def test_alike_without_an_example_says_what_to_do(page: LabelPage, qtbot: Any) -> None:
    found = panel(page, "alike")
    click(qtbot, page, "alike_find")
    assert "nothing is selected" in str(page.shell.errors[-1]) and "Select one label" in found.examples.text()


# --- the map -----------------------------------------------------------------------------------------


def drawn(page: LabelPage) -> Any:
    """Ten windows of a second: the first five at the left, the others at the right."""
    found = panel(page, "map")
    points = np.array([[0.1 + 0.02 * (i % 5) + 0.7 * (i >= 5), 0.2 + 0.1 * (i % 5)] for i in range(10)], np.float32)
    group = np.array([0] * 5 + [1] * 5)
    found._got(page.session.state.recording, WindowMap(points, group, np.arange(10.0), 1.0))
    return found


def circle(qtbot: Any, found: Any, left: float, right: float, modifiers: Any = Modifier.NoModifier) -> None:
    """A lasso around all points between two x."""
    view = found.scatter
    around = [(left, 0), (right, 0), (right, 1), (left, 1)]
    places = [QPoint(round(12 + x * (view.width() - 24)), round(2 + y * (view.height() - 4))) for x, y in around]
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, modifiers, places[0])
    for place in places[1:]:
        qtbot.mouseMove(view, place)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, modifiers, places[-1])


def test_a_lasso_marks_the_timeline_and_a_class_key_labels(page: LabelPage, qtbot: Any) -> None:
    found = drawn(page)
    circle(qtbot, found, 0.7, 1.0)
    assert found.scatter.chosen.tolist() == [5, 6, 7, 8, 9]
    assert spans(tracks(page)["proposed:map"]) == [(5, 10, "event")]
    circle(qtbot, found, 0.05, 0.15)
    assert spans(tracks(page)["proposed:map"]) == [(0, 3, "event")]
    first = page.session.state.project.classes[0]
    qtbot.keyClick(found, first.key)
    assert spans(tracks(page)["labels"]) == [(0, 3, first.name)] and "proposed:map" not in tracks(page)
    assert len(found.scatter.chosen) == 0
    page.session.undo()
    assert len(tracks(page)["labels"]) == 0


def test_shift_adds_to_what_is_circled_and_escape_drops_it(page: LabelPage, qtbot: Any) -> None:
    found = drawn(page)
    circle(qtbot, found, 0.05, 0.11)
    circle(qtbot, found, 0.85, 1.0, Modifier.ShiftModifier)
    assert found.scatter.chosen.tolist() == [0, 8, 9]
    qtbot.keyClick(found.scatter, Key.Key_Escape)
    assert len(found.scatter.chosen) == 0 and "proposed:map" not in tracks(page)


def test_a_click_jumps_to_the_window_and_g_takes_its_group(page: LabelPage, qtbot: Any) -> None:
    found = drawn(page)
    page.timeline.look_at(12.0, 16.0)
    qtbot.mouseClick(found.scatter, Qt.MouseButton.LeftButton, pos=found.scatter.place(7).toPoint())
    left, right = page.timeline.visible_s
    assert found.scatter.current == 7 and left <= 7.0 and right >= 8.0
    qtbot.keyClick(found, Key.Key_G)
    assert found.scatter.chosen.tolist() == [5, 6, 7, 8, 9]
    qtbot.keyClick(found.scatter, Key.Key_Right)
    assert found.scatter.current == 8


def test_another_recording_has_no_map_yet(page: LabelPage) -> None:
    found = drawn(page)
    page.session.show(replace(page.session.state, recording="person-002"))
    found.tick()
    assert len(found.scatter.points) == 0 and found.drawn is None


# --- review ------------------------------------------------------------------------------------------

SAID = Labels((Segment(1, 3, "wave", 0.9), Segment(3, 4, "tap", 0.1), Segment(6, 8, "wave", 0.5)))


def review(page: LabelPage, kind: str) -> Any:
    found = panel(page, "review")
    found.model.addItem("forest-1", "forest-1")
    found.source.setCurrentIndex(found.source.findData(kind))
    return found


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.ui.review.queue.models.ids", lambda project: ["forest-1"])


@pytest.mark.usefixtures("model")
def test_least_sure_first_and_each_key_is_one_step(page: LabelPage, qtbot: Any) -> None:
    put(page, predicted__forest_1=None)
    page.session.set_tracks("predicted", page.session.state.recording, {"predicted:forest-1": SAID})
    found = review(page, UNSURE)
    found.list.setFocus()
    assert [d.start_s for d in found.doubts] == [3, 6, 1]
    qtbot.keyClick(found.list, Key.Key_Return)
    assert spans(tracks(page)["labels"]) == [(3, 4, "tap")] and [d.start_s for d in found.doubts] == [6, 1]
    other = page.session.state.project.classes[0]
    qtbot.keyClick(found.list, other.key)
    assert spans(tracks(page)["labels"])[1] == (6, 8, other.name)
    qtbot.keyClick(found.list, Key.Key_Backspace)
    assert found.doubts == [] and len(tracks(page)["labels"]) == 2
    for n in (1, 2, 3):
        page.session.undo()
        found.tick()
        assert len(found.doubts) == n
    assert tracks(page)["predicted:forest-1"] == SAID and len(tracks(page)["labels"]) == 0


@pytest.mark.usefixtures("model")
def test_where_label_and_model_differ(page: LabelPage, qtbot: Any) -> None:
    ours = Labels((Segment(1, 3, "tap"), Segment(6, 8, "idle")))
    page.session.set_tracks("x", page.session.state.recording, {"predicted:forest-1": SAID, "labels": ours})
    found = review(page, DIFFER)
    assert [(d.said, d.suggested) for d in found.doubts] == [("tap", "wave"), ("idle", "wave")]
    found.list.setFocus()
    qtbot.keyClick(found.list, Key.Key_Return)
    assert spans(tracks(page)["labels"])[0] == (1, 3, "wave") and len(found.doubts) == 1
    qtbot.keyClick(found.list, Key.Key_Backspace)
    assert found.doubts == [] and spans(tracks(page)["labels"])[1] == (6, 8, "idle")
    page.session.undo()
    page.session.undo()
    found.tick()
    assert tracks(page)["labels"] == ours and len(found.doubts) == 2


def test_suspects_of_the_whole_project(page: LabelPage, qtbot: Any) -> None:
    other = next(r for r in page.session.state.recordings if r.id == "person-002")
    a, b = other.labels["labels"].segments[:2]
    found = review(page, SUSPECTS)
    rows = [
        {"recording": other.id, "start_s": s.start_s, "label": s.label, "suggested": "circle", "confidence": 0.8,
         "flagged": True}
        for s in (a, b)
    ]  # fmt: skip
    found._judged({"labels": rows})
    assert len(found.doubts) == 2 and page.session.state.recording == other.id, "it opens the recording"
    found.list.setFocus()
    qtbot.keyClick(found.list, Key.Key_Backspace)
    assert tracks(page)["labels"].segments[0].comment == "checked" and len(found.doubts) == 1
    qtbot.keyClick(found.list, Key.Key_Return)
    assert tracks(page)["labels"].segments[1].label == "circle" and found.doubts == []
    page.session.undo()
    found.tick()
    assert [d.said for d in found.doubts] == [b.label]


# --- agreement -----------------------------------------------------------------------------------------

OURS = Labels((Segment(1, 3, "wave"), Segment(5, 7, "tap"), Segment(9, 12, "wave")))
THEIRS = Labels((Segment(1.1, 3, "wave"), Segment(5, 7, "wave"), Segment(9, 10, "wave"), Segment(14, 15, "tap")))


def agreement(page: LabelPage) -> Any:
    put(page, labels=OURS, labels__ann=THEIRS)
    found = panel(page, "agreement")
    found.list.setFocus()
    return found


def test_figures_and_differences_of_two_people(page: LabelPage) -> None:
    found = agreement(page)
    assert (found.a.currentData(), found.b.currentData()) == ("labels", "labels:ann")
    assert [(p.start_s, p.a, p.b) for p in found.pieces] == [
        (5, "tap", "wave"), (10, "wave", "(nothing)"), (14, "(nothing)", "tap"),
    ]  # fmt: skip
    assert 0.3 < float(found.kappa.value.text()) < 0.9 and 0.3 < float(found.alpha.value.text()) < 0.9
    assert found.share.value.text() == "74.5%"
    shares = found.strip.shares(20)
    assert shares[5:7].tolist() == [1, 1] and shares[14] == 1 and shares.sum() == pytest.approx(5)


def test_figures_follow_the_view(page: LabelPage, qtbot: Any) -> None:
    found = agreement(page)
    found.in_view.setChecked(True)
    page.timeline.look_at(1.2, 4.0)
    found.tick()
    assert found.kappa.value.text() == "1.000" and found.matrix.labels == ["wave", "(nothing)"]


def test_settling_steps_through_and_undoes(page: LabelPage, qtbot: Any) -> None:
    found = agreement(page)
    found.list.choose(0)
    qtbot.keyClick(found.list, Key.Key_Left)
    assert spans(tracks(page)["labels:agreed"]) == [(1, 3, "wave"), (5, 7, "tap"), (9, 10, "wave")]
    assert found.list.row == 1
    qtbot.keyClick(found.list, Key.Key_Left)
    assert spans(tracks(page)["labels:agreed"])[2] == (9, 12, "wave"), "joined with what both said"
    key = page.session.state.project.classes[0]
    qtbot.keyClick(found.list, key.key)
    assert spans(tracks(page)["labels:agreed"])[3] == (14, 15, key.name)
    assert "3 of them settled" in found.tally.text()
    for _ in range(3):
        page.session.undo()
    assert "labels:agreed" not in tracks(page)


def test_a_click_on_the_strip_goes_to_the_nearest_difference(page: LabelPage, qtbot: Any) -> None:
    found = agreement(page)
    place = QPoint(round(14.5 / 20 * found.strip.width()), 10)
    qtbot.mouseClick(found.strip, Qt.MouseButton.LeftButton, pos=place)
    left, right = page.timeline.visible_s
    assert found.list.row == 2 and left <= 14 and right >= 15


def test_another_person_gets_a_track_and_the_pen(page: LabelPage, qtbot: Any) -> None:
    found = panel(page, "agreement")
    found.person.setText("Bo")
    qtbot.keyClick(found.person, Key.Key_Return)
    assert tracks(page)["labels:Bo"] == Labels() and page.session.state.track == "labels:Bo"
    assert page.session.undo_text == "Add track of Bo"


# --- beside the window ---------------------------------------------------------------------------------


def beaten(page: LabelPage, qtbot: Any, found: Any) -> None:
    """Heartbeats until the panel's work is over."""

    def over() -> bool:
        page.shell.beat()
        return not found.busy

    qtbot.waitUntil(over, timeout=120_000)


def test_the_work_runs_in_a_process_and_can_be_cancelled(page: LabelPage, qtbot: Any) -> None:
    page.side.show_panel("proposals")
    found = page.side.panel("proposals")
    found.tick()
    click(qtbot, page, "proposals_find")
    first = found._watch.job
    assert found.busy and found.job.isVisible() and not found.go.isEnabled()
    click(qtbot, page, "proposals_cancel")
    assert not found.busy and not found.job.isVisible() and first.stopped
    click(qtbot, page, "proposals_find")
    beaten(page, qtbot, found)
    first.join(60)
    assert len(tracks(page)["proposed:energy"]) > 2 and not found.job.isVisible() and found.go.isEnabled()
    assert not page.shell.errors and first.result is None


def test_what_is_wrong_in_the_process_comes_to_the_banner(page: LabelPage, qtbot: Any) -> None:
    page.side.show_panel("map")
    found = page.side.panel("map")
    found.tick()
    found.findChild(QtWidgets.QDoubleSpinBox, "map_window_s").setValue(60.0)
    click(qtbot, page, "map_draw")
    beaten(page, qtbot, found)
    assert "shorter than a window" in str(page.shell.errors[-1]) and not found.job.isVisible()
