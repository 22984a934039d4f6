"""Record a live source, label what is already known, and say what was lost."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.app.live import Connection
from studio.data import recording as files
from studio.data.labels import Labels, Segment
from studio.data.project import open_project
from studio.data.recording import Recording
from studio.data.stream import Stream
from studio.progress import Progress, Work
from studio.sources.acquire import BY_HOST
from studio.sources.clients.client import Loss

#: A device that stays away for so long ends the recording.
AWAY_S = 60.0


def record(
    project_path: Path,
    url: str,
    seconds: float = 10.0,
    label: str = "",
    subject: str = "",
    streams: tuple[str, ...] = (),
    reconnect: bool = False,
) -> Work[dict[str, Any]]:
    """Record `seconds` of device time from `url` into the project; returns the `record` result.

    `streams` limits it to those names. What arrived before an error stays recorded. With `reconnect`, a device that
    was lost is looked for, up to AWAY_S at a time.
    """
    project = open_project(project_path)
    yield Progress(0, seconds, f"opening {url}")
    connection = Connection(url, streams, start=False, reconnect=reconnect)
    try:
        connection.wait()
        connection.start_recording(project, subject, label)  # before the first sample, so that none is missing
        connection.start()
        yield from _until(connection, seconds)
        stats = connection.stats
        loss = connection.loss
        recording = connection.stop_recording()
    finally:
        connection.close()
    return result(recording, stats, loss)


def _until(connection: Connection, seconds: float) -> Work[None]:
    """Wait until every stream holds `seconds`, by the device's own count; raises when the device goes away."""
    while True:
        ends = [ring.end / ring.stream.rate_hz for ring in connection.sensor_rings]  # counted from START
        done = min(ends, default=0.0)
        yield Progress(min(done, seconds), seconds, f"recording {min(done, seconds):.1f} of {seconds:g} s")
        if done >= seconds:
            return
        error = connection.error or connection.recording_error
        if connection.away_s > AWAY_S:
            error = connection.trouble
        if error is not None:
            connection.stop_recording()
            raise error
        time.sleep(0.02)


def result(recording: Recording, stats: dict[str, Any], loss: Loss = Loss.EXACT) -> dict[str, Any]:
    """The `record` result of the command line; `loss` is what the device's protocol can know."""
    streams = [_stream_result(recording, s) for s in recording.streams]
    known = all(joint["known"] for s in streams for joint in s["joints"])
    link = {k: stats.get(k, 0) for k in ("packets", "bad_packets", "bytes")}
    return {"recording": recording.id, "streams": streams, "link": link} | {
        "loss_known": loss == Loss.EXACT and known,
        "loss": str(loss),
        "damage_known": bool(recording.device.get("checked", True)),
    }


def _stream_result(recording: Recording, stream: Stream) -> dict[str, Any]:
    gaps = recording.gaps.get(stream.name, ())
    return {
        "name": stream.name,
        "rate_hz": stream.rate_hz,
        "measured_rate_hz": recording.measured_rate_hz(stream.name),
        "n_samples": recording.n_samples[stream.name],
        "lost_samples": int(sum(count for _, count in gaps)),
        "gaps": [[int(start), int(count)] for start, count in gaps],
        "joints": joints_of(recording, stream.name),
    }


def joints_of(recording: Recording, name: str) -> list[dict[str, Any]]:
    """Where the connection was lost and found again in stream `name`, and who told how much is missing before."""
    found = [joint for joint in recording.device.get("joints", []) if joint[0] == name]
    return [{"index": i, "count": n, "by": by, "known": by != BY_HOST} for _, i, n, by in found]


def label_from_truth(recording: Recording, truth: Labels) -> Recording:
    """Write the script of a virtual person into the recording as its labels, as far as the recording reaches."""
    end_s, track = recording.duration_s, Labels()
    for s in truth.segments:
        if s.start_s < end_s:
            track = track.add(Segment(s.start_s, min(s.stop_s, end_s), s.label))
    labelled = replace(recording, labels=recording.labels | {"labels": track})
    files.save(labelled)
    return labelled
