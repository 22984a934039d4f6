"""The bill of materials: which sensor, which axis, which sample rate can be dropped, and for how much accuracy.

A simple model is learned and judged anew on the same groups for every reduction of the data: without an axis, without a
sensor, at a half, a quarter and an eighth of the rate, with fewer bits, with the noise of a cheaper part. What costs
nothing need not be bought. The figures are those of the probe and compare reductions; they are no model's score.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from studio.data.stream import Floats
from studio.errors import DataError
from studio.learn.cost import estimate
from studio.learn.dataset import Dataset
from studio.learn.families.linear import LinearSvm
from studio.learn.folds import folds
from studio.learn.metrics import macro_f1
from studio.learn.split import Split
from studio.progress import Progress, Work

PROBE = LinearSvm(cost=0.02)
#: Fewer samples than this are no window.
LEAST = 16
SLOWER, BITS, NOISES = (2, 4, 8), (12, 10, 8, 6), (0.05, 0.2)
#: Windows that the probe learns from and is judged by at most.
MOST = 8000
#: Scores this near to the whole data's are equal.
SAME = 0.01


@dataclass(frozen=True)
class Reduction:
    """One thing less. `kind` is axis, sensor, rate, bits or noise; `what` says which in words."""

    kind: str
    what: str
    score: float
    lost: float
    instructions: int

    def as_dict(self) -> dict[str, Any]:
        """For the result; `free` where nothing to speak of is lost."""
        found = {"kind": self.kind, "what": self.what, "score": self.score, "lost": self.lost}
        return found | {"instructions_per_inference": self.instructions, "free": self.lost <= SAME}


def explore(data: Dataset, seed: int) -> Work[tuple[float, tuple[Reduction, ...]]]:
    """The score on all of `data` (the training part), and every reduction, the cheapest to do without first."""
    few = data.unmarked()
    if len(few) > MOST:
        few = few.take(np.sort(np.random.default_rng([seed, 17]).permutation(len(few))[:MOST]))
    parts = folds(few, 2, seed)
    tried = list(reductions(few, seed))
    yield Progress(0, len(tried) + 1, "everything")
    whole, _ = yield from _score(few, parts, seed)
    found = []
    for i, (kind, what, less) in enumerate(tried, 1):
        yield Progress(i, len(tried) + 1, f"{kind}: {what}")
        try:
            score, instructions = yield from _score(less, parts, seed)
        except DataError:
            continue
        found.append(Reduction(kind, what, score, whole - score, instructions))
    return whole, tuple(sorted(found, key=lambda r: r.lost))


def reductions(data: Dataset, seed: int) -> Iterator[tuple[str, str, Dataset]]:
    """(kind, words, the reduced data) of everything that is tried."""
    names = data.stream.channels
    if len(names) > 1:
        for i, name in enumerate(names):
            yield "axis", f"without {name}", channels(data, [c for c in range(len(names)) if c != i])
    for sensor in sensors(names):
        yield "sensor", f"only {', '.join(names[c] for c in sensor)}", channels(data, sensor)
    for n in SLOWER:
        if data.length // n >= LEAST:
            yield "rate", f"{data.stream.rate_hz / n:g} Hz", slower(data, n)
    size = np.abs(data.x).max(axis=(0, 1), keepdims=True) + 1e-12
    for bits in BITS:
        step = size / 2 ** (bits - 1)
        yield "bits", f"{bits} bits", replace(data, x=(np.rint(data.x / step) * step).astype(np.float32))
    spread = data.x.std(axis=(0, 1), keepdims=True)
    for share in NOISES:
        noise = np.random.default_rng([seed, 19]).normal(0, 1, data.x.shape).astype(np.float32) * spread * share
        yield "noise", f"noise of {share:.0%} of the signal", replace(data, x=data.x + noise.astype(np.float32))


def sensors(names: tuple[str, ...]) -> list[list[int]]:
    """Channels that belong to one sensor: those whose names begin alike ("acc_x", "acc_y"), else every three."""
    heads = [name.rpartition("_")[0] or name[:-1] for name in names]
    found = [[i for i, h in enumerate(heads) if h == head] for head in dict.fromkeys(heads)]
    if len(names) > 3 and len(names) % 3 == 0 and (len(found) == 1 or len(found) == len(names)):
        found = [list(range(i, i + 3)) for i in range(0, len(names), 3)]
    return found if 1 < len(found) < len(names) else []


def channels(data: Dataset, kept: list[int]) -> Dataset:
    """Some of the channels."""
    stream = replace(data.stream, channels=tuple(data.stream.channels[c] for c in kept))
    return replace(data, x=np.ascontiguousarray(data.x[:, :, kept]), raw=data.raw[:, :, kept], stream=stream)


def slower(data: Dataset, n: int) -> Dataset:
    """One in n samples, each the mean of n: what a sensor with its own low-pass filter gives at that rate."""
    length = data.length // n
    x: Floats = data.x[:, : length * n].reshape(len(data), length, n, -1).mean(axis=2, dtype=np.float64)
    stream = replace(data.stream, rate_hz=data.stream.rate_hz / n)
    stride = max(1, data.stride // n)
    return replace(data, x=x.astype(np.float32), raw=data.raw[:, :length], stream=stream, length=length, stride=stride)


def _score(data: Dataset, parts: tuple[Split, ...], seed: int) -> Work[tuple[float, int]]:
    score, instructions, _ = yield from score_of(PROBE, data, parts, seed)
    return score, instructions


def score_of(probe: LinearSvm, data: Dataset, parts: tuple[Split, ...], seed: int) -> Work[tuple[float, int, int]]:
    """Mean macro-F1 of the probe over the folds, its instructions, and how many features it has."""
    scores, instructions, n_features = [], 0, 0
    for p in parts:
        graph = yield from probe.fit(data.take(p.train), seed)
        held = data.take(p.test)
        scores.append(macro_f1(held.y, graph.decide(graph.scores(held.x)), held.classes))
        instructions = estimate(graph).instructions_per_inference or 0
        names = [n.name for n in graph.nodes]
        n_features = graph.shapes()[names.index("features")][0]
    return float(np.mean(scores)), instructions, n_features
