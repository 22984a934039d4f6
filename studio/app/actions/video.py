"""A video comes to a recording: copied or linked, and placed on its time axis.

Only the window's room knows Qt, which decodes; so the curves of a file are made by its generator, by name, in a
process of its own.
"""

import math
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.app.jobs import ProcessJob
from studio.data.project import open_project
from studio.data.project import recordings as all_recordings
from studio.data.raw import disk_error
from studio.data.recording import Recording, save
from studio.data.stream import Stream
from studio.data.video import Alignment, Curve, VideoTrack, align_claps, align_curves, curve, swing
from studio.errors import DataError, InputError
from studio.progress import Progress, Work

DECODE = "studio.ui.media.decode:activity"
ABOUT = "studio.ui.media.decode:about"
WAYS = ("clap", "correlate", "motion")
SOUND_HZ = 4000.0
BLOCK, COPY = 1 << 18, 1 << 22


def video(project_path: Path, recording_id: str, file: Path, how: str = "", link: bool = False) -> Work[dict[str, Any]]:
    """Give a recording the video `file`, placed by `how`: one of WAYS, or the second at which it begins ("" is 0).

    Returns {"recording", "video", "start_s", "rate", "score", "found", "seconds", "frame_rate_hz"}. InputError for what
    is not there or cannot be placed; then nothing is changed.
    """
    start_s = _seconds(how)
    recording = _recording(project_path, recording_id)
    _exists(file)
    facts = yield from decoded(ABOUT, str(file.resolve()))
    found = Alignment(start_s or 0.0, 1.0, 1.0, 0)
    if start_s is None:
        found = yield from aligned(recording, file.resolve(), how)
    track = yield from brought(recording, file, link)
    track = replace(track, start_s=found.start_s, rate=found.rate)
    save(with_video(recording, track))
    said = {"recording": recording.id, "video": track.file, "start_s": track.start_s, "rate": track.rate}
    said |= {"score": found.score, "found": found.found}
    return said | {"seconds": facts["seconds"], "frame_rate_hz": facts["frame_rate_hz"]}


def brought(recording: Recording, file: Path, link: bool = False) -> Work[VideoTrack]:
    """The video's track, its file copied into the recording's folder, or linked where it is."""
    _exists(file)
    name = re.sub(r"[^\w.\- ]+", "-", file.stem)[:60]
    if link:
        return VideoTrack(str(file.resolve()), name=name)
    target = recording.path / "video" / f"{name}{file.suffix.lower()}"
    number = 2
    while target.exists():
        target = target.with_name(f"{name}-{number}{file.suffix.lower()}")
        number += 1
    yield from _copied(file, target)
    return VideoTrack(target.relative_to(recording.path).as_posix(), name=name)


def with_video(recording: Recording, track: VideoTrack, at: int | None = None) -> Recording:
    """The recording with one more video, or with another one at place `at`."""
    videos = list(recording.video)
    videos[slice(len(videos), None) if at is None else slice(at, at + 1)] = [track]
    return replace(recording, video=tuple(videos))


def aligned(recording: Recording, file: Path, how: str) -> Work[Alignment]:
    """Where `file` lies on the recording's time axis, found by `how`. DataError when it cannot be told."""
    if how not in WAYS:
        raise InputError(f"The way {how!r}", "is not known", f"Choose from {', '.join(WAYS)}, or give seconds.")
    stream = heard_or_felt(recording, how)
    by_sound = how == "clap" or (how == "correlate" and stream.rate_hz >= SOUND_HZ)
    seen, _ = yield from decoded(DECODE, str(file), "sound" if by_sound else "motion")
    yield Progress(0, 0, f"comparing with {stream.name}")
    if how == "clap":
        return align_claps(seen, curve(blocks(recording, stream), stream.rate_hz))
    mine: Curve = (curve if by_sound else swing)(blocks(recording, stream), stream.rate_hz)
    return align_curves(seen, mine)


def heard_or_felt(recording: Recording, how: str) -> Stream:
    """The stream that a video is compared with: sound, else acceleration; acceleration first for motion."""
    there = [s for s in recording.streams if recording.n_samples[s.name] and s.kind not in ("scores", "decision")]
    sound = [s for s in there if s.rate_hz >= SOUND_HZ]
    felt = [s for s in there if s.kind in ("accelerometer", "imu")] or [s for s in there if s not in sound]
    order = [*felt, *sound] if how == "motion" else [*sound, *felt]
    if not order:
        raise DataError(f"Recording {recording.id!r}", "holds no samples", "Place the video by hand.")
    return order[0]


def blocks(recording: Recording, stream: Stream) -> Iterator[npt.NDArray[np.float32]]:
    """The stream's samples in its unit, block by block; NaN inside gaps."""
    for start in range(0, recording.n_samples[stream.name], BLOCK):
        yield recording.values(stream.name, start, start + BLOCK)


def decoded(target: str, *args: str) -> Work[Any]:
    """What a generator of the decoder returns, run in a process of its own, which ends when this is given up."""
    job = ProcessJob("read video", target, args)
    try:
        while not job.done:
            yield from job.poll()
            job.join(0.05)
    finally:
        if not job.done:
            job.stop()
            job.join(5)
    if job.error is not None:
        raise job.error
    return job.result


def _exists(file: Path) -> None:
    if not file.is_file():
        raise DataError(str(file), "there is no such file", "Check the name and the folder.")


def _copied(file: Path, target: Path) -> Work[None]:
    part, total, done = target.with_name(target.name + ".part"), file.stat().st_size, 0
    try:
        target.parent.mkdir(exist_ok=True)
        with open(file, "rb") as source, open(part, "wb") as copy:
            while block := source.read(COPY):
                copy.write(block)
                done += len(block)
                yield Progress(done, total, f"copying {file.name}")
            copy.flush()
            os.fsync(copy.fileno())
        shutil.copystat(file, part)
        os.replace(part, target)
    except OSError as e:
        raise disk_error(target, e) from e
    finally:
        part.unlink(missing_ok=True)


def _seconds(how: str) -> float | None:
    """The second that `how` names, or None when it names a way."""
    if how in WAYS:
        return None
    try:
        found = float(how or 0)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InputError(
            "Option --align", repr(how), f"Give {', '.join(WAYS)}, or the second at which the video begins."
        )
    return found


def _recording(project_path: Path, recording_id: str) -> Recording:
    known = all_recordings(open_project(project_path))
    for recording in known:
        if recording.id == recording_id:
            return recording
    names = ", ".join(r.id for r in known[:8]) or "none"
    raise InputError(f"Recording {recording_id!r}", "is not in the project", f"It has {names}.")
