"""Data quality: what a person should know before training on a recording."""

import contextlib
from collections import defaultdict
from pathlib import Path
from typing import Any

from studio.app.actions.record import joints_of
from studio.app.suspects import suspects
from studio.data import seal
from studio.data.certificate import Certificate, certificate
from studio.data.labels import Labels
from studio.data.project import open_project, recordings
from studio.data.recording import Recording
from studio.data.stream import Stream
from studio.errors import DataError
from studio.progress import Progress, Work

RATE_OFF = 0.01  # share of the nominal rate from which a person should look
CLOCK_PPM = 200.0  # no crystal is so far off
FEW_SECONDS = 5.0  # a class with less labelled time will hardly be learnt

Finding = dict[str, str]


def check(project_path: Path, labels: bool = False) -> Work[dict[str, Any]]:
    """Look at every recording; returns the `check` result.

    Looking for wrong labels trains forests, which takes a while and brings in scikit-learn: only when asked for.
    """
    project = open_project(project_path)
    found, everything = [], recordings(project)
    for i, recording in enumerate(everything):
        yield Progress(i, len(everything), recording.id)
        whole, simulated = certificates(recording), recording.simulated
        findings = [f for c in whole for f in findings_of(c, simulated)]
        findings += joint_findings(recording) + label_findings(recording) + seal_findings(recording)
        found.append({"id": recording.id, "findings": findings, "certificate": [c.plain() for c in whole]})
    totals = {"classes": class_seconds(everything), "balance": balance(everything)}
    totals |= {"manifest_sha256": seal.manifest(r.path for r in everything)}
    doubtful, why = (yield from _suspects(project_path)) if labels else ([], "not asked for")
    return {"recordings": found, "suspect_labels": doubtful, "labels_unchecked": why, **totals}


def seal_findings(recording: Recording) -> list[Finding]:
    """Files whose samples are not those that were recorded. What has no seal gets one now, and counts from here on."""
    if not seal.is_sealed(recording.path):
        with contextlib.suppress(OSError):  # what may only be read stays as it is
            seal.seal(recording.path)
    wrong = seal.what_is_wrong(recording.path)
    return [_finding("tampered", "error", name, f"{name} {text}: it was changed afterwards.") for name, text in wrong]


def _suspects(project_path: Path) -> Work[tuple[list[dict[str, Any]], str]]:
    """Labels that are probably wrong, and why none could be judged when so."""
    try:
        judged = yield from suspects(project_path)
    except DataError as e:
        return [], str(e)
    flagged = [row for row in judged["labels"] if row["flagged"]]
    return [{key: row[key] for key in row if key != "flagged"} for row in flagged], ""


def certificates(recording: Recording) -> list[Certificate]:
    """One per stream."""
    return [certificate(recording, s.name) for s in recording.streams]


def stream_findings(recording: Recording, stream: Stream) -> list[Finding]:
    """Rate, clock, gaps, saturation, stuck, dead, constant and duplicated channels of one stream."""
    return findings_of(certificate(recording, stream.name), recording.simulated)


def findings_of(found: Certificate, simulated: bool = False) -> list[Finding]:
    """What in a certificate a person should know; a simulated device's clock is nobody's fault."""
    name = found.stream.name
    if found.n_samples == 0:
        return [_finding("empty", "error", name, f"{name} holds no sample.")]
    clock = [] if simulated else _clock(found)
    return [*_rate(found), *clock, *_gaps(found), *_channels(found)]


def _rate(found: Certificate) -> list[Finding]:
    if found.rate_off <= RATE_OFF:
        return []
    stream, rate = found.stream, found.rate
    text = f"{stream.name} came at {rate.hz:.2f} ± {rate.error_hz:.2g} Hz where the device says {stream.rate_hz:g} Hz."
    return [_finding("rate", "warning", stream.name, text)]


def _clock(found: Certificate) -> list[Finding]:
    line = found.clock
    if line is None or found.rate_off > RATE_OFF or abs(line.clock_ppm) - line.ppm_error <= CLOCK_PPM:
        return []
    fast = "fast" if line.clock_ppm > 0 else "slow"
    text = f"The device's clock is {abs(line.clock_ppm):.0f} ± {line.ppm_error:.0f} ppm {fast} by this computer's."
    return [_finding("clock", "note", found.stream.name, text)]


def _gaps(found: Certificate) -> list[Finding]:
    if not found.gaps:
        return []
    stream, total = found.stream, found.n_samples
    severity = "error" if found.lost > 0.05 * total else "warning"
    where = f"{found.gaps[0][0] / stream.rate_hz:.2f} s"
    text = f"{stream.name} lost {found.lost} of {total} samples in {len(found.gaps)} gaps, the first at {where}."
    return [_finding("gaps", severity, stream.name, text)]


def joint_findings(recording: Recording) -> list[Finding]:
    """Where the connection was lost while recording, and whether the device told how much is missing there."""
    findings = []
    for name in {str(joint[0]): None for joint in recording.device.get("joints", [])}:
        joints = [j for j in joints_of(recording, name) if j["index"] <= recording.n_samples.get(name, 0)]
        guessed = sum(not joint["known"] for joint in joints)
        text = f"{name}: the connection was lost and found again {_times(len(joints))}."
        if guessed:
            text += f" How much is missing is told by this computer's clock {_times(guessed)}: the device did not know."
        if joints:
            findings.append(_finding("joint", "warning" if guessed else "note", name, text))
    return findings


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _channels(found: Certificate) -> list[Finding]:
    return [finding for channel in found.stream.channels for finding in _channel(found, channel)]


def _channel(found: Certificate, channel: str) -> list[Finding]:
    stream, where = found.stream, f"{found.stream.name}.{channel}"
    if (value := found.constant.get(channel)) is not None:
        kind = "dead" if value == 0 else "constant"
        return [_finding(kind, "error", where, f"{where} is {value:g} {stream.unit} throughout.")]
    findings = []
    if share := found.saturated.get(channel):
        text = f"{where} is at the end of its scale in {share:.1%} of samples."
        findings.append(_finding("saturation", "warning", where, text))
    if spans := found.stuck.get(channel):
        start, n = spans[0][0] / stream.rate_hz, sum(count for _, count in spans) / stream.rate_hz
        text = f"{where} stays at one value for {n:.2f} s, first at {start:.2f} s."
        findings.append(_finding("stuck", "warning", where, text))
    if twin := dict(found.duplicates).get(channel):
        findings.append(_finding("duplicate", "error", where, f"{where} equals {twin} in every sample."))
    return findings


def label_findings(recording: Recording) -> list[Finding]:
    """Labels that reach past the recording's end, and recordings without any."""
    segments = [s for t in recording.labels.values() for s in t.segments]
    if not recording.labels.get("labels"):
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
    for s in (s for r in everything for s in r.labels.get("labels", Labels()).segments):
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
