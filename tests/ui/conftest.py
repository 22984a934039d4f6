"""A window for tests: offscreen, so that it needs no display and takes no focus; with a home of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

if sys.platform.startswith("linux"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from studio.app.session import Session
from studio.data.labels import Labels, Segment
from studio.data.project import LabelClass, create, new_recording_path, save, with_classes
from studio.data.recording import write
from studio.data.stream import Stream
from studio.ui import theme
from studio.ui.device import Device
from studio.ui.window import Window
from tests.ui.fakes import FakeBoard

ACC = Stream("acc", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")


@pytest.fixture(autouse=True)
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of a test never reach the user's own; a test with real boards also keeps the compiler's cache."""
    if "own_home" in request.fixturenames:
        found = request.getfixturevalue("own_home")
        assert isinstance(found, Path)
        return found
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("SENSORSMITH_HOME", str(path))
    return path


@pytest.fixture
def look(qapp: QtWidgets.QApplication, home: Path) -> theme.Theme:
    """The dark theme on the app."""
    theme.settings().setValue("theme", "dark")
    return theme.start(qapp)


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    """A project with two classes and one labelled recording of ten seconds."""
    project = create(tmp_path / "gestures", "Gestures")
    classes: tuple[LabelClass, ...] = with_classes((), ["wave", "idle"])
    save(type(project)(project.path, project.name, classes))
    t = np.arange(1000) / 100
    raw = np.stack([2000 * np.sin(t * k) for k in (3, 5, 7)], 1).astype("<i2")
    track = Labels((Segment(1.0, 3.0, "wave"), Segment(4.0, 6.0, "idle")))
    write(new_recording_path(project, "wave"), [(ACC, raw)], {"labels": track}, subject="ann")
    return project.path


@pytest.fixture
def board() -> FakeBoard:
    """What a FakeConnection of the window's device talks to."""
    return FakeBoard()


@pytest.fixture
def window(qtbot: QtBot, look: theme.Theme, board: FakeBoard) -> Iterator[Window]:
    """A visible window on an empty session, whose device is a fake."""
    made = Window(Session(), Device(board.connect))
    made.go("capture")
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()
    made.deleteLater()
    QtCore.QCoreApplication.sendPostedEvents(made, QtCore.QEvent.Type.DeferredDelete.value)
