"""A camera beside sensors: its film lies on the recording's time line, judged by the clock that it saw."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6 import QtCore
from pytestqt.qtbot import QtBot

from studio.app.actions.camera import filmed, parted
from studio.app.cli import run
from studio.app.session import Session
from studio.data.frames import read_frames, time_line
from studio.data.project import create
from studio.data.recording import Writer, load
from studio.data.stream import Chunk, Stream
from studio.errors import InputError, LinkError
from studio.progress import Work, finish
from studio.ui import theme
from studio.ui.media.camera import (
    VIRTUAL,
    Filming,
    RealCamera,
    VirtualCamera,
    cameras,
    clock_image,
    clock_ms,
    open_camera,
)
from studio.ui.media.camera_box import CameraBox
from studio.ui.media.film import Film
from studio.ui.media.playhead import Playhead
from studio.ui.pages.capture import CapturePage
from studio.ui.pages.label import LabelPage
from studio.ui.window import Window
from tests.ui.videos import M

ACC = Stream("acc", 100.0, ("x",), "g", "i16", 1 / 4096, "accelerometer")
#: What is promised: a frame is shown within this of the moment at which it was taken, s.
BOUND_S = 0.010


class Page:
    """What the box asks of the window."""

    def __init__(self, project: Path) -> None:
        self.session = Session()
        self.session.open(project)
        self.errors: list[BaseException] = []

    def show_error(self, error: BaseException) -> None:
        self.errors.append(error)


class Board:
    """Writes a recording of a board whose clock is off, with this computer's real clock, as chunks fall due."""

    def __init__(self, path: Path, ppm: float) -> None:
        self.writer = Writer(path, [ACC])
        self.began_ns = time.monotonic_ns()
        self._ppm, self._n = ppm, 0

    def tick(self) -> None:
        now_ns = time.monotonic_ns()
        due = int((now_ns - self.began_ns) * 1e-9 * (1 + self._ppm * 1e-6) * 100) // 10 * 10
        for start in range(self._n, due, 10):
            self.writer.append(Chunk(ACC, start, np.zeros((10, 1), "<i2"), 5_000_000 + start * 10_000, now_ns))
        self._n = due

    def time_s(self, host_ns: float) -> float:
        """The recording's time at a moment of this computer's clock: the truth."""
        return (host_ns - self.began_ns) * 1e-9 * (1 + self._ppm * 1e-6)


@pytest.fixture
def page(qtbot: QtBot, look: theme.Theme, tmp_path: Path) -> Page:
    return Page(create(tmp_path / "p", "P").path)


@pytest.fixture
def box(qtbot: QtBot, page: Page) -> Iterator[CameraBox]:
    made = CameraBox(page, lambda id: VirtualCamera(25.0, ppm=2000.0))
    qtbot.addWidget(made)
    made.refresh()
    made.choice.setCurrentIndex(made.choice.findData(VIRTUAL))
    made.choose()
    yield made
    made.end(None)
    qtbot.waitUntil(lambda: not made.busy, timeout=20_000)
    made.leave()


def film_with(qtbot: QtBot, page: Page, box: CameraBox, seconds: float, ppm: float) -> Board:
    board = Board(page.session.state.project.recordings_path / "take-001", ppm)  # type: ignore[union-attr]
    box.begin()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        board.tick()
        qtbot.wait(20)
    recording = board.writer.close()
    page.session.reload()
    box.end(recording)
    qtbot.waitUntil(lambda: not box.busy, timeout=20_000)
    return board


def test_the_film_lies_on_the_recordings_time_line(qtbot: QtBot, page: Page, box: CameraBox) -> None:
    """Frames show the moment at which they stand; the camera's clock is 2000 ppm fast, the board's 500."""
    board = film_with(qtbot, page, box, 4.0, 500.0)
    assert page.errors == []
    found = page.session.state.recordings[0]
    assert load(found.path).video == found.video
    rows = read_frames(found.path / "video" / "camera.frames")
    assert len(rows) >= 60
    off = off_s(qtbot, board, found.video[0], found.path, len(rows))
    assert len(off) >= 5
    assert np.abs(off).max() < BOUND_S, off
    assert not list(page.session.state.project.recordings_path.glob(".camera-*"))  # type: ignore[union-attr]


