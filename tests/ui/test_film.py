"""The picture is the one of the playhead's moment: numbered frames tell."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from studio.data.video import VideoTrack
from studio.ui.media.film import Film
from studio.ui.media.playhead import Playhead
from tests.ui.videos import make_video, number_in

START_S, FPS = 1.5, 25.0


@pytest.fixture(scope="module")
def file(qapp: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("film") / "f.mp4", 150, FPS)


class Show:
    def __init__(self, file: Path, track: VideoTrack | None = None) -> None:
        self.head = Playhead()
        self.head.open(20.0)
        self.film = Film(self.head)
        self.seen: list[tuple[int, float]] = []
        self.film.framed.connect(self._came)
        self.film.open(file, track or VideoTrack("f.mp4", START_S))

    def _came(self, frame: Any) -> None:
        self.seen.append((number_in(frame.toImage()), self.head.now_s))

    @property
    def number(self) -> int:
        return self.seen[-1][0] if self.seen else -1


@pytest.fixture
def shown(qtbot: QtBot, file: Path) -> Iterator[Show]:
    show = Show(file)
    qtbot.waitUntil(lambda: show.film.ready and bool(show.seen), timeout=20_000)
    yield show
    show.film.close()
    qtbot.wait(20)


def until(qtbot: QtBot, show: Show, true: Callable[[], bool]) -> None:
    def look() -> bool:
        show.head.tick()
        return true()

    qtbot.waitUntil(look, timeout=20_000)


@pytest.mark.parametrize("number", [0, 1, 7, 8, 73, 149])
def test_shows_the_frame_of_the_moment(qtbot: QtBot, shown: Show, number: int) -> None:
    shown.head.seek(START_S + (number + 0.4) / FPS)
    until(qtbot, shown, lambda: shown.number == number)
    assert shown.film.frame_s == pytest.approx(number / FPS, abs=1e-4)


def test_a_clock_that_runs_faster(qtbot: QtBot, shown: Show, file: Path) -> None:
    shown.film.open(file, VideoTrack("f.mp4", -1.0, 1.1))
    shown.head.seek(3.0)
    until(qtbot, shown, lambda: shown.number == 110)


def test_steps_frame_by_frame(qtbot: QtBot, shown: Show) -> None:
    shown.head.seek(START_S + 2.013)
    until(qtbot, shown, lambda: shown.number == 50)
    for frames, number in ((1, 51), (1, 52), (-1, 51), (-1, 50), (-1, 49), (10, 59)):
        shown.film.step(frames)
        until(qtbot, shown, lambda n=number: shown.number == n)
        assert shown.head.time_s == pytest.approx(START_S + number / FPS, abs=0.002)


def test_a_held_picture_lets_the_playhead_go(qtbot: QtBot, shown: Show) -> None:
    shown.head.seek(START_S + 1.0)
    until(qtbot, shown, lambda: shown.number == 25)
    shown.film.hold(True)
    shown.head.seek(9.0)
    for _ in range(5):
        shown.head.tick()
        qtbot.wait(10)
    assert shown.number == 25
    shown.film.step(2)
    until(qtbot, shown, lambda: shown.number == 27)
    assert shown.head.time_s == 9.0
    shown.film.hold(False)
    shown.head.seek(START_S)
    until(qtbot, shown, lambda: shown.number == 0)


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_plays_along(qtbot: QtBot, shown: Show, speed: float) -> None:
    """While playing, the frame that comes is that of the playhead, nearly always within 80 ms of seeing."""
    shown.head.seek(START_S + 0.5)
    shown.head.set_speed(speed)
    shown.head.play()
    until(qtbot, shown, lambda: shown.head.time_s > START_S + 0.5 + 1.2 * speed)
    assert shown.film._player.playbackRate() == speed
    off = np.array([number / FPS + START_S - at for number, at in shown.seen[3:]])
    assert len(off) > 5
    assert abs(np.median(off)) < 0.08 * max(1.0, speed)


def test_before_and_after_the_video(qtbot: QtBot, shown: Show) -> None:
    shown.head.seek(0.5)
    assert shown.film.outside
    shown.head.seek(START_S + 6.5)
    assert shown.film.outside
    shown.head.seek(START_S + 1)
    assert not shown.film.outside


def test_a_missing_file_is_said(qtbot: QtBot, file: Path, tmp_path: Path) -> None:
    show = Show(tmp_path / "gone.mp4")
    assert show.film.problem is not None and "is not there" in show.film.problem.seen
    show.head.tick()
    show.film.open(file, VideoTrack("f.mp4"))  # it came back
    qtbot.waitUntil(lambda: show.film.ready, timeout=20_000)
    assert show.film.problem is None
    show.film.close()


def test_a_file_that_is_no_video(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"nothing" * 99)
    show = Show(tmp_path / "x.mp4")
    qtbot.waitUntil(lambda: show.film.problem is not None, timeout=20_000)
    assert "cannot be read" in show.film.problem.seen
    show.film.close()


def test_without_the_extra(qtbot: QtBot, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PySide6.QtMultimedia", None)
    show = Show(file)
    assert show.film.problem is not None
    assert "pip install sensorsmith-studio[video]" in show.film.problem.next_step
