"""Why a model answered as it did to one window, computed by its generated C."""

from pathlib import Path
from typing import Any

import numpy as np

from studio.app import models
from studio.app.actions.evaluate import native_of
from studio.app.models import Model
from studio.app.proposals import recording_named
from studio.app.telling import value_text
from studio.data.project import open_project
from studio.data.recording import Recording
from studio.data.stream import Floats
from studio.errors import DataError
from studio.learn.event import padded
from studio.learn.explain import Parts, occluded, parts_of, weights
from studio.learn.meaning.tasks import VALUE
from studio.progress import Progress, Work

#: Windows before the one that is looked at, that fill the memories of the filters.
WARM_UP = 4


def explain(project_path: Path, model_id: str, recording_id: str, start: int) -> Work[dict[str, Any]]:
    """What each stretch of time and each band of frequency on each axis spoke for the answer to one window.

    Returns {"model", "recording", "start", "answer", "scores", "edges_s" and "bands_hz" (borders of the parts), "axes"
    (names), "time" (axes, slices), "band" (axes, bands)}; `start` is the window's first sample.
    """
    project = open_project(project_path)
    model, recording = models.load(project, model_id), recording_named(project, recording_id)
    yield Progress(0, 2, "compiling the model")
    native = native_of(model)
    x = window_at(model, recording, start)
    parts = parts_of(*x.shape)
    yield Progress(1, 2, "taking out one part after the other")
    scores = native.scores(occluded(x, parts))
    best, number = int(scores[0].argmax()), model.graph.classes == (VALUE,)
    time, band = weights(scores, parts, best)
    return {
        "model": model.id,
        "recording": recording_id,
        "start": start,
        "answer": value_text(scores[0, 0], model.lock.get("unit", "")) if number else model.graph.classes[best],
        "scores": dict(zip(model.graph.classes, scores[0].tolist(), strict=True)),
        "edges_s": (parts.edges / model.stream.rate_hz).tolist(),
        "bands_hz": (parts.bins * model.stream.rate_hz / len(x)).tolist(),
        "axes": _names(model, parts),
        "time": time.tolist(),
        "band": band.tolist(),
    }


def window_at(model: Model, recording: Recording, start: int) -> Floats:
    """The filtered window that begins at sample `start`; DataError when the recording has no such samples."""
    graph, name = model.graph, model.stream.name
    if all(s.name != name for s in recording.streams):
        seen = f"has no stream {name!r}"
        raise DataError(f"Recording {recording.id!r}", seen, "Choose a recording of the sensor the model listens to.")
    n = recording.n_samples[name]
    if not 0 <= start < n:
        raise DataError(f"Recording {recording.id!r}", f"has no sample {start}", "Choose a window inside it.")
    first, stop = max(0, start - WARM_UP * graph.length), min(n, start + graph.length)
    values = np.nan_to_num(recording.values(name, first, stop))
    x = graph.filtered(np.ascontiguousarray(values, np.float32))[start - first :]
    return np.asarray(padded(x, 0, len(x), graph.length)[0], np.float32)


def _names(model: Model, parts: Parts) -> list[str]:
    """Of the axes; channels that go together by their first and last."""
    width = sum(len(axis) for axis in parts.axes)
    channels = model.stream.channels
    names = channels if len(channels) == width else tuple(f"{model.stream.name} {i}" for i in range(width))
    return [names[a[0]] if len(a) == 1 else f"{names[a[0]]} to {names[a[-1]]}" for a in parts.axes]
