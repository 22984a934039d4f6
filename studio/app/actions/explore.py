"""Which sensor, axis and rate the project's task needs: the verb `explore`."""

from pathlib import Path
from typing import Any

from studio.app.actions.cutting import dataset
from studio.app.actions.train import TrainSettings, board_of
from studio.data.project import open_project
from studio.learn.dataset import check_classes, split
from studio.learn.explore import PROBE
from studio.learn.explore import explore as look
from studio.progress import Progress, Work


def explore(project_path: Path, settings: TrainSettings) -> Work[dict[str, Any]]:
    """{"score", "probe", "windows", "reductions": [...]}, on the training part; the test is not looked at."""
    yield Progress(0, 0, "cutting windows")
    data = dataset(open_project(project_path), settings, board_of(settings.board))
    check_classes(data)
    learn = data.take(split(data, settings.seed).train)
    score, found = yield from look(learn, settings.seed)
    rows = [r.as_dict() for r in found]
    return {"score": score, "probe": PROBE.name, "windows": len(learn), "reductions": rows}
