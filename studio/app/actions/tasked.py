"""METRICS of models that tell a number or several labels: the figures of classes, and those that suit the task."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from studio.app.models import Model
from studio.data.labels import Labels
from studio.data.recording import Recording
from studio.data.stream import Floats
from studio.learn.dataset import Dataset
from studio.learn.meaning import tasks
from studio.learn.metrics import metrics
from studio.learn.quality import ranked
from studio.learn.split import Ints


def task_of(model: Model) -> str:
    """What a model tells: one of `tasks.TASKS`."""
    return str(model.lock.get("task", tasks.CLASSES))


def labels_for(model: Model, found: Iterable[Recording]) -> tuple[str, ...]:
    """The labels of recordings that a model can be judged by: all numbers, or sets of labels that it knows.

    DataError for a label that does not suit its task.
    """
    names = {s.label for r in found for s in r.labels.get("labels", Labels()).segments}
    if task_of(model) == tasks.NUMBER:
        return tuple(sorted(names, key=tasks.number))
    return tuple(sorted(n for n in names if set(tasks.parts(n)) <= set(model.graph.classes)))


def figures_of(model: Model, data: Dataset, scores: Floats) -> tuple[dict[str, Any], Dataset, Ints]:
    """METRICS of windows, and what they count: the windows as labelled and the answers (n,) as indices.

    Answers are counted by the label nearest to a number, and by whole sets of labels.
    """
    names, known = model.graph.classes, {}
    y, classes = tasks.marks(data)
    decided = tasks.decided(data.task, names, classes, scores)
    if data.task == tasks.SEVERAL:
        known = ranked(tasks.targets(data, names) > 0, scores, names)
    found = {
        **metrics(y, decided, classes),
        **tasks.figures(data, scores, names, str(model.lock.get("unit", ""))),
        "ranking": known or {"macro_auc": None, "per_class": {}},
        "events_by_class": {},
        "decision": None,
    }
    return found, replace(data, y=y, classes=classes), decided
