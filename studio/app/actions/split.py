"""How training would part the project's labelled windows, before anything is trained."""

from collections import Counter
from pathlib import Path
from typing import Any

from studio.app.actions.train import TrainSettings, board_of, dataset
from studio.data.project import open_project
from studio.learn.dataset import split
from studio.progress import Progress, Work


def split_preview(project_path: Path, seed: int = 0) -> Work[dict[str, Any]]:
    """Returns {"by", "groups_disjoint", "length", "stride", "rate_hz", "sides": {"train"|"test": SIDE}}.

    SIDE is {"windows", "recordings": [ids], "subjects": [..], "classes": {name: windows}}. DataError as `train` gives.
    """
    yield Progress(0, 1, "cutting windows")
    settings = TrainSettings(seed=seed)
    data = dataset(open_project(project_path), settings, board_of(settings.board))
    parts = split(data, seed)
    sides = {}
    for name, index in (("train", parts.train), ("test", parts.test)):
        part = data.take(index)
        counts = Counter(int(y) for y in part.y)
        sides[name] = {
            "windows": len(part),
            "recordings": sorted(set(part.recording.tolist())),
            "subjects": sorted(set(part.subject.tolist()) - {""}),
            "classes": {c: counts.get(i, 0) for i, c in enumerate(data.classes)},
        }
    return {
        "by": parts.by,
        "groups_disjoint": parts.groups_disjoint,
        "length": data.length,
        "stride": data.stride,
        "rate_hz": data.stream.rate_hz,
        "sides": sides,
    }
