"""Labels that are probably wrong: a quick forest learns from other people's labels and is asked about each.

Every window is judged by a forest that has not seen its person (or recording, or label, where there is only one):
out-of-fold probabilities. A label's windows vote together, and `cleanlab` ranks the labels by how badly they fit
(Northcutt, Jiang, Chuang, Confident learning, JAIR 2021). What is ranked first is to be looked at first; whether it
is wrong, a person says.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.errors import DataError
from studio.learn.dataset import Dataset
from studio.learn.families.front import front
from studio.learn.propose.frames import Reals
from studio.learn.split import Ints, Strings, groups_of
from studio.progress import Progress, Work

FOLDS, TREES, LEAF, BANDS = 5, 120, 2, 12
#: Windows of one label that are asked at most, evenly along it: more of the same say little more.
WINDOWS = 16
#: A class needs this many labels before any of them can be doubted.
LEAST = 2


@dataclass(frozen=True, eq=False)
class Doubts:
    """Per label: class y (n,), out-of-fold probabilities (n, n_classes), fit (n,) 0 bad to 1 good, flagged (n,).

    `of` (n_windows,) tells which label each window of the data belongs to; `by` names what the folds kept apart.
    """

    of: Ints
    y: Ints
    probabilities: Reals
    fit: Reals
    flagged: npt.NDArray[np.bool_]
    by: str

    @property
    def suggested(self) -> Ints:
        """The class that the forest would choose instead of the label's own."""
        others = self.probabilities.copy()
        others[np.arange(len(self.y)), self.y] = -1.0
        return np.asarray(others.argmax(axis=1), np.int64)

    @property
    def order(self) -> Ints:
        """Labels, the most doubtful first."""
        return np.asarray(np.argsort(self.fit, kind="stable"), np.int64)


def doubts(data: Dataset, of: Ints, seed: int = 0) -> Work[Doubts]:
    """Judge every label of `data`, whose windows `of` (n_windows,) numbers by label, 0 to n - 1.

    Raises DataError when there are too few classes, labels or groups to tell.
    """
    _check(data, of)
    groups, by = _groups(data, of)
    yield Progress(0, FOLDS + 2, "features")
    few = _thinned(of)
    x = front(data.take(few), BANDS).x
    outside = yield from _outside(x, data.y[few], groups[few], len(data.classes), seed)
    yield Progress(FOLDS + 1, FOLDS + 2, "ranking labels")
    n = int(of.max()) + 1
    y = np.zeros(n, np.int64)
    y[of] = data.y
    probabilities = _together(outside, of[few], n)
    fit, flagged = _judged(y, probabilities)
    return Doubts(of, y, probabilities, fit, flagged, by)


def _check(data: Dataset, of: Ints) -> None:
    step = "Label more of each class, from several people or recordings."
    if len(data.classes) < 2:
        raise DataError("Labels", f"only one class, {data.classes[0]!r}, has labels", step)
    pairs = np.unique(np.stack([of, data.y]), axis=1)
    counts = np.bincount(pairs[1], minlength=len(data.classes))
    if counts.min() < LEAST:
        name = data.classes[int(counts.argmin())]
        raise DataError(f"Class {name!r}", f"has {counts.min()} labels, at least {LEAST} are needed", step)


def _groups(data: Dataset, of: Ints) -> tuple[Strings, str]:
    """People, else recordings; with fewer than three of them each label is a group of its own."""
    groups, by = groups_of(data)
    if len(set(groups.tolist())) >= 3:
        return groups, by
    return of.astype(np.str_), "label"


def _thinned(of: Ints) -> Ints:
    """At most WINDOWS windows of each label, evenly."""
    order = np.argsort(of, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(of[order])) + 1)
    few = [p[np.unique(np.linspace(0, len(p) - 1, min(len(p), WINDOWS)).round().astype(int))] for p in parts]
    return np.sort(np.concatenate(few)).astype(np.int64)


def _outside(x: Any, y: Ints, groups: Strings, n_classes: int, seed: int) -> Work[Reals]:
    """Probabilities (n, n_classes) of forests that have not seen the group."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import GroupKFold

    found = np.full((len(y), n_classes), 1.0 / n_classes)
    n_folds = min(FOLDS, len(set(groups.tolist())))
    for fold, (learn, ask) in enumerate(GroupKFold(n_folds, shuffle=True, random_state=seed).split(x, y, groups)):
        yield Progress(fold + 1, FOLDS + 2, f"forest {fold + 1} of {n_folds}")
        forest = ExtraTreesClassifier(
            TREES, min_samples_leaf=LEAF, class_weight="balanced", random_state=seed, n_jobs=1
        ).fit(x[learn], y[learn])
        found[ask] = 0.0
        found[np.ix_(ask, forest.classes_)] = forest.predict_proba(x[ask])
    return found


def _together(outside: Reals, of: Ints, n: int) -> Reals:
    """The windows of each label as one: the mean of their probabilities."""
    total = np.zeros((n, outside.shape[1]))
    np.add.at(total, of, outside)
    total += 1e-9
    found: Reals = total / total.sum(axis=1, keepdims=True)
    return found


def _judged(y: Ints, probabilities: Reals) -> tuple[Reals, npt.NDArray[np.bool_]]:
    """How well each label fits, and which of them cleanlab calls wrong."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    fit = get_label_quality_scores(y, probabilities, method="self_confidence")
    flagged = find_label_issues(y, probabilities, filter_by="prune_by_noise_rate", n_jobs=1, min_examples_per_class=1)
    return np.asarray(fit, np.float64), np.asarray(flagged, bool)
