"""The Train page with jobs that need no training."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.data.labels import Segment
from studio.errors import TrainError
from studio.progress import Progress
from studio.ui.pages.train import TARGET, TrainPage
from studio.ui.training.confusion import Confusion
from studio.ui.training.front import FrontPlot, candidate_text, latency_color
from studio.ui.training.trust import trust_lines
from tests.ui.label_parts import BareShell, make_project, themed

THREE = (Segment(1.0, 5.0, "wave"), Segment(6.0, 10.0, "tap"), Segment(12.0, 19.0, "idle"))
COST = {"flash_bytes": 30_000, "ram_bytes": 12_000, "stack_bytes": 900, "instructions_per_inference": 41_000,
        "latency_ms": 0.64, "source": "elf+emulator"}  # fmt: skip
CONFUSION = {"labels": ["wave", "tap"], "matrix": [[8, 2], [0, 10]]}
ONE = {"precision": 1.0, "recall": 0.8, "f1": 0.889, "support": 10}
TEST = {
    "accuracy": 0.9,
    "macro_f1": 0.899,
    "n_windows": 20,
    "confusion": CONFUSION,
    "per_class": {"wave": ONE, "tap": ONE},
    "events": {"recall": 1.0, "false_alarms_per_hour": 3.2, "latency_s_p50": 0.4},
    "by_group": {
        "of": "subject",
        "groups": {"2": {"accuracy": 0.8, "windows": 10}, "1": {"accuracy": 1.0, "windows": 10}},
    },
    "segments": {"accuracy": 1.0, "n": 4},
    "calibration": {"ece": 0.031, "bins": []},
    "wrong": {"columns": [], "rows": [["session", 200, 0, 1], ["session", 520, 0, 1]]},
}
SURE = {"mean": 0.9, "std": 0.05, "low": 0.84, "high": 0.95, "n_fits": 3, "n_groups": 7, "of": "people"}


def row(name: str, score: float, flash: int = 30_000, violated: str = "") -> dict[str, Any]:
    return {"model": name, "family": name.split("-")[0], "score": score, "cost": COST | {"flash_bytes": flash},
            "violated": violated}  # fmt: skip


class FakeJob:
    """What ProcessJob looks like from outside; the test says what happens."""

    made: ClassVar[list[Any]] = []

    def __init__(self, name: str, target: str, args: tuple[Any, ...]) -> None:
        self.name, self.target, self.args = name, target, args
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = self.stopped = False
        self.news: list[Progress] = []
        FakeJob.made.append(self)

    def poll(self) -> list[Progress]:
        news, self.news = self.news, []
        return news

    def stop(self) -> None:
        self.stopped = self.done = True


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any, qapp: Any) -> tuple[TrainPage, BareShell]:
    monkeypatch.setenv("SENSORSMITH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(TrainPage, "make_job", FakeJob)
    FakeJob.made.clear()
    return open_page(qtbot, qapp, make_project(tmp_path, 2, THREE))


def open_page(qtbot: Any, qapp: Any, path: Path | None) -> tuple[TrainPage, BareShell]:
    themed(qapp)
    shell = BareShell(path)
    page = TrainPage(shell)
    qtbot.addWidget(page)
    page.resize(1270, 750)
    page.show()
    shell.open(page)
    return page, shell


def save_model(shell: BareShell, name: str = "forest-1") -> None:
    """Only what the page reads of a model's folder."""
    folder = shell.session.state.project.path / "models" / name
    folder.mkdir(parents=True)
    lock = {"settings": {"max_flash_kb": 64.0}, "board": "cortex-m4f", "split_by": "subject", "groups_disjoint": True,
            "why": "It is the smallest.", "confidence": SURE, "test_looks": 3, "warnings": ["Name people."],
            "leak": {"random": 0.97, "group": 0.81, "gap": 0.16, "probe": "forest"}}  # fmt: skip
    found = {"id": name, "family": "forest", "test": TEST, "cost": COST, "lock": lock, "created": "2026-01-02T10:00:00"}
    found["stream"] = {"name": "accelerometer", "rate_hz": 50.0}
    (folder / "model.json").write_text(json.dumps(found))
    (folder / "graph.json").write_text(json.dumps({"length": 32, "stride": 16, "rate_hz": 50.0}))


