"""A label track as sorted arrays, so that a view asks only for what it shows.

Segments of a track never overlap, hence starts and stops are both sorted and every question is a binary search:
the cost of a paint or a mouse move does not depend on the number of labels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels


@dataclass(frozen=True)
class Hit:
    """What lies under the mouse: `part` is "start", "stop" (an edge), "inside" or "empty" (then `index` is None)."""

    index: int | None
    part: str


@dataclass(frozen=True, eq=False)
class Table:
    """`start_s`, `stop_s` (n,) in seconds, `code` (n,) indexes `names`."""

    start_s: npt.NDArray[np.float64]
    stop_s: npt.NDArray[np.float64]
    code: npt.NDArray[np.int32]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.start_s)

    def visible(self, start_s: float, stop_s: float) -> tuple[int, int]:
        """Range [i, j) of the segments that touch [start_s, stop_s]."""
        i = int(np.searchsorted(self.stop_s, start_s, "right"))
        j = int(np.searchsorted(self.start_s, stop_s, "left"))
        return i, max(i, j)

    def columns(self, edges: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """For each pixel column [edges[i], edges[i + 1]): the code of the first segment in it, else -1."""
        if not len(self):
            return np.full(len(edges) - 1, -1)
        i = np.minimum(np.searchsorted(self.stop_s, edges[:-1], "right"), len(self) - 1)
        there = (self.start_s[i] < edges[1:]) & (self.stop_s[i] > edges[:-1])
        return np.where(there, self.code[i], -1).astype(np.int64)

    def at(self, time_s: float) -> int | None:
        """Index of the segment that covers `time_s`."""
        i = int(np.searchsorted(self.start_s, time_s, "right")) - 1
        return i if i >= 0 and time_s < self.stop_s[i] else None

    def gap(self, time_s: float, end_s: float) -> tuple[float, float]:
        """The free stretch around `time_s`: [stop of the segment before, start of the one after], within [0, end_s]."""
        i = int(np.searchsorted(self.start_s, time_s, "right"))
        low = float(self.stop_s[i - 1]) if i > 0 else 0.0
        high = float(self.start_s[i]) if i < len(self) else end_s
        return max(0.0, low), min(high, end_s)

    def room(self, index: int, end_s: float) -> tuple[float, float]:
        """How far segment `index` may reach: from its left neighbour to its right one, within [0, end_s]."""
        low = float(self.stop_s[index - 1]) if index > 0 else 0.0
        high = float(self.start_s[index + 1]) if index + 1 < len(self) else end_s
        return max(0.0, low), min(high, max(end_s, float(self.stop_s[index])))

    def hit(self, time_s: float, reach_s: float, selected: int | None = None) -> Hit:
        """What is under `time_s`; an edge counts within `reach_s` (six pixels or so), the selected label's first."""
        if selected is not None and selected < len(self) and (part := self._edge(selected, time_s, reach_s)):
            return Hit(selected, part)
        i, j = self.visible(time_s - reach_s, time_s + reach_s)
        under = self.at(time_s)
        order = sorted(range(i, j), key=lambda k: k != under)
        for k in order:
            if part := self._edge(k, time_s, reach_s):
                return Hit(k, part)
        return Hit(under, "inside" if under is not None else "empty")

    def _edge(self, index: int, time_s: float, reach_s: float) -> str:
        """Name of the edge of `index` within reach; in a narrow label each edge owns a third, the middle moves it."""
        start, stop = float(self.start_s[index]), float(self.stop_s[index])
        inner = min(reach_s, (stop - start) / 3)
        if -reach_s <= time_s - start <= inner:
            return "start"
        return "stop" if -inner <= time_s - stop <= reach_s else ""


def runs(codes: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """(first, end, code) of each stretch of equal codes; stretches of -1 are left out."""
    cuts = np.flatnonzero(np.diff(codes)) + 1
    ends = zip([0, *cuts.tolist()], [*cuts.tolist(), len(codes)], strict=True)
    return [(a, b, int(codes[a])) for a, b in ends if codes[a] >= 0]


def table_of(labels: Labels, classes: tuple[str, ...]) -> Table:
    """The track as arrays. Labels that are no class of the project come after the classes in `names`."""
    codes = {name: i for i, name in enumerate(classes)}
    segments = labels.segments
    code = np.fromiter((codes.setdefault(s.label, len(codes)) for s in segments), np.int32, len(segments))
    start = np.fromiter((s.start_s for s in segments), np.float64, len(segments))
    stop = np.fromiter((s.stop_s for s in segments), np.float64, len(segments))
    return Table(start, stop, code, tuple(codes))
