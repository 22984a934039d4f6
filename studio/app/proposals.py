"""What the machine proposes about a project's recordings, as work that runs in a process beside the window.

Tracks carry their maker's name: "proposed:<method>", "predicted:<model>"; a person's are "labels", "labels:<person>".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from studio.app import models
from studio.app.models import Model
from studio.data.labels import Labels, Segment
from studio.data.project import Project, open_project
from studio.data.project import recordings as every_recording
from studio.data.recording import Recording, load
from studio.data.stream import Array, Floats, Stream
from studio.errors import DataError, InputError
from studio.firmware.native import Native
from studio.graph.host import call_stream
from studio.learn.propose import PROPOSERS
from studio.learn.propose.alike import Alike, Likeness
from studio.learn.propose.frames import Reals
from studio.learn.propose.judge import Met, tune
from studio.learn.propose.map import MapSettings, drawn
from studio.learn.propose.proposer import Curve, Proposer
from studio.learn.propose.windows import described, grid
from studio.learn.split import Bools, Ints
from studio.progress import Progress, Work, finish

#: How sure a model is of a window, 0 to 1: how far the first class leads, or how far it is from knowing nothing.
SURENESS = ("margin", "entropy")
#: Windows that run through the generated C together.
AT_ONCE = 2048


def method_named(name: str) -> type[Proposer]:
    """The proposer `name`; InputError names the known ones."""
    if name not in PROPOSERS:
        raise InputError(f"Method {name!r}", "is not known", f"Choose one of {', '.join(PROPOSERS)}.")
    return PROPOSERS[name]


def recording_named(project: Project, recording_id: str) -> Recording:
    """One recording of the project, as it is on disk now; InputError when there is none."""
    if not recording_id or not (project.recordings_path / recording_id / "recording.json").is_file():
        known = sorted(p.parent.name for p in project.recordings_path.glob("*/recording.json"))
        step = f"Choose one of {', '.join(known[:12])}." if known else "Record or import something first."
        raise InputError(f"Recording {recording_id!r}", f"is not in {project.path}", step)
    return load(project.recordings_path / recording_id)


def measure(project_path: Path, recording_id: str, stream: str, method: Proposer) -> Work[Curve]:
    """The long half of a proposal: what `method.pick` turns into labels."""
    recording = recording_named(open_project(project_path), recording_id)
    recording.stream(stream)
    return (yield from method.measure(recording, stream))


def learn(
    project_path: Path, recording_ids: Sequence[str], stream: str, method: Proposer, track: str = "labels"
) -> Work[tuple[Proposer, Met]]:
    """Params of a method that meet the labels of these recordings best."""
    project = open_project(project_path)
    found = [recording_named(project, r) for r in recording_ids]
    truths = [r.labels.get(track, Labels()) for r in found]
    return (yield from tune(method, found, stream, truths))


def alike(
    project_path: Path, recording_id: str, stream: str, how: Alike, examples: Sequence[Segment]
) -> Work[Likeness]:
    """Where a recording looks like the examples, which are stretches of it."""
    recording = recording_named(open_project(project_path), recording_id)
    recording.stream(stream)
    return (yield from how.measure(recording, stream, examples))


def alike_everywhere(
    project_path: Path, recording_id: str, stream: str, how: Alike, examples: Sequence[Segment], label: str
) -> Work[dict[str, Labels]]:
    """What is alike in each recording of the project with such a stream; those too short for it give nothing."""
    project, found = open_project(project_path), dict[str, Labels]()
    source = recording_named(project, recording_id)
    wanted = source.stream(stream)
    every = [r for r in every_recording(project) if _same(r, wanted) and r.n_samples.get(stream)]
    for i, one in enumerate(every):
        yield Progress(i, len(every), one.id)
        found[one.id] = how.pick(finish(how.measure(source, stream, examples, one)), label)
    return found


def _same(recording: Recording, wanted: Stream) -> bool:
    """Whether samples of a recording's stream may be compared with those of `wanted`."""
    own = next((s for s in recording.streams if s.name == wanted.name), None)
    return own is not None and (own.rate_hz, own.channels, own.unit) == (wanted.rate_hz, wanted.channels, wanted.unit)


@dataclass(frozen=True, eq=False)
class WindowMap:
    """Points (n, 2) in [0, 1], the group (n,) of each, the window (n,) start in seconds, and their length."""

    points: Floats
    group: Ints
    start_s: Reals
    length_s: float


def draw_map(
    project_path: Path, recording_id: str, stream: str, settings: MapSettings, track: str = "labels"
) -> Work[WindowMap]:
    """The windows of one recording as points; labels are asked only by linear discriminants."""
    recording = recording_named(open_project(project_path), recording_id)
    rate = recording.stream(stream).rate_hz
    length = max(8, round(settings.window_s * rate))
    starts = grid(recording.n_samples[stream], length, max(1, round(settings.stride_s * rate)))
    if not len(starts):
        seen = f"is shorter than a window of {length / rate:g} s"
        raise DataError(f"Recording {recording_id!r}", seen, "Choose a shorter window.")
    x = yield from described(recording, stream, starts, length)
    y = _classes_at(recording.labels.get(track, Labels()), (starts.astype(np.float64) + length / 2) / rate)
    made = yield from drawn(x, y, settings)
    return WindowMap(made.points, made.group, starts[made.kept] / rate, length / rate)


