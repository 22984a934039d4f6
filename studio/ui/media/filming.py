"""A camera filmed without a window: a generator for a process of its own."""

from pathlib import Path
from typing import Any

from PySide6 import QtCore

from studio.errors import LinkError
from studio.progress import Progress, Work
from studio.ui.media.camera import VIRTUAL, Filming, cameras, open_camera

STEP_MS = 40


def film(camera: str, file: str, stop: str) -> Work[dict[str, Any]]:
    """Film until the file `stop` appears; {"frames", "lost"}. "" is the first camera. LinkError when there is none."""
    app = QtCore.QCoreApplication.instance() or QtCore.QCoreApplication([])
    source = open_camera(camera or _first())
    filming = Filming(source, Path(file))
    over: list[bool] = []
    filming.finished.connect(lambda: over.append(True))
    source.start()
    while not over:
        if Path(stop).exists():
            filming.end()
        loop = QtCore.QEventLoop()
        QtCore.QTimer.singleShot(STEP_MS, loop.quit)
        loop.exec()
        yield Progress(0, 0, f"filming, {len(filming.rows)} frames")
    source.stop()
    del app
    if filming.error:
        raise LinkError("The camera", f"was not recorded ({filming.error})", "Record again.")
    return {"frames": len(filming.rows), "lost": filming.lost}


def _first() -> str:
    """The first real camera."""
    for id, _ in cameras():
        if id != VIRTUAL:
            return id
    raise LinkError("camera:", "there is no camera", "Plug one in, or use camera:virtual to try.")