def off_s(qtbot: QtBot, board: Board, track: object, folder: Path, n: int) -> np.ndarray:
    """For frames all over the film: shown at minus taken at, s of the recording."""
    head, film = Playhead(), None
    head.open(60.0)
    film = Film(head)
    seen: list[tuple[float, int]] = []
    film.framed.connect(lambda frame: seen.append((frame.startTime() * 1e-6, clock_ms(frame.toImage()))))
    film.open(track.path(folder), track)  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: film.ready, timeout=20_000)
    for i in range(2, n, max(1, n // 12)):
        head.seek(track.time_s((i + 0.5) / 25))  # type: ignore[attr-defined]
        before = len(seen)
        for _ in range(25):
            head.tick()
            qtbot.wait(4)
            if len(seen) > before:
                break
    film.close()
    qtbot.wait(20)
    began_ms = board.began_ns // 1_000_000
    taken_ns = [(began_ms + ((ms - began_ms) % (1 << 24))) * 1e6 + 5e5 for _, ms in seen]
    shown = [track.time_s(at) for at, _ in seen]  # type: ignore[attr-defined]
    return np.array([s - board.time_s(t) for s, t in zip(shown, taken_ns, strict=True)])


def test_the_capture_page_films_beside_a_recording(qtbot: QtBot, window: Window, project_path: Path) -> None:
    window.open_project(project_path)
    capture = window.pages["capture"]
    assert isinstance(capture, CapturePage)
    capture.camera.choice.setCurrentIndex(1)  # Look for cameras
    capture.camera.choose()
    capture.camera.choice.hidePopup()
    capture.camera.choice.setCurrentIndex(capture.camera.choice.findData(VIRTUAL))
    capture.camera.choose()
    capture.taking.began.emit()
    assert capture.camera.filming is not None
    qtbot.wait(300)
    recording = window.session.state.recordings[0]
    capture.taking.ended.emit(recording)
    window.go("label")  # as it does by itself after a recording
    qtbot.waitUntil(lambda: not capture.camera.busy, timeout=20_000)
    kept = load(recording.path).video
    assert [v.file for v in kept] == ["video/camera.mp4"] and kept[0].path(recording.path).is_file()
    label = window.pages["label"]
    assert isinstance(label, LabelPage)
    assert label.media.pane.isVisible()
    assert capture.camera.camera is None
    label.media.pane.close_video()


def test_a_take_that_is_not_kept_leaves_nothing(qtbot: QtBot, page: Page, box: CameraBox) -> None:
    box.begin()
    qtbot.wait(200)
    box.end(None)
    qtbot.waitUntil(lambda: not box.busy, timeout=20_000)
    assert not list(page.session.state.project.recordings_path.iterdir())  # type: ignore[union-attr]


def test_without_a_camera_nothing_is_filmed(qtbot: QtBot, page: Page) -> None:
    box = CameraBox(page)
    qtbot.addWidget(box)
    box.begin()
    assert box.filming is None
    box.end(None)
    assert not box.busy


def test_a_preview_before_recording(qtbot: QtBot, box: CameraBox) -> None:
    qtbot.waitUntil(lambda: box.picture.image is not None, timeout=20_000)
    image = box.picture.image
    assert image is not None
    now = (time.monotonic_ns() // 1_000_000) % (1 << 24)
    assert 0 <= now - clock_ms(image) < 60_000
    box.leave()
    assert box.camera is None
    box.enter()
    assert box.camera is not None


def test_the_clock_in_the_picture() -> None:
    for ms in (0, 1, 12_345_678, (1 << 24) - 1):
        assert clock_ms(clock_image(ms)) == ms


class Flood(QtCore.QObject):
    """A camera that gives frames faster than any recorder takes them."""

    seen = QtCore.Signal(object, object)
    rate_hz = 30.0

    def start(self) -> None: ...

    def stop(self) -> None: ...


def test_frames_that_were_not_taken_are_counted(qtbot: QtBot, tmp_path: Path) -> None:
    camera = Flood()
    filming = Filming(camera, tmp_path / "f.mp4")
    frame = M.QVideoFrame
    for i in range(300):
        camera.seen.emit(frame(clock_image(i)), 33_333 * i)
    camera.seen.emit(frame(clock_image(0)), 5)  # from the past
    with qtbot.waitSignal(filming.finished, timeout=20_000):
        filming.end()
    assert filming.lost >= 1
    assert len(filming.rows) + filming.lost == 301
    assert len(read_frames(tmp_path / "f.frames")) == len(filming.rows)


def test_a_camera_that_is_gone(qtbot: QtBot) -> None:
    assert cameras()[-1][0] == VIRTUAL
    with pytest.raises(LinkError, match="not connected"):
        open_camera("nobody")
    assert isinstance(open_camera(VIRTUAL), VirtualCamera)


def test_a_real_camera_that_cannot_be_used_says_so(qtbot: QtBot) -> None:
    camera = RealCamera(M.QCameraDevice())
    with pytest.raises(LinkError, match="Camera"):
        camera.start()
    camera.stop()


def test_the_command_line_films_too(
    qtbot: QtBot, page: Page, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = page.session.state.project
    assert project is not None
    words = ["record", str(project.path), "--from", "virtual:host", "--from", "camera:virtual", "--seconds", "2"]
    assert run([*words, "--json"], lambda _: 1) == 0
    said = json.loads(capsys.readouterr().out)
    kept = load(project.recordings_path / said["recording"])
    assert kept.video[0].plain() == {k: said["video"][k] for k in ("file", "start_s", "rate", "name")}
    rows = read_frames(kept.path / "video" / "camera.frames")
    assert len(rows) == said["video"]["frames"] >= 20
    origin_ns, time_per_host = time_line(kept)
    came_s = (rows[:, 2] - origin_ns) * 1e-9 * time_per_host
    shown_s = np.array([kept.video[0].time_s(us * 1e-6) for us in rows[:, 1] - rows[0, 1]])
    assert abs((came_s - shown_s).min()) < 0.02  # the frame that came soonest; others may have come late
    assert not list(project.recordings_path.glob(".camera-*"))


@pytest.mark.parametrize("urls", [["camera:"], ["camera:", "camera:virtual", "mic:"]])
def test_a_camera_alone_is_no_recording(urls: list[str]) -> None:
    with pytest.raises(InputError, match="camera"):
        parted(urls)


def test_no_camera_is_said_before_anything_is_recorded(qtbot: QtBot, page: Page) -> None:
    project = page.session.state.project
    assert project is not None

    def never() -> Work[dict[str, object]]:
        raise AssertionError("nothing should be recorded")
        yield

    with pytest.raises(LinkError, match="not connected"):
        finish(filmed(project.path, "nobody", never()))
    assert not list(project.recordings_path.iterdir())


def test_a_film_that_cannot_be_written_ends_and_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    camera = VirtualCamera(25.0)
    camera.start()
    filming = Filming(camera, tmp_path / "nowhere" / "f.mp4")
    qtbot.wait(100)
    with qtbot.waitSignal(filming.finished, timeout=20_000):
        filming.end()
    camera.stop()
    assert filming.error
    assert not (tmp_path / "nowhere").exists()


def test_a_film_without_a_frame(qtbot: QtBot, tmp_path: Path) -> None:
    filming = Filming(Flood(), tmp_path / "f.mp4")
    with qtbot.waitSignal(filming.finished, timeout=20_000):
        filming.end()
    assert filming.rows == []
