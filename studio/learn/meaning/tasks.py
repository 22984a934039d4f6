"""What a model is to tell: one class, a number, or several labels at once; and what its labels and scores mean then.

A number is written first in its label ("12.5", "12.5 kg"); several labels of one stretch are joined by "+"
("music+speech"). A graph of numbers has the one output "value", in the labels' own unit; a graph of several labels has
an output for each of them, and those of at least half are told.
"""

import math
import re
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from studio.data.stream import Floats
from studio.errors import DataError
from studio.graph.op import Op
from studio.graph.ops.pointwise import Sigmoid
from studio.graph.ops.vector import Dense, Softmax
from studio.learn.split import Ints

CLASSES, NUMBER, SEVERAL = TASKS = ("classes", "number", "several")
#: The output of a graph that tells a number, and the score from which on one of several labels is told.
VALUE, TOLD = "value", 0.5
#: A number is never "not sure": the least float32 is the score that it must reach.
ALWAYS = float(np.finfo(np.float32).min)
#: Bands of numbers that are kept alike on both sides of a split, and labels that numbers are judged by at most.
BANDS, MARKS = 4, 24

Doubles = npt.NDArray[np.float64]
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\s\d.,;:+*/-].*)?", re.ASCII | re.DOTALL)


class Labelled(Protocol):
    """Windows with labels: y (n,) are indices into `classes`, which mean what `task` says."""

    @property
    def task(self) -> str: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def y(self) -> Ints: ...


# --- labels --------------------------------------------------------------------------------


def number(label: str) -> tuple[float, str]:
    """The number and its unit ("" for none) of "12.5" or "12.5 kg"; DataError for a label that is no number."""
    found = _NUMBER.fullmatch(label)
    value = float(found[1]) if found else math.inf
    if found is None or not math.isfinite(value):
        step = 'Write the number first ("12.5 kg"), remove the label, or train for classes (task "classes").'
        raise DataError(f"Label {label!r}", "is no number", step)
    return value, (found[2] or "").strip()


def parts(label: str) -> tuple[str, ...]:
    """The single labels of "music+speech", in order, each once; DataError where one of them is empty."""
    found = [p.strip() for p in label.split("+")]
    if not all(found):
        step = 'Join single labels by one + ("music+speech"), or train for classes (task "classes").'
        raise DataError(f"Label {label!r}", "has nothing on one side of a +", step)
    return tuple(sorted(set(found)))


def plain(task: str, label: str) -> str:
    """The label as all that mean the same are written: "12.50kg" is "12.5 kg", "b+a" is "a+b"."""
    if task == NUMBER:
        value, unit = number(label)
        return f"{value + 0.0:.12g} {unit}".strip()  # + 0.0: there is one zero
    return "+".join(parts(label)) if task == SEVERAL else label


def ordered(task: str, labels: Sequence[str]) -> tuple[str, ...]:
    """The different labels, plain: numbers by their size, others by name. DataError where units differ."""
    found = {plain(task, label) for label in labels}
    if task != NUMBER:
        return tuple(sorted(found))
    unit_of(tuple(found))
    return tuple(sorted(found, key=number))


def unit_of(labels: Sequence[str]) -> str:
    """The unit of labels that are numbers; DataError where there are two."""
    units = sorted({number(label)[1] for label in labels} - {""})
    if len(units) > 1:
        seen = f"have the units {', '.join(units)}"
        raise DataError("Labels", seen, "Write all numbers in one unit; a model tells one.")
    return units[0] if units else ""


def numbers(labels: Sequence[str]) -> Doubles:
    """(n,) what the labels say."""
    return np.array([number(label)[0] for label in labels], np.float64)


# --- outputs -------------------------------------------------------------------------------


def outputs(data: Labelled) -> tuple[str, ...]:
    """What the graph's scores are named: its `classes`."""
    if data.task == NUMBER:
        return (VALUE,)
    return tuple(sorted({p for c in data.classes for p in parts(c)})) if data.task == SEVERAL else data.classes


def targets(data: Labelled, names: Sequence[str] = ()) -> Floats:
    """(n, n_outputs) what the outputs `names` (else those of the data) should be for each window."""
    if data.task == NUMBER:
        table = numbers(data.classes)[:, None]
    else:
        sets = [set(parts(c)) if data.task == SEVERAL else {c} for c in data.classes]
        table = np.array([[name in own for name in names or outputs(data)] for own in sets], np.float64)
    found: Floats = table[data.y].astype(np.float32)
    return found


def spread(data: Labelled) -> tuple[float, float]:
    """Mean and standard deviation of the numbers of the windows."""
    found = numbers(data.classes)[data.y]
    return float(found.mean()), float(found.std()) or 1.0


def lessons(data: Labelled) -> Floats:
    """`targets` as they are learned: numbers with mean 0 and deviation 1."""
    found = targets(data)
    if data.task != NUMBER:
        return found
    mean, std = spread(data)
    return ((found - mean) / std).astype(np.float32)


