"""How much better a model looks when windows are parted at random: the score that a careless tool would show.

Neighbouring windows overlap and share a person and a day. The same simple model is judged twice on the same data, once
with whole groups kept aside and once with windows drawn by chance; the difference is what such a split makes up.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from studio.errors import DataError
from studio.learn.dataset import Dataset
from studio.learn.families.forest import RandomForest
from studio.learn.meaning import tasks
from studio.learn.metrics import metrics
from studio.learn.split import TEST_SHARE, Ints, Split
from studio.progress import Progress, Work

PROBE = RandomForest(trees=16)
#: Windows that the probe learns from at most: a gap shows with a few thousand.
MOST = 6000


@dataclass(frozen=True)
class Leak:
    """Accuracy of the probe with windows split at random, and with groups kept apart."""

    random: float
    group: float
    probe: str

    @property
    def gap(self) -> float:
        """How much the random split makes up."""
        return self.random - self.group

    def as_dict(self) -> dict[str, Any]:
        """For the result."""
        return asdict(self) | {"gap": self.gap}


def leak(data: Dataset, parts: Split, seed: int) -> Work[Leak | None]:
    """The gap on `data`, whose honest split is `parts`; None where that shares groups or nothing can be learned.

    The probe knows classes alone: of numbers and of several labels there is none.
    """
    if not parts.groups_disjoint or data.task != tasks.CLASSES:
        return None
    yield Progress(0, 2, "leak gap: groups kept apart")
    try:
        group = yield from _probe(data, _few(parts.train, seed), parts.test, seed)
        yield Progress(1, 2, "leak gap: windows at random")
        order = np.random.default_rng([seed, 3]).permutation(len(data))
        n_test = max(1, round(TEST_SHARE * len(data)))
        drawn = yield from _probe(data, _few(order[n_test:], seed), order[:n_test], seed)
    except DataError:
        return None
    return Leak(drawn, group, PROBE.name)


def _few(index: Ints, seed: int) -> Ints:
    """At most MOST of them, drawn."""
    return np.sort(np.random.default_rng([seed, 5]).permutation(index)[:MOST])


def _probe(data: Dataset, train: Ints, test: Ints, seed: int) -> Work[float]:
    graph = yield from PROBE.fit(data.take(train), seed)
    held = data.take(test)
    return float(metrics(held.y, graph.decide(graph.scores(held.x)), held.classes)["accuracy"])
