"""Start the window. Only Qt, pyqtgraph and numpy are imported here; anything heavier belongs to a job's process."""

import sys
from pathlib import Path

import PySide6
from PySide6 import QtWidgets

from studio.app.session import Session
from studio.ui import theme
from studio.ui.report import Reporter
from studio.ui.safe import check_qt
from studio.ui.window import Window


def run(project: Path | None) -> int:
    """Open the window on `project`, or on none; returns the exit code. StudioError when Qt does not fit Python."""
    check_qt(PySide6.__version__)
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
    app.setApplicationName("Sensorsmith Studio")
    window = make_window(app)
    Reporter(window).install()
    if project is not None:
        window.open_project(project)
    window.go("capture")
    window.show()
    return int(app.exec())


def make_window(app: QtWidgets.QApplication) -> Window:
    """A themed window on an empty session."""
    theme.start(app)
    window = Window(Session())
    if geometry := theme.settings().value("geometry"):
        window.restoreGeometry(geometry)
    return window
