"""Where samples were lost: hatched, so that a flat line there is not taken for a quiet sensor."""

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

#: At most this many gaps are painted one by one; more of them are too narrow to see apart.
MOST = 2000


@safe_overrides
class GapItem(pg.GraphicsObject):
    """`gaps`: (first lost index, count) of one stream of `rate_hz`."""

    def __init__(self, gaps: Sequence[tuple[int, int]], rate_hz: float) -> None:
        super().__init__()
        self.spans = [(start / rate_hz, (start + count) / rate_hz) for start, count in gaps]
        self.setZValue(5)

    def boundingRect(self) -> QRectF:
        box = self.getViewBox()
        return box.viewRect() if box is not None else QRectF()

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, *_: Any) -> None:
        box = self.getViewBox()
        if box is None or not self.spans:
            return
        (left, right), (low, high) = box.viewRange()
        t = painter.transform()
        top, bottom = sorted((low * t.m22() + t.dy(), high * t.m22() + t.dy()))
        seen = [s for s in self.spans if s[1] >= left and s[0] <= right]
        painter.save()
        painter.resetTransform()
        painter.setPen(Qt.PenStyle.NoPen)
        for start, stop in seen[:MOST]:
            x = max(start, left) * t.m11() + t.dx()
            width = max(1.0, min(stop, right) * t.m11() + t.dx() - x)
            place = QRectF(round(x), int(top), max(1, round(width)), int(bottom - top))
            painter.fillRect(place, theme().color("warn", 0.10))
            painter.setBrush(pg.mkBrush(theme().color("warn", 0.55)))
            painter.fillRect(place, _hatch())
        painter.restore()


def _hatch() -> Any:
    brush = pg.mkBrush(theme().color("warn", 0.5))
    brush.setStyle(Qt.BrushStyle.BDiagPattern)
    return brush
