"""Marks over the live plots: markers, stretches painted by a held key, and where a trigger fired."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6 import QtCore, QtGui
from PySide6.QtCore import Qt

from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme

STRIP, TEXT_FROM = 16, 26


@dataclass(frozen=True)
class Shown:
    """A mark in seconds from the right edge; a point has `stop_s` equal to `start_s`. No colour: the theme's."""

    start_s: float
    stop_s: float
    words: str
    color: str = ""

    @property
    def is_point(self) -> bool:
        """A moment, not a stretch."""
        return self.start_s == self.stop_s


@safe_overrides
class MarksItem(pg.GraphicsObject):
    """Stretches as a tinted band with their name in a strip on top, points as a line."""

    def __init__(self) -> None:
        super().__init__()
        self._marks: tuple[Shown, ...] = ()
        self.setZValue(50)
        theme().changed.connect(self.update)

    @property
    def marks(self) -> tuple[Shown, ...]:
        """What is drawn."""
        return self._marks

    def boundingRect(self) -> QtCore.QRectF:
        view = self.getViewBox()
        return QtCore.QRectF(view.viewRect()) if view is not None else QtCore.QRectF(-1, 0, 1, 1)

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def show_marks(self, marks: Sequence[Shown]) -> None:
        """Draw these; nothing is drawn anew when nothing changed."""
        if marks or self._marks:
            self._marks = tuple(marks)
            self.update()

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        if not self._marks:
            return
        to = painter.transform()
        box = to.mapRect(self.boundingRect()).toRect()
        painter.save()
        painter.resetTransform()
        painter.setClipRect(box)
        painter.setFont(font(11, QtGui.QFont.Weight.DemiBold))
        for mark in self._marks:
            left, right = (round(s * to.m11() + to.dx()) for s in (mark.start_s, mark.stop_s))
            if right >= box.left() and left <= box.right():
                color = QtGui.QColor(mark.color) if mark.color else theme().color("warn")
                (self._point if mark.is_point else self._stretch)(painter, box, left, right, color, mark.words)
        painter.restore()

    @staticmethod
    def _point(p: QtGui.QPainter, box: QtCore.QRect, x: int, _: int, color: QtGui.QColor, words: str) -> None:
        p.setPen(QtGui.QPen(color, 1))
        p.drawLine(x, box.top(), x, box.bottom())
        p.drawText(QtCore.QRect(x + 4, box.top(), 120, STRIP), Qt.AlignmentFlag.AlignVCenter, words)

    @staticmethod
    def _stretch(p: QtGui.QPainter, box: QtCore.QRect, x0: int, x1: int, color: QtGui.QColor, words: str) -> None:
        band = QtGui.QColor(color)
        band.setAlphaF(0.14)
        x0, x1 = max(x0, box.left()), min(x1, box.right())
        p.fillRect(QtCore.QRect(x0, box.top(), max(1, x1 - x0), box.height()), band)
        strip = QtCore.QRect(x0, box.top(), max(1, x1 - x0), STRIP)
        p.fillRect(strip, color)
        if strip.width() >= TEXT_FROM:
            p.setPen(QtGui.QColor("#0b0d11" if color.lightnessF() > 0.45 else "#ffffff"))
            p.drawText(strip.adjusted(6, 0, -2, 0), Qt.AlignmentFlag.AlignVCenter, words)


@safe_overrides
class Caption(pg.GraphicsObject):
    """What the axes mean, small, in the upper left corner."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
        self.setZValue(40)
        theme().changed.connect(self.update)

    def boundingRect(self) -> QtCore.QRectF:
        view = self.getViewBox()
        return QtCore.QRectF(view.viewRect()) if view is not None else QtCore.QRectF(-1, 0, 1, 1)

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        to = painter.transform()
        box = to.mapRect(self.boundingRect()).toRect()
        used = font(11)
        place = QtCore.QRect(
            box.left() + 6, box.top() + 4, QtGui.QFontMetrics(used).horizontalAdvance(self.words) + 12, 17
        )
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("plot", 0.75))
        painter.drawRoundedRect(place, 4, 4)
        painter.setPen(theme().color("dim"))
        painter.setFont(used)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self.words)
        painter.restore()
