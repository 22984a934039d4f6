"""How good a model is, computed by the C that is generated for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.app import models
from studio.app.actions.cutting import unusable
from studio.app.actions.looks import looked_at
from studio.app.actions.tasked import figures_of, labels_for, task_of
from studio.app.models import Model
from studio.data.certificate import certificate
from studio.data.labels import Labels
from studio.data.project import open_project, recordings
from studio.data.recording import Recording
from studio.data.stream import Floats
from studio.errors import DataError
from studio.firmware.native import Native
from studio.learn.dataset import Dataset, split, windows
from studio.learn.event import padded
from studio.learn.matching import Evidence, Track, lay
from studio.learn.meaning import tasks
from studio.learn.metrics import metrics
from studio.learn.quality import by_group, by_segment, calibration, ranking
from studio.learn.split import Ints, Strings
from studio.progress import Progress, Work

#: Windows taken for another class that are listed, to be looked at.
MOST_WRONG = 500
#: Windows of each class that were recognised and are listed too.
SOME_RIGHT = 40
COLUMNS = ["recording", "start", "truth", "answer"]
BACKGROUND = {
    *("idle", "background", "rest", "none", "noise", "silence", "unknown", "other", "null"),
    *("normal", "healthy", "ok", "good"),
}


def evaluate(project_path: Path, model_id: str = "", on: str = "test") -> Work[dict[str, Any]]:
    """METRICS of a model on the project's test part, on all of it, or on another project (`on` is its folder)."""
    project = open_project(project_path)
    model = models.load(project, model_id)
    other = open_project(Path(on)) if on not in ("test", "all") else project
    yield Progress(0, 2, "cutting windows")
    found = recordings(other)
    data = windows_for(model, found)
    if on == "test":
        data = held_back(model, data)
        looked_at(project, model.id, "evaluate")
    yield Progress(1, 2, f"running {len(data.y)} windows through the generated C")
    return judge(model, data, found)


def windows_for(model: Model, found: tuple[Recording, ...]) -> Dataset:
    """Labelled windows as `model` wants them, of the classes it knows; DataError when no recording has its stream."""
    have = [r for r in found if _fits(model, r)]
    if not have:
        seen = f"no recording has a stream {model.stream.name!r} with {len(model.stream.channels)} channels"
        raise DataError(f"Model {model.id}", seen, "Choose data of the sensor that the model was trained on.")
    graph = model.graph
    name = model.stream.name
    whole = [replace(r, gaps=r.gaps | {name: unusable(certificate(r, name))}) for r in have]
    events = model.lock.get("windows") == "events"
    task = task_of(model)
    classes = graph.classes if task == tasks.CLASSES else labels_for(model, whole)
    return windows(whole, name, graph.length, graph.stride, classes=classes, events=events).meant(task)


def held_back(model: Model, data: Dataset) -> Dataset:
    """The windows that the model was not trained on: those of its locked test recordings, also after new labels."""
    locked = model.lock.get("test_recordings", [])
    test = np.isin(data.recording, locked)
    if locked and test.any():
        return data.take(np.flatnonzero(test))
    return data.take(split(data, int(model.lock.get("seed", 0))).test)


def _fits(model: Model, r: Recording) -> bool:
    return any(s.name == model.stream.name and len(s.channels) == len(model.stream.channels) for s in r.streams)


def judge(model: Model, data: Dataset, found: tuple[Recording, ...]) -> dict[str, Any]:
    """METRICS of a model on labelled windows, and of its decisions along the recordings those come from."""
    native = native_of(model)
    told = [r for r in found if r.id in set(data.recording.tolist())]
    if task_of(model) != tasks.CLASSES:
        return _judge_values(model, native, data, told)
    tracks = {r.id: track_of(native, model, r) for r in told}
    evidence = laid(model, list(tracks.values()))
    scores = remembered(model, tracks, data) if model.graph.carries else native.scores(data.x)
    decided = model.graph.answer(scores)
    windows_ = metrics(data.y, decided, model.graph.classes, events_of(model, evidence))
    return {**windows_, **along(model, evidence), **_deeper(model, data, scores, decided.astype(np.int64))}


def _judge_values(model: Model, native: Native, data: Dataset, told: Sequence[Recording]) -> dict[str, Any]:
    """METRICS of a model that tells a number or several labels: window by window, there are no events."""
    tracks = {r.id: track_of(native, model, r) for r in told} if model.graph.carries else {}
    scores = remembered(model, tracks, data) if tracks else native.scores(data.x)
    figures, counted, decided = figures_of(model, data, scores)
    return figures | by_hand(counted, decided)


def remembered(model: Model, tracks: Mapping[str, Track], data: Dataset) -> Floats:
    """The scores (n, n_classes) of a model that goes on from answer to answer, where each window of `data` ends."""
    rate_hz, found = model.stream.rate_hz, np.zeros((len(data), len(model.graph.classes)), np.float32)
    for name, track in tracks.items():
        own = data.recording == name
        if len(track.times_s):
            last = (data.start[own] + data.length) / rate_hz
            near = np.searchsorted(track.times_s, last + 0.5 * model.graph.stride / rate_hz) - 1
            found[own] = np.nan_to_num(track.scores[np.maximum(near, 0)])
    return found


