"""All labels of a row as one graphics item.

One item and not one per label: twenty thousand items cost seconds to build and a second per mouse move, while this
one paints the visible ones from sorted arrays in a few milliseconds. Rectangles lie on whole pixels (Qt's fast
path), and a crowd shrinks to a strip with one rectangle per pixel column.
"""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from studio.ui.labels.edit import Draft
from studio.ui.labels.look import Look
from studio.ui.labels.table import Table, runs
from studio.ui.safe import safe_overrides

#: More labels than this in view are drawn as a strip.
CROWD = 300
STRIP_PX = 10
#: Labels wider than this leave one pixel free at their end, so that neighbours stand apart.
WIDE_PX = 4
#: A name is written when its label is at least this wide.
NAME_PX = 28
#: At most this many names in one paint, and as many points one by one.
NAMES = 400
#: A band over a picture, and the diamond of a point.
BAND_PX, POINT_PX = 17, 4.5
#: Labels whose maker was less sure than this look paler.
SURE = 0.8


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


class Track(Protocol):
    """What is painted: an `Edit`, or a track that is only looked at."""

    table: Table
    draft: Draft | None
    selected: int | None
    also: tuple[int, ...]
    by_s: float

    @property
    def chosen(self) -> Draft | None: ...

    @property
    def mask(self) -> npt.NDArray[np.bool_]: ...


#: A point's shape about its place, plain and in the hand.
DIAMONDS = tuple(
    QPolygonF([QPointF(a * size, b * size) for a, b in ((0, -1), (1, 0), (0, 1), (-1, 0))])
    for size in (POINT_PX, POINT_PX + 1)
)