def test_start_hands_the_settings_to_a_process(opened: tuple[TrainPage, BareShell], qtbot: Any) -> None:
    page, shell = opened
    page.settings.families["cnn"].setChecked(False)
    page.settings.findChild(QtWidgets.QSpinBox, "train_trials").setValue(3)
    page.settings.findChild(QtWidgets.QDoubleSpinBox, "train_max_ram_kb").setValue(48)
    page.settings.board.setCurrentIndex(page.settings.board.findData("cortex-m0plus"))
    qtbot.keyClick(page, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    if not FakeJob.made:  # offscreen, a shortcut needs an active window
        page.start.click()
    (job,) = FakeJob.made
    path, settings = job.args
    assert job.target == TARGET and path == shell.session.state.project.path
    assert (settings.families, settings.trials, settings.max_ram_kb) == (("forest",), 3, 48.0)
    assert settings.board == "cortex-m0plus" and settings.max_flash_kb == 0.0
    assert not page.start.isEnabled() and page.searching.job.stop.isEnabled()


def test_progress_shows_the_front_the_rejected_and_the_log(opened: tuple[TrainPage, BareShell]) -> None:
    page, shell = opened
    page.begin()
    job = FakeJob.made[0]
    tried = [row("forest-1", 0.9), row("cnn-1", 0.95, 60_000), row("cnn-2", 0.0, 900_000, "flash 879 kB of 240 kB")]
    tried[1]["cost"] = tried[1]["cost"] | {"latency_ms": 9.0}
    job.news = [
        Progress(0.5, 4, "forest-1: 4 of 32 trees"),
        Progress(0.9, 4, "forest-1: 32 of 32 trees"),
        Progress(2, 4, "cnn-1: epoch 1", {"front": tried[:2], "candidates": tried, "tried": 3}),
    ]
    shell.beat()
    plot = page.searching.front
    spots = plot.points.points()
    assert [s.data()["model"] for s in spots] == ["forest-1", "cnn-1", "cnn-2"]
    hollow = [s.brush().style() == Qt.BrushStyle.NoBrush for s in spots]
    assert hollow == [False, False, True]
    assert plot.accessibleName() == "3 candidates, 2 on the front, 1 over a limit"
    colors = [s.brush().color().name() for s in spots[:2]]
    assert colors == [latency_color(0.64 / 9.0), latency_color(1.0)] and colors[0] != colors[1]
    text = page.searching.legend.text()
    assert "▲ Random forest" in text and "● Small network" in text and "Extra trees" not in text
    assert page.searching.job.bar.value() == 500
    log = page.searching.log.toPlainText().splitlines()
    assert [line.split(" s   ")[1] for line in log] == ["forest-1: 32 of 32 trees", "cnn-1: epoch 1"]
    assert "over the limit: flash 879 kB" in candidate_text(tried[2])


def test_cancel_stops_the_process_and_frees_the_form(opened: tuple[TrainPage, BareShell]) -> None:
    page, shell = opened
    page.begin()
    page.searching.job.stop.click()
    assert FakeJob.made[0].stopped
    shell.beat()
    assert page.job is None and page.start.isEnabled() and page.settings.board.isEnabled()
    assert shell.said[-1] == "Cancelled" and shell.errors == []


def test_a_result_shows_the_model_and_opens_deploy(opened: tuple[TrainPage, BareShell]) -> None:
    page, shell = opened
    page.begin()
    save_model(shell)
    job = FakeJob.made[0]
    job.result, job.done = {"model": "forest-1", "test": TEST}, True
    shell.beat()
    result = page.result
    assert shell.session.state.model == "forest-1" and result.title.text() == "forest-1"
    assert result.stats["Accuracy"].value.text() == "90.0%" and result.stats["False alarms / h"].value.text() == "3.2"
    assert result.meters["Flash"].amount.text() == "29.3 kB of 64.0 kB"
    assert result.meters["Latency"].amount.text() == "0.64 ms of 320 ms"
    assert result.split.text() == "tested on other people" and "emulator" in result.more.text()
    assert (
        result.origin["Window"].text() == "0.64 s, every 0.32 s" and result.origin["Test part"].text() == "by subject"
    )
    assert result.classes.rowCount() == 2 and result.classes.item(0, 2).text() == "0.800"
    lines = result.trust.lines.text().splitlines()
    assert lines[0] == "It is the smallest." and lines[-1] == "Name people."
    assert "between 0.840 and 0.950" in lines[1] and "7 people" in lines[1]
    assert "97.0% where 81.0% is true" in lines[2] and "3 times" in lines[3] and "100.0% of 4" in lines[4]
    assert result.groups.item(0, 0).text() == "2" and result.groups.item(0, 1).text() == "80.0%"
    result.deploy.click()
    assert shell.went == ["deploy"]


def test_an_old_model_has_nothing_to_say_about_trust() -> None:
    assert trust_lines({}, {}) == []


def test_the_windows_of_a_cell_open_on_the_label_page_in_turn(opened: tuple[TrainPage, BareShell], qtbot: Any) -> None:
    page, shell = opened
    save_model(shell)
    folder = shell.session.state.recordings[0].id
    path = shell.session.state.project.path / "models" / "forest-1" / "model.json"
    found = json.loads(path.read_text())
    found["test"]["wrong"]["rows"] = [[folder, 60, 0, 1], [folder, 320, 0, 1]]
    path.write_text(json.dumps(found))
    page._show_models(shell.session.state)
    shell.session.show(replace(shell.session.state, model="forest-1"))
    page._show_model("forest-1")
    matrix, look = page.result.confusion, page.result.open
    assert not look.isEnabled(), "no cell is chosen"
    matrix.choose(0, 0)
    assert not look.isEnabled(), "what was right is not listed"
    matrix.choose(0, 1)
    look.click()
    assert shell.went == ["label"] and shell.session.state.recording == folder
    assert shell.session.state.selected == 0, "wave, from 1 to 5 s, holds the middle of the window at 1.2 s"
    look.click()
    assert shell.session.state.selected == 1, "tap holds 6.4 s"
    page.open_windows("gone", 0)
    assert "not in the project" in shell.said[-1]


def test_finish_now_asks_the_search_to_end_with_what_it_has(opened: tuple[TrainPage, BareShell]) -> None:
    from studio.app.actions.train import stop_file

    page, shell = opened
    assert page.searching.finish.isHidden()
    page.begin()
    path = stop_file(shell.session.state.project.path)
    assert not path.exists() and not page.searching.finish.isHidden()
    page.searching.finish.click()
    assert path.exists() and not page.searching.finish.isEnabled() and not FakeJob.made[0].stopped
    page.cancel()
    shell.beat()
    assert page.searching.finish.isHidden()


def test_a_failure_is_shown_and_the_page_goes_on(opened: tuple[TrainPage, BareShell]) -> None:
    page, shell = opened
    page.begin()
    job = FakeJob.made[0]
    job.error, job.done = (
        TrainError("None of 3 candidates fits", "the smallest needs 300 kB", "Choose a larger board."),
        True,
    )
    shell.beat()
    assert shell.errors == [job.error] and page.start.isEnabled()
    page.begin()
    assert len(FakeJob.made) == 2 and shell.errors == []


def test_a_model_is_chosen_from_the_list(opened: tuple[TrainPage, BareShell], qtbot: Any) -> None:
    page, shell = opened
    for name in ("forest-1", "cnn-1"):
        save_model(shell, name)
    page._show_models(shell.session.state)
    names = [m.id for m in page.lines.values]
    assert sorted(names) == ["cnn-1", "forest-1"]
    at = page.list.visualRect(page.lines.index(names.index("cnn-1"))).center()
    qtbot.mouseClick(page.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert shell.session.state.model == "cnn-1" and page.result.title.text() == "cnn-1"


def test_a_cell_of_the_confusion_tells_its_counts(qtbot: Any, qapp: Any) -> None:
    themed(qapp)
    matrix = Confusion()
    qtbot.addWidget(matrix)
    matrix.resize(400, 200)
    matrix.show()
    matrix.show_confusion(CONFUSION)
    said: list[str] = []
    matrix.said.connect(said.append)
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=matrix._place(0, 1).center())
    assert said[-1] == "wave taken for tap: 2 of 10 windows (20.0%)"
    qtbot.keyClick(matrix, Qt.Key.Key_Down)
    assert said[-1] == "tap recognised: 10 of 10 windows (100.0%)"
    qtbot.keyClick(matrix, Qt.Key.Key_Right)
    assert matrix.cell == (1, 1), "the edge holds"


def test_a_click_on_a_candidate_tells_about_it(qtbot: Any, qapp: Any) -> None:
    themed(qapp)
    plot, window = FrontPlot(), QtWidgets.QWidget()  # pyqtgraph empties a plot that is closed as a window
    QtWidgets.QVBoxLayout(window).addWidget(plot)
    qtbot.addWidget(window)
    window.resize(500, 300)
    with qtbot.waitExposed(window):
        window.show()
    plot.show_candidates([row("forest-1", 0.9), row("cnn-1", 0.95, 60_000)], ["forest-1"])
    qtbot.wait(40)
    told: list[dict[str, Any]] = []
    plot.picked.connect(told.append)
    spot = plot.plot.vb.mapViewToScene(plot.points.points()[1].pos())
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=plot.mapFromScene(spot))
    assert [r["model"] for r in told] == ["cnn-1"]


