"""A camera beside devices on the command line: `--from camera:` with another `--from`.

Qt films in a process of its own, which is told to end by a file; the clock that stamps its frames is this computer's,
the same in every process.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.app.jobs import ProcessJob
from studio.data.frames import camera_track, read_frames
from studio.data.project import open_project
from studio.data.recording import Recording, load, save
from studio.errors import InputError
from studio.progress import Work

SCHEME, FILM, FILE, STOP = "camera:", "studio.ui.media.filming:film", "camera.mp4", "stop"


def parted(urls: list[str]) -> tuple[list[str], str | None]:
    """(URLs of devices, the camera's id or None). InputError for two cameras, or one alone."""
    cameras = [u[len(SCHEME) :] for u in urls if u.startswith(SCHEME)]
    devices = [u for u in urls if not u.startswith(SCHEME)]
    if len(cameras) > 1:
        raise InputError("Two cameras", "were given", "Give one; add the other's file with `studio video` afterwards.")
    if cameras and not devices:
        seen = "is a reference beside sensors, and no sensor was given"
        raise InputError(f"{SCHEME}{cameras[0]}", seen, "Give a device with another --from, such as mic:.")
    return devices, cameras[0] if cameras else None


def filmed(project_path: Path, camera: str, work: Work[dict[str, Any]]) -> Work[dict[str, Any]]:
    """Film from before `work`, a recording, to its end; its result, and under "video" where the film lies."""
    project = open_project(project_path)
    folder = Path(tempfile.mkdtemp(prefix=".camera-", dir=project.recordings_path))
    job = ProcessJob("film", FILM, (camera, str(folder / FILE), str(folder / STOP)))
    try:
        while not job.done and not (folder / FILE).exists():
            yield from job.poll()
            job.join(0.05)
        _raise(job)
        result = yield from work
        (folder / STOP).touch()
        while not job.done:
            yield from job.poll()
            job.join(0.05)
        _raise(job)
        first = result["recordings"][0] if "recordings" in result else result
        changed = attached(load(project.recordings_path / str(first["recording"])), folder / FILE)
        return result | {
            "video": changed.video[-1].plain() | {"frames": job.result["frames"], "lost": job.result["lost"]}
        }
    finally:
        work.close()
        job.stop()
        job.join(5)
        shutil.rmtree(folder, ignore_errors=True)


def attached(recording: Recording, file: Path) -> Recording:
    """Move a film and its frames' times into the recording and place it by them; it is saved."""
    home = recording.path / "video"
    home.mkdir(exist_ok=True)
    for one in (file.with_suffix(".frames"), file):
        shutil.move(one, home / one.name)
    track = camera_track(recording, read_frames(home / file.with_suffix(".frames").name), f"video/{file.name}")
    changed = replace(recording, video=(*recording.video, track))
    save(changed)
    return changed


def _raise(job: ProcessJob) -> None:
    if job.error is not None:
        raise job.error
