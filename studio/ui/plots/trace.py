"""The newest seconds of one stream, drawn from its ring.

Why columns are kept: at 16 kHz ten seconds are 160 000 samples, but a frame brings only 500 new ones. Columns are cut
at fixed sample indices and move by whole pixels, so a trace does not shimmer, and a frame costs only its new samples.
Why a playhead: samples come in packets; the right edge moves on smoothly between them, one packet behind.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6 import QtCore, QtGui

from studio.data.stream import Stream
from studio.ui.plots.cover import Cover, joined
from studio.ui.plots.envelope import fill_polyline, lane_color
from studio.ui.plots.sheet import Sheet
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

Floats = npt.NDArray[np.float32]
Lines = npt.NDArray[np.float64]
PULL_PER_S, JUMP_S, SHRINK_AFTER_S, SHRINK_STEP = 3.0, 1.0, 2.0, 0.12
#: Packets longer than this do not hold up the other streams.
LEVEL_S = 0.5
#: More channels than this share columns of two pixels: half the work, and every peak is still there.
MANY = 16
#: Up to this many samples per column a plain line is drawn.
DENSE = 2.0


class Source(Protocol):
    """Where samples are looked up: a Ring, or what is held of one."""

    @property
    def stream(self) -> Stream:
        """Whose samples."""

    @property
    def end(self) -> int:
        """Index one past the newest sample."""

    def since(self, start: int) -> tuple[int, Floats]:
        """Samples from `start` on that are there: (index of the first, values (n, n_channels) in the unit)."""


class Held:
    """A copy of a ring at one moment: the device goes on, the picture stands still, and one can look back in it."""

    def __init__(self, source: Source) -> None:
        self.stream = source.stream
        self.start, self._values = source.since(0)

    @property
    def end(self) -> int:
        """Index one past the newest sample held."""
        return self.start + len(self._values)

    def since(self, start: int) -> tuple[int, Floats]:
        """As a ring's."""
        start = max(start, self.start)
        return start, self._values[start - self.start :]


