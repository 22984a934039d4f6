"""All labels of a row as one graphics item.

One item and not one per label: twenty thousand items cost seconds to build and a second per mouse move, while this
one paints the visible ones from sorted arrays in a few milliseconds. Rectangles lie on whole pixels (Qt's fast
path), and a crowd shrinks to a strip with one rectangle per pixel column.
"""

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from studio.ui.labels.edit import Edit
from studio.ui.labels.look import Look
from studio.ui.labels.table import runs
from studio.ui.safe import safe_overrides

#: More labels than this in view are drawn as a strip.
CROWD = 300
STRIP_PX = 10
#: Labels wider than this leave one pixel free at their end, so that neighbours stand apart.
WIDE_PX = 4
#: A name is written when its label is at least this wide.
NAME_PX = 28
#: At most this many names in one paint.
NAMES = 400


class Frame:
    """The visible stretch of time and where it lies on the device, in pixels."""

    def __init__(self, left: float, right: float, top: int, bottom: int, scale: float, offset: float) -> None:
        self.left, self.right, self.top, self.bottom = left, right, top, bottom
        self._scale, self._offset = scale, offset

    def px(self, time_s: Any) -> Any:
        """Pixel column (fraction) of times; far outside is cut, Qt's integers are small."""
        edge_px = 40 / self._scale
        return np.clip(time_s, self.left - edge_px, self.right + edge_px) * self._scale + self._offset

    def time_s(self, px: Any) -> Any:
        """Times of pixel columns."""
        return (px - self._offset) / self._scale


def frame_of(box: pg.ViewBox, painter: QPainter) -> Frame:
    """What `box` shows, on the device of `painter`."""
    (left, right), (low, high) = box.viewRange()
    t = painter.transform()
    top, bottom = sorted((int(low * t.m22() + t.dy()), int(high * t.m22() + t.dy())))
    return Frame(left, right, top, bottom, t.m11(), t.dx())


@safe_overrides
class LabelLayer(pg.GraphicsObject):
    """Paints `edit`'s track over one row. `n_rects`, `n_names`: what the last paint drew, for the tests."""

    def __init__(self, edit: Edit, look: Look) -> None:
        super().__init__()
        self.edit, self.look = edit, look
        self.n_rects = self.n_names = 0
        self._rects = pg.Qt.internals.PrimitiveArray(QRectF, 4)
        self.setZValue(-200)  # below the grid, which would vanish under opaque rectangles

    def boundingRect(self) -> QRectF:
        box = self.getViewBox()
        return box.viewRect() if box is not None else QRectF()

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, *_: Any) -> None:
        self.n_rects = self.n_names = 0
        box = self.getViewBox()
        if box is None:
            return
        frame = frame_of(box, painter)
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._paint_track(painter, frame)
        self._paint_chosen(painter, frame)
        painter.restore()

    def _paint_track(self, painter: QPainter, frame: Frame) -> None:
        table, hidden = self.edit.table, self._held()
        i, j = table.visible(frame.left, frame.right)
        k = np.arange(i, j)
        if len(k) > CROWD:
            self._paint_crowd(painter, frame)
            return
        k = k[k != hidden] if hidden is not None else k
        x0 = np.rint(frame.px(table.start_s[k]))
        width = np.rint(frame.px(table.stop_s[k])) - x0
        width = np.maximum(np.where(width > WIDE_PX, width - 1.0, width), 1.0)
        codes = table.code[k]
        painter.setPen(Qt.PenStyle.NoPen)
        for code in np.unique(codes):
            mine = codes == code
            self._paint_rects(painter, x0[mine], width[mine], frame, self.look.fill(table.names[code]))
        for n in np.flatnonzero(width >= NAME_PX)[:NAMES]:
            self._paint_name(painter, table.names[codes[n]], (x0[n], x0[n] + width[n]), frame)

    def _paint_crowd(self, painter: QPainter, frame: Frame) -> None:
        """A strip of pixel columns, each in the colour of the first label in it."""
        table = self.edit.table
        first, last = (int(np.floor(frame.px(t))) for t in (frame.left, frame.right))
        codes = table.columns(frame.time_s(np.arange(first, last + 2)))
        for a, b, code in runs(codes):
            painter.fillRect(first + a, frame.top, b - a, STRIP_PX, self.look.fill(table.names[code], strong=True))
            self.n_rects += 1

    def _paint_rects(self, painter: QPainter, x: Any, width: Any, frame: Frame, fill: QColor) -> None:
        """The labels of one class."""
        self._rects.resize(len(x))
        view = self._rects.ndarray()
        view[:, 0], view[:, 1], view[:, 2], view[:, 3] = x, frame.top, width, frame.bottom - frame.top
        painter.setBrush(fill)
        painter.drawRects(*self._rects.drawargs())
        self.n_rects += len(x)

    def _paint_name(
        self, painter: QPainter, name: str, ends: tuple[float, float], frame: Frame, strong: bool = False
    ) -> None:
        """The class's name at the label's left end, or at the view's when that is further right."""
        font = painter.font()
        font.setPixelSize(11)
        font.setWeight(font.Weight.DemiBold if strong else font.Weight.Medium)
        painter.setFont(font)
        painter.setPen(self.look.ink(name, strong))
        left = max(ends[0], float(frame.px(frame.left)))
        room = QRectF(left + 5, frame.top + 3, ends[1] - left - 8, 15)
        text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        self.n_names += 1

    def _held(self) -> int | None:
        """The label that is painted apart: the one in the hand, else the selected one."""
        return self.edit.draft.index if self.edit.draft else self.edit.selected

    def _paint_chosen(self, painter: QPainter, frame: Frame) -> None:
        """The draft or the selected label: stronger fill, edges, and handles to take it by."""
        chosen = self.edit.chosen
        if chosen is None or chosen.stop_s < frame.left or chosen.start_s > frame.right:
            return
        a, b = (round(v) for v in frame.px(np.array([chosen.start_s, chosen.stop_s])))
        height = frame.bottom - frame.top
        painter.fillRect(a, frame.top, max(b - a, 1), height, self.look.fill(chosen.label, strong=True))
        self.n_rects += 1
        if b - a >= NAME_PX:
            self._paint_name(painter, chosen.label, (a, b), frame, strong=True)
