"""QtMultimedia is an extra of its own; who needs it asks here, and is told what to install."""

import importlib.util
import sys
from typing import Any

from PySide6 import QtCore

from studio.errors import StudioError

#: What FFmpeg says of every file it opens belongs on nobody's terminal.
QUIET = "qt.multimedia.*=false"
INSTALL = "pip install sensorsmith-studio[video]"


def installed() -> bool:
    """Whether the package is there, without loading it."""
    return importlib.util.find_spec("PySide6.QtMultimedia") is not None


def multimedia() -> Any:
    """The module PySide6.QtMultimedia. StudioError when it is not there, or the system lacks what it needs."""
    try:
        if "PySide6.QtMultimedia" not in sys.modules:
            QtCore.QLoggingCategory.setFilterRules(QUIET)
        import PySide6.QtMultimedia as found  # in full, so that a frozen app holds it

        return found
    except ModuleNotFoundError as e:
        raise StudioError("Video and sound", "QtMultimedia is not installed", f"Run `{INSTALL}`.") from e
    except ImportError as e:
        step = "Install it: on Debian and Ubuntu `sudo apt install libpulse0 libxrandr2`."
        raise StudioError("Video and sound", f"QtMultimedia lacks a library of the system ({e})", step) from e