class Playhead:
    """Where "now" is in a stream, as a sample index that moves smoothly although samples come in packets."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.at = 0.0
        self.wait_s = 0.0  # further back than its own packets need, to stand level with a slower stream
        self._end, self._packet, self._time_s = -1, 0, 0.0

    @property
    def packet_s(self) -> float:
        """Time from packet to packet: so far back it stands by itself."""
        return self._packet / self.rate_hz

    def advance(self, end: int, now_s: float) -> float:
        """The index to show at the right edge; `end` is one past the newest sample that came."""
        step_s, self._time_s = now_s - self._time_s, now_s
        back = self._packet + self.wait_s * self.rate_hz
        if self._end < 0 or abs(end - back - self.at) > JUMP_S * self.rate_hz:
            self.at = float(end)
        elif end != self._end:
            self._packet = max(end - self._end, round(self._packet * 0.98))
        self._end = end
        target = end - 0.5 * self._packet - self.wait_s * self.rate_hz
        self.at += self.rate_hz * step_s
        self.at += (target - self.at) * min(1.0, PULL_PER_S * step_s)
        self.at = min(self.at, float(end))
        return self.at


def level(heads: Iterable[Playhead]) -> None:
    """Let the streams of one device stand level: all as far back as the one with the longest packets."""
    known = list(heads)
    longest_s = max((h.packet_s for h in known if h.packet_s < LEVEL_S), default=0.0)
    for head in known:
        head.wait_s = max(0.0, longest_s - head.packet_s)


class Columns:
    """Lowest and highest value per pixel column of a stream; column k holds samples [k * per_column, (k + 1) * ...)."""

    def __init__(self, n_columns: int, n_channels: int, per_column: float) -> None:
        self.per_column = per_column
        self._low = np.full((n_columns, n_channels), np.nan, np.float32)
        self._high = self._low.copy()
        self._next: int | None = None
        self._last = -1

    def take(self, ring: Source) -> None:
        """Add what came since the last call."""
        start, values = ring.since(0 if self._next is None else self._next)
        if self._next is None:
            keep = int(len(self._low) * self.per_column)
            start, values = start + max(0, len(values) - keep), values[-keep:]
        if not len(values):
            return
        self._next = start + len(values)
        column = ((start + np.arange(len(values))) / self.per_column).astype(np.int64)
        cuts = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
        self._merge(column[cuts], np.fmin.reduceat(values, cuts, axis=0), np.fmax.reduceat(values, cuts, axis=0))

    def _merge(self, column: npt.NDArray[np.int64], low: Floats, high: Floats) -> None:
        size = len(self._low)
        if column[0] == self._last:
            at = self._last % size
            low[0], high[0] = np.fmin(low[0], self._low[at]), np.fmax(high[0], self._high[at])
        skipped = np.arange(max(self._last + 1, column[-1] - size + 1), column[0])
        self._low[skipped % size] = self._high[skipped % size] = np.nan
        column, low, high = column[-size:], low[-size:], high[-size:]
        self._low[column % size], self._high[column % size] = low, high
        self._last = int(column[-1])

    def upto(self, right: int, count: int) -> tuple[Floats, Floats]:
        """(low, high), each (count, n_channels), of the columns that end with column `right`."""
        at = np.arange(right - count + 1, right + 1)
        there = (at >= 0) & (at <= self._last) & (at > self._last - len(self._low))
        low, high = self._low[at % len(self._low)], self._high[at % len(self._low)]
        low[~there] = high[~there] = np.nan
        return low, high


class Range:
    """A y range on round numbers that grows at once, and shrinks late and smoothly: nothing jumps under the eye.

    It rests on its numbers most of the time, since moving axis text costs more than the data.
    """

    def __init__(self) -> None:
        self.low, self.high = 0.0, 0.0
        self._small_since_s: float | None = None
        self._shrinking = False

    def fit(self, low: float, high: float, now_s: float) -> bool:
        """Take in data from `low` to `high`; True when the range changed."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return False
        wanted = round_range(low, high)
        if self.low == self.high:
            return self._become(*wanted)
        if low < self.low or high > self.high:
            return self._become(min(wanted[0], self.low), max(wanted[1], self.high))
        if self._shrinking:
            return self._shrink(*wanted)
        if wanted[1] - wanted[0] > 0.6 * (self.high - self.low):
            self._small_since_s = None
        elif self._small_since_s is None:
            self._small_since_s = now_s
        elif now_s - self._small_since_s > SHRINK_AFTER_S:
            self._shrinking = True
            return self._shrink(*wanted)
        return False

    def _shrink(self, low: float, high: float) -> bool:
        """A step towards [low, high]; the last one lands on it."""
        low, high = max(low, self.low), min(high, self.high)
        if self.high - self.low < 1.05 * (high - low):
            return self._become(low, high)
        self.low += SHRINK_STEP * (low - self.low)
        self.high += SHRINK_STEP * (high - self.high)
        return True

    def _become(self, low: float, high: float) -> bool:
        self.low, self.high = low, high
        self._small_since_s, self._shrinking = None, False
        return True


def round_range(low: float, high: float) -> tuple[float, float]:
    """The next round numbers around [low, high]."""
    span = max(high - low, 1e-3 * max(abs(low), abs(high)), 1e-6)
    low, high = low - 0.06 * span, high + 0.06 * span
    step = 10.0 ** math.floor(math.log10(span))
    step *= next(m for m in (0.2, 0.5, 1.0) if span / (step * m) <= 6 or m == 1.0)
    return math.floor(low / step) * step, math.ceil(high / step) * step


