"""The video along the axis: in the right place, with the right pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6 import QtCore, QtTest
from pytestqt.qtbot import QtBot

from studio.data.video import VideoTrack
from studio.ui import theme
from studio.ui.media.playhead import Playhead
from studio.ui.media.strip import Axis, FilmStrip
from tests.ui.videos import make_video, number_in


class Shown:
    def __init__(self, file: Path) -> None:
        self.head = Playhead()
        self.head.open(20.0)
        self.axis = Axis(100.0, 900.0, 0.0, 20.0)
        self.strip = FilmStrip(self.head, lambda: self.axis)
        self.strip.resize(1000, 50)
        self.strip.show_video(file, VideoTrack("f.mp4", 4.0, 1.0))
        self.strip.show()

    def fill(self, qtbot: QtBot) -> None:
        """Until every picture in view is there."""

        def full() -> bool:
            self.head.tick()
            places = self.strip.places()
            return bool(places) and all(self.strip.pictures.at(p) is not None for p in places)

        qtbot.waitUntil(full, timeout=15_000)


@pytest.fixture
def shown(qtbot: QtBot, look: theme.Theme, tmp_path: Path) -> Iterator[Shown]:
    made = Shown(make_video(tmp_path / "f.mp4", 200, 25))
    qtbot.addWidget(made.strip)
    yield made
    made.strip.show_video(None, None)
    qtbot.wait(20)


def test_lies_where_the_video_lies(qtbot: QtBot, shown: Shown) -> None:
    qtbot.waitUntil(lambda: shown.strip.pictures.film.ready, timeout=20_000)
    assert shown.strip.span_px == pytest.approx((260.0, 580.0), abs=1)
    shown.strip.show_video(Path(shown.strip.pictures.path), VideoTrack("f.mp4", 10.0, 2.0))
    assert shown.strip.span_px == pytest.approx((500.0, 660.0), abs=1)


def test_pictures_are_of_their_moments(qtbot: QtBot, shown: Shown) -> None:
    shown.fill(qtbot)
    places = shown.strip.places()
    assert places == [0.0, 2.0, 4.0, 6.0]
    for video_s in places:
        image = shown.strip.pictures.at(video_s)
        assert image is not None
        assert number_in(image.scaled(320, 180)) == round(25 * video_s)


def test_zoomed_in_there_are_more_and_only_those_in_view(qtbot: QtBot, shown: Shown) -> None:
    shown.axis = Axis(100.0, 900.0, 5.0, 9.0)
    shown.fill(qtbot)
    assert shown.strip.places() == [0.375 * i for i in range(2, 15)]


def test_while_playing_nothing_is_fetched(qtbot: QtBot, shown: Shown) -> None:
    qtbot.waitUntil(lambda: shown.strip.pictures.film.ready, timeout=20_000)
    shown.head.play()
    for _ in range(10):
        shown.head.tick()
        qtbot.wait(10)
    assert all(shown.strip.pictures.at(p) is None for p in shown.strip.places())


def test_a_click_puts_the_line_there(qtbot: QtBot, shown: Shown) -> None:
    QtTest.QTest.mouseClick(shown.strip, QtCore.Qt.MouseButton.LeftButton, pos=QtCore.QPoint(500, 25))
    assert shown.head.time_s == pytest.approx(10.0)


def test_paints_without_an_axis(qtbot: QtBot, shown: Shown) -> None:
    shown.fill(qtbot)
    before = shown.strip.grab().toImage()
    shown.strip._axis = lambda: None
    assert shown.strip.grab().toImage() != before
    shown.strip.show_video(None, None)
    assert not shown.strip.isVisible()
