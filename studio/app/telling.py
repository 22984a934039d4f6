"""The figures of a model in few words: of classes, of a number, or of several labels at once."""

from collections.abc import Mapping
from typing import Any

from studio.learn.meaning.tasks import VALUE as VALUE


def value_text(value: float, unit: str = "") -> str:
    """A number that a model tells, with its unit: four digits."""
    return f"{value:.4g} {unit}".strip()


def figures(test: Mapping[str, Any]) -> dict[str, str]:
    """The two figures that METRICS are known by: their names, and their values as text."""
    if of := test.get("number"):
        return {"Mean error": value_text(of["mae"], of["unit"]), "R²": _figure(of["r2"])}
    if of := test.get("several"):
        return {"All labels right": _share(of["exact"]), "F1 of labels": _figure(of["macro_f1"])}
    return {"Accuracy": _share(test.get("accuracy")), "Macro-F1": _figure(test.get("macro_f1"))}


def short(test: Mapping[str, Any]) -> str:
    """One figure, for lists; "–" where nothing is known."""
    if of := test.get("number"):
        return f"R² {_figure(of['r2'])}"
    return f"F1 {_figure(of['macro_f1'])}" if (of := test.get("several")) else _share(test.get("accuracy"))


def sentence(test: Mapping[str, Any]) -> str:
    """What the test of a number or of several labels came to; "" for classes."""
    n = test.get("n_windows")
    if of := test.get("number"):
        mean, square = (value_text(of[k], of["unit"]) for k in ("mae", "rmse"))
        return f"Mean error {mean}, root of the mean square {square}, R² {_figure(of['r2'])} on {n} windows"
    if of := test.get("several"):
        return f"F1 of labels {of['macro_f1']:.3f}, all labels right in {of['exact']:.1%} of {n} windows"
    return ""


def by_label(test: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each class, or of each single label of several."""
    found: dict[str, dict[str, float]] = (test.get("several") or {}).get("per_label") or test.get("per_class", {})
    return found


def worth_name(task: str) -> str:
    """What the search makes great."""
    return {"number": "R²", "several": "F1 of labels"}.get(task, "Macro-F1")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
