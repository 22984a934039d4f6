"""How strict decisions are: the curve of false alarms against missed events, and the point on it that is taken.

How strict to be is no question of taste: the curve is worked out on recordings that were not learned from, never on
the test part, and the parameters of the decision that miss least at the false alarms allowed are taken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from studio.graph.ops.decide import Decide, even
from studio.learn.matching import Evidence, Matched
from studio.learn.split import Ints

#: What is tried when the curve is worked out.
AVERAGES, LEASTS, QUIETS = (1, 2, 4, 8), (1, 2, 3), (0, 4)
ONS = (0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
#: How far below the upper threshold the lower one lies.
HYSTERESIS = 0.15
#: Points of the curve whose thresholds are tuned class by class, and points that are kept.
REFINED, MOST_POINTS = 6, 60


@dataclass(frozen=True, eq=False)
class Point:
    """One point of the curve: what a decision's parameters come to."""

    decide: Decide
    matched: Matched

    @property
    def false_alarms_per_hour(self) -> float:
        """Over the time that was judged."""
        return self.matched.false_alarms / self.matched.hours

    @property
    def missed(self) -> float:
        """Share of the events."""
        return self.matched.missed / self.matched.n_events

    @property
    def errors(self) -> int:
        """Missed events and false alarms together."""
        return self.matched.missed + self.matched.false_alarms

    @property
    def latency_s(self) -> float:
        """Time after which half of all events are told; infinite where more are missed. Few quick ones are no gain."""
        found = sorted(self.matched.latencies_s)
        middle = (self.matched.n_events - 1) // 2
        return found[middle] if middle < len(found) else float("inf")

    @property
    def order(self) -> tuple[float, float, float, int]:
        """From strict to lenient; of equals the first to tell, then the one that remembers least."""
        return self.false_alarms_per_hour, self.missed, self.latency_s, not self.decide.plain

    def as_dict(self) -> dict[str, Any]:
        """For a model's document."""
        rates = {"false_alarms_per_hour": self.false_alarms_per_hour, "missed": self.missed, "errors": self.errors}
        return {"smoothing": self.decide.as_dict(), **self.matched.deeper(), **rates}


def judged(decide: Decide, evidence: Evidence) -> Point | None:
    """What these parameters come to; None where there is no event or no time to judge by."""
    if not evidence.hours or not len(evidence.label):
        return None
    return Point(decide, evidence.judge(along(decide, evidence)))


def along(decide: Decide, evidence: Evidence) -> Ints:
    """Decisions for every row of the evidence; the row without numbers between two tracks clears the memory."""
    return decide.along(evidence.scores).astype(np.int64)


def candidates(n_classes: int) -> Iterator[list[Decide]]:
    """All that are tried with the same thresholds for every class: lists that differ in nothing but the threshold."""
    for average, least, quiet in product(AVERAGES, LEASTS, QUIETS):
        alone = average == least == 1 and not quiet
        row = [even(n_classes, average, on, on if alone else lower(on), least, quiet) for on in ONS]
        yield row
        if average > 1:
            yield [replace(decide, mean="fading") for decide in row]


def curve(evidence: Evidence) -> tuple[Point, ...]:
    """The points that no other beats in false alarms, misses and latency at once, from strict to lenient."""
    return tune(evidence)[0]


def tune(evidence: Evidence, false_alarms_per_hour: float = 0.0) -> tuple[tuple[Point, ...], Point | None]:
    """The curve, and the point to take (see `chosen`); nothing where there is no event or no time to judge by."""
    rows = [[p for d in row if (p := judged(d, evidence)) is not None] for row in candidates(len(evidence.classes))]
    first = front([p for row in rows for p in row])
    if not first:
        return (), None
    steady = settled(rows)
    fewest = [p for i, p in enumerate(first) if all(p.missed < q.missed for q in first[:i])]
    starts = [fewest[round(i)] for i in np.linspace(0, len(fewest) - 1, min(REFINED, len(fewest)))]
    finer = [p for start in starts for p in refined(start, evidence)]
    best = front([*first, *finer])
    points = tuple(best[round(i)] for i in np.linspace(0, len(best) - 1, min(MOST_POINTS, len(best))))
    return points, chosen(evidence, points, [steady, *refined(steady, evidence)][-1], false_alarms_per_hour)


def settled(rows: Sequence[Sequence[Point]]) -> Point:
    """The fewest errors at a threshold and the two beside it: what lies at an edge here falls over it elsewhere."""
    found = []
    for row in rows:
        errors = np.array([row[0].errors, *(p.errors for p in row), row[-1].matched.n_events])  # above 1 all is missed
        around = errors[:-2] + errors[1:-1] + errors[2:]
        found += [(int(around[i]), p.errors, p.latency_s, i, p) for i, p in enumerate(row)]
    return min(found, key=lambda f: f[:4])[4]


def front(points: Sequence[Point]) -> list[Point]:
    """Those that no other equals or beats in false alarms, misses and latency at once."""
    kept: list[Point] = []
    for p in sorted(points, key=lambda p: p.order):
        if not any(k.missed <= p.missed and k.latency_s <= p.latency_s for k in kept):
            kept.append(p)
    return kept


def refined(point: Point, evidence: Evidence) -> Iterator[Point]:
    """One class after the other gets the thresholds with which the fewest errors are left.

    Of thresholds that leave equally few, the middle one is taken.
    """
    best = point
    for i in range(len(evidence.classes)):
        tried = [p for on in ONS if (p := judged(with_threshold(best.decide, i, on), evidence)) is not None]
        fewest = min(p.errors for p in tried)
        if fewest < best.errors:
            equal = [p for p in tried if p.errors == fewest]
            best = equal[len(equal) // 2]
            yield best


def lower(on: float) -> float:
    """The usual second threshold."""
    return round(max(0.0, on - HYSTERESIS), 4)


def with_threshold(decide: Decide, of: int, on: float, off: float | None = None) -> Decide:
    """The same with other thresholds for class number `of`; the lower one at the usual distance unless it is given."""
    ons, offs = list(decide.on), list(decide.off)
    ons[of], offs[of] = on, min(on, lower(on) if off is None else off)
    return replace(decide, on=tuple(ons), off=tuple(offs))


def tuned(points: Sequence[Point], false_alarms_per_hour: float) -> Point | None:
    """The point that misses least at no more false alarms than these; the strictest where none is so strict."""
    allowed = [p for p in points if p.false_alarms_per_hour <= false_alarms_per_hour]
    return min(allowed, key=lambda p: (p.missed, p.latency_s)) if allowed else (points[0] if points else None)


def chosen(evidence: Evidence, points: Sequence[Point], steady: Point, false_alarms_per_hour: float = 0.0) -> Point:
    """The tuned point, or without a wish (0) the steady one; that of each window alone where it is no worse."""
    alone = judged(even(len(evidence.classes)), evidence)
    best = tuned(points, false_alarms_per_hour) if false_alarms_per_hour else steady
    if alone is None or best is None:
        return steady
    allowed = false_alarms_per_hour > 0 and alone.false_alarms_per_hour <= false_alarms_per_hour
    no_worse = alone.missed <= best.missed if allowed else alone.errors <= best.errors
    return alone if no_worse and (allowed or not false_alarms_per_hour) else best
