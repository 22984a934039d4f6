"""One model of a search: what it may cost, what it came to, and which of many is to be recommended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.graph.graph import Graph
from studio.learn.confidence import Confidence
from studio.learn.cost import Cost
from studio.learn.families.family import Family
from studio.learn.split import Ints

#: Scores this near to the best are equal: the validation part is too small to tell them apart.
TIE = 0.005


@dataclass(frozen=True)
class Limits:
    """What a model may cost at most; None is no limit. `clock_hz` turns counted instructions into time."""

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    latency_ms: float | None = None
    clock_hz: float | None = None

    def excess(self, cost: Cost) -> dict[str, float]:
        """By how much each limit is exceeded, as a share of it; not above 0: kept."""
        pairs = (
            ("flash", cost.flash_bytes, self.flash_bytes),
            ("ram", cost.ram_bytes, self.ram_bytes),
            ("latency", cost.latency_ms, self.latency_ms),
        )
        return {name: needed / most - 1 for name, needed, most in pairs if needed is not None and most}

    def violated(self, cost: Cost) -> str:
        """The limits that `cost` exceeds, in words with both numbers; "" when it fits."""
        over = {name for name, share in self.excess(cost).items() if share > 0}
        found = []
        if "flash" in over:
            found.append(f"flash {cost.flash_bytes / 1024:.1f} kB of {(self.flash_bytes or 0) / 1024:.1f} kB")
        if "ram" in over:
            found.append(f"RAM {cost.ram_bytes / 1024:.1f} kB of {(self.ram_bytes or 0) / 1024:.1f} kB")
        if "latency" in over:
            found.append(f"latency {cost.latency_ms or 0:.1f} ms of {self.latency_ms:.1f} ms")
        return ", ".join(found)

    def tightened(self, share: float, floor_bytes: int) -> "Limits":
        """The same, but with `share` of the flash that lies above `floor_bytes` (what any firmware needs)."""
        if self.flash_bytes is None or self.flash_bytes <= floor_bytes:
            return self
        return replace(self, flash_bytes=floor_bytes + int(share * (self.flash_bytes - floor_bytes)))


@dataclass(frozen=True, eq=False)
class Fit:
    """A graph that has learned from one fold, and {recording: starts (n,)} of the windows that it was judged by."""

    graph: Graph
    unseen: Mapping[str, Ints]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One model tried. `violated` names the limits it exceeds ("" when it fits); `score` is its validation macro-F1.

    A candidate whose draft was too large was never trained: its graph is None and its score 0. One that fell behind
    the others was stopped early, and `stopped` says when. Finalists know how sure their score is.
    """

    name: str
    family: str
    settings: Family
    score: float
    cost: Cost
    violated: str
    graph: Graph | None
    stopped: str = ""
    confidence: Confidence | None = None
    fits: tuple["Fit", ...] = ()

    def row(self) -> dict[str, Any]:
        """One entry of `front` in the contract."""
        found: dict[str, Any] = {"model": self.name, "family": self.family, "score": self.score}
        found["cost"] = self.cost.as_dict()
        return found | ({"confidence": self.confidence.as_dict()} if self.confidence else {})

    @property
    def runs(self) -> bool:
        """Whether it fits, and was trained to the end."""
        return not self.violated and not self.stopped

    @property
    def sure_score(self) -> float:
        """The score that it has at least, as far as is known."""
        return self.confidence.low if self.confidence else self.score


@dataclass(frozen=True, eq=False)
class Best(Candidate):
    """The recommended candidate: its graph has learned from all groups, and its cost is that graph's."""

    graph: Graph
    why: str = ""
    temperature: float = 1.0


def recommended(candidates: Sequence[Candidate]) -> Candidate:
    """The greatest score that is sure; among those within TIE of it the one with the least flash, then the quickest."""
    judged = [c for c in candidates if c.confidence] or list(candidates)
    most = max(c.sure_score for c in judged)
    near = [c for c in judged if c.sure_score >= most - TIE]
    return min(near, key=lambda c: (c.cost.flash_bytes, c.cost.instructions_per_inference or 0, c.name))


def why(chosen: Candidate, candidates: Sequence[Candidate]) -> str:
    """One sentence that says why it is this one."""
    judged = [c for c in candidates if c.confidence and c is not chosen]
    size = f"{chosen.cost.flash_bytes / 1024:.0f} kB"
    if chosen.confidence is None or not judged:
        return f"{chosen.name} has the best score that was seen, {chosen.score:.3f}, within all limits ({size} flash)."
    sure = f"at least {chosen.sure_score:.3f} is sure (mean {chosen.confidence.mean:.3f})"
    better = max(judged, key=lambda c: c.sure_score)
    if better.sure_score > chosen.sure_score:
        most = f"{better.name}'s {better.sure_score:.3f}"
        return f"{chosen.name} is the smallest, {size}, of those that cannot be told from the best: {sure}, {most}."
    over = f"{chosen.confidence.n_groups} {chosen.confidence.of}"
    return f"{chosen.name} has the greatest score that is sure over {over} and keeps all limits: {sure}, {size} flash."


def front(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Those that fit and that no other fitting one equals or beats in score, flash, RAM and time at once."""
    fitting = [c for c in candidates if c.runs]
    return tuple(c for c in fitting if not any(_beats(other, c) for other in fitting if other is not c))


def _beats(a: Candidate, b: Candidate) -> bool:
    pairs = [(-a.score, -b.score), (a.cost.flash_bytes, b.cost.flash_bytes), (a.cost.ram_bytes, b.cost.ram_bytes)]
    if a.cost.latency_ms is not None and b.cost.latency_ms is not None:
        pairs.append((a.cost.latency_ms, b.cost.latency_ms))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)
