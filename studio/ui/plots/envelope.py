"""Recorded samples of any length: their pyramid of minima and maxima, painted as one line per pixel column.

Why an item of our own: a repaint costs about 1 ms at 1e8 samples, where a naive curve takes seconds. Bins are cut at
the borders of device pixels, else gaps appear between them. Qt draws 1-pixel pens about nine times faster than
thicker ones, so the pen stays at one.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6 import QtCore, QtGui

from studio.data.pyramid import Pyramid as Pyramid
from studio.ui.plots.cover import joined
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

Floats = npt.NDArray[np.floating]


@safe_overrides
class EnvelopeItem(pg.GraphicsObject):
    """One channel of a recording in a plot whose x axis is seconds; `scale` turns raw values into the unit.

    `gaps` are (start, count) in samples; nothing is drawn there. The colour is the theme's lane `lane`.
    """

    def __init__(
        self,
        pyramid: Pyramid,
        channel: int,
        rate_hz: float,
        scale: float = 1.0,
        gaps: Sequence[tuple[int, int]] = (),
        lane: int | None = None,
    ) -> None:
        super().__init__()
        self._pyramid, self._channel, self._rate_hz, self._scale = pyramid, channel, rate_hz, scale
        self._gap_starts = np.array([g[0] for g in gaps], np.float64)
        self._gap_stops = np.array([g[0] + g[1] for g in gaps], np.float64)
        self._lane = channel if lane is None else lane
        self._lines = pg.Qt.internals.PrimitiveArray(QtCore.QLineF, 4)
        low, high = pyramid.limits(channel)
        self._low, self._high = low * scale, high * scale
        theme().changed.connect(self.update)

    def boundingRect(self) -> QtCore.QRectF:
        return QtCore.QRectF(0, self._low, len(self._pyramid.raw) / self._rate_hz, (self._high - self._low) or 1.0)

    def dataBounds(self, axis: int, frac: float = 1.0, orthoRange: object = None) -> tuple[float, float]:
        return (0.0, len(self._pyramid.raw) / self._rate_hz) if axis == 0 else (self._low, self._high)

    def viewTransformChanged(self) -> None:
        self.update()

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        (x0, x1), _y = self.getViewBox().viewRange()
        n, to = len(self._pyramid.raw), painter.transform()
        i0, i1 = max(0.0, x0 * self._rate_hz), min(float(n), x1 * self._rate_hz)
        if i1 - i0 < 2:
            return
        ratio = painter.device().devicePixelRatioF()
        left = np.floor((i0 / self._rate_hz * to.m11() + to.dx()) * ratio)
        n_columns = int(np.ceil((i1 / self._rate_hz * to.m11() + to.dx()) * ratio) - left)
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, False)
        painter.setPen(pg.mkPen(lane_color(self._lane), width=1))
        if n_columns > 0 and (i1 - i0) / n_columns > 2:
            borders = left + np.arange(n_columns + 1)
            edges = np.clip((borders / ratio - to.dx()) / to.m11() * self._rate_hz, i0, i1)
            self._columns(edges, (borders[:-1] + 0.5) / ratio, to)
        else:
            self._polyline(max(0, int(i0) - 1), min(n, int(i1) + 2), to)
        painter.drawLines(*self._lines.drawargs())
        painter.restore()

    def _columns(self, edges: Floats, x: Floats, to: QtGui.QTransform) -> None:
        """One vertical line per column, reaching to its neighbours so that the trace is closed."""
        lows, highs = self._pyramid.columns(edges, self._channel)
        bottom = lows.astype(np.float64) * (self._scale * to.m22()) + to.dy()  # m22 < 0: low is below
        top = highs.astype(np.float64) * (self._scale * to.m22()) + to.dy()
        size = self._pyramid.level((edges[-1] - edges[0]) / (len(edges) - 1))[0]
        hidden = self._in_gap(edges[:-1] - size, edges[1:] + size)
        top[hidden] = bottom[hidden] = np.nan
        fill_columns(self._lines, x, top, bottom)

    def _polyline(self, first: int, last: int, to: QtGui.QTransform) -> None:
        """Few samples: a line from each to the next."""
        at = np.arange(first, last)
        x = at / self._rate_hz * to.m11() + to.dx()
        y = np.asarray(self._pyramid.raw[first:last, self._channel]).astype(np.float64)
        y = y * (self._scale * to.m22()) + to.dy()
        y[self._in_gap(at, at + 1)] = np.nan
        fill_polyline(self._lines, x, y)

    def _in_gap(self, start: Floats, stop: Floats) -> npt.NDArray[np.bool_]:
        """Which of [start, stop) touch a gap."""
        if not len(self._gap_starts):
            return np.zeros(len(start), bool)
        before = np.searchsorted(self._gap_starts, stop, "left") - 1
        return (before >= 0) & (self._gap_stops[np.maximum(before, 0)] > start)


def lane_color(lane: int) -> str:
    """Colour of the channel number `lane`."""
    lanes = theme().tokens.lanes
    return lanes[lane % len(lanes)]


def fill_columns(lines: "pg.Qt.internals.PrimitiveArray", x: Floats, top: Floats, bottom: Floats) -> None:
    """Vertical lines into `lines`, each joined to its left neighbour; NaN columns are left out."""
    up, down = joined(top, bottom)
    shown = np.isfinite(top)
    lines.resize(int(shown.sum()))
    view = lines.ndarray()
    view[:, 0] = view[:, 2] = x[shown]
    view[:, 1], view[:, 3] = up[shown], down[shown]


def fill_polyline(lines: "pg.Qt.internals.PrimitiveArray", x: Floats, y: Floats) -> None:
    """A line from each point to the next; points with NaN break it."""
    shown = np.isfinite(y[:-1]) & np.isfinite(y[1:])
    lines.resize(int(shown.sum()))
    view = lines.ndarray()
    view[:, 0], view[:, 1], view[:, 2], view[:, 3] = x[:-1][shown], y[:-1][shown], x[1:][shown], y[1:][shown]
