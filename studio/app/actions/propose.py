"""Proposals from the command line: a track of its own beside the person's labels, to look at and accept."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from studio.app import proposals
from studio.data.labels import Labels
from studio.data.project import Project, open_project
from studio.data.project import recordings as every_recording
from studio.data.recording import Recording, load, save
from studio.errors import DataError, InputError
from studio.learn.propose.proposer import Proposer, propose
from studio.params import check
from studio.progress import Progress, Work

#: The method that asks a trained model instead of the signal.
MODEL = "model"


def propose_tracks(
    project_path: Path,
    method: str,
    recording: str = "",
    stream: str = "",
    settings: tuple[str, ...] = (),
    learn: bool = False,
    model: str = "",
) -> Work[dict[str, Any]]:
    """Write the track "proposed:<method>" (of a model "predicted:<id>") into one recording, or into all.

    `settings` are "name=value"; with `learn` the params that meet the labels that are there best are found first.
    """
    project = open_project(project_path)
    chosen = _chosen(project, recording)
    if method == MODEL:
        return (yield from _predicted(project, chosen, model))
    made = with_settings(proposals.method_named(method)(), settings)
    learned = None
    if learn:
        made, learned = yield from _learned(project, chosen, stream, made)
    rows = []
    for i, one in enumerate(chosen):
        yield Progress(i, len(chosen), one.id)
        name = stream_of(one, stream)
        track = yield from propose(made, one, name)
        rows.append(_written(one, f"proposed:{method}", track) | {"stream": name})
    found = {"method": method, "track": f"proposed:{method}", "params": asdict(made)}  # type: ignore[call-overload]
    return found | {"recordings": rows, "learned": learned}


def _learned(
    project: Project, chosen: list[Recording], stream: str, method: Proposer
) -> Work[tuple[Proposer, dict[str, Any]]]:
    """Params from the labels of the recordings that have some."""
    labelled = [r for r in chosen if len(r.labels.get("labels", Labels()))]
    if not labelled:
        raise DataError("Labels", "there are none to learn from", "Label a few events of a recording first.")
    ids = tuple(r.id for r in labelled)
    found, met = yield from proposals.learn(project.path, ids, stream_of(labelled[0], stream), method)
    return found, {"f1": round(met.f1, 4), "hits": met.hits, "true": met.true, "proposed": met.proposed}


def _predicted(project: Project, chosen: list[Recording], model: str) -> Work[dict[str, Any]]:
    rows, name = [], ""
    for one in chosen:
        name, track = yield from proposals.predict(project.path, model, one.id)
        rows.append(_written(one, name, track))
    return {"method": MODEL, "track": name, "params": {}, "recordings": rows, "learned": None}


def _chosen(project: Project, recording: str) -> list[Recording]:
    found = [proposals.recording_named(project, recording)] if recording else list(every_recording(project))
    if not found:
        raise InputError(f"Project {project.path}", "has no recording", "Record or import something first.")
    return found


def stream_of(recording: Recording, name: str) -> str:
    """The stream `name`, or the recording's first that holds samples; DataError when there is none."""
    if name:
        return recording.stream(name).name
    filled = [s.name for s in recording.streams if recording.n_samples.get(s.name)]
    if not filled:
        raise DataError(f"Recording {recording.id!r}", "holds no sample", "Choose another recording.")
    return filled[0]


def with_settings(method: Any, settings: tuple[str, ...]) -> Proposer:
    """The method with "name=value" settings; InputError for a name or value it does not take."""
    known = {f.name: f for f in fields(method)}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in known:
            raise InputError(f"Setting {name!r}", f"is none of {method.name!r}", f"Choose from {', '.join(known)}.")
        try:
            method = replace(method, **{name: _parsed(getattr(method, name), text)})
        except ValueError as e:
            step = f"Write a value like {known[name].default!r}."
            raise InputError(f"Setting {name!r}", f"cannot be {text!r}", step) from e
    check(method)
    found: Proposer = method
    return found


def _parsed(now: Any, text: str) -> Any:
    if isinstance(now, bool):
        if text.lower() not in ("yes", "no", "true", "false", "1", "0"):
            raise ValueError(text)
        return text.lower() in ("yes", "true", "1")
    return type(now)(text)


def _written(recording: Recording, name: str, track: Labels) -> dict[str, Any]:
    """Save one track; the recording is read again, for somebody may have labelled it meanwhile."""
    fresh = load(recording.path)
    save(replace(fresh, labels=fresh.labels | {name: track}))
    seconds = sum(s.stop_s - s.start_s for s in track.segments)
    return {"id": recording.id, "track": name, "n": len(track), "seconds": round(seconds, 3)}
