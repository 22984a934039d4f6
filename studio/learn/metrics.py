"""Numbers that judge a model. They are computed from what the generated C says, never from a training library.

Windows are judged one by one; events are judged as a person would: was it noticed, how late, and what was made up.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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
