"""The scores of a board as bars, and its decision in large letters."""

import numpy as np
import numpy.typing as npt
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme
from studio.ui.widgets import Card, label

ROW, BAR, NAME, SHARE = 30, 10, 96, 48
EASE = 0.3


@safe_overrides
class ScoreBars(QtWidgets.QWidget):
    """A bar per class that eases towards the newest score."""

    def __init__(self) -> None:
        super().__init__()
        self._classes: tuple[str, ...] = ()
        self._colors: tuple[str, ...] = ()
        self._shown = self._wanted = np.empty(0, np.float32)
        self.setAccessibleName("Scores")
        theme().changed.connect(self.update)

    def show_classes(self, classes: tuple[str, ...], colors: tuple[str, ...]) -> None:
        """Bars for these classes."""
        self._classes, self._colors = classes, colors
        self._shown = self._wanted = np.zeros(len(classes), np.float32)
        self.setMinimumHeight(ROW * len(classes))
        self.update()

    def show_scores(self, scores: npt.NDArray[np.float32]) -> None:
        """The newest scores."""
        self._wanted = scores
        best = int(np.argmax(scores))
        self.setAccessibleDescription(f"{self._classes[best]} {scores[best]:.0%}")

    def tick(self) -> None:
        """One frame of the movement."""
        if len(self._shown) and np.abs(self._wanted - self._shown).max() > 1e-3:
            self._shown = self._shown + EASE * (self._wanted - self._shown)
            self.update()

    @property
    def shown(self) -> npt.NDArray[np.float32]:
        """Where the bars stand now."""
        return self._shown

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        best = int(np.argmax(self._shown)) if len(self._shown) else -1
        height = min(ROW * 1.5, self.height() / max(1, len(self._classes)))
        for i, name in enumerate(self._classes):
            self._row(painter, QtCore.QRectF(0, i * height, self.width(), height), i, name, i == best)

    def _row(self, painter: QtGui.QPainter, box: QtCore.QRectF, i: int, name: str, best: bool) -> None:
        t, middle = theme().tokens, box.center().y()
        weight = QtGui.QFont.Weight.DemiBold if best else QtGui.QFont.Weight.Normal
        words = font(13, weight, figures=True)
        painter.setFont(words)
        painter.setPen(QtGui.QColor(t.text if best else t.dim))
        short = QtGui.QFontMetrics(words).elidedText(name, Qt.TextElideMode.ElideRight, NAME - 8)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        painter.drawText(QtCore.QRectF(0, box.y(), NAME, box.height()), left | Qt.AlignmentFlag.AlignVCenter, short)
        share = QtCore.QRectF(box.width() - SHARE, box.y(), SHARE, box.height())
        painter.drawText(share, right | Qt.AlignmentFlag.AlignVCenter, f"{self._shown[i]:.0%}")
        groove = QtCore.QRectF(NAME, middle - BAR / 2, box.width() - NAME - SHARE - 4, BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(t.neutral))
        painter.drawRoundedRect(groove, BAR / 2, BAR / 2)
        value = float(np.clip(self._shown[i], 0.0, 1.0))
        if value > 0.004:
            groove.setWidth(max(BAR, groove.width() * value))
            painter.setBrush(QtGui.QColor(self._colors[i]))
            painter.drawRoundedRect(groove, BAR / 2, BAR / 2)


class Decision(Card):
    """The present decision, large, in its class's colour."""

    def __init__(self) -> None:
        super().__init__("Now")
        self.setFixedWidth(300)
        self.name, self.words = label("–", "clock"), label("", "dim", wrap=True)
        self.name.setFont(font(34, QtGui.QFont.Weight.DemiBold))
        self.name.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        self.name.setMinimumHeight(48)
        self.body.addStretch()
        self.body.addWidget(self.name)
        self.body.addWidget(self.words)
        self.body.addStretch()

    def say(self, name: str, color: str, words: str) -> None:
        """Show a decision; an empty name is "not sure"."""
        shown = QtGui.QFontMetrics(self.name.font()).elidedText(name or "Not sure", Qt.TextElideMode.ElideRight, 262)
        if self.name.text() != shown:
            self.name.setText(shown)
            self.name.setToolTip(name)
            self.name.setStyleSheet(f"color: {color or theme().tokens.dim};")
        if self.words.text() != words:
            self.words.setText(words)
