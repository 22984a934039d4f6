"""Settings: what `studio doctor` finds is shown, with the fix where one is needed."""

from typing import Any

import pytest
from PySide6 import QtWidgets
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.app.actions import doctor
from studio.ui.window import Window


def test_findings_of_this_computer(window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [
        {"what": "C compiler", "ok": True, "seen": "zig 0.16.0", "fix": ""},
        {"what": "Rights on /dev/ttyACM0", "ok": False, "seen": "this user may not open it", "fix": "join dialout"},
    ]
    found: dict[str, Any] = {"version": "1", "ok": False, "findings": findings}
    monkeypatch.setattr(doctor, "doctor", lambda: found)
    window.go("settings")
    check = window.findChild(QtWidgets.QPushButton, "computer_check")
    for _ in range(2):  # a second look replaces the first
        qtbot.mouseClick(check, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: _texts(window) == ["C compiler: zig 0.16.0", f"{_RIGHTS}\njoin dialout"])
        qtbot.waitUntil(check.isEnabled)


_RIGHTS = "Rights on /dev/ttyACM0: this user may not open it"


def _texts(window: Window) -> list[str]:
    shown = [w.text() for w in window.pages["settings"].findChildren(QtWidgets.QLabel) if w.isVisible()]
    return [text for text in shown if text.startswith(("C compiler", "Rights"))]
