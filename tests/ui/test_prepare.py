"""Prepare a board: from the empty Capture page, by keys, with what a sensor's maker must be asked for."""

from pathlib import Path

import pytest
from PySide6 import QtWidgets
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.errors import BuildError
from studio.firmware.board import boards
from studio.firmware.supplies import supplies_for
from studio.ui.parts import prepare as preparing
from studio.ui.parts.prepare import PrepareDialog
from studio.ui.window import Window
from tests.ui.test_deploy import FLASHED, FakeJob

NEEDING = next(b for b in boards().values() if supplies_for(b))
PLAIN = next(b for b in boards().values() if not b.virtual and not supplies_for(b))
MADE = {"flash_bytes": 11_000, "ram_bytes": 32_000, "files": ["/x/firmware.bin", "/x/whole.hex"], "build_hash": "ef58"}


@pytest.fixture
def dialog(window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> PrepareDialog:
    """Opened as a person does."""
    monkeypatch.setattr(FakeJob, "made", [])
    monkeypatch.setattr(preparing, "Job", FakeJob)
    monkeypatch.setattr(preparing, "ProcessJob", FakeJob)
    button = window.findChild(QtWidgets.QPushButton, "prepare_open")
    assert button is not None and button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    found = window.findChild(PrepareDialog)
    assert found is not None
    qtbot.waitExposed(found)
    found.activateWindow()
    qtbot.waitUntil(found.isActiveWindow)
    return found


def choose(dialog: PrepareDialog, board: str) -> None:
    dialog.board.setCurrentIndex(dialog.board.findData(board))


def test_real_boards_come_first_and_say_that_nobody_tried_them(dialog: PrepareDialog) -> None:
    ids = [dialog.board.itemData(i) for i in range(dialog.board.count())]
    virtual = [boards()[id].virtual for id in ids]
    assert set(ids) == set(boards()) and virtual == sorted(virtual)
    choose(dialog, PLAIN.id)
    assert "not yet tried on hardware" in dialog.about.text() and "`" not in dialog.about.text()
    choose(dialog, "host")
    assert "not yet tried" not in dialog.about.text() and dialog.target.currentText() == "virtual:host"


def test_made_then_flashed_by_keys(window: Window, dialog: PrepareDialog, qtbot: QtBot) -> None:
    choose(dialog, PLAIN.id)
    assert dialog.make.action.isEnabled() and not dialog.flash.action.isEnabled()
    qtbot.keyClick(dialog.board, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(FakeJob.made) == 1)  # Qt shows the press for a moment
    (job,) = FakeJob.made
    assert job.name == "firmware" and not dialog.board.isEnabled()
    job.end(MADE)
    qtbot.waitUntil(lambda: dialog.make.state == "done")
    assert not dialog.flash.action.isEnabled()  # no address yet
    dialog.target.setEditText("COM7")
    qtbot.keyClick(dialog.target, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: FakeJob.made[-1].name == "flash")
    FakeJob.made[-1].end(FLASHED)
    qtbot.waitUntil(lambda: dialog.flash.state == "done")
    assert window.device.url == "COM7"


def test_what_goes_wrong_is_told_and_may_be_tried_again(dialog: PrepareDialog, qtbot: QtBot) -> None:
    choose(dialog, PLAIN.id)
    dialog.make.action.click()
    FakeJob.made[-1].end(error=BuildError("The firmware", "does not fit", "Take another board."))
    qtbot.waitUntil(lambda: dialog.make.state == "failed")
    assert dialog.banner.isVisible() and dialog.make.action.isEnabled()


def test_a_part_that_needs_something_is_asked_for_first(dialog: PrepareDialog, tmp_path: Path) -> None:
    choose(dialog, NEEDING.id)
    (supply,) = supplies_for(NEEDING)
    assert dialog.part.isVisible() and not dialog.make.action.isEnabled()
    (tmp_path / "wrong.c").write_text("int x;")
    dialog.give(tmp_path / "wrong.c")
    assert dialog.banner.isVisible() and not dialog.make.action.isEnabled()
    (tmp_path / "right.bin").write_bytes(bytes(supply.n_bytes))
    dialog.give(tmp_path / "right.bin")
    assert not dialog.banner.isVisible() and dialog.part.state == "done" and dialog.make.action.isEnabled()
    choose(dialog, PLAIN.id)
    assert not dialog.part.isVisible()


def test_a_dialog_that_closes_stops_its_work(dialog: PrepareDialog) -> None:
    choose(dialog, PLAIN.id)
    dialog.make.action.click()
    dialog.reject()
    assert FakeJob.made[-1].stopped
