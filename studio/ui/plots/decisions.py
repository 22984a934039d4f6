"""What a board decided over the last seconds: one lane per class, a block where it was chosen."""

import numpy as np
import pyqtgraph as pg
from PySide6 import QtCore, QtGui

from studio.data.stream import Ring
from studio.ui.plots.trace import Playhead
from studio.ui.safe import safe_overrides

PAD = 0.16


@safe_overrides
class DecisionItem(pg.GraphicsObject):
    """Blocks under a trace: x from -seconds to 0, lane 0 (the first class) at the top, y from 0 to n_classes.

    Answer i belongs to the samples up to length + i * stride of the input stream, so with the trace's own playhead
    a block stands exactly under the motion it speaks of.
    """

    def __init__(self, ring: Ring, length: int, stride: int, rate_hz: float, head: Playhead, colors: list[str]) -> None:
        super().__init__()
        self.ring, self._length, self._stride, self._rate_hz = ring, length, stride, rate_hz
        self._head, self._colors = head, colors
        self._lane = np.empty(0)
        self._start = 0

    def boundingRect(self) -> QtCore.QRectF:
        view = self.getViewBox()
        return QtCore.QRectF(view.viewRect()) if view is not None else QtCore.QRectF(-1, 0, 1, len(self._colors))

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def tick(self) -> None:
        """Look at the ring."""
        self._start, values = self.ring.since(0)
        self._lane = values[:, 0]
        self.update()

    def blocks(self) -> list[tuple[float, float, int]]:
        """(start, stop, class) in seconds from now; neighbours of the same class are one block."""
        lane = np.nan_to_num(self._lane, nan=-1.0).astype(int)
        if not len(lane):
            return []
        cuts = np.flatnonzero(np.diff(lane, prepend=lane[0] - 1))
        stops = np.append(cuts[1:], len(lane))
        return [(self._at(a), self._at(b), int(lane[a])) for a, b in zip(cuts, stops, strict=True) if lane[a] >= 0]

    def _at(self, i: int) -> float:
        """Seconds from now at which answer i begins: one stride before its window ends."""
        return (self._length + (self._start + i - 1) * self._stride - self._head.at) / self._rate_hz

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        to, n = painter.transform(), len(self._colors)
        painter.save()
        painter.resetTransform()
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        for start, stop, chosen in self.blocks():
            if chosen < n:
                top = n - 1 - chosen
                box = to.mapRect(QtCore.QRectF(start, top + PAD, stop - start, 1 - 2 * PAD))
                painter.setBrush(QtGui.QColor(self._colors[chosen]))
                painter.drawRect(box.toRect())
        painter.restore()
