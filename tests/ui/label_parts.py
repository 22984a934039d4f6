"""What the tests of Label, Data and Train share: a small project on disk, a shell without the window, mouse drags."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6 import QtCore, QtGui
from PySide6.QtCore import QPoint, Qt

from studio.app.session import Session
from studio.data.labels import Labels, Segment
from studio.data.project import create, new_recording_path, save, with_classes
from studio.data.recording import write
from studio.data.stream import Stream
from studio.ui import theme
from studio.ui.heartbeat import Watch

ACCEL = Stream("accel", 50.0, ("x", "y", "z"), "g", "i16", 0.001, "accelerometer")
MIC = Stream("mic", 1000.0, ("sound",), "FS", "i16", 1 / 32768, "microphone")
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def make_project(
    folder: Path,
    recordings: int = 2,
    labels: tuple[Segment, ...] = (),
    seconds: float = 20.0,
    classes: tuple[str, ...] = ("wave", "tap", "idle"),
) -> Path:
    """A project whose first recording carries `labels`; classes wave, tap, idle on the keys 1, 2, 3."""
    path = folder / "project"
    project = create(path, "Wrist")
    save(replace(project, classes=with_classes((), classes)))
    rng = np.random.default_rng(1)
    for i in range(recordings):
        n = round(seconds * 50)
        moved = rng.normal(0, 300, (n, 3)).astype("<i2")
        heard = rng.normal(0, 3000, (round(seconds * 1000), 1)).astype("<i2")
        tracks = {"labels": Labels(labels)} if labels and i == 0 else {}
        write(new_recording_path(project, "session"), [(ACCEL, moved), (MIC, heard)], tracks, subject=str(i + 1))
    return path


def themed(app: Any) -> None:
    """The studio's look, once: restyling all widgets takes a second."""
    if not app.styleSheet():
        theme.start(app)


class BareShell:
    """The window as pages see it, with nothing around it."""

    def __init__(self, path: Path | None) -> None:
        self.session = Session()
        self.device: Any = None
        self.heartbeat: Any = None
        self.went: list[str] = []
        self.said: list[str] = []
        self.errors: list[BaseException] = []
        self.watches: list[Watch] = []
        self.page: Any = None
        if path is not None:
            self.session.open(path)

    def open(self, page: Any) -> None:
        """Do for `page` what the window does."""
        self.page = page
        from studio.app.session import State

        page.changed(State(), self.session.state)
        self.session.watch(lambda old, new: page.changed(old, new))
        page.enter()

    def beat(self) -> None:
        """One heartbeat."""
        self.watches = [w for w in self.watches if w.look()]
        self.page.tick()

    def go(self, page: str) -> None:
        self.went.append(page)

    def say(self, text: str) -> None:
        self.said.append(text)

    def show_error(self, error: BaseException) -> None:
        self.errors.append(error)

    def clear_error(self) -> None:
        self.errors.clear()

    def run(self, job: Any, *, step: Any = None, done: Any = None, failed: Any = None, stopped: Any = None) -> Watch:
        watch = Watch(job, step, done, failed or self.show_error, stopped)
        self.watches.append(watch)
        return watch


def drag(qtbot: Any, view: Any, start: QPoint, stop: QPoint, modifiers: Any = NONE, button: Any = LEFT) -> None:
    """Press, several moves, release: a real drag on `view`'s viewport."""
    port = view.viewport()
    hold(qtbot, view, start, stop, modifiers, button)
    qtbot.mouseRelease(port, button, modifiers, stop)
    qtbot.wait(5)


def hold(qtbot: Any, view: Any, start: QPoint, stop: QPoint, modifiers: Any = NONE, button: Any = LEFT) -> None:
    """A drag whose button is not released yet."""
    port = view.viewport()
    qtbot.mousePress(port, button, modifiers, start)
    for k in range(1, 9):
        x = round(start.x() + (stop.x() - start.x()) * k / 8)
        y = round(start.y() + (stop.y() - start.y()) * k / 8)
        move(port, QPoint(x, y), modifiers, button)
        qtbot.wait(12)  # longer than pyqtgraph's interval between two moves


def move(port: Any, to: QPoint, modifiers: Any, button: Any) -> None:
    """QTest.mouseMove knows no modifiers."""
    place = QtCore.QPointF(port.mapToGlobal(to))
    kind, none = QtCore.QEvent.Type.MouseMove, Qt.MouseButton.NoButton
    event = QtGui.QMouseEvent(kind, QtCore.QPointF(to), place, none, button, modifiers)
    QtCore.QCoreApplication.sendEvent(port, event)
