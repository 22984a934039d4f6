"""How a model decides, in the window: curve, fields, Apply and Undo; the windows of a cell, seen and explained."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shiboken6
from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.app import models
from studio.app.actions.deciding import keep
from studio.app.actions.evaluate import judge, laid, track_of, windows_for
from studio.app.jobs import Job
from studio.app.models import Model
from studio.data.project import create, recordings
from studio.firmware.native import Native
from studio.graph.ops.decide import even
from studio.learn.smooth import curve
from studio.ui.pages.label import LabelPage
from studio.ui.pages.train import TEST_AGAIN, TrainPage
from studio.ui.theme import theme
from studio.ui.training.alarms import AlarmPlot
from studio.ui.training.curves import Curves
from studio.ui.training.looking import words_of
from studio.ui.training.trust import event_lines
from tests.app.test_deciding import STREAM, knocking, loudness
from tests.ui.label_parts import BareShell, themed
from tests.ui.test_review import click, panel
from tests.ui.test_train_page import FakeJob, open_page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a model that has been tested and has a curve."""
    made = create(tmp_path_factory.mktemp("decided") / "p")
    knocking(made, "a", 0)
    knocking(made, "b", 1)
    graph = loudness()
    model = Model("loud-1", "loud", graph, STREAM, lock={"windows": "slide"})
    evidence = laid(model, [track_of(Native(graph, STREAM), model, recordings(made)[0])])
    found = recordings(made)
    test = judge(model, windows_for(model, found).take(np.arange(20)), found)
    lock = {"windows": "slide", "alarm_curve": [p.as_dict() for p in curve(evidence)], "temperature": 1.5}
    models.save(made, replace(model, test=test, lock=lock))
    keep(evidence, made, model.id)
    return made.path


@pytest.fixture
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any, qapp: Any) -> tuple[TrainPage, BareShell]:
    models.set_decision(create_again(folder), "loud-1", None)
    monkeypatch.setattr(TrainPage, "make_job", FakeJob)
    FakeJob.made.clear()
    page, shell = open_page(qtbot, qapp, folder)
    shell.session.show(replace(shell.session.state, model="loud-1"))
    settle(qtbot, shell)
    return page, shell


def create_again(path: Path) -> Any:
    from studio.data.project import open_project

    return open_project(path)


def settle(qtbot: Any, shell: BareShell) -> None:
    """Until all work on threads is done and shown."""

    def done() -> bool:
        shell.beat()
        return not [w for w in shell.watches if isinstance(w.job, Job)]

    qtbot.waitUntil(done, timeout=60_000)


def decision(path: Path) -> Any:
    return json.loads((path / "models" / "loud-1" / "graph.json").read_text()).get("decision")


def test_a_point_of_the_curve_is_clicked_applied_and_taken_back(
    opened: tuple[TrainPage, BareShell], folder: Path, qtbot: Any
) -> None:
    page, shell = opened
    panel = page.result.deciding
    assert panel.stats["False alarms / h"].value.text() == "611.4" and not panel.apply.isEnabled()
    assert "5 in 0.5 min" in panel.counted.text() and "below" in panel.counted.text()
    page.result.tabs.show_page("deciding")
    index = min(range(len(panel.plot.points)), key=lambda i: panel.plot.points[i]["false_alarms_per_hour"])
    place = panel.plot.plot.vb.mapViewToScene(
        QtCore.QPointF(panel.plot.points[index]["false_alarms_per_hour"], 100 * panel.plot.points[index]["missed"])
    )
    qtbot.mouseClick(panel.plot.viewport(), Qt.MouseButton.LeftButton, pos=panel.plot.mapFromScene(place))
    assert panel.plot.chosen == index and panel.stats["False alarms / h"].value.text() == "0.0"
    assert panel.apply.isEnabled() and panel.stats["Events found"].value.text() == "100.0%"
    before = (folder / "models" / "loud-1" / "weights.npz").read_bytes()
    panel.apply.click()
    settle(qtbot, shell)
    assert decision(folder)["values"]["on"] == panel.value().as_dict()["on"] and shell.errors == []
    assert shell.session.undo_text == "Change how loud-1 decides" and not panel.apply.isEnabled()
    assert page.result.stats["Events found"].value.text() == "–", "what the test said was of another decision"
    assert any("Test again" in line for line in page.result.trust.lines.text().splitlines())
    shell.session.undo()
    settle(qtbot, shell)
    assert decision(folder) is None and page.result.stats["Events found"].value.text() != "–"
    shell.session.redo()
    settle(qtbot, shell)
    assert decision(folder)["values"]["on"] == list(panel.value().on)
    assert (folder / "models" / "loud-1" / "weights.npz").read_bytes() == before, "nothing was trained"


def test_fields_that_are_turned_show_what_they_come_to(opened: tuple[TrainPage, BareShell], qtbot: Any) -> None:
    page, shell = opened
    panel = page.result.deciding
    panel.findChild(QtWidgets.QSpinBox, "decide_least").setValue(3)
    panel.thresholds.spins["on", "knock"].setValue(0.9)
    assert panel.value().least == 3 and panel.value().on == (0.0, 0.9) and panel.apply.isEnabled()
    settle(qtbot, shell)
    assert panel.stats["False alarms / h"].value.text() == "122.3"
    assert "3 in a row" in panel.state.text() and panel.plot.chosen == -1
    panel.thresholds.spins["off", "knock"].setValue(0.95)
    assert panel.value().off == (0.0, 0.95) and panel.value().on == (0.0, 0.95), "it never ends above its beginning"
    panel.off.click()
    settle(qtbot, shell)
    assert panel.wanted is None and not panel.apply.isEnabled()
    assert panel.stats["False alarms / h"].value.text() == "611.4"


