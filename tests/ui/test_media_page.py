"""Sound and video on the Label page, by its keys."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6 import QtCore, QtTest
from pytestqt.qtbot import QtBot

from studio.data.recording import load, save
from studio.data.video import VideoTrack
from studio.ui.pages.label import LabelPage
from studio.ui.window import Window
from tests.ui.videos import make_video, number_in

Key = QtCore.Qt.Key


@pytest.fixture
def page(qtbot: QtBot, window: Window, project_path: Path) -> Iterator[LabelPage]:
    """A recording of ten seconds with a video of four that begins at 2 s."""
    folder = next((project_path / "recordings").iterdir())
    (folder / "video").mkdir()
    make_video(folder / "video" / "desk.mp4", 100, 25)
    save(replace(load(folder), video=(VideoTrack("video/desk.mp4", 2.0, 1.0, "desk"),)))
    window.open_project(project_path)
    window.go("label")
    found = window.pages["label"]
    assert isinstance(found, LabelPage)
    qtbot.waitUntil(lambda: found.media.pane.film.ready, timeout=20_000)
    yield found
    found.media.close()
    found.media.pane.close_video()
    qtbot.wait(20)


def shown(page: LabelPage) -> int:
    image = page.media.pane.picture.image
    return number_in(image) if image is not None and not image.isNull() else -1


def test_the_video_is_beside_the_signal_and_follows_the_line(qtbot: QtBot, page: LabelPage) -> None:
    assert page.media.pane.isVisible()
    page.playhead.seek(3.5)
    qtbot.waitUntil(lambda: shown(page) == 37, timeout=20_000)
    for key, number in ((Key.Key_E, 38), (Key.Key_E, 39), (Key.Key_W, 38)):
        QtTest.QTest.keyClick(page, key)
        qtbot.waitUntil(lambda n=number: shown(page) == n, timeout=20_000)
    assert page.playhead.time_s == pytest.approx(2.0 + 38 / 25, abs=0.002)


def test_space_plays_and_the_picture_moves(qtbot: QtBot, page: LabelPage) -> None:
    page.playhead.seek(2.5)
    QtTest.QTest.keyClick(page, Key.Key_Space)
    assert page.playhead.playing
    qtbot.waitUntil(lambda: shown(page) > 20, timeout=20_000)
    QtTest.QTest.keyClick(page, Key.Key_Space)
    assert not page.playhead.playing


def test_hold_and_match_by_keys(qtbot: QtBot, page: LabelPage) -> None:
    page.playhead.seek(3.0)
    qtbot.waitUntil(lambda: shown(page) == 25, timeout=20_000)
    QtTest.QTest.keyClick(page, Key.Key_D)
    page.playhead.seek(5.5)
    QtTest.QTest.keyClick(page, Key.Key_D, QtCore.Qt.KeyboardModifier.ShiftModifier)
    recording = page.shell.session.state.open_recording
    assert recording is not None
    assert recording.video[0].start_s == pytest.approx(4.5, abs=0.002)
    assert page.shell.session.undo_text == "Match video"


def test_another_page_is_silent(qtbot: QtBot, page: LabelPage, window: Window) -> None:
    page.playhead.play()
    window.go("data")
    assert not page.playhead.playing