def last_op(data: Labelled) -> Op:
    """From logits to scores; it brings a number back into its own unit."""
    if data.task == NUMBER:
        mean, std = spread(data)
        return Dense(np.array([[std]], np.float32), np.array([mean], np.float32))
    return Sigmoid() if data.task == SEVERAL else Softmax()


def threshold(task: str) -> float:
    """The least greatest score that a board tells."""
    return {NUMBER: ALWAYS, SEVERAL: TOLD}.get(task, 0.0)


# --- judging -------------------------------------------------------------------------------


def decided(task: str, names: Sequence[str], classes: Sequence[str], scores: Floats) -> Ints:
    """The label (n,) as an index into `classes` that scores of the outputs `names` come to; -1 for none of them.

    Of numbers it is the label nearest to the value, the smaller of equals.
    """
    if task == NUMBER:
        marks = numbers(classes)
        return np.searchsorted((marks[1:] + marks[:-1]) / 2, scores[:, 0].astype(np.float64)).astype(np.int64)
    place = {label: i for i, label in enumerate(classes)}
    said = ["+".join(sorted(n for n, s in zip(names, row, strict=True) if s >= TOLD)) for row in scores]
    return np.array([place.get(label, -1) for label in said], np.int64)


def tally(task: str, truth: Floats, said: Floats) -> Doubles:
    """(n, m) what each window adds to the sums that `worth` judges; truth and scores are (n, n_outputs)."""
    t, p = truth.astype(np.float64), said.astype(np.float64)
    if task == NUMBER:
        return np.concatenate([np.ones_like(t), t, t**2, (t - p) ** 2], axis=1)
    told = p >= TOLD
    return np.concatenate([told & (t > 0), t > 0, told], axis=1).astype(np.float64)


def worth(task: str, sums: Doubles) -> float:
    """What is to be made great: R2, not below 0, of numbers; macro-F1 over the labels that occur, of several."""
    if task == NUMBER:
        n, total, squares, errors = sums
        around = squares - total**2 / n
        return max(0.0, 1 - float(errors / around)) if around > 1e-9 * max(squares, 1e-30) else 0.0
    hits, truth, said = np.split(sums, 3)
    occurs = truth + said > 0
    return float((2 * hits / np.maximum(truth + said, 1))[occurs].mean()) if occurs.any() else 0.0


def score(data: Labelled, scores: Floats, names: Sequence[str] = ()) -> float:
    """`worth` of the scores of these windows."""
    return worth(data.task, tally(data.task, targets(data, names), scores).sum(axis=0))


def figures(data: Labelled, scores: Floats, names: Sequence[str], unit: str = "") -> dict[str, Any]:
    """{"number": mae, rmse, r2, unit} or {"several": macro_f1, per_label, exact}, for METRICS."""
    truth = targets(data, names)
    if data.task == NUMBER:
        off = (scores - truth).astype(np.float64)
        sums = tally(NUMBER, truth, scores).sum(axis=0)
        around = sums[2] - sums[1] ** 2 / sums[0]
        r2 = 1 - float(sums[3] / around) if around > 1e-9 * max(sums[2], 1e-30) else None
        told = {"mae": float(np.abs(off).mean()), "rmse": float(np.sqrt((off**2).mean())), "r2": r2, "unit": unit}
        return {NUMBER: told}
    hits, true, said = np.split(tally(SEVERAL, truth, scores).sum(axis=0), 3)
    per_label = {name: _one(*three) for name, *three in zip(names, hits, true, said, strict=True)}
    exact = float(((scores >= TOLD) == (truth > 0)).all(axis=1).mean())
    return {SEVERAL: {"macro_f1": score(data, scores, names), "per_label": per_label, "exact": exact}}


def _one(hits: float, truth: float, said: float) -> dict[str, float]:
    return {
        "precision": float(hits / said) if said else 0.0,
        "recall": float(hits / truth) if truth else 0.0,
        "f1": float(2 * hits / (truth + said)) if truth + said else 0.0,
        "support": int(truth),
    }


# --- labels that stand for others ----------------------------------------------------------


def bands(data: Labelled) -> tuple[Ints, tuple[str, ...]]:
    """(y, classes) by which windows are parted and features chosen: a few bands of numbers, else the labels."""
    if data.task != NUMBER:
        return data.y, data.classes
    found = numbers(data.classes)[data.y]
    n = min(BANDS, max(1, len(np.unique(data.y)) // 2))
    edges = np.unique(np.quantile(found, np.arange(1, n) / n)) if len(found) else np.zeros(0)
    y = np.searchsorted(edges, found).astype(np.int64)
    return y, tuple(f"number in band {i + 1}" for i in range(len(edges) + 1))


def marks(data: Labelled) -> tuple[Ints, tuple[str, ...]]:
    """(y, classes) that answers are counted by: of more than MARKS numbers some, and each window at the nearest."""
    if data.task != NUMBER or len(data.classes) <= MARKS:
        return data.y, data.classes
    few = np.unique(np.linspace(0, len(data.classes) - 1, MARKS).astype(int))
    classes = tuple(data.classes[i] for i in few)
    return decided(NUMBER, (VALUE,), classes, targets(data)), classes
