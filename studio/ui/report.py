"""Faults of the studio itself: shown with a report that can be copied, written to a file, never swallowed."""

import faulthandler
import platform
import sys
import threading
import traceback
from types import TracebackType
from typing import TextIO

import numpy as np
import pyqtgraph as pg
import PySide6
from PySide6 import QtCore, QtGui, QtWidgets

from studio import __version__
from studio.errors import StudioError
from studio.paths import home
from studio.ui.widgets import button, columns, label, named

_crash_log: list[TextIO] = []


def report_text(error: BaseException) -> str:
    """Versions and traceback: what whoever mends it needs to know."""
    made = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    versions = (
        f"Sensorsmith Studio {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"PySide6 {PySide6.__version__}, pyqtgraph {pg.__version__}, numpy {np.__version__}\n"
    )
    return versions + "\n" + made


class ReportDialog(QtWidgets.QDialog):
    """Says that the studio has a fault, and lets the report be copied."""

    def __init__(self, error: BaseException, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something unexpected happened")
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(680, 420)
        self.text = named(QtWidgets.QPlainTextEdit(report_text(error)), "report_text", "Report")
        self.text.setReadOnly(True)
        close = button("report_close", "Close", self.close, kind="primary")
        row = columns(button("report_copy", "Copy report", self.copy, icon="copy"), close)
        row.insertStretch(0)
        words = f"{type(error).__name__}: {error}"
        advice = "This is a fault in the studio. Your recordings and labels are saved. Copy the report and send it in."
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(10)
        for widget in (label(words, "title", wrap=True), label(advice, "dim", wrap=True), self.text):
            layout.addWidget(widget)
        layout.addLayout(row)

    def copy(self) -> None:
        """The report to the clipboard."""
        QtGui.QGuiApplication.clipboard().setText(self.text.toPlainText())


class Reporter(QtCore.QObject):
    """Takes exceptions nobody caught, from any thread: a StudioError goes to the banner, anything else is a dialog."""

    _raised = QtCore.Signal(object)

    def __init__(self, window: QtWidgets.QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._raised.connect(self._show)

    def install(self) -> None:
        """Become the hook of Python, its threads, and of crashes in C code."""
        sys.excepthook = self.hook
        threading.excepthook = lambda args: self.hook(args.exc_type, args.exc_value, args.exc_traceback)
        if not _crash_log:
            _crash_log.append(open(home() / "crash.log", "a", encoding="utf-8"))  # noqa: SIM115 - open for good
            faulthandler.enable(_crash_log[0])

    def hook(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        """sys.excepthook's part."""
        if error is None or issubclass(kind, (KeyboardInterrupt, SystemExit)):
            QtCore.QCoreApplication.quit()
            return
        if not isinstance(error, StudioError):
            print(report_text(error), file=sys.stderr or _crash_log[0])
        self._raised.emit(error)

    def _show(self, error: BaseException) -> None:
        if isinstance(error, StudioError):
            self._window.show_error(error)
        elif not self._window.findChildren(
            ReportDialog
        ):  # a fault in every frame shows one dialog, not thirty a second
            ReportDialog(error, self._window).show()
