"""What the families on features share: the features themselves, and the int8 grid that models learn on.

A model that learns from int8 values needs no quantization afterwards: what it learned is what the board computes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from studio.data.stream import Floats
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Array, Op
from studio.graph.ops.int8 import QuantizeChannels
from studio.graph.ops.points import Select
from studio.graph.ops.signals import Autocorrelation, Tilt, Wavelet
from studio.graph.ops.spectrum import TAPERS, BandPower, Envelope, Peaks, SpectralShape, Spectrum, log_bands
from studio.graph.ops.statistics import ChannelCorrelation, Difference, Magnitude, Quantiles, Statistics
from studio.graph.ops.vector import Concat
from studio.learn.dataset import Dataset
from studio.learn.split import Ints
from studio.params import param

#: Samples that the longest spectrum sees.
MOST_POINTS = 4096
#: More pairs of channels than these say little and cost much.
MOST_CORRELATED = 12
#: Features that a model on the int8 grid may have; of more, those that tell the classes apart best are kept.
MOST_FEATURES = 256
#: Steps of int8 per standard deviation on the grid of `spread`: four of them either way.
STEPS = 32
#: Shares of the samples that lie below the quantiles.
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
#: What can be added to the features: name -> what it says.
EXTRAS = {
    "none": "nothing more",
    "peaks": "frequency and height of the three highest spectral peaks",
    "envelope": "bands and peaks of the envelope of what is fast: knocks of bearings and gears",
    "rhythm": "how the signal agrees with itself some time earlier",
    "posture": "how the first three channels, an accelerometer's, are held",
    "wavelets": "energies of wavelets, from the quickest to the slowest",
    "all": "all of these",
}
#: Samples that an envelope covers at most, and lags of the rhythm.
MOST_ENVELOPE, LAGS = 1024, 12
#: Inputs of one Concat.
JOINED = 8
#: Percent of the windows that may lie beyond either end of the grid of `ranged`.
BEYOND = 0.1


def band_count() -> Any:
    """The parameter `bands` of `front`."""
    help = "Frequency bands per channel; 0 leaves the spectrum out."
    return param(12, help, low=0, high=32, search=(0, 6, 12, 16, 24))


def detail_level() -> Any:
    """The parameter `detail` of `front`."""
    return param(0, "1 adds vector lengths, steps and quantiles.", low=0, high=1, search=(0, 1))


def extra_features() -> Any:
    """The parameter `extra` of `front`."""
    told = "; ".join(f"{name}: {what}" for name, what in EXTRAS.items())
    return param("none", f"More features. {told}.", choices=tuple(EXTRAS))


def taper_choice() -> Any:
    """The parameter `taper` of `front`."""
    help = "Window of the spectra. Flat top for exact heights, Blackman or Kaiser for weak tones beside strong ones."
    return param("hann", help, choices=TAPERS)


@dataclass(frozen=True, eq=False)
class Front:
    """The first nodes of a graph, and what the last of them gives for the data: x (n, n_features)."""

    nodes: tuple[Node, ...]
    x: Array

    def then(self, op: Op, name: str) -> "Front":
        """One more node behind the last."""
        return Front((*self.nodes, Node(op, (len(self.nodes) - 1,), name)), op.run(self.x))

    def taken(self, index: Ints) -> "Front":
        """The same nodes with some of the windows."""
        return replace(self, x=self.x[index])

    def graph(self, data: Dataset, ops: Iterable[tuple[Op, str]], classes: tuple[str, ...] = ()) -> Graph:
        """The whole graph, with `ops` one behind the other at its end."""
        nodes = list(self.nodes)
        for op, name in ops:
            nodes.append(Node(op, (len(nodes) - 1,), name))
        s = data.stream
        return Graph(s.channels, s.rate_hz, data.length, data.stride, tuple(nodes), classes or data.classes)


#: What was worked out for data that still is in use: the members of a search ask for the same features.
_known: "WeakKeyDictionary[Dataset, dict[tuple[int, int, str, str], Front]]" = WeakKeyDictionary()


def front(data: Dataset, bands: int, detail: int = 0, extra: str = "none", taper: str = "hann") -> Front:
    """Features of all windows."""
    known, asked = _known.setdefault(data, {}), (bands, detail, extra, taper)
    if asked not in known:
        nodes = features(data, bands, detail, extra, taper)
        known[asked] = Front(nodes, run(nodes, data.x))
    return known[asked]


def ranged(before: Front, y: Ints) -> Front:
    """On the int8 grid, each feature's whole range over 254 steps: for decisions, which ask for order alone."""
    few = selected(before, y)
    low, high = np.percentile(few.x, [BEYOND, 100 - BEYOND], axis=0)
    return few.then(_grid((low + high) / 2, (high - low) / 254), "grid")


def spread(before: Front, y: Ints) -> Front:
    """On the int8 grid, STEPS per standard deviation: for sums and distances, where all features count alike."""
    few = selected(before, y)
    return few.then(_grid(few.x.mean(axis=0, dtype=np.float64), few.x.std(axis=0, dtype=np.float64) / STEPS), "grid")


def _grid(middle: Array, step: Array) -> QuantizeChannels:
    """Steps of a feature that hardly moves are not made finer than float32 can tell."""
    still = step <= 1e-7 * np.abs(middle) + 1e-12
    gain = 1 / np.where(still, 1.0, step)
    return QuantizeChannels(middle.astype(np.float32), gain.astype(np.float32))