def test_nothing_can_start_without_labels_or_families(
    tmp_path: Path, qtbot: Any, qapp: Any, opened: tuple[TrainPage, BareShell]
) -> None:
    page, _ = opened
    for box in page.settings.families.values():
        box.setChecked(False)
    assert not page.start.isEnabled()
    empty, shell = open_page(qtbot, qapp, make_project(tmp_path / "empty", 1))
    assert not empty.start.isEnabled() and empty.middle.currentWidget() is empty.unlabelled
    empty.findChild(QtWidgets.QPushButton, "label_open").click()
    assert shell.went == ["label"]
    nothing, _ = open_page(qtbot, qapp, None)
    assert not nothing.start.isEnabled()


def test_no_learning_library_enters_the_window() -> None:
    """Asked in a process of its own: other tests import what they like."""
    code = (
        "import sys, studio.ui.pages.label, studio.ui.pages.data, studio.ui.pages.train\n"
        "from studio.app.actions import split, train, check, import_\n"
        "train.TrainSettings()\n"
        "print(sorted({'torch', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_every_family_has_words_and_a_mark_and_the_usual_ones_are_chosen(opened: tuple[TrainPage, BareShell]) -> None:
    from studio.learn import DETECTORS, FAMILIES, USUAL
    from studio.ui.training import front, searching, settings

    everyone = set(FAMILIES) | set(DETECTORS)
    assert set(settings.FAMILIES) == set(front.SHAPES) == set(front.FAMILY_LANES) == everyone
    assert set(front.SHAPES.values()) <= set(searching.MARKS)
    side = opened[0].settings
    assert {n for n, box in side.families.items() if box.isChecked()} == set(USUAL)
    assert side.more.isHidden()
    side.findChild(QtWidgets.QPushButton, "train_more_families").click()
    assert not side.more.isHidden() and side.more.isAncestorOf(side.families["svm"])


TOLD = {
    "number": ({"mae": 0.25, "rmse": 0.5, "r2": 0.912, "unit": "kg"}, ("0.25 kg", "0.912"), "Mean error"),
    "several": ({"macro_f1": 0.87, "exact": 0.75, "per_label": {"music": ONE}}, ("75.0%", "0.870"), "All labels right"),
}


@pytest.mark.parametrize("task", TOLD)
def test_a_model_of_numbers_or_several_labels_shows_its_own_figures(
    opened: tuple[TrainPage, BareShell], qtbot: Any, task: str
) -> None:
    page, shell = opened
    save_model(shell)
    page._show_models(shell.session.state)
    page._show_model("forest-1")
    page.result.tabs.show_page("deciding")
    save_model(shell, "ridge-1")
    path = shell.session.state.project.path / "models" / "ridge-1" / "model.json"
    found, (figures, values, name) = json.loads(path.read_text()), TOLD[task]
    found["lock"] |= {"task": task, "unit": "kg", "leak": None}
    found["test"] |= {task: figures, "calibration": None, "segments": None, "events": {"recall": None}}
    path.write_text(json.dumps(found))
    page._show_models(shell.session.state)
    page._show_model("ridge-1")
    stats = page.result.stats
    assert (stats["Accuracy"].value.text(), stats["Macro-F1"].value.text()) == values
    assert stats["Accuracy"].name.text() == name and not stats["Events found"].isVisible()
    assert page.result.tabs.key == "overview" and not page.result.tabs.buttons["deciding"].isVisible()
    assert page.result.tabs.buttons["curves"].isVisible() == (task == "several")
    names = [page.result.classes.item(i, 0).text() for i in range(page.result.classes.rowCount())]
    assert names == (["music"] if task == "several" else ["wave", "tap"])
    assert any("lies between" in one for one in trust_lines(found["lock"], found["test"]))
    page._show_model("forest-1")
    assert stats["Accuracy"].name.text() == "Accuracy" and page.result.tabs.buttons["deciding"].isVisible()


def test_only_families_that_can_tell_it_are_offered(opened: tuple[TrainPage, BareShell]) -> None:
    side = opened[0].settings
    task = side.findChild(QtWidgets.QComboBox, "train_task")
    task.setCurrentIndex(task.findData("several"))
    assert side.value().task == "several" and side.value().families == ("cnn",)
    assert not side.families["forest"].isEnabled() and side.families["ridge"].isEnabled()
    side.families["cnn"].setChecked(False)
    task.setCurrentIndex(task.findData("number"))
    assert side.value().families == ("forest",)
    task.setCurrentIndex(task.findData("several"))
    assert side.any_family and side.value().families == ("ridge",)
    side.lock(True)
    side.lock(False)
    assert not side.families["forest"].isEnabled()
