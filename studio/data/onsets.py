"""Where something happens in a stream: bursts that stand out of its own noise, from the pyramid of its samples.

Blocks of the pyramid whose span (highest less lowest value) is several times the usual one make a burst; its two
edges are then looked for among the samples. So a day of samples is asked in milliseconds and an edge is right to a
few samples. This is a help for the hand (snapping, jumping), not a detector of events.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from studio.data.pyramid import Pyramid

Floats = npt.NDArray[np.float64]
#: A block counts when its span is this many times the median span; an edge, when a sample is this many sigma away.
LOUD, SIGMA = 3.0, 6.0
#: Bursts closer than this are one; shorter ones than this are noise.
JOIN_S, SHORTEST_S = 0.3, 0.02
#: At most this many blocks are looked at, whatever the recording's length.
MOST_BLOCKS = 1 << 18
#: The span of 32 samples of white noise, in sigma.
SPAN_SIGMA = 4.1


class Bursts:
    """Bursts of one stream: `start_s`, `stop_s` (n,) to a block; `edges(i)` of one of them to a sample."""

    def __init__(self, pyramid: Pyramid, rate_hz: float) -> None:
        self._pyramid, self.rate_hz = pyramid, rate_hz
        self._start_s: Floats = np.zeros(0)
        self._stop_s: Floats = np.zeros(0)
        self._sigma: Floats = np.ones(pyramid.raw.shape[1])
        self._size, self._looked = 1, False
        self.edges = lru_cache(maxsize=4096)(self._edges)

    @property
    def start_s(self) -> Floats:
        """Where they begin, to a block; looked for when first asked."""
        self._look()
        return self._start_s

    @property
    def stop_s(self) -> Floats:
        """Where they end."""
        self._look()
        return self._stop_s

    def _look(self) -> None:
        if not self._looked:
            self._looked = True
            self._find()

    def __len__(self) -> int:
        return len(self.start_s)

    def after(self, time_s: float) -> int | None:
        """The first burst that begins after `time_s`."""
        i = int(np.searchsorted(self.start_s, time_s + JOIN_S / 10, "right"))
        return i if i < len(self) else None

    def before(self, time_s: float) -> int | None:
        """The last burst that begins before `time_s`."""
        i = int(np.searchsorted(self.start_s, time_s - JOIN_S / 10, "left")) - 1
        return i if i >= 0 else None

    def near(self, time_s: float, reach_s: float) -> list[float]:
        """Edges within `reach_s` of a moment."""
        slack_s = reach_s + 2 * self._size / self.rate_hz
        i = int(np.searchsorted(self.stop_s, time_s - slack_s))
        j = int(np.searchsorted(self.start_s, time_s + slack_s))
        found = [edge for k in range(i, min(j, i + 20)) for edge in self.edges(k)]
        return [edge for edge in found if abs(edge - time_s) <= reach_s]

    def _find(self) -> None:
        levels = [level for level in self._pyramid.levels if len(level[1]) <= MOST_BLOCKS]
        if not levels:
            return
        self._size, low, high = levels[0]
        span = np.nan_to_num(np.asarray(high, np.float32) - np.asarray(low, np.float32))
        usual = np.maximum(np.median(span, axis=0), 1e-9)
        if np.issubdtype(self._pyramid.raw.dtype, np.integer):
            usual = np.maximum(usual, 2.0)
        self._sigma = np.asarray(usual / SPAN_SIGMA, np.float64)
        loud = np.flatnonzero((span / usual).max(axis=1) > LOUD)
        if not len(loud):
            return
        block_s = self._size / self.rate_hz
        apart = np.flatnonzero(np.diff(loud) * block_s > max(JOIN_S, 1.5 * block_s))
        firsts, lasts = loud[np.r_[0, apart + 1]], loud[np.r_[apart, len(loud) - 1]]
        self._start_s, self._stop_s = (np.asarray(k * block_s, np.float64) for k in (firsts, lasts + 1))

    def _edges(self, i: int) -> tuple[float, float]:
        """(start, stop) s of burst `i`: the first and the last sample that leave the noise around it."""
        size = self._size
        first, last = (round(t * self.rate_hz) for t in (self.start_s[i], self.stop_s[i]))
        head, tail = max(first - 2 * size, 0), min(last + 2 * size, len(self._pyramid.raw))
        start = self._first_loud(head, min(first + 2 * size, tail), forward=True)
        stop = self._first_loud(max(last - 2 * size, head), tail, forward=False)
        if stop - start < SHORTEST_S * self.rate_hz:
            start, stop = first, last
        return start / self.rate_hz, stop / self.rate_hz

    def _first_loud(self, first: int, last: int, forward: bool) -> int:
        rows = np.asarray(self._pyramid.raw[first:last], np.float64)
        quiet = rows[: self._size] if forward else rows[-self._size :]
        away = (np.abs(rows - np.median(quiet, axis=0)) / self._sigma).max(axis=1)
        hot = np.flatnonzero(away > SIGMA)
        if not len(hot):
            return first + (self._size if forward else len(rows) - self._size)
        return first + int(hot[0] if forward else hot[-1] + 1)
