"""Several ways to part the training side, each group judged at most once: for the finalists of a search."""

from dataclasses import replace

import numpy as np

from studio.errors import DataError
from studio.learn.dataset import Dataset, split
from studio.learn.split import TEST_SHARE, Split, Strings, groups_of


def folds(data: Dataset, n: int, seed: int) -> tuple[Split, ...]:
    """Up to n splits of `data`, the first of them the one that the whole search judges by.

    The others draw their test from groups that no earlier fold has judged; where groups run out, there are fewer
    folds. Data that can only be parted by time has one.
    """
    first = split(data, seed)
    found = [first]
    if not first.groups_disjoint or first.by == "given":
        return (first,)
    groups = groups_of(data)[0]
    judged = set(groups[first.test].tolist())
    for turn in range(1, n):
        one = _another(data, groups, judged, seed + turn)
        if one is None:
            break
        judged |= set(groups[one.test].tolist())
        found.append(one)
    return tuple(found)


def _another(data: Dataset, groups: Strings, judged: set[str], seed: int) -> Split | None:
    """A split whose test holds none of the groups judged already; None when those that are left do not make one."""
    marked = replace(data, split=np.where(np.isin(groups, list(judged)), "train", ""))
    n_open = int((marked.split == "").sum())
    if not n_open:
        return None
    try:
        drawn = split(marked, seed, min(0.5, TEST_SHARE * len(data) / n_open))
    except DataError:
        return None
    return drawn if drawn.groups_disjoint and len(drawn.test) else None
