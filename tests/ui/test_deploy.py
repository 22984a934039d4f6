"""Deploy: steps run in order, fail with a reason, can be cancelled, and free the port first."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.app import models
from studio.app.models import Model
from studio.data.project import open_project
from studio.data.stream import Stream
from studio.errors import FlashError
from studio.progress import Progress
from studio.ui.pages import deploy as deploys
from studio.ui.pages.deploy import ORDER, DeployPage
from studio.ui.window import Window
from tests.ui.fakes import FakeBoard

BUILT = {
    "flash_bytes": 25_000, "ram_bytes": 70_000, "stack_bytes": 900, "instructions_per_inference": 51_338,
    "latency_ms": 0.8, "source": "elf+emulator", "files": ["/x/firmware.elf", "/x/firmware.bin"], "sha256": "",
    "build_hash": "ef582d3f", "board": "host",
}  # fmt: skip
FLASHED = {
    "board": "host",
    "bytes": 25_000,
    "seconds": 0.5,
    "verified": True,
    "previous_kept": True,
    "build_hash": "ef582d3f0000",
}
VERIFIED = {"windows": 200, "equal": 200, "first_difference": None}


class FakeJob:
    """A job whose end the test decides."""

    made: list["FakeJob"] = []  # noqa: RUF012 - emptied for each test

    def __init__(self, name: str, *given: Any) -> None:
        self.arguments = given[-1]
        self.name, self.result, self.error, self.done, self.stopped = name, None, None, False, False
        self.news: list[Progress] = []
        FakeJob.made.append(self)

    def poll(self) -> list[Progress]:
        news, self.news = self.news, []
        return news

    def stop(self) -> None:
        self.stopped = self.done = True

    def end(self, result: Any = None, error: BaseException | None = None) -> None:
        self.result, self.error, self.done = result, error, True


@pytest.fixture
def page(window: Window, project_path: Path, monkeypatch: pytest.MonkeyPatch, graph_model: Model) -> DeployPage:
    FakeJob.made.clear()
    monkeypatch.setattr(deploys, "Job", FakeJob)
    monkeypatch.setattr(deploys, "ProcessJob", FakeJob)
    models.save(open_project(project_path), graph_model)
    window.open_project(project_path)
    window.go("deploy")
    found = window.pages["deploy"]
    assert isinstance(found, DeployPage)
    found.board.setCurrentIndex(found.board.findData("host"))
    return found


@pytest.fixture
def graph_model() -> Model:
    from studio.graph.graph import WINDOW, Graph, Node
    from studio.graph.ops.statistics import Statistics

    n = Statistics().shape((20, 3))[0]
    classes = tuple(f"c{i}" for i in range(n))
    graph = Graph(("x", "y", "z"), 100.0, 20, 10, (Node(Statistics(), (WINDOW,), "features"),), classes)
    return Model("forest-1", "forest", graph, Stream("acc", 100.0, ("x", "y", "z"), "g"), test={"accuracy": 0.987})


def press(window: Window, qtbot: QtBot, name: str) -> None:
    one = window.findChild(QtWidgets.QPushButton, name)
    assert one.isVisible() and one.isEnabled(), name
    qtbot.mouseClick(one, Qt.MouseButton.LeftButton)


def job(qtbot: QtBot, number: int) -> FakeJob:
    qtbot.waitUntil(lambda: len(FakeJob.made) >= number)
    return FakeJob.made[number - 1]


def test_without_a_model_the_page_leads_to_training(window: Window, project_path: Path, qtbot: QtBot) -> None:
    window.open_project(project_path)
    window.go("deploy")
    assert not window.findChild(QtWidgets.QPushButton, "deploy_start").isEnabled()
    press(window, qtbot, "go_train_from_deploy")
    assert window.page == "train"


def test_one_press_builds_flashes_and_verifies(
    window: Window, page: DeployPage, board: FakeBoard, qtbot: QtBot
) -> None:
    assert page.model.currentData() == "forest-1" and page.target.currentText() == "virtual:host"
    press(window, qtbot, "deploy_start")
    job(qtbot, 1).end(BUILT)
    flash = job(qtbot, 2)
    assert flash.name == "flash" and page.steps["build"].state == "done" and page.steps["flash"].state == "running"
    flash.news.append(Progress(512, 1024, "writing block 2 of 4"))
    qtbot.waitUntil(lambda: page.steps["flash"]._bar.value() == 500)
    assert "Writing block" in page.steps["flash"]._words.text()
    flash.end(FLASHED)
    job(qtbot, 3).end(VERIFIED)
    qtbot.waitUntil(lambda: page.steps["verify"].state == "done")
    assert "200 of 200" in page.steps["verify"]._words.text()
    qtbot.waitUntil(lambda: bool(board.connections))
    assert board.last.url == "virtual:host"
    press(window, qtbot, "deploy_live")
    assert window.page == "live" and len(board.connections) == 1


def test_sizes_are_those_of_the_build(window: Window, page: DeployPage, qtbot: QtBot) -> None:
    press(window, qtbot, "build_start")
    job(qtbot, 1).end(BUILT)
    qtbot.waitUntil(lambda: page.steps["build"].state == "done")
    assert page.weight.flash.amount.text().startswith("24.4 kB of ")
    assert page.weight.instructions.value.text() == "51 338" and page.weight.latency.value.text() == "0.80 ms"
    assert page.weight.rate.value.text() == "0.8%"  # 0.8 ms of every 100 ms
    assert "firmware.elf" in page.weight.files.text() and len(FakeJob.made) == 1


def test_a_failed_step_stops_the_rest_and_gives_the_next_step(window: Window, page: DeployPage, qtbot: QtBot) -> None:
    press(window, qtbot, "deploy_start")
    job(qtbot, 1).end(BUILT)
    job(qtbot, 2).end(error=FlashError("virtual:host", "block 3 did not take", "Flash again."))
    qtbot.waitUntil(page.banner.isVisible)
    assert page.banner.next_step.text() == "Flash again." and not window.banner.isVisible()
    assert [page.steps[s].state for s in ORDER] == ["done", "failed", "waiting"] and len(FakeJob.made) == 2
    assert window.findChild(QtWidgets.QPushButton, "flash_start").isEnabled()


def test_a_board_that_computes_otherwise_fails_the_check_and_names_the_stage(
    window: Window, page: DeployPage, qtbot: QtBot
) -> None:
    press(window, qtbot, "verify_start")
    first = {"window": 3, "stage": "logits", "host": "0a", "board": "0b"}
    job(qtbot, 1).end({"windows": 200, "equal": 3, "first_difference": first})
    qtbot.waitUntil(page.banner.isVisible)
    assert page.steps["verify"].state == "failed" and "logits" in page.banner.thing.text()


def test_cancel_ends_the_step_and_everything_can_be_pressed_again(
    window: Window, page: DeployPage, qtbot: QtBot
) -> None:
    press(window, qtbot, "deploy_start")
    job(qtbot, 1)
    assert not page.model.isEnabled()
    press(window, qtbot, "deploy_stop")
    qtbot.waitUntil(lambda: page.steps["build"].state == "stopped")
    assert page.model.isEnabled() and len(FakeJob.made) == 1
    assert window.findChild(QtWidgets.QPushButton, "deploy_start").isEnabled()


def test_the_port_is_free_before_flashing_begins(
    window: Window, page: DeployPage, board: FakeBoard, qtbot: QtBot
) -> None:
    window.device.connect("virtual:host")
    qtbot.waitUntil(lambda: bool(board.connections))
    board.last.stream()
    page._image = Path("firmware.bin")
    page._show_buttons()
    press(window, qtbot, "flash_start")
    job(qtbot, 1)
    assert board.last.closed and window.device.words == "Lent to Deploy"
    FakeJob.made[0].end(error=FlashError("a", "b", "c"))
    qtbot.waitUntil(lambda: len(board.connections) == 2)


def test_a_build_tells_where_flash_memory_and_time_go(window: Window, page: DeployPage, qtbot: QtBot) -> None:
    stage = {"op": "Dense", "shape": [8, 3], "flash_bytes": 512, "output_bytes": 24, "scratch_bytes": 0, "ms": 0.1}
    stages = [
        stage | {"name": "features", "arena_bytes": 900, "peak": True, "runs": "window", "instructions": 3000},
        stage | {"name": "logits", "arena_bytes": 60, "peak": False, "runs": "window", "instructions": 1000},
    ]
    assert not page.layers.isVisible()
    press(window, qtbot, "build_start")
    job(qtbot, 1).end(BUILT | {"layers": stages})
    qtbot.waitUntil(page.layers.isVisible)
    table = page.layers.table
    assert [table.item(0, c).text() for c in range(6)] == [
        "features",
        "8 × 3",
        "512 B",
        "900 B",
        "3\u2009000",
        "0.100 ms",
    ]
    assert [table.item(r, 6).data(Qt.ItemDataRole.UserRole) for r in (0, 1)] == [0.75, 0.25]
    assert page.layers.words.text() == "Memory is fullest at features: 900 B of results and working memory at once."
    assert page.layers.picture.isHidden()
    page.board.setCurrentIndex(1)
    assert not page.layers.isVisible()


def test_a_build_shows_its_memory_its_stack_and_what_a_battery_does(
    window: Window, page: DeployPage, qtbot: QtBot
) -> None:
    stage = {"op": "Dense", "shape": [3], "flash_bytes": 0, "output_bytes": 24, "scratch_bytes": 0, "instructions": 9}
    stages = [
        stage | {"name": name, "arena_bytes": n, "peak": n == 900, "runs": "window", "ms": 0.1}
        for name, n in (("features", 900), ("logits", 60))
    ]
    blocks = [
        {"name": "features", "kind": "result", "first": 0, "last": 1, "offset": 0, "n_bytes": 60},
        {"name": "features", "kind": "scratch", "first": 0, "last": 0, "offset": 60, "n_bytes": 840},
    ]
    memory = {"window_bytes": 768, "arena_bytes": 904, "arena_least_bytes": 900, "blocks": blocks}
    press(window, qtbot, "build_start")
    job(qtbot, 1).end(BUILT | {"layers": stages, "memory": memory | {"stack_bound_bytes": 256}})
    qtbot.waitUntil(page.layers.isVisible)
    picture, battery = page.layers.picture, page.weight.battery
    assert (
        picture.isVisibleTo(page) and picture.peaks == [0] and "fullest at features" in picture.accessibleDescription()
    )
    low, high = picture.box(blocks[0]), picture.box(blocks[1])
    assert low.width() == 2 * high.width() and high.bottom() == low.top() and low.left() == high.left()
    said = page.layers.words.text()
    assert "no layout could do with less than 900 B" in said and "at most 256 B of stack" in said
    share = BUILT["latency_ms"] / page._period_ms()
    assert battery.isVisibleTo(page) and battery.days.value.text() == f"{2300 / (0.5 + 4.5 * share) / 24:.0f}"
    battery.form.findChild(QtWidgets.QDoubleSpinBox, "battery_asleep_ma").setValue(50.0)
    assert battery.days.value.text() == f"{2300 / (50 - 45 * share) / 24:.1f}"


def test_small_or_fast_is_asked_and_both_figures_are_shown(window: Window, page: DeployPage, qtbot: QtBot) -> None:
    other = {"optimise": "speed", "flash_bytes": 31_000, "ram_bytes": 70_000, "latency_ms": 0.7}
    press(window, qtbot, "build_start")
    assert job(qtbot, 1).arguments[3:] == (None, "size", True)
    job(qtbot, 1).end(BUILT | {"optimise": "size", "other": other | {"instructions_per_inference": 45_000}})
    qtbot.waitUntil(page.weight.other.isVisible)
    assert page.weight.other.text() == "Small: 24.4 kB of flash, 0.80 ms\nFast: 30.3 kB of flash, 0.70 ms"
    page.optimise.setCurrentIndex(page.optimise.findData("speed"))
    assert not page.weight.other.isVisible() and page.steps["build"].state == "waiting"


def test_one_press_brings_the_image_before_back(window: Window, page: DeployPage, qtbot: QtBot) -> None:
    press(window, qtbot, "rollback_start")
    job(qtbot, 1).end({"board": "host", "build_hash": "ab" * 16, "was": "cd" * 16})
    qtbot.waitUntil(lambda: page.steps["rollback"].state == "done")
    assert page.steps["rollback"]._words.text() == "Build abababab runs again, in place of cdcdcdcd."


def test_the_check_of_a_board_is_said_and_copied(window: Window, page: DeployPage, qtbot: QtBot) -> None:
    press(window, qtbot, "first_light_start")
    checks = [{"name": "echo", "ok": True, "seen": "40 of 40"}, {"name": "clock", "ok": False, "seen": "+20000 ppm"}]
    job(qtbot, 1).end({"board": "host", "passed": 1, "failed": 1, "checks": checks, "report": "[FAIL] clock"})
    qtbot.waitUntil(lambda: page.steps["first_light"].state == "done")
    assert page.steps["first_light"]._words.text() == "clock (+20000 ppm). The report is on the clipboard."
    assert QtGui.QGuiApplication.clipboard().text() == "[FAIL] clock"


def test_facts_of_the_model(page: DeployPage) -> None:
    shown = {name: value.text() for name, value in page.facts._values.items()}
    assert shown["Right on unseen data"] == "98.7%" and shown["Window"] == "0.20 s every 0.10 s"


def test_another_board_forgets_the_old_results(window: Window, page: DeployPage, qtbot: QtBot) -> None:
    press(window, qtbot, "build_start")
    job(qtbot, 1).end(BUILT)
    qtbot.waitUntil(lambda: page.steps["build"].state == "done")
    page.board.setCurrentIndex(page.board.findData("cortex-m4f"))
    assert page.steps["build"].state == "waiting" and page.target.currentText() == "virtual:cortex-m4f"
    assert page.weight.flash.amount.text() == "–"
    assert np.isclose(page.weight.flash._used, 0)
