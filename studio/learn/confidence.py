"""How sure a score is: judged on several folds, and drawn again by groups, because people differ more than windows."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.learn.metrics import macro_f1
from studio.learn.split import Ints, Strings

#: Draws of the groups with replacement.
DRAWS = 400


@dataclass(frozen=True)
class Confidence:
    """Mean macro-F1 over folds and seeds, its deviation over groups, and the middle 95 % of draws of the groups."""

    mean: float
    std: float
    low: float
    high: float
    n_fits: int
    n_groups: int
    of: str

    def as_dict(self) -> dict[str, Any]:
        """For the result and the page."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Answers:
    """What one fit said of the windows it had not seen: truth and decision (n,), and the group of each."""

    y: Ints
    decided: Ints
    group: Strings


def most_rate(count: int, hours: float, sure: float = 0.95) -> float:
    """The highest rate per hour under which so few happen in `hours` with a chance of 1 - `sure`; 0 counted are not 0.

    References: Garwood, Fiducial limits for the Poisson distribution, Biometrika 1936 (by bisection here).
    """
    low, high = 0.0, 10.0 + 3.0 * count
    for _ in range(60):
        mean = (low + high) / 2
        chance = np.exp(-mean) * np.sum(np.cumprod([1.0, *(mean / k for k in range(1, count + 1))]))
        low, high = (mean, high) if chance > 1 - sure else (low, mean)
    return float(high / hours)


def confidence(fits: Sequence[Answers], classes: Sequence[str], of: str, seed: int) -> Confidence:
    """How sure the score of one candidate is, from its fits on several folds and seeds."""
    y, decided = (np.concatenate([np.asarray(getattr(f, k)) for f in fits]) for k in ("y", "decided"))
    names, group = np.unique(np.concatenate([f.group for f in fits]), return_inverse=True)
    n = len(classes)
    tables = np.zeros((len(names), n, n + 1), np.int64)
    np.add.at(tables, (group, y, decided), 1)  # a decision of -1 falls into the last column
    each = [_macro_f1(t) for t in tables]
    mean = float(np.mean([macro_f1(f.y, f.decided, classes) for f in fits]))
    drawn = np.random.default_rng([seed, 11]).integers(0, len(names), (DRAWS, len(names)))
    scores = [_macro_f1(tables[d].sum(axis=0)) for d in drawn]
    low, high = np.quantile(scores, [0.025, 0.975])
    return Confidence(mean, float(np.std(each)), float(low), float(high), len(fits), len(names), of)


@dataclass(frozen=True, eq=False)
class Told:
    """What one fit came to on windows it had not seen: sums (n, m) as `tasks.tally` has them, and their groups."""

    sums: npt.NDArray[np.float64]
    group: Strings


def confidence_of(
    fits: Sequence[Told], worth: Callable[[npt.NDArray[np.float64]], float], of: str, seed: int
) -> Confidence:
    """The same for a score that `worth` makes of sums over windows; the deviation is that of the draws.

    One group alone may hold a single number, and no share of its variance can be explained.
    """
    mean = float(np.mean([worth(f.sums.sum(axis=0)) for f in fits]))
    names, group = np.unique(np.concatenate([f.group for f in fits]), return_inverse=True)
    each = np.zeros((len(names), fits[0].sums.shape[1]))
    np.add.at(each, group, np.concatenate([f.sums for f in fits]))
    drawn = np.random.default_rng([seed, 11]).integers(0, len(names), (DRAWS, len(names)))
    scores = [worth(each[d].sum(axis=0)) for d in drawn]
    low, high = np.quantile(scores, [0.025, 0.975])
    return Confidence(mean, float(np.std(scores)), float(low), float(high), len(fits), len(names), of)


def _macro_f1(table: Ints) -> float:
    """Macro-F1 of a table (n_classes, n_classes + 1) of truth and decision, over the classes that occur in it."""
    n = len(table)
    hits, truth, said = np.diag(table).astype(float), table.sum(axis=1), table[:, :n].sum(axis=0)
    total = truth + said
    return float(np.mean((2 * hits / np.maximum(total, 1))[total > 0])) if total.any() else 0.0
