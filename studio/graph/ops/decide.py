"""The last op of a board: from scores, one row after the other, to decisions that a person can live with.

A window now and then is always wrong; what is shown, switched or counted should not flicker with it. So scores are
averaged, a class begins above one threshold and goes on down to another, it must last, and after it there is quiet.
Each of these may be off; with all of them off the greatest score decides, as it does without this op.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Shape, StreamOp
from studio.params import param

#: Floats that are remembered besides those of each class.
COUNTERS = 5


@dataclass(frozen=True, eq=False)
class Decide(StreamOp):
    """Scores (n_classes,) of one window after the other -> the class that is told (1,) int16, or -1 for none.

    All counts are in windows. `on` and `off` hold a threshold for each class. A class begins once it was greatest and
    at least `on` for `least` windows in a row; it goes on while it is at least `off` and no other begins. Scores that
    are no numbers (samples were missing) tell nothing and make it forget what came before.
    """

    gives: ClassVar[type] = np.int16

    average: int = param(1, "Scores are averaged over so many windows.", low=1, high=64)
    mean: str = param("moving", "Every window counts the same, or older ones fade.", choices=("moving", "fading"))
    on: tuple[float, ...] = param((), "A class begins at this averaged score.")
    off: tuple[float, ...] = param((), "It goes on down to this one.")
    least: int = param(1, "Windows in a row before it is told.", low=1, high=64)
    quiet: int = param(0, "Windows after its end in which the same class is not told anew.", low=0, high=1000)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, values in (("on", self.on), ("off", self.off)):
            if not np.isfinite(np.asarray(values, np.float32)).all():
                raise GraphError(f"Decide.{name}", f"{values}", "Give a number for each class.")
        if len(self.on) != len(self.off) or any(a < b for a, b in zip(self.on, self.off, strict=True)):
            seen = f"begins at {self.on} and goes on down to {self.off}"
            raise GraphError("Decide.off", seen, "Give each class two thresholds, the second not above the first.")

    def shape(self, *inputs: Shape) -> Shape:
        if inputs[0] != (len(self.on),) or not self.on:
            seen = f"has thresholds for {len(self.on)} classes and gets {inputs[0]}"
            raise GraphError("Op Decide", seen, "Tune the decisions of this model anew.")
        return (1,)

    def state(self, x: Shape) -> int:
        """Counters; for each class its silence and its mean; and the rows that a moving mean is of."""
        rows = self.average if self.average > 1 and self.mean == "moving" else 0
        return COUNTERS + (2 + rows) * x[0]

    def args(self) -> dict[str, Any]:
        """`share`: how far a fading mean goes to what came; 2 / (average + 1) is as slow as a mean of `average`."""
        fading = self.mean == "fading" and self.average > 1
        return {
            "average": self.average,
            "share": 2.0 / (self.average + 1) if fading else 0.0,
            "least": self.least,
            "quiet": self.quiet,
            "on": np.array(self.on, np.float32),
            "off": np.array(self.off, np.float32),
        }

    @property
    def plain(self) -> bool:
        """Whether each window is decided by itself: only a threshold for each class is left."""
        return self.average == 1 and self.least == 1 and self.quiet == 0 and self.on == self.off

    def along(self, scores: Array) -> Array:
        """Decisions (n,) int16 along scores (n, n_classes) in order of time, from an empty memory."""
        from studio.graph.host import call_stream

        told, _ = call_stream(self, scores, np.zeros(self.state(scores.shape[1:]), np.float32))
        return told[:, 0]

    def words(self) -> str:
        """What it does, in words; "each window alone" where that is all."""
        kind = {"moving": "mean", "fading": "fading mean"}[self.mean]
        parts = [f"{kind} of {self.average}" if self.average > 1 else ""]
        parts += [f"{_range(self.on)} on", f"down to {_range(self.off)}"] if any(self.on) else []
        parts += [f"{self.least} in a row" if self.least > 1 else "", f"{self.quiet} quiet" if self.quiet else ""]
        return ", ".join(p for p in parts if p) or "each window alone"

    def as_dict(self) -> dict[str, Any]:
        """For a model's document; `decide_of` reads it."""
        return {f.name: list(v) if isinstance(v := getattr(self, f.name), tuple) else v for f in fields(self)}


def _range(values: tuple[float, ...]) -> str:
    """One threshold, or the lowest and highest of several."""
    low, high = min(values), max(values)
    return f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"


def even(n_classes: int, average: int = 1, on: float = 0.0, off: float = 0.0, least: int = 1, quiet: int = 0) -> Decide:
    """The same thresholds for every class."""
    return Decide(average=average, on=(on,) * n_classes, off=(off,) * n_classes, least=least, quiet=quiet)


def decide_of(found: dict[str, Any], n_classes: int) -> Decide:
    """What `as_dict` wrote; also with one threshold for all classes, as earlier studios wrote it."""
    values = dict(found)
    for name in ("on", "off"):
        given = values.get(name, 0.0)
        values[name] = tuple(given) if isinstance(given, list | tuple) else (float(given),) * n_classes
    return Decide(**values)
