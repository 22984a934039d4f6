"""Which sensor, axis, rate and features the project's task needs: the verb `explore`."""

from pathlib import Path
from typing import Any

from studio.app.actions.cutting import dataset
from studio.app.actions.train import TrainSettings, board_of
from studio.data.project import open_project
from studio.learn.dataset import Dataset, check_classes, split
from studio.learn.explore import PROBE
from studio.learn.explore import explore as look
from studio.learn.featuresets import feature_sets
from studio.progress import Progress, Work


def explore(project_path: Path, settings: TrainSettings) -> Work[dict[str, Any]]:
    """{"score", "probe", "windows", "reductions": [...]}, on the training part; the test is not looked at."""
    learn = yield from _learned(project_path, settings)
    score, found = yield from look(learn, settings.seed)
    rows = [r.as_dict() for r in found]
    return {"score": score, "probe": PROBE.name, "windows": len(learn), "reductions": rows}


def explore_features(project_path: Path, settings: TrainSettings) -> Work[dict[str, Any]]:
    """{"probe", "windows", "feature_sets": [...]}, the best first, on the training part; the test is not looked at."""
    learn = yield from _learned(project_path, settings)
    found = yield from feature_sets(learn, settings.seed)
    return {"probe": PROBE.name, "windows": len(learn), "feature_sets": [s.as_dict() for s in found]}


def _learned(project_path: Path, settings: TrainSettings) -> Work[Dataset]:
    yield Progress(0, 0, "cutting windows")
    data = dataset(open_project(project_path), settings, board_of(settings.board))
    check_classes(data)
    return data.take(split(data, settings.seed).train)
