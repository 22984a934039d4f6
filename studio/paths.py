"""Where things live on this computer: what ships with the studio, and what it keeps for the user."""

import os
import sys
from pathlib import Path

#: Root of the shipped files (the source tree, or the bundle of a packaged app).
ROOT = Path(getattr(sys, "_MEIPASS", Path(__file__).resolve().parents[1]))
STUBS = ROOT / "firmware_stubs"
RESOURCES = ROOT / "resources"


def home() -> Path:
    """The folder for caches, virtual boards' flash and settings. `SENSORSMITH_HOME` moves it."""
    if given := os.environ.get("SENSORSMITH_HOME"):
        path = Path(given)
    elif sys.platform == "win32":
        path = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "Sensorsmith"
    elif sys.platform == "darwin":
        path = Path.home() / "Library" / "Application Support" / "Sensorsmith"
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sensorsmith"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_atomic(path: Path, content: bytes | str) -> None:
    """Replace `path` in one step: temporary file, fsync, rename. A crash leaves the old file whole."""
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
