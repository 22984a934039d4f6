"""A label track as sorted arrays, so that a view asks only for what it shows.

Stretches of a track never overlap, hence starts and stops are both sorted and every question is a binary search:
the cost of a paint or a mouse move does not depend on the number of labels. Points stand apart: they may lie inside.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from studio.data.edits import difference
from studio.data.labels import Labels, Segment

Floats, Ints = npt.NDArray[np.float64], npt.NDArray[np.int32]
Indices = npt.NDArray[np.intp]


def _none() -> Indices:
    return np.zeros(0, np.intp)


@dataclass(frozen=True)
class Hit:
    """What lies under the mouse: `part` is "start", "stop" (an edge), "inside" or "empty" (then `index` is None)."""

    index: int | None
    part: str


@dataclass(frozen=True, eq=False)
class Columns:
    """All segments of a track, points too: `start_s`, `stop_s`, `score` (n,), `code` (n,) indexes `names`."""

    start_s: Floats
    stop_s: Floats
    score: Floats
    code: Ints
    said: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Table:
    """`start_s`, `stop_s` (n,) in seconds, `code` (n,) indexes `names`; `index` (n,) is the place in the track.

    `point_s`, `point_code`, `point_index` (n_points,) are the points; `all` has both, by their place in the track.
    """

    start_s: Floats
    stop_s: Floats
    code: Ints
    names: tuple[str, ...]
    index: Indices = field(default_factory=_none)
    point_s: Floats = field(default_factory=lambda: np.zeros(0))
    point_code: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    point_index: Indices = field(default_factory=_none)
    all: Columns | None = None

    def __len__(self) -> int:
        return len(self.start_s)

    def visible(self, start_s: float, stop_s: float) -> tuple[int, int]:
        """Range [i, j) of the stretches that touch [start_s, stop_s]."""
        i = int(np.searchsorted(self.stop_s, start_s, "right"))
        j = int(np.searchsorted(self.start_s, stop_s, "left"))
        return i, max(i, j)

    def points(self, start_s: float, stop_s: float) -> tuple[int, int]:
        """Range [i, j) of the points within [start_s, stop_s]."""
        i = int(np.searchsorted(self.point_s, start_s, "left"))
        return i, max(i, int(np.searchsorted(self.point_s, stop_s, "right")))

    def touched(self, start_s: float, stop_s: float) -> list[int]:
        """Places in the track of all that touches [start_s, stop_s]."""
        (i, j), (k, m) = self.visible(start_s, stop_s), self.points(start_s, stop_s)
        return sorted([*self.index[i:j].tolist(), *self.point_index[k:m].tolist()])

    def columns(self, edges: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """For each pixel column [edges[i], edges[i + 1]): the code of the first stretch in it, else -1."""
        if not len(self):
            return np.full(len(edges) - 1, -1)
        i = np.minimum(np.searchsorted(self.stop_s, edges[:-1], "right"), len(self) - 1)
        there = (self.start_s[i] < edges[1:]) & (self.stop_s[i] > edges[:-1])
        return np.where(there, self.code[i], -1).astype(np.int64)

    def at(self, time_s: float) -> int | None:
        """Place in the track of the stretch that covers `time_s`."""
        i = int(np.searchsorted(self.start_s, time_s, "right")) - 1
        return int(self.index[i]) if i >= 0 and time_s < self.stop_s[i] else None

    def gap(self, time_s: float, end_s: float) -> tuple[float, float]:
        """The free stretch around `time_s`: [stop of the segment before, start of the one after], within [0, end_s]."""
        i = int(np.searchsorted(self.start_s, time_s, "right"))
        low = float(self.stop_s[i - 1]) if i > 0 else 0.0
        high = float(self.start_s[i]) if i < len(self) else end_s
        return max(0.0, low), min(high, end_s)

    def room(self, index: int, end_s: float) -> tuple[float, float]:
        """How far segment `index` may reach: from its left neighbour to its right one, within [0, end_s]."""
        i = self.place(index)
        if i is None:
            return 0.0, end_s
        low = float(self.stop_s[i - 1]) if i > 0 else 0.0
        high = float(self.start_s[i + 1]) if i + 1 < len(self) else end_s
        return max(0.0, low), min(high, max(end_s, float(self.stop_s[i])))

    def place(self, index: int) -> int | None:
        """Where segment `index` of the track stands among the stretches; None for a point."""
        i = int(np.searchsorted(self.index, index))
        return i if i < len(self) and self.index[i] == index else None

    def hit(self, time_s: float, reach_s: float, selected: int | None = None) -> Hit:
        """What is under `time_s`; an edge counts within `reach_s` (six pixels or so), the selected label's first."""
        place = self.place(selected) if selected is not None else None
        if place is not None and selected is not None and (part := self._edge(place, time_s, reach_s)):
            return Hit(selected, part)
        if (point := self._point(time_s, reach_s)) is not None:
            return Hit(point, "inside")
        i, j = self.visible(time_s - reach_s, time_s + reach_s)
        under = self.at(time_s)
        for k in sorted(range(i, j), key=lambda k: self.index[k] != under):
            if part := self._edge(k, time_s, reach_s):
                return Hit(int(self.index[k]), part)
        return Hit(under, "inside" if under is not None else "empty")

    def edges(self, start_s: float, stop_s: float, held: int | None = None) -> list[float]:
        """Borders and points within [start_s, stop_s], those of segment `held` apart."""
        found: list[float] = []
        for array in (self.start_s, self.stop_s):
            i, j = np.searchsorted(array, (start_s, stop_s), ("left"))
            found += [float(array[k]) for k in range(i, j) if self.index[k] != held]
        i, j = self.points(start_s, stop_s)
        return found + [float(self.point_s[k]) for k in range(i, j) if self.point_index[k] != held]

    def _point(self, time_s: float, reach_s: float) -> int | None:
        i, j = self.points(time_s - reach_s, time_s + reach_s)
        near = min(range(i, j), key=lambda k: abs(self.point_s[k] - time_s), default=None)
        return int(self.point_index[near]) if near is not None else None

    def _edge(self, i: int, time_s: float, reach_s: float) -> str:
        """Name of the edge of stretch `i` within reach; in a narrow one each edge owns a third, the middle moves it."""
        start, stop = float(self.start_s[i]), float(self.stop_s[i])
        inner = min(reach_s, (stop - start) / 3)
        if -reach_s <= time_s - start <= inner:
            return "start"
        return "stop" if -inner <= time_s - stop <= reach_s else ""