@safe_overrides
class TraceItem(pg.GraphicsObject):
    """All channels of a ring over the last `seconds`, in a plot whose x axis runs from -seconds to 0."""

    def __init__(self, ring: Source, seconds: float) -> None:
        super().__init__()
        self.ring, self.seconds = ring, seconds
        self.range = Range()
        self.head = Playhead(ring.stream.rate_hz)
        self._columns: Columns | None = None
        self._key: tuple[object, ...] = ()
        self._sheet = Sheet()
        self._wide = 2 if len(ring.stream.channels) > MANY else 1
        self._lines = pg.Qt.internals.PrimitiveArray(QtCore.QLineF, 4)
        self._at = 0.0
        self._low = self._high = self._values = np.empty((0, len(ring.stream.channels)), np.float32)
        self._start = 0

    def boundingRect(self) -> QtCore.QRectF:
        view = self.getViewBox()
        return QtCore.QRectF(view.viewRect()) if view is not None else QtCore.QRectF(-self.seconds, -1, self.seconds, 2)

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def tick(self, now_s: float, width: int, at: float | None = None) -> None:
        """Look at the ring; `width` is the plot's in device pixels, `at` the index at its right edge (None: newest)."""
        self._at = self.head.advance(self.ring.end, now_s) if at is None else at
        width = max(1, width // self._wide)
        per_column = self.seconds * self.ring.stream.rate_hz / width
        if per_column > DENSE:
            self._take_columns(width, per_column)
            low, high = self._low, self._high
        else:
            self._columns = None
            reach = math.ceil(self.seconds * self.ring.stream.rate_hz) + 2
            self._start, self._values = self.ring.since(max(0, int(self._at) - reach))
            self._values = self._values[: max(0, int(self._at) + 2 - self._start)]
            low = high = self._values
        if low.size and np.isfinite(low).any() and self.range.fit(float(np.nanmin(low)), float(np.nanmax(high)), now_s):
            self.getViewBox().setYRange(self.range.low, self.range.high, padding=0)
        self.update()

    def _take_columns(self, width: int, per_column: float) -> None:
        """A ring needs the columns in view; what is held needs all, to look back in it."""
        key = self.ring, width, self.seconds
        if self._columns is None or self._key != key:
            held = isinstance(self.ring, Held)
            kept = math.ceil((self.ring.end - self.ring.start) / per_column) if isinstance(self.ring, Held) else width
            self._columns, self._key = Columns(max(kept, width) + 8, len(self.ring.stream.channels), per_column), key
            if held:
                self._columns.take(self.ring)
        if not isinstance(self.ring, Held):
            self._columns.take(self.ring)
        self._low, self._high = self._columns.upto(int(self._at / per_column), width)

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        to, ratio = painter.transform(), painter.device().devicePixelRatioF()
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, False)
        if self._columns is not None:
            self._paint_columns(painter, to, ratio)
        else:
            for channel in range(len(self.ring.stream.channels)):
                self._fill_polyline(channel, to)
                self._draw(painter, channel)
        painter.restore()

    def _draw(self, painter: QtGui.QPainter, channel: int) -> None:
        painter.setPen(QtGui.QPen(QtGui.QColor(lane_color(lane_of(self.ring.stream.kind, channel))), 1))
        painter.drawLines(*self._lines.drawargs())

    def _paint_columns(self, painter: QtGui.QPainter, to: QtGui.QTransform, ratio: float) -> None:
        """Later channels lie over earlier ones, so the last is asked first what it hides."""
        box, n = to.mapRect(self.boundingRect()), len(self._low)
        top = math.floor(box.top() * ratio)
        x = np.arange(n) * float(self._wide)
        tops, bottoms = (
            (v.astype(np.float64) * to.m22() + to.dy()) * ratio - top for v in (self._high, self._low)
        )  # m22 < 0: high values are at the top
        cover, seen = Cover(n), list[Lines]()
        for channel in reversed(range(tops.shape[1])):
            seen.append(cover.seen(x, *joined(tops[:, channel], bottoms[:, channel])))
        self._sheet.begin(n * self._wide, math.ceil(box.height() * ratio) + 1)
        for lane, lines in self._by_lane(seen[::-1]):
            self._sheet.stretches(lines, QtGui.QColor(lane_color(lane)), self._wide)
        right = math.floor(to.dx() * ratio)  # x = 0 is the right edge
        self._sheet.put(painter, (right - n * self._wide) / ratio, top / ratio, ratio)

    def _by_lane(self, seen: Sequence[Lines]) -> Iterable[tuple[int, Lines]]:
        """(lane, lines) in the order to paint. Of many channels those of one colour go together: each call into Qt
        lets the thread that reads the wire take over, and costs more than the few pixels that change their order."""
        kind, n_lanes = self.ring.stream.kind, len(theme().tokens.lanes)
        if self._wide == 1:
            return [(lane_of(kind, channel), lines) for channel, lines in enumerate(seen)]
        return [(lane, np.concatenate(seen[lane::n_lanes])) for lane in range(min(n_lanes, len(seen)))]

    def _fill_polyline(self, channel: int, to: QtGui.QTransform) -> None:
        at = self._start + np.arange(len(self._values))
        x = (at - self._at) / self.ring.stream.rate_hz * to.m11() + to.dx()
        y = self._values[:, channel].astype(np.float64) * to.m22() + to.dy()
        fill_polyline(self._lines, x, y)


def lane_of(kind: str, channel: int) -> int:
    """Lane of a channel: a microphone has a colour of its own, so it is not taken for an axis of motion."""
    return 4 if kind == "microphone" else channel
