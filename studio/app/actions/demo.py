"""The whole loop on a virtual board: record, label, train, quantize, render, build, flash, verify, live scores.

Ten virtual people move the board after a script, so what they did is known to the sample and becomes the labels;
the live part shows the board a person that no model has seen.
"""

from pathlib import Path
from typing import Any

from studio.app.actions.build import build
from studio.app.actions.flash import flash, verify
from studio.app.actions.monitor import monitor
from studio.app.actions.record import label_from_truth, record, result
from studio.app.actions.train import TrainSettings, train
from studio.app.links import MOTION_SECONDS
from studio.data.motion import motion
from studio.data.project import create, open_project, recordings
from studio.data.recording import load
from studio.firmware.board import boards
from studio.paths import home
from studio.progress import Progress, Work

PEOPLE = tuple(range(1, 11))  # seeds of the virtual people who are recorded
STRANGER = 99  # the one who tries the model
SECONDS = 40.0
RECORD_SPEED = 16.0  # the virtual board's clock against ours while recording
LIVE_SECONDS = 30.0
LIVE_SPEED = 2.0


def demo_folder() -> Path:
    """Where the demo project lies unless a folder is given."""
    return home() / "demo"


def default_board() -> str:
    """The emulated Cortex-M4F where the emulator is installed, else this computer as a board."""
    from studio.firmware.virtual import emulator_installed

    return "cortex-m4f" if emulator_installed() else "host"


def demo(folder: Path, board: str = "", seed: int = 0) -> Work[dict[str, Any]]:
    """Run the loop in `folder` (made when it is not there); returns the `demo` result."""
    board = board or default_board()
    _made(folder)
    recorded = yield from _labelled_people(folder, board)
    yield Progress(0, 0, "training")
    trained = yield from train(folder, TrainSettings(board=board, seed=seed, minutes=2.0, trials=4))
    yield Progress(0, 0, f"building {trained['model']} for {board}")
    built = yield from build(folder, trained["model"], board)
    image = next(Path(f) for f in built["files"] if f.endswith(".bin"))
    flashed = yield from flash(image, f"virtual:{board}")
    verified = yield from verify(folder, trained["model"], f"virtual:{board}", 200)
    truth = motion(MOTION_SECONDS, boards()[board].streams[0].rate_hz, STRANGER)[1]
    live = yield from monitor(f"virtual:{board}?seed={STRANGER}&speed={LIVE_SPEED:g}", LIVE_SECONDS, truth)
    names = ("record", "train", "build", "flash", "verify", "live")
    return dict(zip(names, (recorded, trained, built, flashed, verified, live), strict=True))


def ready_demo(folder: Path) -> Work[Path]:
    """The demo project for the window: recorded on the virtual board when it is not there yet."""
    _made(folder)
    yield from _labelled_people(folder, default_board())
    return folder


def _made(folder: Path) -> None:
    if not (folder / "project.json").exists():
        create(folder, "Gestures")


def _labelled_people(folder: Path, board: str) -> Work[dict[str, Any]]:
    """Record every virtual person who is not there yet, and label what the script says; the last `record` result."""
    sensor = boards()[board].streams[0]
    project = open_project(folder)
    there = {r.subject: r for r in recordings(project) if r.labels}
    found: dict[str, Any] = {}
    for seed in PEOPLE:
        name = f"person-{seed:02d}"
        if name in there:
            found = result(there[name], {})
            continue
        url = f"virtual:{board}?seed={seed}&speed={RECORD_SPEED:g}"
        yield Progress(0, 0, f"recording person {seed} of {len(PEOPLE)} from {url}")
        found = yield from record(folder, url, SECONDS, subject=name, streams=(sensor.name,))
        recording = load(project.path / "recordings" / found["recording"])
        label_from_truth(recording, motion(MOTION_SECONDS, sensor.rate_hz, seed)[1])
    return found
