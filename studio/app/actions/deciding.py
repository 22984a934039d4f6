"""What stands between scores and what is told: tuned on recordings not learned from, changed without training.

The curve of false alarms against misses comes from the folds of the search: each fold's own graph runs, as generated
C, along the recordings that it was judged by. The test part is never among them. The evidence stays with the model,
so that another point can be chosen at any time, here or in the window.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.app import models
from studio.app.actions.evaluate import background_of, evaluate, laid, native_of, track_of
from studio.app.actions.looks import looks
from studio.app.actions.tasked import task_of
from studio.app.models import Model
from studio.data.labels import Labels, Segment
from studio.data.project import Project, open_project
from studio.data.recording import Recording
from studio.errors import DataError, InputError, ParamError
from studio.graph.ops.decide import Decide, even
from studio.learn import evidence as files
from studio.learn import smooth
from studio.learn.candidate import Fit
from studio.learn.dataset import Dataset
from studio.learn.matching import Evidence, Track
from studio.learn.meaning.tasks import CLASSES
from studio.learn.smooth import Point, along, curve, judged, tuned, with_threshold
from studio.learn.split import Bools, Ints
from studio.learn.surrogate import changed
from studio.progress import Progress, Work

#: Recordings of a fold that are looked at, and where a model keeps what was seen.
MOST_TRACKS, FILE = 200, "validation.npz"


@dataclass(frozen=True, eq=False)
class Tuned:
    """What tuning came to: None decides each window alone; `told` goes into the model's document."""

    decision: Decide | None
    told: dict[str, Any]
    evidence: Evidence | None


def tune(
    model: Model, fits: Sequence[Fit], data: Dataset, found: Sequence[Recording], alarms_per_hour: float, seed: int
) -> Work[Tuned]:
    """The decision of a model, from its fits on folds; `data` are all windows, learned from, judged by and tested."""
    yield Progress(0, 0, "tuning false alarms against misses")
    tracks: list[Track] = []
    for fit in fits:
        one = replace(model, graph=fit.graph)
        native = native_of(one)
        for recording in _spread([r for r in found if r.id in fit.unseen]):
            yield Progress(0, 0, f"tuning false alarms against misses: {recording.id}")
            track = track_of(native, one, recording)
            tracks.append(replace(track, hidden=_hidden(track, one, data, recording.id, fit.unseen[recording.id])))
    evidence = laid(model, tracks)
    made_up = not len(evidence.label) and len(model.graph.classes) == 2
    if made_up:
        evidence = laid(model, [*tracks, *(t for fit in fits for t in made_up_anomalies(model, fit, data, seed))])
    return _tuned(evidence, alarms_per_hour, made_up)


def _tuned(evidence: Evidence, alarms_per_hour: float, made_up: bool) -> Tuned:
    points, best = smooth.tune(evidence, alarms_per_hour)
    if best is None:
        return Tuned(None, {}, None)
    told = {"smoothing": best.decide.as_dict(), "alarm_curve": [p.as_dict() for p in points], "made_up": made_up}
    return Tuned(None if is_off(best.decide) else best.decide, told, evidence)


def is_off(decide: Decide) -> bool:
    """Whether it does what is done without it: the greatest score of each window."""
    return decide.as_dict() == even(len(decide.on)).as_dict()


def _spread(found: list[Recording]) -> list[Recording]:
    few = np.unique(np.linspace(0, len(found) - 1, min(MOST_TRACKS, len(found))).astype(int))
    return [found[i] for i in few]


def _hidden(track: Track, model: Model, data: Dataset, recording: str, unseen: Ints) -> Bools:
    """Rows whose window shares samples with one that was learned from or belongs to the test."""
    graph = model.graph
    own = data.start[data.recording == recording]
    others = np.sort(own[~np.isin(own, unseen)])
    starts = np.arange(len(track.times_s)) * graph.stride
    after = np.searchsorted(others, starts - graph.length, "right")
    near: Bools = np.append(others, np.iinfo(np.int64).max)[after] < starts + graph.length
    return near


def made_up_anomalies(model: Model, fit: Fit, data: Dataset, seed: int) -> Iterator[Track]:
    """Unseen windows changed in the ways that machines change, each kind of change one event in each recording.

    Only what is normal was recorded: without these there would be nothing to miss. They say nothing of real faults.
    """
    strange = next(c for c in model.graph.classes if c != background_of(model.graph.classes))
    native, rate_hz = native_of(replace(model, graph=fit.graph)), model.stream.rate_hz
    for recording, starts in fit.unseen.items():
        own = np.flatnonzero((data.recording == recording) & np.isin(data.start, starts))
        own = own[np.argsort(data.start[own], kind="stable")]
        times_s = (data.start[own] + data.length) / rate_hz
        truth = Labels((Segment(float(data.start[own[0]]) / rate_hz, float(times_s[-1]), strange),))
        for x in changed(data.x[own], seed):
            yield Track(native.scores(x), times_s, truth)


