"""Labelled time of each class as bars, the test's part hatched lighter at the end."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QRect, QRectF, Qt

from studio.ui.labels.lists import write
from studio.ui.labels.tally import span_text
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme

ROW_PX, NAME_SHARE, TIME_PX = 30, 0.45, 88


@dataclass(frozen=True)
class Bar:
    """One class: seconds to learn from and seconds to judge by."""

    name: str
    color: str
    train_s: float
    test_s: float


@safe_overrides
class ClassBars(QtWidgets.QWidget):
    """Bars below each other; the longest fills the width."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("class_balance")
        self._bars: Sequence[Bar] = ()
        theme().changed.connect(self.update)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        """Other bars."""
        self._bars = bars
        self.setFixedHeight(max(1, len(bars)) * ROW_PX)
        words = ", ".join(f"{b.name} {span_text(b.train_s + b.test_s)}" for b in bars)
        self.setAccessibleName(f"Labelled time by class: {words or 'none'}")
        self.setToolTip("\n".join(f"{b.name}: train {span_text(b.train_s)}, test {span_text(b.test_s)}" for b in bars))
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        longest = max((b.train_s + b.test_s for b in self._bars), default=0.0) or 1.0
        names = QtGui.QFontMetrics(font(13, figures=True))
        widest = max((names.horizontalAdvance(b.name) for b in self._bars), default=0) + 14
        name_px = min(max(widest, 60), int(self.width() * NAME_SHARE))
        room = self.width() - name_px - TIME_PX
        for n, bar in enumerate(self._bars):
            line = QRect(0, n * ROW_PX, self.width(), ROW_PX)
            write(painter, line.adjusted(0, 0, name_px - 8 - self.width(), 0), bar.name, theme().tokens.text)
            seconds = span_text(bar.train_s + bar.test_s)
            write(painter, line, seconds, theme().tokens.dim, 12, right=True)
            groove = QRectF(name_px, line.center().y() - 4, room, 9)
            self._bar(painter, groove, bar, longest)

    @staticmethod
    def _bar(painter: QtGui.QPainter, groove: QRectF, bar: Bar, longest: float) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("line"))
        painter.drawRoundedRect(groove, 4, 4)
        full = groove.width() * (bar.train_s + bar.test_s) / longest
        if full <= 0:
            return
        shape = QtGui.QPainterPath()
        shape.addRoundedRect(QRectF(groove.left(), groove.top(), max(full, 6.0), groove.height()), 4, 4)
        painter.save()
        painter.setClipPath(shape)
        color = QtGui.QColor(bar.color)
        train = full * bar.train_s / (bar.train_s + bar.test_s)
        painter.fillRect(QRectF(groove.left(), groove.top(), train, groove.height()), color)
        light = QtGui.QColor(color)
        light.setAlphaF(0.45)
        painter.fillRect(QRectF(groove.left() + train, groove.top(), full - train, groove.height()), light)
        painter.restore()

    def sizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(240, max(1, len(self._bars)) * ROW_PX)
