"""Where two tracks differ, along the whole recording: a bar to look at and to click on."""

from collections.abc import Sequence

import numpy as np
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QRectF, Qt

from studio.data.agreement import Piece
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme
from studio.ui.widgets import named

HEIGHT_PX = 26


@safe_overrides
class DifferenceStrip(QtWidgets.QWidget):
    """Columns are coloured by the share of their time in which the tracks differ; `asked` is the second clicked."""

    asked = QtCore.Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT_PX)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._pieces: Sequence[Piece] = ()
        self._end_s = 0.0
        self.seen_s = (0.0, 0.0)
        named(self, "agreement_strip", "Where the tracks differ", "Click to go there")
        theme().changed.connect(self.update)

    def show_differences(self, pieces: Sequence[Piece], end_s: float) -> None:
        """Differences over [0, end_s]."""
        self._pieces, self._end_s = pieces, end_s
        seconds = sum(p.stop_s - p.start_s for p in pieces)
        self.setAccessibleName(f"{len(pieces)} differences, {seconds:.1f} s of {end_s:.1f} s")
        self.update()

    def shares(self, n: int) -> np.ndarray:
        """Share of each of n columns in which the tracks differ."""
        edges = np.linspace(0, self._end_s, n + 1)
        starts = np.array([p.start_s for p in self._pieces])
        stops = np.array([p.stop_s for p in self._pieces])
        before = np.append(0.0, np.cumsum(stops - starts))
        at = np.searchsorted(starts, edges, side="right")
        inside = np.where(at > 0, np.minimum(edges, stops[np.maximum(at - 1, 0)]) - starts[np.maximum(at - 1, 0)], 0.0)
        total = before[np.maximum(at - 1, 0)] + inside
        return np.clip(np.diff(total) / max(self._end_s / n, 1e-12), 0.0, 1.0)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter, t = QtGui.QPainter(self), theme().tokens
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        outline = QtGui.QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), 5, 5)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), QtGui.QColor(t.hover))
        if self._pieces and self._end_s > 0:
            color = QtGui.QColor(t.danger)
            for x, share in enumerate(self.shares(max(self.width(), 1)).tolist()):
                if share > 0:
                    color.setAlphaF(0.25 + 0.75 * share)
                    painter.fillRect(x, 0, 1, self.height(), color)
        self._paint_view(painter)

    def _paint_view(self, painter: QtGui.QPainter) -> None:
        left, right = self.seen_s
        if self._end_s > 0 and right > left:
            scale = self.width() / self._end_s
            painter.setPen(QtGui.QPen(theme().color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(left * scale, 1, max(3.0, (right - left) * scale), self.height() - 2))

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if self._end_s > 0 and event.button() == Qt.MouseButton.LeftButton:
            self.asked.emit(event.position().x() / max(self.width(), 1) * self._end_s)
