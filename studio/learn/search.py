"""Looking for the best model that a board can carry.

Members of every family are tried in turn: what is too large is told by a draft, before any learning; the others learn
from some of the groups and are judged on the rest, by the very C kernels that the board will run. The best of those
that fit learns once more from all groups. The test part is never seen here. The same data and seed give the same
answer as long as the time does not run out; when it does, fewer candidates have been tried.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from studio.errors import TrainError
from studio.graph.graph import Graph
from studio.learn import DETECTORS, FAMILIES
from studio.learn.cost import Cost
from studio.learn.dataset import Dataset, check_classes, split
from studio.learn.families.family import Family
from studio.learn.metrics import macro_f1
from studio.progress import Progress, Work

#: Scores this near to the best are equal: the validation part is too small to tell them apart.
TIE = 0.005


@dataclass(frozen=True)
class Limits:
    """What a model may cost at most; None is no limit. `clock_hz` turns counted instructions into time."""

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    latency_ms: float | None = None
    clock_hz: float | None = None

    def violated(self, cost: Cost) -> str:
        """The limits that `cost` exceeds, in words with both numbers; "" when it fits."""
        found = []
        for name, needed, most in (
            ("flash", cost.flash_bytes, self.flash_bytes),
            ("RAM", cost.ram_bytes, self.ram_bytes),
        ):
            if most is not None and needed > most:
                found.append(f"{name} {needed / 1024:.1f} kB of {most / 1024:.1f} kB")
        if self.latency_ms is not None and cost.latency_ms is not None and cost.latency_ms > self.latency_ms:
            found.append(f"latency {cost.latency_ms:.1f} ms of {self.latency_ms:.1f} ms")
        return ", ".join(found)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One model tried. `violated` names the limits it exceeds ("" when it fits); `score` is its validation macro-F1.

    A candidate whose draft was too large was never trained: its graph is None and its score 0.
    """

    name: str
    family: str
    settings: Family
    score: float
    cost: Cost
    violated: str
    graph: Graph | None

    def row(self) -> dict[str, Any]:
        """One entry of `front` in the contract."""
        return {"model": self.name, "family": self.family, "score": self.score, "cost": self.cost.as_dict()}


@dataclass(frozen=True, eq=False)
class Best(Candidate):
    """The recommended candidate: its graph has learned from all groups, and its cost is that graph's."""

    graph: Graph


@dataclass(frozen=True, eq=False)
class Found:
    """What a search came to: all that were tried, and as `front` the best, then those that nothing beats."""

    best: Best
    candidates: tuple[Candidate, ...]
    front: tuple[Candidate, ...]
    seconds: float

    @property
    def trials(self) -> int:
        """How many were tried, also those that were rejected by their draft."""
        return len(self.candidates)

    @property
    def rejected(self) -> tuple[Candidate, ...]:
        """Those that exceed a limit."""
        return tuple(c for c in self.candidates if c.violated)


@dataclass(frozen=True, eq=False)
class _Race:
    """What does not change during a search."""

    learn: Dataset
    held: Dataset
    limits: Limits
    weigh: Callable[[Graph], Cost]
    seed: int
    trials: int
    deadline: float

    def cost(self, graph: Graph) -> Cost:
        """The cost of a graph on the board that the limits are about."""
        cost, clock_hz = self.weigh(graph), self.limits.clock_hz
        if clock_hz is None or cost.source != "estimate" or cost.instructions_per_inference is None:
            return cost
        return replace(cost, latency_ms=1000 * cost.instructions_per_inference / clock_hz)


def search(
    data: Dataset,
    limits: Limits,
    families: Sequence[str],
    trials: int,
    minutes: float,
    seed: int,
    weigh: Callable[[Graph], Cost],
) -> Work[Found]:
    """Try up to `trials` candidates for up to `minutes`; `data` is the training part alone.

    Progress.data carries `front`, a list of {"model", "family", "score", "cost"}, `candidates` (all that were tried,
    with the limits each exceeds as "violated"), and what the candidate in training tells. Raises DataError for data
    that cannot be learned from, TrainError when nothing fits the limits.
    """
    began = time.monotonic()
    check_classes(data)
    loose = data.unmarked()
    parts = split(loose, seed)
    sides = loose.take(parts.train), loose.take(parts.test)
    race = _Race(*sides, limits, weigh, seed, trials, began + 60 * minutes)
    tried: list[Candidate] = []
    for number in range(trials):
        late = time.monotonic() > race.deadline and any(not c.violated for c in tried)
        candidate = None if late else (yield from _try(race, families, number, tried))
        if candidate is None:
            break
        tried.append(candidate)
    best = yield from _settle(race, loose, tried)
    everyone = tuple(best if c.name == best.name else c for c in tried)
    others = tuple(c for c in front(everyone) if c is not best)
    return Found(best, everyone, (best, *others), time.monotonic() - began)


