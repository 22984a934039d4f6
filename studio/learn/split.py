"""Training and test, parted so that the test is honest: by person, else by recording, never window by window.

Neighbouring windows overlap and share a person, a day and a place; a random split of windows measures how well a
model remembers. Where only one recording exists, or a class was recorded only once, blocks of time are all there is:
then the last part of each class is the test, a guard of one window lies between, and `groups_disjoint` says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studio.errors import DataError

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.str_]

TEST_SHARE = 0.2
#: Recordings from which on those made one after the other stay together.
MANY = 12


class Windows(Protocol):
    """What a split looks at: class, origin and first sample of each of n windows of `length` samples."""

    @property
    def y(self) -> Ints: ...
    @property
    def recording(self) -> Strings: ...
    @property
    def subject(self) -> Strings: ...
    @property
    def split(self) -> Strings: ...
    @property
    def start(self) -> Ints: ...
    @property
    def classes(self) -> Sequence[str]: ...
    @property
    def length(self) -> int: ...


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of the windows to learn from and of those to judge by.

    `by` is "given", "subject", "recording" or "time"; groups are disjoint unless parted by time, or given so.
    """

    train: Ints
    test: Ints
    groups_disjoint: bool
    by: str


def split(data: Windows, seed: int, share: float = TEST_SHARE) -> Split:
    """Part `data` in two, about `share` of the windows in the test.

    A given split is obeyed and never mixed: windows marked "test" are the test, those marked "train" are not. What is
    not marked joins the training, unless its group is on the test side; without any "test" the test is drawn from
    what is not marked, and where everything is marked "train" (a part of a data set) from all of it.
    """
    if (data.split == "test").any():
        return _given(data)
    open_ = np.flatnonzero(data.split != "train") if (data.split == "").any() else np.arange(len(data.y))
    drawn = _by_group(data, open_, seed, share) or _by_time(data, open_, share)
    _check_sides(data, drawn)
    return drawn


def _given(data: Windows) -> Split:
    test = data.split == "test"
    loose = data.split == ""
    groups = groups_of(data)[0]
    train = (data.split == "train") | (loose & ~np.isin(groups, groups[test]))
    if not train.any():
        raise DataError("Split", "every recording is marked as test", "Mark some recordings as train.")
    return Split(np.flatnonzero(train), np.flatnonzero(test), _disjoint(groups, train, test), "given")


def groups_of(data: Windows) -> tuple[Strings, str]:
    """The group of each window and what it is named after: people where two or more are known, else recordings.

    With people, a recording of nobody in particular is a group of its own.
    """
    if len(set(data.subject.tolist()) - {""}) > 1:
        own = np.char.add("recording ", data.recording)
        return np.where(data.subject == "", own, np.char.add("subject ", data.subject)), "subject"
    return data.recording, "recording"


def _disjoint(groups: Strings, train: Bools, test: Bools) -> bool:
    return not set(groups[train].tolist()) & set(groups[test].tolist())


def _by_group(data: Windows, open_: Ints, seed: int, share: float) -> Split | None:
    """Whole groups for the test; None where that leaves too many classes unlearned or unjudged."""
    groups, by = groups_of(data)
    names, of = np.unique(groups[open_], return_inverse=True)
    if len(names) < 2:
        return None
    table = np.zeros((len(names), len(data.classes)), np.int64)
    np.add.at(table, (of, data.y[open_]), 1)
    rng = np.random.default_rng(seed)
    order = in_a_row(table, rng) if by == "recording" and len(table) >= MANY else rng.permutation(len(table))
    chosen = draw(table, share, order)
    if chosen is None:
        return None
    test = np.zeros(len(data.y), bool)
    test[open_[np.isin(of, chosen)]] = True
    test_groups = set(groups[test].tolist())
    train = ~test & ~np.isin(groups, list(test_groups))
    return Split(np.flatnonzero(train), np.flatnonzero(test), True, by)


def in_a_row(table: Ints, rng: np.random.Generator) -> Ints:
    """An order of recordings (n_groups, n_classes) in which those of one class follow each other as they were made.

    Recordings of one sitting resemble each other more than those of another day. Where nobody says who was recorded,
    the next best is a test of recordings in a row: of every class a stretch that begins anywhere, the classes in turns.
    """
    main = table.argmax(axis=1)
    own = [np.flatnonzero(main == c) for c in np.unique(main)]
    rolled = [np.roll(groups, -int(rng.integers(len(groups)))) for groups in own]
    most = max(map(len, rolled))
    return np.array([groups[i] for i in range(most) for groups in rolled if i < len(groups)], np.int64)


def draw(table: Ints, share: float, order: Ints) -> list[int] | None:
    """Groups for the test out of `table` (n_groups, n_classes) of window counts; `order` says who comes first.

    First groups that bring classes the test lacks, then any, until about `share` of the windows is there. A class is
    never taken out of training whole. None when the test would miss half of the classes or more.
    """
    chosen: list[int] = []
    present = table > 0
    while True:
        kept = table.sum(axis=0) - table[chosen].sum(axis=0)
        covered = present[chosen].any(axis=0)
        free = [g for g in order if g not in chosen and not (present[g] & (kept == table[g])).any()]
        taken = table[chosen].sum()
        gain = [int((present[g] & ~covered).sum()) for g in free]
        if not free or (taken >= share * table.sum() and max(gain) == 0):
            break
        if max(gain) == 0 and taken + table[free].sum(axis=1).min() > 2 * share * table.sum():
            break
        chosen.append(int(free[int(np.argmax(gain))]))
    n_classes = int(present.any(axis=0).sum())
    judged = int(present[chosen].any(axis=0).sum())
    return sorted(chosen) if chosen and 2 * judged > n_classes else None


def _by_time(data: Windows, open_: Ints, share: float) -> Split:
    """The last `share` of every class in every recording; nothing within one window of it is learned from."""
    test = np.zeros(len(data.y), bool)
    for recording in np.unique(data.recording[open_]):
        for c in range(len(data.classes)):
            own = open_[(data.recording[open_] == recording) & (data.y[open_] == c)]
            own = own[np.argsort(data.start[own], kind="stable")]
            test[own[len(own) - max(1, round(share * len(own))) :]] = len(own) > 1
    train = ~test & ~_near(data, test)
    return Split(np.flatnonzero(train), np.flatnonzero(test), False, "time")


def _near(data: Windows, test: Bools) -> Bools:
    """Windows with less than one whole window between them and some test window of the same recording."""
    near = np.zeros(len(data.y), bool)
    for recording in np.unique(data.recording[test]):
        own = np.flatnonzero(data.recording == recording)
        edges = np.sort(data.start[own[test[own]]])
        right = np.searchsorted(edges, data.start[own])
        after = np.append(edges, np.iinfo(np.int64).max)[right] - data.start[own]
        before = data.start[own] - np.insert(edges, 0, np.iinfo(np.int32).min)[right]
        near[own] = np.minimum(after, before) < 2 * data.length
    return near


def _check_sides(data: Windows, drawn: Split) -> None:
    learned = np.bincount(data.y[drawn.train], minlength=len(data.classes))
    had = np.bincount(data.y, minlength=len(data.classes))
    for name, n, all_ in zip(data.classes, learned, had, strict=True):
        if all_ and not n:
            seen = f"its {all_} windows lie too close together to learn from some and judge by others"
            raise DataError(f"Class {name!r}", seen, "Record it once more, or choose a shorter window.")
    if not len(drawn.test):
        raise DataError("Split", "no window is left to judge by", "Record each class at least twice.")