def native_of(model: Model) -> Native:
    """The generated C up to the scores, compiled once however its decision is set: that is a kernel of its own."""
    return Native(replace(model.graph, decision=None), model.stream)


def events_of(model: Model, evidence: Evidence) -> dict[str, Any]:
    """EVENTS of the decisions that the board would make along the recordings, and what is behind them."""
    decided = model.graph.decide(evidence.scores).astype(np.int64)
    matched = evidence.judge(decided)
    return matched.deeper() | {"false_at_borders": evidence.false_at_borders(decided)}


def along(model: Model, evidence: Evidence) -> dict[str, Any]:
    """The same by class; and what each window alone would have told, where the decision remembers."""
    decided = model.graph.decide(evidence.scores).astype(np.int64)
    by_class = {name: m.deeper() for name, m in evidence.by_class(decided).items()}
    decision = model.graph.decision
    found = {"events_by_class": by_class, "decision": decision.as_dict() if decision else None}
    alone = model.graph.answer(evidence.scores).astype(np.int64)
    told = evidence.judge(alone).deeper() | {"false_at_borders": evidence.false_at_borders(alone)}
    return found | ({"events_alone": told} if decision else {})


def laid(model: Model, tracks: Sequence[Track]) -> Evidence:
    """Tracks of a model as evidence: labelled time alone, a window of forgiveness."""
    classes = model.graph.classes
    return lay(tracks, classes, background_of(classes), window_s(model), unlabelled_counts=False)


def _deeper(model: Model, data: Dataset, scores: Floats, decided: Ints) -> dict[str, Any]:
    """What lies behind the accuracy: groups, ranking, calibration, whole segments, and which windows went wrong."""
    return by_hand(data, decided) | {
        "ranking": ranking(data.y, scores, model.graph.classes),
        "calibration": calibration(data.y, scores),
        "segments": by_segment(data.y, scores, segments_of(data)),
    }


def by_hand(data: Dataset, decided: Ints) -> dict[str, Any]:
    """How it was decided in each group, and the windows to look at."""
    known = (data.subject != "").any()
    groups = np.where(data.subject == "", data.recording, data.subject)
    wrong = np.flatnonzero(decided != data.y)
    rows = [[str(data.recording[i]), int(data.start[i]), int(data.y[i]), int(decided[i])] for i in wrong[:MOST_WRONG]]
    return {
        "by_group": {"of": "subject" if known else "recording", "groups": by_group(data.y, decided, groups)},
        "wrong": {"columns": COLUMNS, "rows": rows},
        "right": {"columns": COLUMNS, "rows": _some_right(data, decided)},
    }


def _some_right(data: Dataset, decided: Ints) -> list[list[Any]]:
    """Of each class some windows that were recognised, spread over all of them."""
    found: list[list[Any]] = []
    for i in range(len(data.classes)):
        own = np.flatnonzero((data.y == i) & (decided == i))
        few = own[np.unique(np.linspace(0, len(own) - 1, min(SOME_RIGHT, len(own))).astype(int))]
        found += [[str(data.recording[k]), int(data.start[k]), i, i] for k in few]
    return found


def segments_of(data: Dataset) -> Strings:
    """A name for the labelled stretch that each window is from: windows of one class in a row in one recording."""
    order = np.lexsort((data.start, data.recording))
    changes = (data.recording[order][1:] != data.recording[order][:-1]) | (data.y[order][1:] != data.y[order][:-1])
    number = np.zeros(len(data), np.int64)
    number[order] = np.append(0, np.cumsum(changes))
    return number.astype(np.str_)


def window_s(model: Model) -> float:
    """Seconds of a model's window: how late the window that holds a short event whole may end."""
    return model.graph.length / model.stream.rate_hz


def track_of(native: Native, model: Model, recording: Recording) -> Track:
    """Scores along one recording at the ends of its windows; not a number where samples are missing."""
    graph, stream = model.graph, model.stream
    values = recording.values(stream.name)
    if len(values) < graph.length and model.lock.get("windows") == "events":
        values = np.asarray(padded(values, 0, len(values), graph.length)[0], np.float32)
    lost = np.concatenate([[0], np.cumsum(~np.isfinite(values).all(axis=1))])
    scores = native.along(np.nan_to_num(values))
    starts = np.arange(len(scores)) * graph.stride
    complete = lost[starts + graph.length] == lost[starts]
    scores = np.where(complete[:, None], scores, np.float32(np.nan))
    times_s = (starts + graph.length) / stream.rate_hz
    return Track(scores, times_s, recording.labels.get("labels", Labels()))


def background_of(classes: tuple[str, ...]) -> str | None:
    """The class that means "nothing happens", by the names people give it."""
    found = next((c for c in classes if c.lower() in BACKGROUND), None)
    beside = [c for c in classes if c != "anomaly"]
    return beside[0] if found is None and len(beside) == 1 and len(classes) == 2 else found