def test_arrow_keys_walk_along_the_curve(opened: tuple[TrainPage, BareShell], qtbot: Any) -> None:
    plot = opened[0].result.deciding.plot
    plot.choose(0)
    assert plot.chosen == 0
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert plot.chosen == min(1, len(plot.points) - 1)
    for _ in range(3):
        qtbot.keyClick(plot, Qt.Key.Key_Left)
    assert plot.chosen == 0
    assert "points, now at" in plot.accessibleName()


def test_the_test_is_run_again_in_a_process(opened: tuple[TrainPage, BareShell]) -> None:
    page, shell = opened
    page.result.deciding.again.click()
    (job,) = FakeJob.made
    assert (job.target, job.args[1]) == (TEST_AGAIN, "loud-1") and not page.result.deciding.again.isEnabled()
    job.result, job.done = {}, True
    shell.beat()
    assert page.result.deciding.again.isEnabled() and shell.said[-1] == "loud-1 was tested again"


def test_a_cell_lists_its_windows_shows_and_explains_them(opened: tuple[TrainPage, BareShell], qtbot: Any) -> None:
    page, shell = opened
    cells = page.result.cells
    page.result.tabs.show_page("confusion")
    assert cells.current is None and not cells.explain.isEnabled() and not cells.play.isEnabled()
    cells.confusion.choose(1, 1)
    n = cells.confusion.matrix[1][1]
    assert len(cells.lines.values) == n > 0 and cells.current[2:] == [1, 1]
    assert "knock recognised" in cells.title.text() and cells.play.isEnabled()
    assert cells.explained.plot.accessibleName().startswith(f"{cells.current[0]}, samples {cells.current[1]} to")
    cells.explain.click()
    settle(qtbot, shell)
    assert "knock rests most on" in cells.explained.words.text() and "on x" in cells.explained.words.text()
    assert "knock rests most" in cells.explained.plot.accessibleName()
    cells.list.setCurrentIndex(cells.lines.index(n - 1))
    assert "Working it out" in cells.explained.words.text()
    settle(qtbot, shell)
    assert "knock rests most on" in cells.explained.words.text()
    cells.explain.click()
    assert cells.explained.words.text() == ""


def test_a_window_is_played_from_its_first_sample_to_its_last(opened: tuple[TrainPage, BareShell], qtbot: Any) -> None:
    page, _ = opened
    cells = page.result.cells
    cells.confusion.choose(1, 1)
    start_s = cells.current[1] / STREAM.rate_hz
    cells.play.click()
    assert cells.head.playing and cells.head.time_s == pytest.approx(start_s)
    qtbot.waitUntil(lambda: page.tick() or not cells.head.playing, timeout=10_000)
    assert cells.head.time_s >= start_s + 32 / STREAM.rate_hz - 0.05
    cells.play.click()
    cells.play.click()
    assert not cells.head.playing, "the same button stops it"


def test_curves_of_the_test_are_drawn(opened: tuple[TrainPage, BareShell]) -> None:
    curves = opened[0].result.curves
    assert (
        "2 lines" in curves.plots["roc"].accessibleName() and "mean of the classes: 1.000" in curves.words["roc"].text()
    )
    assert "divided by 1.50" in curves.words["calibration"].text() and "(ECE)" in curves.words["calibration"].text()
    assert "knock: area 1.000" in curves.legend.text()


def test_the_theme_changes_after_the_curves_are_gone(qtbot: Any, qapp: Any) -> None:
    themed(qapp)
    shiboken6.delete(Curves())
    with qtbot.captureExceptions() as said:
        theme().changed.emit()
    assert not said


def test_without_a_curve_the_panel_says_why(qtbot: Any, qapp: Any) -> None:
    plot = AlarmPlot()
    qtbot.addWidget(plot)
    plot.choose(3)
    assert plot.chosen == -1 and plot.nearest(QtCore.QPointF(0, 0)) == -1


def test_false_alarms_beside_right_windows_are_explained() -> None:
    events = {"false_alarms": 8, "hours": 0.03, "false_at_borders": 7}
    op = even(2, 4, 0.6, 0.45, 2).as_dict()
    lines = event_lines({"events": events, "events_alone": events, "decision": op}, op)
    assert "8 in 1.8 min" in lines[0] and "7 of them while the label changed" in lines[0]
    assert "mean of 4, 60% on, down to 45%, 2 in a row" in lines[1]
    assert "changed after the test" in event_lines({"events": events, "decision": None}, op)[0]
    assert event_lines({}, None) == []


def test_an_explanation_in_which_nothing_matters_says_so() -> None:
    told = {"answer": "idle", "time": [[0.0, -0.1]], "band": [[0.0]], "axes": ["x"]}
    assert words_of(told).startswith("No single part spoke for idle")


def test_a_selected_answer_is_explained_beside_the_timeline(folder: Path, qtbot: Any, qapp: Any) -> None:
    themed(qapp)
    shell = BareShell(folder)
    page = LabelPage(shell)
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    shell.open(page)
    why = panel(page, "why")
    why.tick()
    shell.session.show(replace(shell.session.state, recording="a", track="labels", selected=1))
    why.tick()
    assert "from 5.68 s on" in why.where.text(), "the middle of the knock from 5 to 7 s"
    click(qtbot, page, "why_explain")
    assert "knock rests most on" in why.explained.words.text()
    shell.session.show(replace(shell.session.state, selected=None))
    why.tick()
    assert why.explained.words.text() == "" and "from 0.00 s on" in why.where.text(), "the window at the playhead"
    page.playhead.seek(20.0)
    why.tick()
    assert "from 19.68 s on" in why.where.text()
