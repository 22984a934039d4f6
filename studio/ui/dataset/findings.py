"""What `check` found, in plain words, one card a finding."""

from collections.abc import Sequence

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.ui.dataset.table import SEVERITY, Finding
from studio.ui.widgets import Glyph, label

MOST = 40


class Findings(QtWidgets.QWidget):
    """A list of findings, the worst first."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("findings")
        self._layout = QtWidgets.QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(10)

    def show_findings(self, findings: Sequence[Finding] | None, nothing: str) -> None:
        """`nothing` is said when there are none; None means that the check still runs."""
        while item := self._layout.takeAt(0):
            if item.widget() is not None:
                item.widget().deleteLater()
        if findings is None:
            self._layout.addWidget(label("Checking …", "dim"))
            return
        ordered = sorted(findings, key=lambda f: -SEVERITY[f["severity"]][2])
        for finding in ordered[:MOST]:
            self._layout.addWidget(_line(finding))
        if len(ordered) > MOST:
            self._layout.addWidget(label(f"and {len(ordered) - MOST} more", "dim"))
        if not ordered:
            self._layout.addWidget(_ok(nothing))
        self.setAccessibleName("; ".join(f["text"] for f in ordered) or nothing)


def _line(finding: Finding) -> QtWidgets.QWidget:
    name, role, _ = SEVERITY[finding["severity"]]
    return _row(name, role, finding["text"])


def _ok(text: str) -> QtWidgets.QWidget:
    return _row("circle-check", "ok", text)


def _row(icon: str, role: str, text: str) -> QtWidgets.QWidget:
    made = QtWidgets.QWidget()
    layout = QtWidgets.QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(9)
    layout.addWidget(Glyph(icon, role, 17), 0, Qt.AlignmentFlag.AlignTop)
    words = label(text, wrap=True)
    words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    layout.addWidget(words, 1)
    return made