def selected(before: Front, y: Ints, most: int = MOST_FEATURES) -> Front:
    """The `most` features whose classes lie farthest apart for their spread within (F statistic), in their order."""
    if before.x.shape[1] <= most:
        return before
    x = before.x.astype(np.float64)
    classes = [x[y == c] for c in np.unique(y)]
    within = sum(((c - c.mean(axis=0)) ** 2).sum(axis=0) for c in classes)
    between = sum(len(c) * (c.mean(axis=0) - x.mean(axis=0)) ** 2 for c in classes)
    best = np.argsort(-between / np.maximum(within, 1e-30), kind="stable")[:most]
    return before.then(Select(np.sort(best).astype(np.uint16)), "selected")


def features(data: Dataset, bands: int, detail: int = 0, extra: str = "none", taper: str = "hann") -> tuple[Node, ...]:
    """The nodes up to "features" that suit the length and the channels of these windows."""
    draft = _Draft(data, taper)
    channels = len(data.stream.channels)
    given = WINDOW
    if detail and channels % 3 == 0:
        given = draft.add(Magnitude(), WINDOW, "with lengths")
    draft.read(Statistics(), given, "statistics")
    if detail and data.length >= 16:
        draft.read(Statistics(), draft.add(Difference(), given, "steps"), "statistics of steps")
        draft.read(Quantiles(LEVELS), given, "quantiles")
    if 2 <= channels <= MOST_CORRELATED:
        draft.read(ChannelCorrelation(), WINDOW, "correlation")
    if data.length >= 8 and (bands or extra in ("peaks", "all")):
        draft.spectrum(given, bands, extra in ("peaks", "all"))
    for name, more in _MORE.items():
        if extra in (name, "all"):
            more(draft, given, bands)
    return draft.joined()


class _Draft:
    """Nodes while they are chosen, and which of them are read as features."""

    def __init__(self, data: Dataset, taper: str) -> None:
        self.data, self.taper = data, taper
        self.nodes, self.ends, self.least = list[Node](), list[int](), _least(data)

    def add(self, op: Op, source: int, name: str) -> int:
        self.nodes.append(Node(op, (source,), name))
        return len(self.nodes) - 1

    def read(self, op: Op, source: int, name: str) -> None:
        self.ends.append(self.add(op, source, name))

    def spectrum(self, given: int, bands: int, peaks: bool) -> None:
        used = min(self.data.length, MOST_POINTS)
        n_fft = max(8, 1 << (used - 1).bit_length())
        bin_hz = self.data.stream.rate_hz / n_fft
        at = self.add(Spectrum(used, n_fft, self.taper), given, "spectrum")
        if bands:
            self.read(BandPower(log_bands(n_fft, bands), self.least), at, "bands")
            self.read(SpectralShape(bin_hz, self.least), at, "shape")
        if peaks:
            self.read(Peaks(bin_hz, self.least), at, "peaks")

    def envelope(self, given: int, bands: int) -> None:
        n = 1 << min(self.data.length, MOST_ENVELOPE).bit_length() - 1
        if n < 32:
            return
        at = self.add(Envelope(n, n // 8, n // 2), given, "envelope")
        at = self.add(Spectrum(n, n, self.taper), at, "envelope's spectrum")
        self.read(BandPower(log_bands(n, bands or 12), self.least), at, "envelope's bands")
        self.read(Peaks(self.data.stream.rate_hz / n, self.least), at, "envelope's peaks")

    def rhythm(self, given: int, bands: int) -> None:
        step = self.data.length // (2 * LAGS)
        if step:
            self.read(Autocorrelation(LAGS, step, step), given, "rhythm")

    def posture(self, given: int, bands: int) -> None:
        if len(self.data.stream.channels) >= 3:
            self.read(Tilt(), WINDOW, "posture")

    def wavelets(self, given: int, bands: int) -> None:
        levels = min(5, (self.data.length // 4).bit_length() - 1)
        if levels > 0:
            self.read(Wavelet("db2", levels), given, "wavelets")

    def joined(self) -> tuple[Node, ...]:
        """All that is read side by side, under the name "features"."""
        if len(self.ends) == 1:
            last = self.nodes.pop()
            return (*self.nodes, Node(last.op, last.inputs, "features"))
        while len(self.ends) > JOINED:
            self.nodes.append(Node(Concat(), tuple(self.ends[:JOINED]), "first features"))
            self.ends = [len(self.nodes) - 1, *self.ends[JOINED:]]
        return (*self.nodes, Node(Concat(), tuple(self.ends), "features"))


_MORE = {
    "envelope": _Draft.envelope,
    "rhythm": _Draft.rhythm,
    "posture": _Draft.posture,
    "wavelets": _Draft.wavelets,
}


def run(nodes: tuple[Node, ...], x: Floats) -> Floats:
    """What the last of `nodes` gives for windows x (n, length, n_channels): (n, n_features) float32."""
    outputs: list[Floats] = []
    for node in nodes:
        outputs.append(node.op.run(*(x if i == WINDOW else outputs[i] for i in node.inputs)))
    return outputs[-1]


def _least(data: Dataset) -> float:
    """A power that means silence in this stream's unit: a millionth of what its channels carry on average."""
    power = float(np.mean(np.var(data.x, axis=1, dtype=np.float64)))
    return float(np.clip(1e-6 * power, 1e-30, 1.0))
