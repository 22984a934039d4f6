"""How well proposed stretches meet those of a person, and parameters that do it best.

The rule: a proposed event hits a true one when they share at least `iou` of the time that either covers
(intersection over union), one proposal to one event; labels are not looked at. F1 is the harmonic mean of the share
of events that were hit and the share of proposals that hit. At 0.5 or more a pair is unique, so no choice is left.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from studio.data.labels import Labels
from studio.errors import DataError
from studio.learn.propose.frames import Reals, Source
from studio.learn.propose.proposer import Curve, Proposer
from studio.progress import Progress, Work, finish

#: What `tune` asks of borders: the mean F1 at these, so that it learns good borders and not just touching ones.
STRICTNESS = (0.5, 0.6, 0.7, 0.8)
#: Combinations of live params tried for each setting of the others.
TRIES = 400


@dataclass(frozen=True)
class Met:
    """How many of the true and of the proposed events found each other. Add two to judge them together."""

    hits: int
    true: int
    proposed: int

    def __add__(self, other: "Met") -> "Met":
        return Met(self.hits + other.hits, self.true + other.true, self.proposed + other.proposed)

    @property
    def f1(self) -> float:
        """2 hits / (true + proposed)."""
        return 2 * self.hits / (self.true + self.proposed) if self.true + self.proposed else 0.0


def meet(truth: Labels, found: Labels, iou: float = 0.5) -> Met:
    """Judge one recording; points are left out."""
    a, b = _spans(truth), _spans(found)
    return Met(len(_pairs(a, b, iou)), len(a), len(b))


def _spans(labels: Labels) -> Reals:
    rows = [(s.start_s, s.stop_s) for s in labels.segments if s.stop_s > s.start_s]
    return np.array(rows, np.float64).reshape(-1, 2)


def _pairs(a: Reals, b: Reals, iou: float) -> list[tuple[int, int]]:
    """Pairs that share enough, the best first, each event once."""
    found = []
    first = np.searchsorted(b[:, 1], a[:, 0], side="right")
    last = np.searchsorted(b[:, 0], a[:, 1], side="left")
    for i, (low, high) in enumerate(zip(first, last, strict=True)):
        for j in range(low, high):
            shared = min(a[i, 1], b[j, 1]) - max(a[i, 0], b[j, 0])
            share = shared / (max(a[i, 1], b[j, 1]) - min(a[i, 0], b[j, 0]))
            if share >= iou - 1e-9:
                found.append((share, i, int(j)))
    used_a, used_b, pairs = set[int](), set[int](), []
    for _, i, j in sorted(found, reverse=True):
        if i not in used_a and j not in used_b:
            used_a.add(i)
            used_b.add(j)
            pairs.append((i, j))
    return pairs


def tune(
    method: Proposer, recordings: Sequence[Source], stream: str, truths: Sequence[Labels], seed: int = 0
) -> Work[tuple[Proposer, Met]]:
    """The params that meet the labels of these recordings best, and how well (at an IoU of 0.5).

    They are drawn from the values that they name for a search: all of those that must be measured anew, and of the
    live ones a random draw, then the neighbours of the best.
    Raises DataError without labels to learn from.
    """
    if not any(_spans(t).size for t in truths):
        raise DataError("Labels", "there are none to learn from", "Label a few events of this recording first.")
    slow = {k: v for k, v in _searched_values(method).items() if k not in method.live and v}
    best: tuple[float, Proposer] = (-1.0, method)
    kept: list[Curve] = []
    combinations = list(itertools.product(*slow.values()))
    for n, values in enumerate(combinations):
        yield Progress(n, len(combinations), f"{n + 1} of {len(combinations)} settings")
        base: Any = replace(method, **dict(zip(slow, values, strict=True)))  # type: ignore[type-var]
        curves = []
        for recording in recordings:
            curves.append(finish(base.measure(recording, stream)))
        score, found = _searched(base, curves, truths, seed)
        if score > best[0]:
            best, kept = (score, found), curves
    judged = [meet(t, best[1].pick(c)) for t, c in zip(truths, kept, strict=True)]
    return best[1], sum(judged, Met(0, 0, 0))


def _searched_values(method: Any) -> dict[str, tuple[Any, ...]]:
    return {f.name: tuple(f.metadata.get("search", ())) for f in fields(method)}


def _searched(base: Any, curves: list[Curve], truths: Sequence[Labels], seed: int) -> tuple[float, Proposer]:
    """The best live params for what was measured."""
    known = _searched_values(base)
    grid = {k: known.get(k) or _levels(curves) for k in base.live if known.get(k) or k in ("on_level", "off_level")}
    rng = np.random.default_rng(seed)
    every = [v for v in itertools.product(*grid.values()) if _in_order(dict(zip(grid, v, strict=True)))]
    drawn = [every[i] for i in rng.permutation(len(every))[:TRIES]]
    best = max(((_worth(base, dict(zip(grid, v, strict=True)), curves, truths), v) for v in drawn), key=lambda t: t[0])
    moved = [_moved(best[1], grid, k, by) for k in range(len(grid)) for by in (-1, 1)]
    near = [v for v in moved if v is not None and _in_order(dict(zip(grid, v, strict=True)))]
    again = [(_worth(base, dict(zip(grid, v, strict=True)), curves, truths), v) for v in near]
    score, values = max([best, *again], key=lambda t: t[0])
    return score, replace(base, **dict(zip(grid, values, strict=True)))


def _in_order(values: dict[str, Any]) -> bool:
    """An event ends below where it begins."""
    return bool(values.get("off_level", 0.0) <= values.get("on_level", values.get("off_level", 0.0)))


def _levels(curves: list[Curve]) -> tuple[float, ...]:
    """Thresholds worth trying where they have a unit: along the curve's own values."""
    level = np.concatenate([c.level for c in curves])
    return tuple(float(v) for v in np.unique(np.nanpercentile(level, [20, 35, 50, 60, 70, 80, 85, 90, 95, 98])))


def _moved(values: tuple[Any, ...], grid: dict[str, tuple[Any, ...]], k: int, by: int) -> tuple[Any, ...] | None:
    """The same values with one a step on in its grid."""
    choices = list(grid.values())[k]
    at = choices.index(values[k]) + by
    return (*values[:k], choices[at], *values[k + 1 :]) if 0 <= at < len(choices) else None


def _worth(base: Any, values: dict[str, Any], curves: list[Curve], truths: Sequence[Labels]) -> float:
    """Mean F1 over STRICTNESS."""
    made = replace(base, **values)
    tracks = [made.pick(c) for c in curves]
    judged = [sum((meet(t, p, iou) for t, p in zip(truths, tracks, strict=True)), Met(0, 0, 0)) for iou in STRICTNESS]
    return float(np.mean([m.f1 for m in judged]))