@safe_overrides
class LabelLayer(pg.GraphicsObject):
    """Paints a track over one row. `n_rects`, `n_names`, `n_points`: what the last paint drew, for the tests.

    `band`: only a band along the top, for rows whose picture would hide all else.
    """

    def __init__(self, edit: Track, look: Look, band: bool = False) -> None:
        super().__init__()
        self.edit, self.look, self.band = edit, look, band
        self.n_rects = self.n_names = self.n_points = 0
        self._rects = pg.Qt.internals.PrimitiveArray(QRectF, 4)
        self.setZValue(15 if band else -200)  # below the grid, which would vanish under opaque rectangles

    def boundingRect(self) -> QRectF:
        box = self.getViewBox()
        return box.viewRect() if box is not None else QRectF()

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, *_: Any) -> None:
        self.n_rects = self.n_names = self.n_points = 0
        box = self.getViewBox()
        if box is None:
            return
        frame = frame_of(box, painter)
        if self.band:
            frame.bottom = min(frame.bottom, frame.top + BAND_PX)
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._paint_track(painter, frame)
        self._paint_chosen(painter, frame)
        self._paint_points(painter, frame)
        painter.restore()

    def _paint_track(self, painter: QPainter, frame: Frame) -> None:
        table, hidden = self.edit.table, self._held()
        i, j = table.visible(frame.left, frame.right)
        k = np.arange(i, j)
        if len(k) > CROWD:
            self._paint_crowd(painter, frame)
            return
        k = k[table.index[k] != hidden] if hidden is not None else k
        start_s, stop_s, level = table.start_s[k], table.stop_s[k], self._levels(k)
        if self.edit.by_s:  # the whole selection is on its way
            start_s, stop_s = (t + self.edit.by_s * (level == 2) for t in (start_s, stop_s))
        x0 = np.rint(frame.px(start_s))
        width = np.rint(frame.px(stop_s)) - x0
        width = np.maximum(np.where(width > WIDE_PX, width - 1.0, width), 1.0)
        codes = table.code[k]
        painter.setPen(Qt.PenStyle.NoPen)
        for key in np.unique(codes * 3 + level):
            mine = codes * 3 + level == key
            fill = self.look.fill(table.names[key // 3], ("pale", "", "strong")[key % 3])
            self._paint_rects(painter, x0[mine], width[mine], frame, fill)
        for n in np.flatnonzero(width >= NAME_PX)[:NAMES]:
            self._paint_name(painter, table.names[codes[n]], (x0[n], x0[n] + width[n]), frame)

    def _levels(self, k: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """How strongly each of the stretches `k` is painted: 0 pale (unsure), 1, 2 strong (selected)."""
        table = self.edit.table
        if table.all is None:
            return np.ones(len(k), np.int64)
        level = (table.all.score[table.index[k]] >= SURE).astype(np.int64)
        return np.where(self.edit.mask[table.index[k]], 2, level) if self.edit.also else level

    def _paint_points(self, painter: QPainter, frame: Frame) -> None:
        """A line with a diamond on top; in a crowd one for each pixel column."""
        table, hidden = self.edit.table, self._held()
        i, j = table.points(frame.left, frame.right)
        if i == j:
            return
        k = np.arange(i, j)[table.point_index[i:j] != (-1 if hidden is None else hidden)]
        _, first = np.unique(np.rint(frame.px(table.point_s[k])).astype(int), return_index=True)
        if len(first) > CROWD:
            self._paint_crowded_points(painter, frame, k[first])
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        also = set(self.edit.also)
        chosen = k[first]
        held = [n in also for n in table.point_index[chosen].tolist()] if also else [False] * len(chosen)
        shift = self.edit.by_s * np.array(held, float)
        places = np.rint(frame.px(table.point_s[chosen] + shift)).astype(int).tolist()
        pens = [pg.mkPen(color, width=1) for color in (self.look.plot, self.look.text)]
        for at, code, in_hand in zip(places, table.point_code[chosen].tolist(), held, strict=True):
            painter.setPen(pens[in_hand])
            self._paint_point(painter, at, table.names[code], frame, in_hand)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_crowded_points(self, painter: QPainter, frame: Frame, k: npt.NDArray[np.intp]) -> None:
        """Ticks at the bottom edge, by class."""
        table = self.edit.table
        high = min(STRIP_PX, frame.bottom - frame.top) // 2
        x, codes = np.rint(frame.px(table.point_s[k])), table.point_code[k]
        painter.setPen(Qt.PenStyle.NoPen)
        for code in np.unique(codes):
            mine = x[codes == code]
            self._rects.resize(len(mine))
            view = self._rects.ndarray()
            view[:, 0], view[:, 1], view[:, 2], view[:, 3] = mine, frame.bottom - high, 1, high
            painter.setBrush(self.look.color(table.names[code]))
            painter.drawRects(*self._rects.drawargs())
        self.n_points += len(k)

    def _paint_point(self, painter: QPainter, x: float, name: str, frame: Frame, held: bool) -> None:
        color, size = self.look.color(name), POINT_PX + held
        painter.fillRect(round(x), frame.top, 1 + held, frame.bottom - frame.top, color)
        y = max(frame.bottom - 2 * size, (frame.top + frame.bottom) / 2)  # names are at the top
        painter.setBrush(color)
        painter.drawPolygon(DIAMONDS[held].translated(x + 0.5, y))
        self.n_points += 1

    def _paint_crowd(self, painter: QPainter, frame: Frame) -> None:
        """A strip of pixel columns, each in the colour of the first label in it."""
        table = self.edit.table
        first, last = (int(np.floor(frame.px(t))) for t in (frame.left, frame.right))
        codes = table.columns(frame.time_s(np.arange(first, last + 2)))
        found = np.array(runs(codes), np.int64).reshape(-1, 3)
        strip = Frame(frame.left, frame.right, frame.top, min(frame.top + STRIP_PX, frame.bottom), 1.0, 0.0)
        painter.setPen(Qt.PenStyle.NoPen)
        for code in np.unique(found[:, 2]):
            mine = found[found[:, 2] == code]
            fill = self.look.fill(table.names[code], "strong")
            self._paint_rects(painter, first + mine[:, 0], mine[:, 1] - mine[:, 0], strip, fill)

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
        low = frame.bottom - frame.top
        room = QRectF(left + 5, frame.top + (3 if low > 40 else (low - 15) / 2), ends[1] - left - 8, 15)
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
        if chosen.start_s == chosen.stop_s:
            painter.setPen(pg.mkPen(self.look.text, width=1))
            self._paint_point(painter, float(frame.px(chosen.start_s)), chosen.label, frame, True)
            return
        times = np.array([chosen.start_s, chosen.stop_s]) + self.edit.by_s
        a, b = (round(v) for v in frame.px(times))
        height = frame.bottom - frame.top
        painter.fillRect(a, frame.top, max(b - a, 1), height, self.look.fill(chosen.label, "strong"))
        self.n_rects += 1
        if b - a >= NAME_PX:
            self._paint_name(painter, chosen.label, (a, b), frame, strong=True)
