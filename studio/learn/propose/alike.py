"""Find all like this: where a stream looks like one or several examples.

Two ways, for two kinds of likeness. A *profile* is compared sample by sample: the correlation of the example with
every stretch of its length, each channel without its mean, all channels by one common size (so that an unmoved
channel says "unmoved" and not noise); by FFT, overlap and save, so a long recording costs n log n and little memory.
An *embedding* is compared by features: windows of the example's length go through the C kernels that models use, and
those nearest to the examples are taken; it forgives a change of pace and phase, as in walking or a machine's hum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.data.labels import Labels, Segment
from studio.data.stream import Floats
from studio.errors import DataError
from studio.learn.propose.frames import Reals, Source
from studio.learn.propose.proposer import Ints
from studio.learn.propose.windows import SLOTS, described, described_by, grid, standardized
from studio.params import check, param
from studio.progress import Progress, Work

#: Samples per block of the correlation, at least this many times the example's length.
BLOCK, TIMES = 1 << 16, 8
WAYS = ("profile", "features")


@dataclass(frozen=True)
class Alike:
    """How the likeness is measured and how much of it is asked for."""

    way: str = param("profile", "Compare sample by sample, or by features of windows.", choices=WAYS)
    least: float = param(0.6, "Likeness asked for: 1 is the same.", low=0.0, high=1.0)
    apart: float = param(0.5, "Two finds lie at least this share of the example's length apart.", low=0.1, high=1.0)
    most: int = param(500, "No more finds than this, the best first.", low=1, high=100000)

    def __post_init__(self) -> None:
        check(self)

    def measure(
        self, recording: Source, stream: str, examples: Sequence[Segment], where: Source | None = None
    ) -> Work["Likeness"]:
        """The likeness at every place where a stretch could start: the greatest over the examples.

        The examples lie in `recording`; what is searched is `where`, or that recording itself.
        """
        rate = recording.stream(stream).rate_hz
        spans = [(round(s.start_s * rate), round(s.stop_s * rate)) for s in examples]
        spans = [(a, b) for a, b in spans if b - a >= SLOTS]
        if not spans:
            seen = f"none of {SLOTS} samples or more is selected"
            raise DataError("Examples", seen, "Select a label, or mark a stretch, of what to look for.")
        if self.way == "profile":
            return (yield from _by_profile(recording, stream, spans, where or recording))
        return (yield from _by_features(recording, stream, spans, where or recording))

    def pick(self, found: "Likeness", label: str) -> Labels:
        """The best places, none nearer to a better one than asked for; its likeness is a find's confidence."""
        places = peaks(found.likeness, self.least, max(1, round(self.apart * found.length / found.step)))
        best = places[np.argsort(-found.likeness[places], kind="stable")][: self.most]
        made: list[Segment] = []
        for i in np.sort(best).tolist():
            start = i * found.step / found.rate_hz
            start = max(start, made[-1].stop_s) if made else start
            stop = (i * found.step + found.length) / found.rate_hz
            if stop > start:
                made.append(Segment(start, stop, label, round(float(np.clip(found.likeness[i], 0.01, 0.99)), 3)))
        return Labels(tuple(made))


@dataclass(frozen=True, eq=False)
class Likeness:
    """likeness (n,) at every `step` samples, for stretches of `length` samples; -1 where samples are missing."""

    likeness: Floats
    step: int
    length: int
    rate_hz: float


def peaks(x: Floats, least: float, apart: int) -> Ints:
    """Places of x that reach `least`, the best first to choose: none less than `apart` from a better one."""
    above = np.flatnonzero(x >= least)
    top = above[(x[above] >= x[np.maximum(above - 1, 0)]) & (x[above] >= x[np.minimum(above + 1, len(x) - 1)])]
    free, kept = np.ones(len(x), bool), []
    for i in top[np.argsort(-x[top], kind="stable")].tolist():
        if free[i]:
            kept.append(i)
            free[max(0, i - apart + 1) : i + apart] = False
    return np.array(sorted(kept), np.int64)


