"""The guards against faults of Qt's bindings."""

import sys

import pytest
from PySide6 import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from studio.errors import StudioError
from studio.ui.safe import check_qt, safe_overrides


def test_the_qt_that_destroys_none_is_refused_with_a_next_step() -> None:
    check_qt("6.11.3", (3, 11))
    check_qt("6.12.0", (3, 12))
    with pytest.raises(StudioError) as seen:
        check_qt("6.12.0", (3, 11))
    assert "6.11.3" in seen.value.next_step


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the fault is in Python before 3.12")
def test_an_error_raised_by_c_code_in_an_override_is_reported_and_does_not_crash(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    @safe_overrides
    class Broken(QtWidgets.QWidget):
        def event(self, event: QtCore.QEvent) -> bool:
            if event.type() == QtCore.QEvent.Type.User:
                return bool([][1])
            return super().event(event)

    caught: list[type] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: caught.append(kind))
    widget = Broken()
    qtbot.addWidget(widget)
    QtWidgets.QApplication.sendEvent(widget, QtCore.QEvent(QtCore.QEvent.Type.User))
    assert caught == [IndexError]


def test_only_overrides_are_wrapped() -> None:
    @safe_overrides
    class Plain(QtWidgets.QWidget):
        def paintEvent(self, event: object) -> None: ...

        def own(self) -> None: ...

    assert not hasattr(vars(Plain)["own"], "__wrapped__")
    assert hasattr(vars(Plain)["paintEvent"], "__wrapped__") == (sys.version_info < (3, 12))
