"""Buttons, banners and forms."""

from dataclasses import dataclass

import pytest
from PySide6 import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from studio.errors import LinkError
from studio.params import param
from studio.ui.forms import Form
from studio.ui.parts.scores import ScoreBars
from studio.ui.theme import Theme
from studio.ui.widgets import Banner, EmptyState, button, bytes_text


def test_a_button_keeps_its_shortcut_when_its_text_changes(look: Theme, qtbot: QtBot) -> None:
    pressed: list[int] = []
    one = button("record_start", "Record", lambda: pressed.append(1), shortcut="Ctrl+R")
    qtbot.addWidget(one)
    one.show_as("Record & more", "player-stop-filled", "danger")
    assert one.shortcut() == QtGui.QKeySequence("Ctrl+R")
    assert one.toolTip() == "Record (Ctrl+R)" and one.objectName() == "record_start"
    one.show()
    qtbot.waitExposed(one)
    qtbot.keyClick(one, QtCore.Qt.Key.Key_Space)
    assert pressed == [1]


def test_a_banner_has_three_parts_and_copies_them(look: Theme, qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_error(LinkError("COM7", "access denied", "Close other programs that use it."))
    assert (banner.thing.text(), banner.seen.text()) == ("COM7", "Access denied.")
    assert "Close other programs" in banner.accessibleName()
    banner.findChild(QtWidgets.QPushButton, "error_copy").click()
    assert QtGui.QGuiApplication.clipboard().text() == "COM7\nAccess denied.\nClose other programs that use it."
    with qtbot.waitSignal(banner.closed):
        banner.findChild(QtWidgets.QPushButton, "error_close").click()
    assert banner.isHidden()


def test_a_banner_shows_the_head_of_a_long_log_and_copies_all_of_it(look: Theme, qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_error(LinkError("x", "y", "\n".join(f"line {i}" for i in range(40))))
    assert len(banner.next_step.text().splitlines()) == 5
    banner.findChild(QtWidgets.QPushButton, "error_copy").click()
    assert "line 39" in QtGui.QGuiApplication.clipboard().text()


def test_a_bug_says_that_it_is_one(look: Theme, qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_error(ZeroDivisionError("division by zero"))
    assert "ZeroDivisionError" in banner.seen.text() and "fault in the studio" in banner.next_step.text()


def test_an_empty_state_gives_a_long_sentence_all_its_lines(look: Theme, qtbot: QtBot) -> None:
    state = EmptyState("cpu", "Nothing", "word " * 60)
    qtbot.addWidget(state)
    state.resize(700, 500)
    state.show()
    qtbot.waitExposed(state)
    assert state.sentence.height() >= state.sentence.heightForWidth(400) > 40


@dataclass(frozen=True)
class Shape:
    depth: int = param(3, "Layers.", low=1, high=8)
    rate: float = param(0.002, "Step.", unit="1/s", low=1e-4, high=1.0)
    kind: str = param("a", "Which.", choices=("a", "b"))
    fast: bool = param(False, "Less exact.")
    name: str = param("net", "Its name.")
    hidden: int = 5


def test_a_form_is_its_declaration(look: Theme, qtbot: QtBot) -> None:
    form = Form(Shape, "train")
    qtbot.addWidget(form)
    assert form.value() == Shape()
    depth = form.findChild(QtWidgets.QSpinBox, "train_depth")
    assert (depth.minimum(), depth.maximum(), depth.toolTip()) == (1, 8, "Layers.")
    assert form.findChild(QtWidgets.QDoubleSpinBox, "train_rate").suffix() == " 1/s"
    with qtbot.waitSignal(form.changed):
        depth.setValue(7)
    form.findChild(QtWidgets.QComboBox, "train_kind").setCurrentIndex(1)
    form.findChild(QtWidgets.QCheckBox, "train_fast").setChecked(True)
    form.findChild(QtWidgets.QLineEdit, "train_name").setText("big")
    assert form.value() == Shape(7, 0.002, "b", True, "big")
    assert form.findChild(QtWidgets.QSpinBox, "train_hidden") is None


def test_a_form_starts_from_an_instance(look: Theme, qtbot: QtBot) -> None:
    form = Form(Shape(depth=5, kind="b"), "train")
    qtbot.addWidget(form)
    assert form.value() == Shape(depth=5, kind="b")


def test_score_bars_ease_towards_the_scores(look: Theme, qtbot: QtBot) -> None:
    import numpy as np

    bars = ScoreBars()
    qtbot.addWidget(bars)
    bars.show_classes(("wave", "idle"), ("#ff0000", "#00ff00"))
    bars.show_scores(np.array([0.9, 0.1], np.float32))
    seen = []
    for _ in range(40):
        bars.tick()
        seen.append(float(bars.shown[0]))
    assert seen[0] == pytest.approx(0.27) and seen == sorted(seen) and seen[-1] == pytest.approx(0.9, abs=2e-3)
    assert bars.accessibleDescription() == "wave 90%"


def test_bytes_read_like_a_datasheet() -> None:
    assert [bytes_text(b) for b in (12, 1024, 262144, 2**21)] == ["12 B", "1.0 kB", "256.0 kB", "2.0 MB"]
