"""What lies over the traces of a row: the edges and handles of the label in hand, and the line under the mouse."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from studio.ui.labels.edit import Draft, Edit
from studio.ui.labels.layer import Frame, frame_of
from studio.ui.labels.look import Look
from studio.ui.safe import safe_overrides

HANDLE_PX = (7.0, 28.0)


@safe_overrides
class LabelMarks(pg.GraphicsObject):
    """Paints over a row what `edit` holds in hand. `n_handles`: what the last paint drew, for the tests."""

    def __init__(self, edit: Edit, look: Look, handles: bool = True) -> None:
        super().__init__()
        self.edit, self.look, self.n_handles, self.handles = edit, look, 0, handles
        self.setZValue(20)

    def boundingRect(self) -> QRectF:
        box = self.getViewBox()
        return box.viewRect() if box is not None else QRectF()

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, *_: Any) -> None:
        self.n_handles, box = 0, self.getViewBox()
        if box is None:
            return
        frame = frame_of(box, painter)
        painter.save()
        painter.resetTransform()
        self._paint_range(painter, frame)
        self._paint_cursor(painter, frame)
        self._paint_head(painter, frame)
        if self.handles and (chosen := self.edit.chosen) is not None:
            self._paint_edges(painter, frame, chosen)
        painter.restore()

    def _paint_edges(self, painter: QPainter, frame: Frame, chosen: Draft) -> None:
        color, middle = self.look.color(chosen.label), (frame.top + frame.bottom) / 2
        wide, high = HANDLE_PX
        for time_s in {chosen.start_s + self.edit.by_s, chosen.stop_s + self.edit.by_s}:
            if not frame.left <= time_s <= frame.right:
                continue
            x = round(float(frame.px(np.array([time_s]))[0]))
            painter.fillRect(x, frame.top, 1, frame.bottom - frame.top, color)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.setPen(pg.mkPen(self.look.plot, width=1.5))
            painter.setBrush(color)
            tall = min(high, (frame.bottom - frame.top) * 0.7)
            painter.drawRoundedRect(QRectF(x + 0.5 - wide / 2, middle - tall / 2, wide, tall), wide / 2, wide / 2)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            self.n_handles += 1

    def _paint_range(self, painter: QPainter, frame: Frame) -> None:
        """The marked stretch: a veil between two lines."""
        if (marked := self.edit.range_s) is None or marked[1] < frame.left or marked[0] > frame.right:
            return
        a, b = (round(float(v)) for v in frame.px(np.array(marked)))
        veil = QColor(self.look.accent)
        veil.setAlpha(36)
        painter.fillRect(a, frame.top, max(b - a, 1), frame.bottom - frame.top, veil)
        for x in (a, b):
            painter.fillRect(x, frame.top, 1, frame.bottom - frame.top, QColor(self.look.accent))

    def _paint_head(self, painter: QPainter, frame: Frame) -> None:
        """Where playing stands."""
        at = self.edit.head_s
        if at is not None and frame.left <= at <= frame.right:
            x = round(float(frame.px(np.array([at]))[0]))
            painter.fillRect(x, frame.top, 1, frame.bottom - frame.top, QColor(self.look.text))

    def _paint_cursor(self, painter: QPainter, frame: Frame) -> None:
        at = self.edit.cursor_s
        if at is None or not frame.left <= at <= frame.right:
            return
        color = QColor(self.look.dim)
        color.setAlpha(150)
        painter.fillRect(round(float(frame.px(np.array([at]))[0])), frame.top, 1, frame.bottom - frame.top, color)