def _of_one_length(recording: Source, stream: str, spans: list[tuple[int, int]]) -> tuple[list[int], int]:
    """(starts, length): all examples cut to the length of the middle one, around their middles."""
    n = recording.n_samples[stream]
    length = min(sorted(b - a for a, b in spans)[len(spans) // 2], n)
    return [min(max((a + b) // 2 - length // 2, 0), n - length) for a, b in spans], length


def _by_profile(recording: Source, stream: str, spans: list[tuple[int, int]], where: Source) -> Work[Likeness]:
    starts, length = _of_one_length(recording, stream, spans)
    n, rate = where.n_samples[stream], where.stream(stream).rate_hz
    shapes = [_shape(recording.values(stream, a, a + length)) for a in starts]
    best = np.full(max(n - length + 1, 0), -1.0, np.float32)
    width = max(BLOCK, TIMES * length)
    for start in range(0, len(best), width - length + 1):
        yield Progress(start, n, "comparing")
        x = where.values(stream, start, start + width).astype(np.float64)
        if len(x) >= length:
            best[start : start + len(x) - length + 1] = _correlated(x, shapes).max(axis=0)
    return Likeness(best, 1, length, rate)


def _shape(x: Floats) -> Reals:
    """An example (length, n_channels) without its means, of size one."""
    if not np.isfinite(x).all():
        raise DataError("Example", "samples are missing inside it", "Choose an example without a gap.")
    still = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    size = np.sqrt((still**2).sum())
    if size <= 1e-9 * (1.0 + np.abs(x).max()):
        raise DataError("Example", "nothing moves in it", "Choose a stretch in which something happens.")
    shape: Reals = still / size
    return shape


def _correlated(x: Reals, shapes: list[Reals]) -> Reals:
    """Correlation (n_shapes, n - length + 1) of shapes (length, n_channels) with every stretch of x (n, n_channels)."""
    length, n_fft = len(shapes[0]), 1 << int(len(x) - 1).bit_length()
    there = np.asarray(np.isfinite(x).all(axis=1))
    if not there.any():
        return np.full((len(shapes), len(x) - length + 1), -1.0)
    x = np.where(there[:, None], x - np.nanmean(x, axis=0), 0.0)
    sums, squares = _moving(x, length), _moving(x**2, length)
    size = np.sqrt(np.maximum((squares - sums**2 / length).sum(axis=1), 0.0))
    still = size <= 1e-6 * max(float(size.max(initial=0.0)), 1e-30)
    whole = _moving(there[:, None].astype(np.float64), length)[:, 0] > length - 0.5
    spectrum = np.fft.rfft(x, n_fft, axis=0)
    found = []
    for shape in shapes:
        product = (spectrum * np.conj(np.fft.rfft(shape, n_fft, axis=0))).sum(axis=1)
        dot = np.fft.irfft(product, n_fft)[: len(size)]
        found.append(np.where(whole & ~still, dot / np.where(still, 1.0, size), -1.0))
    likeness: Reals = np.clip(np.array(found), -1.0, 1.0)
    return likeness


def _moving(x: Reals, length: int) -> Reals:
    """Sums of x over every `length` rows."""
    total = np.concatenate([np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)])
    found: Reals = total[length:] - total[:-length]
    return found


def _by_features(recording: Source, stream: str, spans: list[tuple[int, int]], where: Source) -> Work[Likeness]:
    """1 - the distance of features to the nearest example: 0 at what is usual for the recording's windows."""
    examples, length = _of_one_length(recording, stream, spans)
    step, own = max(1, length // SLOTS), np.array(examples, np.int64)
    starts = grid(where.n_samples[stream], length, step)
    nodes = described_by(where, stream, starts, length)
    asked = yield from described(recording, stream, own, length, nodes)
    there = yield from described(where, stream, starts, length, nodes)
    x = standardized(np.concatenate([asked, there])) if len(there) else np.zeros((len(own), 1))
    near = np.full(len(starts), np.inf)
    for example in x[: len(own)]:
        near = np.minimum(near, np.square(x[len(own) :] - example).mean(axis=1))
    near = np.sqrt(near)
    usual = float(np.median(near[np.isfinite(near)])) if np.isfinite(near).any() else 1.0
    likeness = np.where(np.isfinite(near), np.maximum(0.0, 1 - near / max(usual, 1e-12)), -1.0).astype(np.float32)
    return Likeness(likeness, step, length, where.stream(stream).rate_hz)
