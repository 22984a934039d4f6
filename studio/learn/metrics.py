"""Numbers that judge a model. They are computed from what the generated C says, never from a training library.

Windows are judged one by one; events are judged as a person would: was it noticed, how late, and what was made up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels, Segment
from studio.errors import DataError

#: The row and column of windows for which a model gave no answer (decision -1).
UNSURE = "(unsure)"


def metrics(
    y: npt.ArrayLike, answers: npt.ArrayLike, classes: Sequence[str], events: dict[str, Any] | None = None
) -> dict[str, Any]:
    """METRICS of the contract for true classes y (n,) and decisions (n,), or scores (n, n_classes).

    Macro-F1 is the mean over the classes that occur in either; a decision of -1 is wrong for every class.
    Raises DataError when there is nothing to judge, or the lengths differ.
    """
    truth, decided = np.asarray(y).astype(np.int64), np.asarray(answers)
    decided = (decided.argmax(axis=1) if decided.ndim == 2 else decided).astype(np.int64)
    if not len(truth) or len(truth) != len(decided):
        seen = f"{len(truth)} labels and {len(decided)} answers"
        raise DataError("Evaluation", seen, "Label some recordings that the model has not learned from.")
    labels = [*classes, UNSURE] if (decided < 0).any() else list(classes)
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(matrix, (truth, decided), 1)  # -1 falls into the last column
    per_class = {name: _one_class(matrix, i) for i, name in enumerate(classes)}
    occurs = [i for i in range(len(classes)) if matrix[i].sum() or matrix[:, i].sum()]
    return {
        "accuracy": float((truth == decided).mean()),
        "macro_f1": float(np.mean([per_class[classes[i]]["f1"] for i in occurs])),
        "per_class": per_class,
        "confusion": {"labels": labels, "matrix": matrix.tolist()},
        "n_windows": len(truth),
        "events": events or {"recall": None, "false_alarms_per_hour": None, "latency_s_p50": None},
        "computed_by": "c",
    }


def macro_f1(y: npt.ArrayLike, answers: npt.ArrayLike, classes: Sequence[str]) -> float:
    """Mean F1 over the classes that occur."""
    return float(metrics(y, answers, classes)["macro_f1"])


def _one_class(matrix: npt.NDArray[np.int64], i: int) -> dict[str, float]:
    hit, support, said = int(matrix[i, i]), int(matrix[i].sum()), int(matrix[:, i].sum())
    return {
        "precision": hit / said if said else 0.0,
        "recall": hit / support if support else 0.0,
        "f1": 2 * hit / (support + said) if support + said else 0.0,
        "support": support,
    }


@dataclass(frozen=True)
class Matched:
    """What happened to the events of one or more recordings. Add two to judge them together."""

    n_events: int
    false_alarms: int
    hours: float
    latencies_s: tuple[float, ...]

    def __add__(self, other: "Matched") -> "Matched":
        return Matched(
            self.n_events + other.n_events,
            self.false_alarms + other.false_alarms,
            self.hours + other.hours,
            self.latencies_s + other.latencies_s,
        )

    def as_dict(self) -> dict[str, float | None]:
        """EVENTS of the contract; None where there was nothing to measure."""
        return {
            "recall": len(self.latencies_s) / self.n_events if self.n_events else None,
            "false_alarms_per_hour": self.false_alarms / self.hours if self.hours > 0 else None,
            "latency_s_p50": float(np.median(self.latencies_s)) if self.latencies_s else None,
        }


def events(
    truth: Labels,
    times_s: Sequence[float] | npt.NDArray[np.floating],
    decided: Sequence[str],
    background: str | None = None,
    tolerance_s: float = 0.0,
    unlabelled_counts: bool = True,
) -> dict[str, float | None]:
    """Recall, false alarms per hour and median latency of one recording; see `match` for the rule."""
    return match(truth, times_s, decided, background, tolerance_s, unlabelled_counts).as_dict()


def match(
    truth: Labels,
    times_s: Sequence[float] | npt.NDArray[np.floating],
    decided: Sequence[str],
    background: str | None = None,
    tolerance_s: float = 0.0,
    unlabelled_counts: bool = True,
) -> Matched:
    """Compare the labels of a recording with decisions made at `times_s` (seconds, rising: the ends of the windows).

    An event is a segment of `truth` whose label is not `background`. An alarm is a run of equal decisions in a row
    that are neither `background` nor "" (no answer). An event is noticed when a decision for its label falls into
    [start_s, stop_s + tolerance_s]; the first such decision gives the latency. One alarm may cover several events. An
    alarm none of whose decisions falls into an event of its label is false. The tolerance forgives that the window
    which holds a short event whole may end after it: one window length is usual. With `unlabelled_counts` False,
    decisions outside every segment (and its tolerance) are left out, and their time with them.
    """
    times, names = np.asarray(times_s, np.float64), np.asarray(decided, dtype=np.str_)
    if len(times) != len(names):
        raise DataError("Events", f"{len(times)} times and {len(names)} decisions", "Give one decision per time.")
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    runs = np.cumsum(np.append(True, names[1:] != names[:-1])) if len(names) else np.zeros(0, int)
    if not unlabelled_counts:
        kept = np.zeros(len(times), bool)
        for segment in truth.segments:
            kept |= _during(segment, times, tolerance_s)
        times, names, runs = times[kept], names[kept], runs[kept]
    wanted = [s for s in truth.segments if s.label != background]
    right = np.zeros(len(times), bool)
    latencies = []
    for segment in wanted:
        hits = _during(segment, times, tolerance_s) & (names == segment.label)
        right |= hits
        if hits.any():
            latencies.append(float(times[hits][0] - segment.start_s))
    alarm = (names != "") & (names != (background or ""))
    false = set(runs[alarm].tolist()) - set(runs[right].tolist())
    return Matched(len(wanted), len(false), len(times) * step / 3600, tuple(latencies))


def _during(segment: Segment, times: npt.NDArray[np.float64], tolerance_s: float) -> npt.NDArray[np.bool_]:
    return (times >= segment.start_s) & (times <= segment.stop_s + tolerance_s)