# --- a point of the curve, chosen later ----------------------------------------------------------


def evidence_of(project: Project, model_id: str) -> Evidence | None:
    """What was seen of a model on folds; None for one that this studio has not trained."""
    return files.load(project.path / "models" / model_id / FILE)


def keep(evidence: Evidence, project: Project, model_id: str) -> None:
    """Beside the model."""
    files.save(evidence, project.path / "models" / model_id / FILE)


def decide(
    project_path: Path,
    model_id: str = "",
    alarms_per_hour: float = 0.0,
    settings: Sequence[str] = (),
    off: bool = False,
) -> Work[dict[str, Any]]:
    """The curve of a model and the point it is at; with a wish, settings (NAME=VALUE) or `off`, the point it then has.

    Returns {"model", "decision" (None: each window alone), "changed", "validation" (EVENTS on folds), "curve"}.
    """
    project = open_project(project_path)
    model = models.load(project, model_id)
    if task_of(model) != CLASSES:
        seen = "tells no classes: nothing is decided along time"
        raise InputError(f"Model {model.id}", seen, "Choose a model that was trained for classes.")
    evidence = evidence_of(project, model.id)
    yield Progress(0, 1, "working out the curve")
    points = curve(evidence) if evidence is not None else ()
    now = model.graph.decision
    new = _wanted(model, points, alarms_per_hour, settings, off)
    before, after = (d.as_dict() if d else None for d in (now, new))
    if before != after:
        models.set_decision(project, model.id, after)
    at = judged(new or even(len(model.graph.classes)), evidence) if evidence is not None else None
    found = {"model": model.id, "decision": after, "changed": before != after}
    return found | {"validation": at.as_dict() if at else None, "curve": [p.as_dict() for p in points]}


def stand(project_path: Path, model_id: str, decide: Decide) -> Work[dict[str, Any] | None]:
    """What a decision comes to on folds: EVENTS, and by class; None where there is nothing to judge by."""
    yield Progress(0, 1, "judging")
    evidence = evidence_of(open_project(project_path), model_id)
    point = judged(decide, evidence) if evidence is not None else None
    if evidence is None or point is None:
        return None
    by_class = evidence.by_class(along(decide, evidence))
    return point.as_dict() | {"by_class": {name: m.deeper() for name, m in by_class.items()}}


def test_again(project_path: Path, model_id: str) -> Work[dict[str, Any]]:
    """METRICS on the test part with the decision as it is now, kept with the model; it counts as a look at the test."""
    project = open_project(project_path)
    test = yield from evaluate(project_path, model_id)
    models.set_test(project, model_id, test, len(looks(project)))
    return test


def _wanted(
    model: Model, points: Sequence[Point], alarms_per_hour: float, settings: Sequence[str], off: bool
) -> Decide | None:
    if off:
        return None
    found = model.graph.decision
    if alarms_per_hour:
        best = tuned(points, alarms_per_hour)
        if best is None:
            seen = "has no scores along recordings that it was not learned from"
            raise DataError(f"Model {model.id}", seen, "Train it with this studio, or give the parameters by --set.")
        found = best.decide
    for text in settings:
        found = changed_by(found or even(len(model.graph.classes)), text, model.graph.classes)
    return None if found is None or is_off(found) else found


def changed_by(decide: Decide, text: str, classes: Sequence[str]) -> Decide:
    """`decide` with one parameter set as in "least=2", "on=0.6" (every class) or "on.tap=0.7"; or InputError."""
    name, _, value = text.partition("=")
    name, _, of = name.strip().partition(".")
    try:
        if name in ("on", "off"):
            return _threshold(decide, name, of, float(value), classes)
        if name in ("average", "least", "quiet") and not of:
            count: dict[str, Any] = {name: int(value)}
            return replace(decide, **count)
        if name == "mean" and not of:
            return replace(decide, mean=value.strip())
    except ValueError as e:
        raise InputError(f"Setting {text!r}", str(e), "Write for example average=4 or on.tap=0.7.") from e
    except ParamError as e:
        raise InputError(f"Setting {text!r}", e.seen, e.next_step) from e
    known = "average, mean, on, off, least or quiet"
    raise InputError(f"Setting {text!r}", "is not known", f"Choose {known}; on and off also as on.CLASS.")


def _threshold(decide: Decide, name: str, of: str, value: float, classes: Sequence[str]) -> Decide:
    if of and of not in classes:
        raise InputError(f"Class {of!r}", "is not one of the model's", f"Choose one of {', '.join(classes)}.")
    for i in [list(classes).index(of)] if of else range(len(classes)):
        on = value if name == "on" else max(value, decide.on[i])
        decide = with_threshold(decide, i, on, value if name == "off" else None)
    return decide
