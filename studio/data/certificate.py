"""A recording's certificate: what it really holds, stream by stream, measured on every sample.

Everything is judged so that a clean recording is called clean: a rate counts as off only beyond its own interval; a
flat top only where the values right below it are rare, as no wave of nature has it; a channel as stuck only where
chance would not keep it so still. Samples inside gaps are nobody's and are left out. Two passes over the file, block
by block, so a day costs seconds and no memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.clock import Fit, Rate
from studio.data.raw import merged
from studio.data.recording import Recording
from studio.data.stream import Array, Stream

Spans = tuple[tuple[int, int], ...]

SATURATED = 0.001  # share of samples at the end of the scale
#: A flat top holds twice the samples of the fiftieth of the range next to it, which has at least three values.
BESIDE, TIMES, VALUES = 0.02, 2.0, 3
#: A channel that repeats one value is stuck from here on, if it has so many steps that noise would move it.
STUCK_S, STUCK_SAMPLES, STEPS = 0.5, 50, 1024
#: How many times longer than chance would keep it.
BEYOND_CHANCE = 10.0
#: A sensor at the end of its scale for so long tells nothing: training leaves it out.
BAD_S, BAD_SAMPLES = 0.1, 5
FEWEST = 100
BLOCK = 1 << 16


@dataclass(frozen=True)
class Certificate:
    """One stream's. Spans are (start, count) in samples; `duplicates` pairs a channel with the earlier one it equals.

    `bad` is what training leaves out beside the gaps: long saturated and stuck stretches.
    """

    stream: Stream
    n_samples: int
    gaps: Spans
    rate: Rate
    clock: Fit | None = None
    saturated: dict[str, float] = field(default_factory=dict)
    stuck: dict[str, Spans] = field(default_factory=dict)
    constant: dict[str, float] = field(default_factory=dict)
    duplicates: tuple[tuple[str, str], ...] = ()
    bad: Spans = ()

    @property
    def lost(self) -> int:
        """Samples that nobody measured."""
        return sum(count for _, count in self.gaps)

    @property
    def rate_off(self) -> float:
        """How far the true rate surely is from the stated one, as a share; 0 within its interval."""
        stated = self.stream.rate_hz
        return max(abs(self.rate.hz - stated) - self.rate.error_hz, 0.0) / stated

    def plain(self) -> dict[str, Any]:
        """As the command line and a report give it."""
        return {
            "stream": self.stream.name,
            "stated_hz": self.stream.rate_hz,
            "true_hz": round(self.rate.hz, 6),
            "true_hz_error": round(self.rate.error_hz, 6),
            "rate_by": self.rate.by,
            "clock_ppm": round(self.clock.clock_ppm, 3) if self.clock else None,
            "clock_ppm_error": round(self.clock.ppm_error, 3) if self.clock else None,
            "n_samples": self.n_samples,
            "lost": self.lost,
            "gaps": [list(gap) for gap in self.gaps],
            "saturated": self.saturated,
            "stuck": {name: [list(span) for span in spans] for name, spans in self.stuck.items()},
            "dead": [name for name, value in self.constant.items() if value == 0],
            "constant": [name for name, value in self.constant.items() if value != 0],
            "duplicates": [list(pair) for pair in self.duplicates],
            "bad": [list(span) for span in self.bad],
        }


def certificate(recording: Recording, name: str) -> Certificate:
    """The certificate of stream `name`."""
    stream, gaps = recording.stream(name), recording.gaps.get(name, ())
    raw = recording.raw(name)
    seen = _Seen(stream)
    for _, rows in _blocks(raw, gaps):
        seen.look(rows)
    seen.finish()
    for start, rows in _blocks(raw, gaps):
        seen.look_again(start, rows)
    constant = {c: float(seen.low[i]) * stream.scale for i, c in enumerate(stream.channels) if not seen.lively[i]}
    top, saturated = seen.saturated(raw.dtype)
    stuck = seen.stuck()
    return Certificate(
        stream,
        len(raw),
        gaps,
        recording.rate(name),
        recording.clock_fit(),
        saturated,
        stuck,
        constant if seen.n else {},
        seen.duplicates(),
        merged([*top, *(span for spans in stuck.values() for span in spans)], len(raw)),
    )


def trusted_gaps(recording: Recording, name: str) -> Spans:
    """Gaps of a stream and what else training must not learn from."""
    found = certificate(recording, name)
    return merged([*found.gaps, *found.bad], found.n_samples)


def _blocks(raw: Array, gaps: Spans) -> Iterator[tuple[int, Array]]:
    """(index of the first, rows) of the measured samples; neighbours overlap by two rows, so that no run is cut."""
    start = 0
    for gap, count in [*gaps, (len(raw), 0)]:
        for at in range(start, gap, BLOCK):
            yield at, np.asarray(raw[at : min(at + BLOCK + 2, gap)])
        start = gap + count


class _Seen:
    """What the two passes gather, one value per channel."""

    def __init__(self, stream: Stream) -> None:
        n = len(stream.channels)
        self.stream, self.n = stream, 0
        self.low, self.high = np.full(n, np.inf), np.full(n, -np.inf)
        self.step = np.full(n, np.inf)  # least difference between neighbours that is not zero
        self.repeats = np.zeros(n)
        self.twins = [(i, j) for j in range(n) for i in range(j)]
        self.at_end, self.beside = np.zeros((2, n)), np.zeros((2, n))
        self.values: list[list[set[Any]]] = [[set(), set()] for _ in range(n)]
        self.runs: list[list[tuple[int, int, float]]] = [[] for _ in range(n)]
        self.shortest = max(BAD_SAMPLES, round(BAD_S * stream.rate_hz))

    def look(self, rows: Array) -> None:
        """First pass: extremes, steps, equal channels."""
        x = rows.astype(np.float64)
        self.n += min(len(rows), BLOCK)
        self.low, self.high = np.fmin(self.low, np.fmin.reduce(x)), np.fmax(self.high, np.fmax.reduce(x))
        apart = np.abs(np.diff(x, axis=0))[:BLOCK]
        self.repeats += (apart == 0).sum(0)
        self.step = np.fmin(self.step, np.where(apart > 0, apart, np.inf).min(0, initial=np.inf))
        self.twins = [(i, j) for i, j in self.twins if np.array_equal(rows[:, i], rows[:, j])]

    def finish(self) -> None:
        """After the first pass: which channels move at all."""
        self.lively = self.high > self.low

    def look_again(self, start: int, rows: Array) -> None:
        """Second pass: what lies at the ends, right beside them, and stays."""
        span = self.high - self.low
        for i in np.flatnonzero(self.lively).tolist():
            x = rows[:, i]
            for end, at, inside in (
                (0, self.low[i], x < self.low[i] + BESIDE * span[i]),
                (1, self.high[i], x > self.high[i] - BESIDE * span[i]),
            ):
                self._end(i, end, x == at, x, inside)
            self._runs(i, start, x)

    def _end(self, i: int, end: int, there: npt.NDArray[np.bool_], x: Array, inside: npt.NDArray[np.bool_]) -> None:
        n = there[:BLOCK].sum()
        self.at_end[end, i] += n
        self.beside[end, i] += inside[:BLOCK].sum() - n
        if len(self.values[i][end]) < VALUES:
            self.values[i][end] |= set(np.unique(x[inside & ~there])[:VALUES].tolist())

    def _runs(self, i: int, start: int, x: Array) -> None:
        """Stretches of one value, also those that go on from the block before."""
        borders = np.concatenate([[0], np.flatnonzero(x[1:] != x[:-1]) + 1, [len(x)]])
        lengths = np.diff(borders)
        open_ = [k for k in (0, len(lengths) - 1) if lengths[k] < self.shortest]
        for k in sorted({*np.flatnonzero(lengths >= self.shortest).tolist(), *open_}):
            first, n, value = start + int(borders[k]), int(lengths[k]), float(x[borders[k]])
            before = self.runs[i][-1] if self.runs[i] else (0, 0, np.nan)
            if before[2] == value and before[0] <= first <= before[0] + before[1]:
                self.runs[i][-1] = before[0], max(first + n - before[0], before[1]), value
            else:
                self.runs[i].append((first, n, value))

    def _long(self, i: int, least: float) -> list[tuple[int, int, float]]:
        return [run for run in self.runs[i] if run[1] >= least]

    def saturated(self, dtype: np.dtype[Any]) -> tuple[list[tuple[int, int]], dict[str, float]]:
        """(long stretches at an end of the scale, share of samples there by channel)."""
        spans, shares = [], {}
        ends = (np.iinfo(dtype).min, np.iinfo(dtype).max) if dtype.kind == "i" else (np.nan, np.nan)
        for i in np.flatnonzero(self.lively).tolist() if self.n >= FEWEST else ():
            values = [v for end, v in ((0, self.low[i]), (1, self.high[i])) if self._clipped(i, end, v == ends[end])]
            if values:
                at = sum(self.at_end[end, i] for end, v in ((0, self.low[i]), (1, self.high[i])) if v in values)
                shares[self.stream.channels[i]] = float(at / self.n)
                spans += [(first, n) for first, n, v in self._long(i, self.shortest) if v in values]
        return spans, shares

    def _clipped(self, i: int, end: int, is_limit: bool) -> bool:
        if is_limit:
            return bool(self.at_end[end, i] >= SATURATED * self.n)
        at_end = self.at_end[end, i]
        return bool(
            at_end >= max(SATURATED * self.n, TIMES * self.beside[end, i]) and len(self.values[i][end]) >= VALUES
        )

    def stuck(self) -> dict[str, Spans]:
        """Stretches in which a lively channel of fine resolution keeps one value, beyond what chance would do."""
        found: dict[str, Spans] = {}
        least = max(STUCK_SAMPLES, STUCK_S * self.stream.rate_hz)
        for i in np.flatnonzero(self.lively & (self.high - self.low >= STEPS * self.step)).tolist():
            runs = [run for run in self._long(i, least) if run[2] not in (self.low[i], self.high[i])]
            still = sum(n for _, n, _ in runs)
            p = (self.repeats[i] - still) / max(self.n - still, 1)
            chance = np.log(self.n) / -np.log(p) if 0 < p < 1 else (0.0 if p <= 0 else np.inf)
            spans = tuple((first, n) for first, n, _ in runs if n >= BEYOND_CHANCE * chance)
            if spans:
                found[self.stream.channels[i]] = spans
        return found

    def duplicates(self) -> tuple[tuple[str, str], ...]:
        """(channel, the first one that it equals), of those that move."""
        names, first = self.stream.channels, dict[int, int]()
        for i, j in self.twins:
            if self.lively[j] and j not in first:
                first[j] = i
        return tuple((names[j], names[i]) for j, i in sorted(first.items()))
