"""All channels of a recorded stream in one item, so that what lies under other channels is not painted."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6 import QtGui

from studio.ui.plots.cover import Cover, joined
from studio.ui.plots.envelope import EnvelopeItem, Floats, Pyramid, lane_color
from studio.ui.safe import safe_overrides


@safe_overrides
class Traces(EnvelopeItem):
    """Like EnvelopeItem, of every channel; the last is the uppermost. `lanes` are the channels' colours."""

    def __init__(
        self,
        pyramid: Pyramid,
        rate_hz: float,
        scale: float,
        gaps: Sequence[tuple[int, int]],
        lanes: Sequence[int],
    ) -> None:
        super().__init__(pyramid, 0, rate_hz, scale, gaps)
        self._lanes = lanes
        ends = [v * scale for c in range(len(lanes)) for v in pyramid.limits(c)]
        self._low, self._high = min(ends), max(ends)

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value, in the unit."""
        return self._low, self._high

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
        if n_columns > 0 and (i1 - i0) / n_columns > 2:
            borders = left + np.arange(n_columns + 1)
            edges = np.clip((borders / ratio - to.dx()) / to.m11() * self._rate_hz, i0, i1)
            self._paint_columns(painter, edges, (borders[:-1] + 0.5) / ratio, to)
        else:
            for channel, lane in enumerate(self._lanes):
                self._channel = channel
                self._polyline(max(0, int(i0) - 1), min(n, int(i1) + 2), to)
                self._draw(painter, lane)
        painter.restore()

    def _paint_columns(self, painter: QtGui.QPainter, edges: Floats, x: Floats, to: QtGui.QTransform) -> None:
        """From the uppermost channel down, each where it is seen."""
        cover = Cover(len(x))
        size = self._pyramid.level((edges[-1] - edges[0]) / (len(edges) - 1))[0]
        hidden = self._in_gap(edges[:-1] - size, edges[1:] + size)
        seen = []
        for channel in reversed(range(len(self._lanes))):
            lows, highs = self._pyramid.columns(edges, channel)
            bottom = lows.astype(np.float64) * (self._scale * to.m22()) + to.dy()  # m22 < 0: low is below
            top = highs.astype(np.float64) * (self._scale * to.m22()) + to.dy()
            top[hidden] = bottom[hidden] = np.nan
            up, down = joined(top, bottom)
            seen.append(cover.seen(x, up, down))
        for lane, lines in zip(self._lanes, reversed(seen), strict=True):  # a cut's last pixel is the upper one's
            self._lines.resize(len(lines))
            self._lines.ndarray()[:] = lines
            self._draw(painter, lane)

    def _draw(self, painter: QtGui.QPainter, lane: int) -> None:
        painter.setPen(pg.mkPen(lane_color(lane), width=1))
        painter.drawLines(*self._lines.drawargs())
