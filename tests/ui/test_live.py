"""Live: what the board answers, as bars, in large letters, and as a track."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6 import QtWidgets
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.ui.pages import live
from studio.ui.pages.live import LivePage
from studio.ui.training.models import Shown
from studio.ui.window import Window
from tests.ui import fakes
from tests.ui.fakes import MODEL, FakeBoard


@pytest.fixture
def page(window: Window) -> LivePage:
    window.go("live")
    found = window.pages["live"]
    assert isinstance(found, LivePage)
    return found


def stream(window: Window, board: FakeBoard, qtbot: QtBot) -> None:
    window.device.connect("virtual:host")
    qtbot.waitUntil(lambda: bool(board.connections))
    board.last.stream()
    qtbot.waitUntil(lambda: window.device.streaming)


def test_without_a_device_it_leads_to_capture(window: Window, page: LivePage, qtbot: QtBot) -> None:
    one = window.findChild(QtWidgets.QPushButton, "go_capture_from_live")
    qtbot.waitUntil(one.isVisible)
    qtbot.mouseClick(one, Qt.MouseButton.LeftButton)
    assert window.page == "capture"


def test_a_board_without_a_model_leads_to_deploy(
    window: Window, page: LivePage, board: FakeBoard, qtbot: QtBot
) -> None:
    stream(window, board, qtbot)
    one = window.findChild(QtWidgets.QPushButton, "go_deploy_from_live")
    qtbot.waitUntil(one.isVisible)
    qtbot.mouseClick(one, Qt.MouseButton.LeftButton)
    assert window.page == "deploy"


def test_scores_become_bars_a_word_and_a_track(window: Window, page: LivePage, board: FakeBoard, qtbot: QtBot) -> None:
    board.model = MODEL
    stream(window, board, qtbot)
    qtbot.waitUntil(page.bars.isVisible)
    board.last.feed("accelerometer", np.zeros((200, 3)))
    board.last.feed("scores", [[0.2, 0.8], [0.9, 0.1]])
    board.last.feed("decision", [[1], [0]])
    qtbot.waitUntil(lambda: page.decision.name.text() == "wave")
    assert "90% sure" in page.decision.words.text()
    qtbot.waitUntil(lambda: page.bars.shown[0] == pytest.approx(0.9, abs=0.01))
    assert [b[2] for b in page.plots._decisions.blocks()] == [1, 0]


def test_a_sensor_off_its_rate_is_said_instead_of_an_answer(
    window: Window, page: LivePage, board: FakeBoard, qtbot: QtBot
) -> None:
    board.model = MODEL
    stream(window, board, qtbot)
    qtbot.waitUntil(page.bars.isVisible)
    board.last.feed("accelerometer", np.zeros((200, 3)))
    board.last.feed("decision", [[-2]])
    board.last.feed("scores", [[np.nan, np.nan]])
    qtbot.waitUntil(lambda: page.decision.name.text() == "Wrong rate")
    assert "withheld" in page.decision.words.text()
    board.last.feed("decision", [[0]])
    board.last.feed("scores", [[0.8, 0.2]])
    qtbot.waitUntil(lambda: page.decision.name.text() == MODEL.classes[0])


def test_no_class_reaching_the_threshold_is_not_sure(
    window: Window, page: LivePage, board: FakeBoard, qtbot: QtBot
) -> None:
    board.model = MODEL
    stream(window, board, qtbot)
    board.last.feed("scores", [[0.5, 0.5]])
    board.last.feed("decision", [[-1]])
    qtbot.waitUntil(lambda: page.decision.name.text() == "Not sure")


def test_a_board_flashed_anew_shows_its_new_classes(
    window: Window, page: LivePage, board: FakeBoard, qtbot: QtBot
) -> None:
    board.model = MODEL
    stream(window, board, qtbot)
    qtbot.waitUntil(lambda: page._shown is not None)
    first = page._shown
    window.device.connect("virtual:host")
    qtbot.waitUntil(lambda: len(board.connections) == 2)
    board.last.stream()
    qtbot.waitUntil(lambda: page._shown is not None and page._shown[0] is board.last)
    assert first[0] is not board.last


def test_a_number_is_shown_with_the_unit_that_the_project_knows(
    window: Window, page: LivePage, board: FakeBoard, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.model = replace(MODEL, classes=("value",))
    known = Shown("ridge-1", {"lock": {"task": "number", "unit": "kg"}}, classes=("value",))
    monkeypatch.setattr(live, "models_of", lambda project: [known])
    monkeypatch.setattr(fakes, "SCORES", replace(fakes.SCORES, channels=("value",)))
    stream(window, board, qtbot)
    qtbot.waitUntil(page.decision.isVisible)
    board.last.feed("accelerometer", np.zeros((200, 3)))
    board.last.feed("decision", [[0], [0]])
    board.last.feed("scores", [[-3.0], [12.5]])
    qtbot.waitUntil(lambda: page.decision.name.text() == "12.5 kg")
    assert "sure" not in page.decision.words.text() and not page.scores.isVisible()
    assert [t.ring.stream.name for t in page.plots.traces] == ["accelerometer", "scores"]
