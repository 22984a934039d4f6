"""Which part of a window made the decision: parts are taken out, one after the other, and the model is asked again.

A stretch of time is replaced by the straight line between its ends, a band of frequencies by nothing, on one axis at a
time. What the margin of the answer loses is what that part spoke for it; below zero it spoke for another class. Where
no short stretch alone makes a difference (a forest whose trees all agree), longer ones are taken out.

References: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, section 4.2 (occlusion).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.data.stream import Floats
from studio.learn.split import Ints

Doubles = npt.NDArray[np.float64]
#: Stretches of time, bands of frequency, and axes (or groups of neighbouring channels) that are taken out.
SLICES, BANDS, AXES = 16, 8, 8
#: The least score that counts: below it a class is out of the question, whatever its logarithm says.
FLOOR = 1e-4
#: Slices that are taken out together, and the loss from which on a width says something.
WIDTHS, TELLING = (1, 4, 8), 0.1


@dataclass(frozen=True, eq=False)
class Parts:
    """What is taken out of windows of `length` samples: slices [edges[i], edges[i+1]), bins of the spectrum, axes."""

    edges: Ints  # samples
    bins: Ints  # of the Fourier transform of the window
    axes: tuple[Ints, ...]  # channels that go together

    @property
    def shapes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(axes, slices) and (axes, bands)."""
        return (len(self.axes), len(self.edges) - 1), (len(self.axes), len(self.bins) - 1)

    def spans(self, width: int) -> list[tuple[int, int]]:
        """The slices [first, stop) that are taken out together."""
        n = len(self.edges) - 1
        return [(i, i + min(width, n)) for i in range(n - min(width, n) + 1)]


def parts_of(length: int, n_channels: int) -> Parts:
    """Parts for windows (length, n_channels); bands are as wide as an octave, but for the first."""
    edges = np.unique(np.linspace(0, length, min(SLICES, length) + 1).astype(np.int64))
    most = length // 2 + 1
    octaves = [1, *(max(2, round(most / 2**k)) for k in range(BANDS - 1, 0, -1)), most]
    bins = np.unique(np.clip(octaves, 1, most))
    axes = np.array_split(np.arange(n_channels), min(AXES, n_channels))
    return Parts(edges, bins, tuple(axes))


def occluded(x: Floats, parts: Parts) -> Floats:
    """The window (length, n_channels) as it is, then without each span of each width, each band, axis by axis."""
    made = [x]
    for width in WIDTHS:
        for axis in parts.axes:
            made += [_without_slice(x, axis, parts.edges[a], parts.edges[b]) for a, b in parts.spans(width)]
    spectrum = np.fft.rfft(x.astype(np.float64), axis=0)
    for axis in parts.axes:
        made += [
            _without_band(x, spectrum, axis, int(a), int(b)) for a, b in zip(parts.bins, parts.bins[1:], strict=False)
        ]
    return np.stack(made).astype(np.float32)


def _without_slice(x: Floats, axis: Ints, first: np.int64, last: np.int64) -> Floats:
    start, stop = int(first), int(last)
    y = x.copy()
    before, after = x[max(start - 1, 0), axis], x[min(stop, len(x) - 1), axis]
    left, right = (before, after) if start else (after, after)
    right = right if stop < len(x) else left
    steps = (np.arange(1, stop - start + 1) / (stop - start + 1))[:, None]
    y[start:stop, axis] = left + steps * (right - left)
    return y


def _without_band(x: Floats, spectrum: npt.NDArray[np.complex128], axis: Ints, low: int, high: int) -> Floats:
    own = np.zeros_like(spectrum[:, axis])
    own[low:high] = spectrum[low:high, axis]
    y = x.copy()
    y[:, axis] -= np.fft.irfft(own, len(x), axis=0).astype(np.float32)
    return y


def margins(scores: Floats, of: int) -> Doubles:
    """How far class `of` lies before the best other one, as a logarithm, for scores (n, n_classes)."""
    x = np.log(np.maximum(scores.astype(np.float64), FLOOR))
    others = np.delete(x, of, axis=1)
    return x[:, of] - (others.max(axis=1) if others.shape[1] else 0.0)


def weights(scores: Floats, parts: Parts, of: int) -> tuple[Doubles, Doubles]:
    """What each slice (axes, slices) and each band (axes, bands) spoke for class `of`; scores as of `occluded`."""
    found = margins(scores, of)
    lost = found[0] - found[1:]
    time, band = parts.shapes
    at, told = 0, np.zeros(time)
    for width in WIDTHS:
        spans = parts.spans(width)
        n = len(parts.axes) * len(spans)
        if np.abs(told).max() < TELLING:
            told = _spread(lost[at : at + n].reshape(len(parts.axes), -1), spans, time[1])
        at += n
    return told, lost[at:].reshape(band)


def _spread(lost: Doubles, spans: list[tuple[int, int]], n: int) -> Doubles:
    """What each slice lost on average over the spans that hold it: (axes, spans) -> (axes, n)."""
    total, count = np.zeros((len(lost), n)), np.zeros(n)
    for i, (first, stop) in enumerate(spans):
        total[:, first:stop] += lost[:, i : i + 1]
        count[first:stop] += 1
    found: Doubles = total / np.maximum(count, 1)
    return found
