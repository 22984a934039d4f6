"""Playing and placing a video from the window: buttons, keys, undo."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6 import QtCore, QtTest, QtWidgets
from pytestqt.qtbot import QtBot

from studio.app.session import Session
from studio.data.project import create
from studio.data.recording import load, write
from studio.data.stream import Stream
from studio.data.video import VideoTrack
from studio.ui import theme
from studio.ui.media.media import Media
from studio.ui.media.playhead import Playhead
from studio.ui.media.transport import clock_text
from tests.ui.test_playhead import Clock
from tests.ui.test_sound import CountingSink
from tests.ui.videos import clapped, make_video

MIC = Stream("mic", 16000.0, ("mono",), "", "i16", 2.0**-15, "microphone")
ACC = Stream("acc", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
START_S = 3.217


class Rows:
    marked_s: tuple[float, float] | None = None


class Desk:
    """A page and a window around it, as far as `Media` looks."""

    def __init__(self, project: Path, clock: Clock) -> None:
        self.session = Session()
        self.session.open(project)
        self.shell, self.timeline = self, Rows()
        self.playhead = Playhead(clock)
        self.said: list[str] = []
        self.errors: list[BaseException] = []
        self.jobs: list[tuple[object, Callable[[object], None]]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def show_error(self, error: BaseException) -> None:
        self.errors.append(error)

    def run(self, job: object, *, step: object = None, done: Callable[[object], None] | None = None) -> None:
        assert done is not None
        self.jobs.append((job, done))

    def finish(self, qtbot: QtBot) -> None:
        job, done = self.jobs.pop()
        qtbot.waitUntil(lambda: bool(job.done), timeout=20_000)  # type: ignore[attr-defined]
        error = job.error  # type: ignore[attr-defined]
        if error is not None:
            self.show_error(error)
        else:
            done(job.result)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def film(qapp: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("film") / "desk.mp4", 150, 25, clapped([2.5, 3.1], 6, 1))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = create(tmp_path / "p", "P")
    raw = (clapped([2.5 + START_S, 3.1 + START_S], 12, 2) * 32767).astype("<i2")[:, None]
    acc = np.tile(np.array([[0, 0, 4096]], "<i2"), (1200, 1))
    write(made.recordings_path / "claps-001", [(ACC, acc), (MIC, raw)])
    return made.path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(qtbot: QtBot, look: theme.Theme, project: Path, clock: Clock) -> Desk:
    return Desk(project, clock)


@pytest.fixture
def media(qtbot: QtBot, desk: Desk) -> Iterator[Media]:
    made = Media(desk)
    box = QtWidgets.QWidget()
    layout = QtWidgets.QVBoxLayout(box)
    layout.addWidget(made.pane)
    layout.addWidget(made.transport)
    qtbot.addWidget(box)
    box.show()
    desk.session.watch(lambda old, new: made.show(new.open_recording))
    recording = desk.session.state.open_recording
    assert recording is not None
    desk.playhead.open(recording.duration_s)
    made.show(recording)
    yield made
    made.close()
    made.pane.close_video()
    qtbot.wait(20)


def click(widget: QtWidgets.QWidget) -> None:
    QtTest.QTest.mouseClick(widget, QtCore.Qt.MouseButton.LeftButton)


def widget(media: Media, name: str) -> QtWidgets.QWidget:
    found = media.transport.findChild(QtWidgets.QWidget, name) or media.pane.findChild(QtWidgets.QWidget, name)
    assert found is not None, name
    return found


def test_the_bar_plays_and_says_where(qtbot: QtBot, media: Media, desk: Desk, clock: Clock) -> None:
    click(widget(media, "play_toggle"))
    assert desk.playhead.playing
    clock.now += 2.5
    desk.playhead.tick()
    assert media.transport.time.text() == "0:02.500 / 0:12.0"
    media.transport.speed.setCurrentIndex(0)
    media.transport.speed.activated.emit(0)
    assert desk.playhead.speed == 0.25
    click(widget(media, "play_toggle"))
    assert not desk.playhead.playing


def test_loops_what_is_marked(qtbot: QtBot, media: Media, desk: Desk) -> None:
    click(widget(media, "play_loop"))
    assert desk.playhead.loop_s is None and "Mark a stretch" in desk.said[-1]
    desk.timeline.marked_s = (2.0, 3.0)
    click(widget(media, "play_loop"))
    assert desk.playhead.loop_s == (2.0, 3.0) and desk.playhead.playing
    assert widget(media, "play_loop").isChecked()  # type: ignore[attr-defined]
    click(widget(media, "play_loop"))
    assert desk.playhead.loop_s is None


def test_chooses_what_is_heard(qtbot: QtBot, media: Media, desk: Desk, clock: Clock) -> None:
    box = media.transport.voice
    assert [box.itemText(i) for i in range(box.count())] == ["mic", "acc as a tone", "No sound"]
    assert box.currentData() == "mic"
    sinks: list[CountingSink] = []
    media.sound._open = lambda rate_hz: sinks.append(CountingSink(clock, rate_hz)) or sinks[-1]
    desk.playhead.seek(5.6)
    desk.playhead.play()
    desk.playhead.tick()
    clock.now += 0.15
    desk.playhead.tick()
    assert np.abs(sinks[0].heard).max(initial=0) > 0
    box.setCurrentIndex(2)
    box.activated.emit(2)
    sinks[-1].clear()
    before = len(sinks[-1].heard)
    clock.now += 0.3
    desk.playhead.tick()
    assert not sinks[-1].heard[before:].any()


def test_says_why_nothing_is_heard(qtbot: QtBot, media: Media, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.errors import StudioError

    def none(rate_hz: float) -> CountingSink:
        raise StudioError("Sound", "this computer has no sound output", "Connect loudspeakers.")

    media.sound._open = none
    desk.playhead.play()
    desk.playhead.tick()
    assert "no sound output. Connect loudspeakers." in widget(media, "sound_mute").toolTip()


def test_volume_and_mute(qtbot: QtBot, media: Media) -> None:
    media.transport.volume.setValue(20)
    assert media.sound.volume == 0.2
    click(widget(media, "sound_mute"))
    assert media.sound.muted
    click(widget(media, "sound_pitch"))
    assert not media.keep_pitch


def test_a_video_comes_and_is_placed_by_a_clap(qtbot: QtBot, media: Media, desk: Desk, film: Path) -> None:
    assert not media.pane.isVisible()
    media.bring(film)
    desk.finish(qtbot)
    assert media.pane.isVisible()
    kept = desk.session.state.recordings[0].path
    assert load(kept).video[0].file == "video/desk.mp4"
    media.pane.asked.emit(0, "clap")
    desk.finish(qtbot)
    assert desk.errors == []
    assert load(kept).video[0].start_s == pytest.approx(START_S, abs=0.010)
    assert media.pane.start.value() == pytest.approx(START_S, abs=0.010)
    desk.session.undo()
    assert load(kept).video[0].start_s == 0.0
    assert media.pane.start.value() == 0.0


def test_a_video_that_cannot_be_placed_is_said(qtbot: QtBot, media: Media, desk: Desk, film: Path) -> None:
    give(desk, film)
    media.pane.asked.emit(0, "motion")
    desk.finish(qtbot)
    assert len(desk.errors) == 1 and "alike" in str(desk.errors[0])


def give(desk: Desk, film: Path, start_s: float = 0.0) -> None:
    recording = desk.session.state.recordings[0]
    changed = replace(recording, video=(VideoTrack(str(film), start_s, 1.0, "desk"),))
    desk.session.commit("Add video", desk.session.state.with_recording(changed))


def test_moved_by_hand(qtbot: QtBot, media: Media, desk: Desk, film: Path) -> None:
    give(desk, film)
    media.pane.start.setValue(1.25)
    assert desk.session.state.recordings[0].video[0].start_s == 1.25
    assert desk.session.undo_text == "Move video"


def test_two_matches_give_the_start_and_the_clock(qtbot: QtBot, media: Media, desk: Desk, film: Path) -> None:
    give(desk, film)
    qtbot.waitUntil(lambda: media.pane.film.ready and media.pane.picture.image is not None, timeout=20_000)
    for frame, line_s in ((10, 2.0), (140, 2.0 + 5.2 * 1.001)):
        media.pane.hold.setChecked(True)
        media.pane.film.held_s = frame / 25
        desk.playhead.seek(line_s)
        assert media.pane.match.isEnabled()
        click(media.pane.match)
    track = desk.session.state.recordings[0].video[0]
    assert track.time_s(10 / 25) == pytest.approx(2.0, abs=1e-6)
    assert track.rate == pytest.approx(1 / 1.001, rel=1e-6)
    assert not media.pane.hold.isChecked()
    assert "ppm slow" in media.pane.state.text()


def test_frames_by_the_bar(qtbot: QtBot, media: Media, desk: Desk, film: Path) -> None:
    assert not widget(media, "frame_on").isVisible()
    give(desk, film, 1.0)
    assert widget(media, "frame_on").isVisible()
    qtbot.waitUntil(lambda: media.pane.film.ready and media.pane.film.frame_s >= 0, timeout=20_000)
    desk.playhead.seek(2.001)

    def come() -> bool:
        desk.playhead.tick()
        return media.pane.film.frame_s == pytest.approx(1.0, abs=1e-4)

    qtbot.waitUntil(come, timeout=20_000)
    click(widget(media, "frame_on"))
    assert desk.playhead.time_s == pytest.approx(2.04, abs=0.001)


def test_a_missing_file_is_said_in_the_pane(qtbot: QtBot, media: Media, desk: Desk, tmp_path: Path) -> None:
    give(desk, tmp_path / "gone.mp4")
    desk.playhead.tick()
    assert "is not there" in media.pane.picture._words
    click(media.pane.remove)
    assert desk.session.state.recordings[0].video == () and not media.pane.isVisible()


def test_every_key_is_in_a_tooltip(qtbot: QtBot, media: Media) -> None:
    for name, _, key, _ in media.actions():
        if (found := media.transport.findChild(QtWidgets.QWidget, name)) is not None:
            assert found.toolTip().endswith(f"({key})"), name
    assert len({key for _, _, key, _ in media.actions()}) == len(media.actions())


def test_a_click_leaves_the_keyboard_to_the_rows(qtbot: QtBot, media: Media) -> None:
    focused = QtCore.Qt.FocusPolicy.ClickFocus
    for name in ("play_toggle", "play_loop", "sound_mute", "frame_on"):
        assert not widget(media, name).focusPolicy() & focused.value


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00.000"), (61.25, "1:01.250"), (3723.4567, "1:02:03.457")])
def test_times_read_well(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text