def _try(race: _Race, families: Sequence[str], number: int, tried: list[Candidate]) -> Work[Candidate | None]:
    """Draft, learn, judge one candidate; None when the time ran out on the way."""
    name, turn = families[number % len(families)], number // len(families)
    settings = (FAMILIES | DETECTORS)[name].propose(turn, np.random.default_rng([race.seed, number]))
    title = f"{name}-{turn + 1}"
    draft = settings.draft(race.learn)
    if draft is not None:
        cost = race.cost(draft)
        if violated := race.limits.violated(cost):
            yield _step(race, number + 1, tried, f"{title} rejected: {violated}", {})
            return Candidate(title, name, settings, 0.0, cost, violated, None)
    graph = yield from _learned(race, settings, number, title, tried)
    if graph is None:
        return None
    decided = graph.decide(graph.scores(race.held.x))
    score, cost = macro_f1(race.held.y, decided, race.held.classes), race.cost(graph)
    return Candidate(title, name, settings, score, cost, race.limits.violated(cost), graph)


def _learned(race: _Race, settings: Family, number: int, title: str, tried: list[Candidate]) -> Work[Graph | None]:
    """The graph of one candidate; None when the time ran out and something that fits is at hand already."""
    deadline = race.deadline if any(not c.violated for c in tried) else float("inf")
    return (yield from _watched(race, settings.fit(race.learn, race.seed), number, title, tried, deadline))


def _watched(
    race: _Race, work: Work[Graph], number: int, title: str, tried: list[Candidate], deadline: float = float("inf")
) -> Work[Graph | None]:
    """Run `work`, telling its steps as part of the search; None when it was not done by the deadline."""
    try:
        while time.monotonic() <= deadline:
            step = next(work)
            part = step.done / step.total if step.total else 0.0
            yield _step(race, number + part, tried, f"{title}: {step.text}", step.data)
    except StopIteration as end:
        graph: Graph = end.value
        return graph
    finally:
        work.close()
    return None


def _step(race: _Race, done: float, tried: list[Candidate], text: str, data: dict[str, Any]) -> Progress:
    rows = [c.row() for c in front(tried)]
    everyone = [c.row() | {"violated": c.violated} for c in tried]
    return Progress(done, race.trials + 1, text, {**data, "front": rows, "tried": len(tried), "candidates": everyone})


def _settle(race: _Race, data: Dataset, tried: list[Candidate]) -> Work[Best]:
    """The recommended candidate, learned once more from all of `data`; the next best where that made it too large."""
    left = [c for c in tried if not c.violated]
    while left:
        chosen = recommended(left)
        left.remove(chosen)
        work = chosen.settings.final().fit(data, race.seed)
        graph = yield from _watched(race, work, race.trials, f"{chosen.name} on all groups", tried)
        assert graph is not None  # there is no deadline
        cost = race.cost(graph)
        if not race.limits.violated(cost):
            return Best(chosen.name, chosen.family, chosen.settings, chosen.score, cost, "", graph)
    raise _nothing(race, tried)


def recommended(candidates: Sequence[Candidate]) -> Candidate:
    """The greatest score; among those within TIE of it the one with the least flash, then the fewest instructions."""
    most = max(c.score for c in candidates)
    near = [c for c in candidates if c.score >= most - TIE]
    return min(near, key=lambda c: (c.cost.flash_bytes, c.cost.instructions_per_inference or 0, c.name))


def front(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Those that fit and that no other fitting one equals or beats in score, flash, RAM and time at once."""
    fitting = [c for c in candidates if not c.violated]
    return tuple(c for c in fitting if not any(_beats(other, c) for other in fitting if other is not c))


def _beats(a: Candidate, b: Candidate) -> bool:
    pairs = [(-a.score, -b.score), (a.cost.flash_bytes, b.cost.flash_bytes), (a.cost.ram_bytes, b.cost.ram_bytes)]
    if a.cost.latency_ms is not None and b.cost.latency_ms is not None:
        pairs.append((a.cost.latency_ms, b.cost.latency_ms))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def _nothing(race: _Race, tried: Sequence[Candidate]) -> TrainError:
    smallest = min(tried, key=lambda c: (c.cost.flash_bytes, c.cost.ram_bytes))
    violated = smallest.violated or race.limits.violated(smallest.cost) or "too large on all groups"
    step = "Choose a larger board, raise the limit, or shorten the window."
    return TrainError(f"None of {len(tried)} candidates fits", f"the smallest, {smallest.name}, needs {violated}", step)