def runs(codes: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """(first, end, code) of each stretch of equal codes; stretches of -1 are left out."""
    cuts = np.flatnonzero(np.diff(codes)) + 1
    ends = zip([0, *cuts.tolist()], [*cuts.tolist(), len(codes)], strict=True)
    return [(a, b, int(codes[a])) for a, b in ends if codes[a] >= 0]


def table_of(labels: Labels, classes: tuple[str, ...], known: tuple[Labels, Table] | None = None) -> Table:
    """The track as arrays. Labels that are no class of the project come after the classes in `names`.

    `known` is an earlier track with its table: what both have in common is taken from there.
    """
    codes = {name: i for i, name in enumerate(classes)}
    if known is not None and known[1].all is not None and known[1].names[: len(classes)] == classes:
        before, old = known[0].segments, known[1].all
        codes = {name: i for i, name in enumerate(known[1].names)}
        front, back = difference(before, labels.segments)
        fresh = _columns(labels.segments[front : len(labels) - back], codes)
        whole = _joined(old, front, back, fresh)
    else:
        whole = _columns(labels.segments, codes)
    span = whole.stop_s > whole.start_s
    index, points = np.flatnonzero(span), np.flatnonzero(~span)
    return Table(
        whole.start_s[index], whole.stop_s[index], whole.code[index], tuple(codes), index,
        whole.start_s[points], whole.code[points], points, whole,
    )  # fmt: skip


def _columns(segments: tuple[Segment, ...], codes: dict[str, int]) -> Columns:
    n = len(segments)
    numbers = np.array([(s.start_s, s.stop_s, s.score) for s in segments], np.float64).reshape(n, 3)
    code = np.array([codes.setdefault(s.label, len(codes)) for s in segments], np.int32)
    said = np.array([bool(s.comment) for s in segments], bool)
    return Columns(numbers[:, 0], numbers[:, 1], numbers[:, 2], code, said)


def _joined(old: Columns, front: int, back: int, fresh: Columns) -> Columns:
    """The first `front` rows of `old`, then `fresh`, then the last `back` rows of `old`."""

    def join(name: str) -> npt.NDArray[np.generic]:
        a: npt.NDArray[np.generic] = getattr(old, name)
        return np.concatenate([a[:front], getattr(fresh, name), a[len(a) - back :]])

    return Columns(*(join(name) for name in ("start_s", "stop_s", "score", "code", "said")))  # type: ignore[arg-type]