def _classes_at(labels: Labels, times: Reals) -> Ints:
    """Index of the label at each time, -1 without one."""
    names = sorted({s.label for s in labels.segments})
    said = [labels.covering(float(t), float(t)) for t in times]
    return np.array([names.index(s) if s is not None else -1 for s in said], np.int64)


# --- what a model says ------------------------------------------------------------------------


def predict(project_path: Path, model_id: str, recording_id: str, sureness: str = "margin") -> Work[tuple[str, Labels]]:
    """(track name, labels): the model's answers along a recording, computed by its generated C."""
    project = open_project(project_path)
    model, recording = models.load(project, model_id), recording_named(project, recording_id)
    known = {s.name: s for s in recording.streams}
    found = known.get(model.stream.name)
    if found is None or len(found.channels) != len(model.stream.channels):
        seen = f"has no stream {model.stream.name!r} with {len(model.stream.channels)} channels"
        raise DataError(f"Recording {recording_id!r}", seen, "Choose a recording of the sensor the model listens to.")
    labels = yield from answers(model, recording, sureness)
    return f"predicted:{model.id}", labels


def answers(model: Model, recording: Recording, sureness: str = "margin") -> Work[Labels]:
    """Runs of equal answers. A window speaks for a stride around its middle; where samples are missing, none does."""
    yield Progress(0, 0, "compiling the model")
    native, graph = Native(model.graph, model.stream), model.graph
    scores, complete, done = list[Floats](), list[Bools](), 0
    n = max((recording.n_samples[model.stream.name] - graph.length) // graph.stride + 1, 0)
    for x, whole in _windows(model, recording):
        yield Progress(done, n, f"{done} of {n} windows")
        scores.append(native.scores(x))
        done += len(x)
        complete.append(whole)
    if not scores:
        return Labels()
    said = np.concatenate(scores)
    known = np.where(np.concatenate(complete)[:, None], said, np.float32(np.nan))  # what is missing clears the memory
    decided = graph.decide(known)
    return _runs(model, decided.astype(np.int64), sure(said, sureness))


def _windows(model: Model, recording: Recording) -> Iterator[tuple[Floats, Bools]]:
    """Windows (n, length, n_filtered), AT_ONCE strides of samples at a time, and whether each is without a loss."""
    graph, name, n = model.graph, model.stream.name, recording.n_samples[model.stream.name]
    filtered, there = np.zeros((0, *graph.window_shape()[1:]), np.float32), np.zeros(0, bool)
    memory = _empty_memory(model)
    width = AT_ONCE * graph.stride
    for start in range(0, n, width):
        x = recording.values(name, start, start + width)
        there = np.concatenate([there, np.isfinite(x).all(axis=1)])
        x = np.nan_to_num(x)
        for i, op in enumerate(graph.stream_ops):
            x, memory[i] = call_stream(op, x, memory[i])
        filtered = np.concatenate([filtered, x])
        count = max((len(filtered) - graph.length) // graph.stride + 1, 0)
        if start + width < n:
            count = min(count, len(filtered) // graph.stride)
        if count:
            views = np.lib.stride_tricks.sliding_window_view(filtered, graph.length, axis=0)[:: graph.stride][:count]
            lost = np.append(0, np.cumsum(~there))
            at = np.arange(count) * graph.stride
            yield np.ascontiguousarray(views.swapaxes(1, 2)), lost[at + graph.length] == lost[at]
            filtered, there = filtered[count * graph.stride :], there[count * graph.stride :]


def _empty_memory(model: Model) -> list[Array]:
    """Zeros for what each stream op remembers."""
    shape: tuple[int, ...] = (len(model.graph.channels),)
    memory: list[Array] = []
    for op in model.graph.stream_ops:
        memory.append(np.zeros(op.state(shape), np.float32))
        shape = op.shape(shape)
    return memory


def sure(scores: Floats, sureness: str) -> Reals:
    """How sure a model is, (n,) from scores (n, n_classes): 0 could be anything, 1 certain."""
    x = np.clip(scores.astype(np.float64), 0.0, None)
    x /= np.maximum(x.sum(axis=1, keepdims=True), 1e-12)
    if x.shape[1] < 2:
        return np.ones(len(x))
    if sureness == "entropy":
        entropy: Reals = -(x * np.log(np.maximum(x, 1e-12))).sum(axis=1)
        return np.asarray(1 - entropy / np.log(x.shape[1]), np.float64)
    top = np.sort(x, axis=1)
    found: Reals = top[:, -1] - top[:, -2]
    return found


def _runs(model: Model, decided: Ints, surely: Reals) -> Labels:
    """Windows that follow each other and say the same, as one segment with the mean of what they are sure."""
    graph, rate = model.graph, model.stream.rate_hz
    edges = np.flatnonzero(np.diff(decided)) + 1
    before = (graph.length - graph.stride) / 2
    made = []
    for first, stop in pairwise([0, *edges.tolist(), len(decided)]):
        if decided[first] < 0:
            continue
        start_s = max(first * graph.stride + before, 0.0) / rate
        stop_s = (stop * graph.stride + before) / rate
        score = float(np.clip(surely[first:stop].mean(), 0.0, 1.0))
        made.append(Segment(start_s, stop_s, graph.classes[decided[first]], round(score, 3)))
    return Labels(tuple(made))
