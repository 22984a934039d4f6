"""Data quality: what a person should know before training on a recording."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.project import open_project, recordings
from studio.data.recording import Recording
from studio.data.stream import Array, Stream
from studio.progress import Progress, Work

RATE_OFF = 0.01  # share of the nominal rate from which a person should look
SATURATED = 0.001  # share of samples at the end of the scale
FEW_SECONDS = 5.0  # a class with less labelled time will hardly be learnt

Finding = dict[str, str]


def check(project_path: Path) -> Work[dict[str, Any]]:
    """Look at every recording; returns the `check` result. Suspected wrong labels need a later capability: none yet."""
    project = open_project(project_path)
    found, everything = [], recordings(project)
    for i, recording in enumerate(everything):
        yield Progress(i, len(everything), recording.id)
        findings = [f for s in recording.streams for f in stream_findings(recording, s)]
        found.append({"id": recording.id, "findings": findings + label_findings(recording)})
    totals = {"classes": class_seconds(everything), "balance": balance(everything)}
    return {"recordings": found, "suspect_labels": [], **totals}


def stream_findings(recording: Recording, stream: Stream) -> list[Finding]:
    """Rate, gaps, saturation, dead, constant and duplicated channels of one stream."""
    raw = recording.raw(stream.name)
    if len(raw) == 0:
        return [_finding("empty", "error", stream.name, f"{stream.name} holds no sample.")]
    return [*_rate(recording, stream), *_gaps(recording, stream), *_channels(stream, raw)]


def _rate(recording: Recording, stream: Stream) -> list[Finding]:
    measured = recording.measured_rate_hz(stream.name)
    if not measured or abs(measured / stream.rate_hz - 1) <= RATE_OFF:
        return []
    text = f"{stream.name} came at {measured:.2f} Hz where the device says {stream.rate_hz:g} Hz."
    return [_finding("rate", "warning", stream.name, text)]


def _gaps(recording: Recording, stream: Stream) -> list[Finding]:
    gaps = recording.gaps.get(stream.name, ())
    if not gaps:
        return []
    lost, total = sum(n for _, n in gaps), recording.n_samples[stream.name]
    severity = "error" if lost > 0.05 * total else "warning"
    where = f"{gaps[0][0] / stream.rate_hz:.2f} s"
    text = f"{stream.name} lost {lost} of {total} samples in {len(gaps)} gaps, the first at {where}."
    return [_finding("gaps", severity, stream.name, text)]


def _channels(stream: Stream, raw: Array) -> list[Finding]:
    found = []
    for i, name in enumerate(stream.channels):
        x = np.asarray(raw[:, i])
        where = f"{stream.name}.{name}"
        if np.all(x == x[0]):
            kind = "dead" if x[0] == 0 else "constant"
            text = f"{where} is {x[0] * stream.scale:g} {stream.unit} throughout."
            found.append(_finding(kind, "error", where, text))
            continue
        found += _saturation(where, x)
        twins = [stream.channels[j] for j in range(i) if np.array_equal(x, raw[:, j])]
        if twins:
            found.append(_finding("duplicate", "error", where, f"{where} equals {twins[0]} in every sample."))
    return found


def _saturation(where: str, x: npt.NDArray[Any]) -> list[Finding]:
    """Samples at the ends of their integer type; of floats, whose ends are unknown, flat tops at the extremes."""
    if x.dtype.kind == "i":
        share = float(np.isin(x, (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)).mean())
    else:
        share = max(_flat(x == x.max()), _flat(x == x.min()))
    if share < SATURATED or len(x) < 100:
        return []
    return [_finding("saturation", "warning", where, f"{where} is at the end of its scale in {share:.1%} of samples.")]


def _flat(at_end: npt.NDArray[np.bool_]) -> float:
    """Share of samples that lie in runs of at least three."""
    middle = at_end[:-2] & at_end[1:-1] & at_end[2:]
    return float(middle.mean()) if len(middle) else 0.0


def label_findings(recording: Recording) -> list[Finding]:
    """Labels that reach past the recording's end, and recordings without any."""
    segments = [s for t in recording.labels.values() for s in t.segments]
    if not segments:
        return [_finding("unlabelled", "note", "labels", "Nothing in this recording is labelled.")]
    end = recording.duration_s
    return [
        _finding("label", "error", f"{s.start_s:.2f} s", f"{s.label!r} ends at {s.stop_s:.2f} s, past the end.")
        for s in segments
        if s.stop_s > end + 1e-6
    ]


def class_seconds(everything: tuple[Recording, ...]) -> dict[str, float]:
    """Labelled seconds of each class."""
    seconds: dict[str, float] = defaultdict(float)
    for s in (s for r in everything for t in r.labels.values() for s in t.segments):
        seconds[s.label] += s.stop_s - s.start_s
    return {k: round(v, 3) for k, v in sorted(seconds.items())}


def balance(everything: tuple[Recording, ...]) -> list[Finding]:
    """Classes with too little labelled time."""
    return [
        _finding("balance", "warning", label, f"Class {label!r} has {s:.1f} s of labels; record more of it.")
        for label, s in class_seconds(everything).items()
        if s < FEW_SECONDS
    ]


def _finding(kind: str, severity: str, where: str, text: str) -> Finding:
    return {"kind": kind, "severity": severity, "where": where, "text": text}
