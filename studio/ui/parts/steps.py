"""A list of steps, each with its state, its result in words, its progress and its own button."""

from PySide6 import QtWidgets
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QSizePolicy

from studio.progress import Progress
from studio.ui.widgets import Button, Glyph, label, rows, set_look

#: state -> (icon, token).
LOOKS = {
    "waiting": ("circle", "faint"),
    "running": ("loader-2", "accent"),
    "done": ("circle-check", "ok"),
    "failed": ("circle-x", "danger"),
    "stopped": ("circle", "warn"),
}


class Step(QFrame):
    """One row."""

    def __init__(self, title: str, hint: str, action: Button) -> None:
        super().__init__()
        self.title, self._hint, self.action = title, hint, action
        self.state = "waiting"
        self._glyph = Glyph("circle", "faint", 22)
        self._name, self._words = label(title, "title"), label(hint, "dim", wrap=True)
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._bar = QtWidgets.QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(f"{title}: progress")
        self._bar.hide()
        self._keep_place()
        action.setFixedWidth(128)
        across = QtWidgets.QHBoxLayout(self)
        across.setContentsMargins(0, 10, 0, 10)
        across.setSpacing(14)
        across.addWidget(self._glyph, 0, Qt.AlignmentFlag.AlignTop)
        across.addLayout(rows(self._name, self._words, self._bar, spacing=4), 1)
        across.addWidget(action, 0, Qt.AlignmentFlag.AlignTop)

    def _keep_place(self) -> None:
        """The bar keeps its room while hidden, so the rows below do not jump."""
        policy = self._bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._bar.setSizePolicy(policy)

    def become(self, state: str, words: str = "") -> None:
        """Another state, with what to say about it."""
        self.state = state
        self._glyph.show_icon(*LOOKS[state])
        self._words.setText(words or self._hint)
        set_look(self._words, tone="danger" if state == "failed" else "", kind="" if state == "failed" else "dim")
        self._bar.setVisible(state == "running")
        if state == "running":
            self._bar.setRange(0, 0)
        self.setAccessibleName(f"{self.title}: {state}. {words}")

    def step(self, progress: Progress) -> None:
        """Show how far it is."""
        if progress.text:
            self._words.setText(progress.text[:1].upper() + progress.text[1:])
        self._bar.setRange(0, 1000 if progress.total else 0)
        if progress.total:
            self._bar.setValue(round(1000 * min(1.0, progress.done / progress.total)))
