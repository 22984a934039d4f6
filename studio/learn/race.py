"""What does not change during a search, and how it tells where it stands."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.graph.graph import Graph
from studio.learn.candidate import Candidate, Limits, front
from studio.learn.cost import Cost
from studio.learn.dataset import Dataset
from studio.learn.pool import Cuts, Here, Pool
from studio.learn.split import Split
from studio.learn.study import Study
from studio.progress import Progress


@dataclass(frozen=True)
class Plan:
    """How a search is done beyond its budget: fixed knobs, finalists, folds, seeds, journal, and when to stop."""

    fixed: Mapping[str, Any] = field(default_factory=dict)
    finalists: int = 3
    folds: int = 3
    seeds: int = 1
    journal: Path | None = None
    key: str = "search"
    resume: bool = False
    side_by_side: int = 1
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, eq=False)
class Race:
    """What does not change during a search."""

    data: Dataset
    folds: tuple[Split, ...]
    limits: Limits
    weigh: Callable[[Graph], Cost]
    seed: int
    trials: int
    began: float
    seconds: float
    plan: Plan
    study: Study
    cuts: Cuts
    fits: Here | Pool

    @property
    def learn(self) -> Dataset:
        """The windows that members learn from while looking."""
        return self.cuts.of(self.folds[0].train)

    @property
    def held(self) -> Dataset:
        """The windows that they are judged by."""
        return self.cuts.of(self.folds[0].test)

    def cost(self, graph: Graph) -> Cost:
        """The cost of a graph on the board that the limits are about."""
        cost, clock_hz = self.weigh(graph), self.limits.clock_hz
        if clock_hz is None or cost.source != "estimate" or cost.instructions_per_inference is None:
            return cost
        return replace(cost, latency_ms=1000 * cost.instructions_per_inference / clock_hz)

    def late(self, share: float = 1.0) -> bool:
        """Whether this share of the time is over, or somebody wants it to end."""
        return time.monotonic() > self.began + share * self.seconds or self.plan.stop()


def step(race: Race, done: float, tried: list[Candidate], text: str, data: dict[str, Any]) -> Progress:
    rows = [c.row() for c in front(tried)]
    everyone = [c.row() | {"violated": c.violated, "stopped": c.stopped} for c in tried]
    total = race.trials + 1
    return Progress(done, total, text, {**data, "front": rows, "tried": len(tried), "candidates": everyone})
