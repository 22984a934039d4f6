"""The same data twice: a recording imported under two names would be learned from and judged by at once.

Windows are compared by what they hold, not by where they come from: bit for bit, and, to find a copy that was
resampled in amplitude or shifted by its offset, by a coarse outline that is then checked sample by sample. Windows that
never move (digital silence) say nothing and are left alone.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from studio.data.stream import Floats
from studio.learn.dataset import Dataset
from studio.learn.split import Bools, Ints

#: Points of the outline, and the correlation from which two windows are one.
POINTS, ALIKE = 16, 0.9999
#: Two recordings are near-identical when this share of the windows of the smaller has a twin in the other.
MOSTLY = 0.5


@dataclass(frozen=True, eq=False)
class Twins:
    """`again` marks windows that an earlier one of another recording holds already; pairs name the recordings."""

    again: Bools
    pairs: dict[tuple[str, str], int]

    @property
    def n(self) -> int:
        """How many windows are there twice."""
        return int(self.again.sum())

    def near_identical(self, data: Dataset) -> list[tuple[str, str]]:
        """Pairs of recordings that are mostly the same."""
        names, counts = np.unique(data.recording, return_counts=True)
        size = dict(zip(names.tolist(), counts.tolist(), strict=True))
        return [pair for pair, n in self.pairs.items() if n >= MOSTLY * min(size[pair[0]], size[pair[1]])]


def twins(data: Dataset) -> Twins:
    """Find them; a window marked "test" counts as the earlier one, so that the test stays whole."""
    order = np.argsort(data.split != "test", kind="stable")
    outline, moves = _outlines(data.x)
    buckets: dict[bytes, list[int]] = defaultdict(list)
    again, pairs = np.zeros(len(data), bool), dict[tuple[str, str], int]()
    for i in order:
        if not moves[i]:
            continue
        bucket = buckets[outline[i].tobytes()]
        found = next((j for j in bucket if data.recording[j] != data.recording[i] and _same(data.x, i, j)), None)
        if found is None:
            bucket.append(int(i))
            continue
        again[i] = True
        pair = str(data.recording[found]), str(data.recording[i])
        pairs[pair] = pairs.get(pair, 0) + 1
    return Twins(again, pairs)


def _outlines(x: Floats) -> tuple[Ints, Bools]:
    """Signs of the steps between POINTS means over time, per channel: (n, ...), and whether a window moves at all."""
    n, length, _ = x.shape
    edges = np.linspace(0, length, min(POINTS, length) + 1).astype(int)[:-1]
    means = np.add.reduceat(x, edges, axis=1)
    moves = np.ptp(x, axis=1).max(axis=1) > 0
    return np.packbits(np.diff(means, axis=1) > 0, axis=1).reshape(n, -1).astype(np.int64), moves


def _same(x: Floats, i: int, j: int) -> bool:
    a, b = (x[k].astype(np.float64) - x[k].mean(axis=0, dtype=np.float64) for k in (i, j))
    size = np.sqrt((a * a).sum() * (b * b).sum())
    return bool(size > 0 and (a * b).sum() >= ALIKE * size)


def without_twins(data: Dataset, found: Twins) -> Dataset:
    """The data without the second of each pair."""
    return data.take(np.flatnonzero(~found.again))
