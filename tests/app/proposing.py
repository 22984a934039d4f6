"""A project of synthetic people with their labels, for the tests of proposals and reviews."""

from dataclasses import replace
from pathlib import Path

from studio.app import models
from studio.app.models import Model
from studio.data import recording as files
from studio.data.labels import Labels
from studio.data.motion import SCALE_G, motion
from studio.data.project import Project, create, new_recording_path, recordings, save, with_classes
from studio.data.recording import Recording, write
from studio.data.stream import Stream
from studio.learn.dataset import windows
from studio.learn.families.forest import RandomForest
from studio.progress import finish

RATE_HZ = 50.0


def people(folder: Path, n: int = 4, seconds: float = 60.0) -> Project:
    """n people, a recording each, every second of it labelled."""
    project = create(folder / "people", "People")
    names: set[str] = set()
    for i in range(n):
        raw, truth = motion(seconds, RATE_HZ, seed=i)
        stream = Stream("acc", RATE_HZ, ("x", "y", "z"), "g", "i16", SCALE_G, "accelerometer")
        write(new_recording_path(project, "person"), [(stream, raw)], {"labels": truth}, subject=str(i))
        names |= {s.label for s in truth.segments}
    project = replace(project, classes=with_classes((), sorted(names)))
    save(project)
    return project


def relabelled(recording: Recording, changes: dict[int, str]) -> Recording:
    """The recording with other labels on some segments, on disk too."""
    track = recording.labels["labels"]
    rows = tuple(replace(s, label=changes.get(i, s.label)) for i, s in enumerate(track.segments))
    changed = replace(recording, labels=recording.labels | {"labels": Labels(rows)})
    files.save(changed)
    return changed


def with_model(project: Project) -> Model:
    """A small forest, learned from all but the last recording."""
    data = windows(recordings(project)[:-1], "acc", 50, 25)
    graph = finish(RandomForest(trees=8, depth=8).fit(data, 0))
    model = Model("forest-1", "forest", graph, data.stream)
    models.save(project, model)
    return model
