"""Which features the task asks for: sets of them, judged by a simple model and ranked, each with its cost.

Every set is a family's `bands`, `detail` and `extra`, so what is found can be fixed in a search. The figures are those
of the probe and compare sets; they are no model's score.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from studio.errors import DataError
from studio.learn.dataset import Dataset
from studio.learn.explore import PROBE, score_of
from studio.learn.families.front import EXTRAS
from studio.learn.families.linear import LinearSvm
from studio.learn.folds import folds
from studio.progress import Progress, Work

BANDS, DETAILS = (0, 6, 12, 24), (0, 1)
#: Windows that the probe learns from and is judged by at most: sets are many.
MOST = 1500


@dataclass(frozen=True)
class FeatureSet:
    """One set, how well the probe does with it, and what that probe would cost."""

    bands: int
    detail: int
    extra: str
    score: float
    n_features: int
    instructions: int

    def as_dict(self) -> dict[str, Any]:
        """For the result; `fix` is what `studio train --fix` takes."""
        fix = f"bands={self.bands},detail={self.detail},extra={self.extra}"
        told = {"fix": fix, "what": words(self.bands, self.detail, self.extra), "score": self.score}
        return told | {"features": self.n_features, "instructions_per_inference": self.instructions}


def words(bands: int, detail: int, extra: str) -> str:
    """A set's name: "statistics, 12 bands, steps, peaks"."""
    told = ["statistics"]
    told += [f"{bands} bands"] if bands else []
    told += ["steps"] if detail else []
    return ", ".join([*told, *([extra] if extra != "none" else [])])


def feature_sets(data: Dataset, seed: int) -> Work[tuple[FeatureSet, ...]]:
    """All sets on `data` (the training part), the best first; of equal scores, the cheapest first."""
    few = data.unmarked()
    if len(few) > MOST:
        few = few.take(np.sort(np.random.default_rng([seed, 18]).permutation(len(few))[:MOST]))
    parts, probes, found = folds(few, 2, seed), list(_probes()), list[FeatureSet]()
    for i, probe in enumerate(probes):
        yield Progress(i, len(probes), words(probe.bands, probe.detail, probe.extra))
        try:
            score, instructions, n = yield from score_of(probe, few, parts, seed)
        except DataError:
            continue
        found.append(FeatureSet(probe.bands, probe.detail, probe.extra, score, n, instructions))
    return tuple(sorted(found, key=lambda s: (-round(s.score, 3), s.instructions)))


def _probes() -> Iterator[LinearSvm]:
    for extra in EXTRAS:
        for bands in BANDS:
            for detail in DETAILS:
                yield replace(PROBE, bands=bands, detail=detail, extra=extra)
