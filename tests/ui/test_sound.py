"""What is heard follows the playhead: by a sink that counts its samples and whose clock is off."""

import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from studio.data.recording import Recording, write_chunks
from studio.data.stream import Chunk, Stream
from studio.errors import StudioError
from studio.sources.speaker import Speaker
from studio.ui.media import sink as sinks
from studio.ui.media.playhead import Playhead
from studio.ui.media.sound import Sound
from studio.ui.media.stretch import Floats
from studio.ui.media.voice import Voice, audible, is_sound
from tests.ui.test_playhead import Clock

MIC = Stream("mic", 8000.0, ("mono",), "", "i16", 2.0**-15, "microphone")
ACC = Stream("acc", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
SECONDS = 60


class CountingSink:
    """A sound card whose clock is `ppm` off; keeps what was heard and when, in blocks of its own."""

    def __init__(self, clock: Clock, rate_hz: float, ppm: float = 0.0) -> None:
        self.rate_hz, self._clock, self._ppm = rate_hz, clock, ppm
        self._began, self._size = clock.now, round(0.2 * rate_hz)
        self.heard = np.zeros(0, np.float32)
        self._waiting = np.zeros(0, np.float32)
        self._played = 0
        self.closed = False

    def _run(self) -> None:
        due = int((self._clock.now - self._began) * self.rate_hz * (1 + self._ppm * 1e-6)) // 80 * 80
        n = due - self._played
        block = np.zeros(n, np.float32)
        block[: min(n, len(self._waiting))] = self._waiting[:n]
        self.heard, self._waiting, self._played = np.concatenate([self.heard, block]), self._waiting[n:], due

    def free(self) -> int:
        self._run()
        return self._size - len(self._waiting)

    def wait_s(self) -> float:
        self._run()
        return len(self._waiting) / self.rate_hz

    def write(self, samples: Floats) -> None:
        assert len(samples) <= self.free()
        self._waiting = np.concatenate([self._waiting, samples])

    def clear(self) -> None:
        self._run()
        self._waiting = self._waiting[:0]

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A minute with a beep of 60 ms at every whole second, but for a gap from 10.5 to 13.5 s."""
    x = np.zeros((SECONDS * 8000, 1), "<i2")
    x[:, 0] = np.random.default_rng(0).normal(0, 8, len(x))
    beep = 12000 * np.hanning(480) * np.sin(2 * np.pi * 400 * np.arange(480) / 8000)
    for s in range(1, SECONDS):
        x[s * 8000 - 240 : s * 8000 + 240, 0] += beep.astype("<i2")
    t = np.arange(SECONDS * 100) / 100
    a = np.stack([4096 + 0 * t, 2000 * np.sin(9 * t) * (t > 30), 0 * t], 1).astype("<i2")
    chunks = [Chunk(MIC, 0, x[:84_000]), Chunk(ACC, 0, a), Chunk(MIC, 108_000, x[108_000:])]
    return write_chunks(tmp_path_factory.mktemp("spoken") / "r", [MIC, ACC], chunks)


class Stage:
    """A playhead, its sound, and the moments at which beeps were heard."""

    def __init__(self, recording: Recording, ppm: float = 0.0, rate_hz: float = 8000.0) -> None:
        self.clock = Clock()
        self.head = Playhead(self.clock)
        self.head.open(recording.duration_s)
        self.sink = CountingSink(self.clock, rate_hz, ppm)
        self.sound = Sound(self.head, lambda rate_hz: self.sink)
        self.sound.hear(recording, recording.streams[0])
        self.trace: list[tuple[float, float]] = []

    def run(self, seconds: float, beat_s: float = 0.033) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += beat_s
            self.head.tick()
            self.trace.append((self.clock.now, self.head.time_s))

    def beeps(self) -> np.ndarray:
        """Clock times of the middles of beeps heard."""
        loud = np.abs(self.sink.heard) > 0.1
        edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]])))
        runs: list[list[int]] = []
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            if runs and a - runs[-1][1] < 0.15 * self.sink.rate_hz:
                runs[-1][1] = int(b)
            else:
                runs.append([int(a), int(b)])
        rate = self.sink.rate_hz * (1 + self.sink._ppm * 1e-6)
        return self.sink._began + np.array([(a + b) / 2 for a, b in runs if b - a > 0.005 * rate]) / rate

    def off_s(self) -> np.ndarray:
        """For each beep heard, how far the playhead was from a whole second, s of the recording."""
        at = np.interp(self.beeps(), *np.array(self.trace).T)
        return at - np.round(at)


@pytest.mark.parametrize("ppm", [0, 300, -300])
def test_sound_stays_with_the_playhead(qtbot: QtBot, spoken: Recording, ppm: float) -> None:
    """Fifty seconds with a sound card that would be 15 ms off by then; never more than 12 ms."""
    stage = Stage(spoken, ppm)
    stage.head.play()
    stage.run(50)
    off = stage.off_s()
    assert len(off) in (46, 47)  # 11, 12 and 13 s lie in the gap
    assert np.abs(off).max() < 0.012
    assert abs(stage.sound.late_s) < 0.012


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
@pytest.mark.parametrize("keep", [True, False])
def test_sound_follows_at_other_speeds(qtbot: QtBot, spoken: Recording, speed: float, keep: bool) -> None:
    stage = Stage(spoken, 200)
    stage.sound.hear(spoken, MIC, keep)
    stage.head.set_speed(speed)
    stage.head.play()
    stage.run(min(20.0, 50 / speed))
    off = stage.off_s()
    assert len(off) >= 4
    assert np.abs(off).max() < 0.012 + 0.012 * speed


def test_a_window_that_pauses_is_caught_up(qtbot: QtBot, spoken: Recording) -> None:
    stage = Stage(spoken)
    stage.head.play()
    stage.run(3)
    stage.clock.now += 0.7
    stage.run(5)
    assert np.abs(stage.off_s()[-4:]).max() < 0.012


def test_a_jump_is_heard_at_once(qtbot: QtBot, spoken: Recording) -> None:
    stage = Stage(spoken)
    stage.head.play()
    stage.run(1.5)
    stage.head.seek(29.9)
    before = len(stage.sink.heard)
    stage.run(0.4)
    heard = np.abs(stage.sink.heard[before:]) > 0.1
    assert np.argmax(heard) / 8000 == pytest.approx(0.1, abs=0.06)


def test_a_loop_goes_on_without_a_hole(qtbot: QtBot, spoken: Recording) -> None:
    stage = Stage(spoken)
    stage.head.set_loop((20.5, 22.5))
    stage.head.seek(20.5)
    stage.head.play()
    stage.run(8)
    assert len(stage.beeps()) == 8
    assert np.diff(stage.beeps()) == pytest.approx(1.0, abs=0.03)


def test_a_pause_is_silent_and_muted_too(qtbot: QtBot, spoken: Recording) -> None:
    stage = Stage(spoken)
    stage.head.seek(0.9)
    stage.head.play()
    stage.run(0.05)
    stage.head.pause()
    stage.run(1)
    assert not len(stage.beeps())
    stage.sound.muted = True
    stage.head.play()
    stage.run(1)
    assert not len(stage.beeps())


def test_gaps_are_silent(qtbot: QtBot, spoken: Recording) -> None:
    stage = Stage(spoken)
    stage.head.seek(11)
    stage.head.play()
    stage.run(2)
    assert not stage.sink.heard.any()


def test_thousands_of_gaps_cost_nothing_extra(spoken: Recording) -> None:
    """Only the gaps that are in the way are looked at, and each exactly."""
    gaps = tuple((i * 100, 3) for i in range(1, 4000))
    voice = Voice(replace(spoken, gaps={"mic": gaps}), MIC)
    whole = Voice(spoken, MIC)
    for start, n in ((0, 50), (95, 10), (101, 1), (250, 400), (399_850, 200), (450_000, 99)):
        wanted = whole.read(start, n)
        for gap, count in gaps:
            wanted[min(max(gap - start, 0), n) : min(max(gap + count - start, 0), n)] = 0
        np.testing.assert_array_equal(voice.read(start, n), wanted)
    assert len(voice._lost(250, 650)) == 4


def test_the_sink_may_have_another_rate(qtbot: QtBot, spoken: Recording) -> None:
    stage = Stage(spoken, 100, 44_100.0)
    stage.head.play()
    stage.run(9)
    assert len(stage.beeps()) == 9
    assert np.abs(stage.off_s()).max() < 0.012


def test_a_sensor_becomes_a_tone(qtbot: QtBot, spoken: Recording) -> None:
    """Low and soft at rest, high and loud when it moves."""
    voice = Voice(spoken, ACC)
    voice.player.jump(5 * voice.rate_hz)
    rest = voice.player.play(16000, 1.0)
    voice.player.jump(40 * voice.rate_hz)
    moved = voice.player.play(16000, 1.0)
    assert np.abs(moved).max() > 4 * np.abs(rest).max() > 0
    assert np.abs(np.fft.rfft(rest)).argmax() == pytest.approx(165, abs=8)
    voice.player.jump(-10.0 * voice.rate_hz)
    voice.player.play(1600, 1.0)
    assert np.abs(voice.player.play(1600, 1.0)).max() < 1e-6


def test_what_can_be_heard(spoken: Recording) -> None:
    assert [s.name for s in audible(spoken)] == ["mic", "acc"]
    assert [is_sound(s) for s in audible(spoken)] == [True, False]


def test_a_long_recording_is_not_loaded(tmp_path: Path) -> None:
    """Three hours of sound on disk as a hole: what is read is what is played."""
    folder = tmp_path / "r"
    recording = write_chunks(folder, [MIC], [Chunk(MIC, 0, np.ones((10, 1), "<i2"))])
    with open(folder / "mic.raw", "r+b") as file:
        file.truncate(3 * 3600 * 8000 * 2)
    from studio.data.recording import load

    recording = load(folder)
    voice = Voice(recording, MIC)
    assert isinstance(voice._raw, np.memmap)
    asked: list[int] = []
    read = voice.player._read  # type: ignore[attr-defined]
    voice.player._read = lambda start, n: (asked.append(n), read(start, n))[1]  # type: ignore[attr-defined]
    voice.player.jump(2 * 3600 * 8000)
    voice.player.play(8000, 2.0)
    assert sum(asked) < 10 * 8000


def test_without_an_output_it_says_what_to_do(qtbot: QtBot, spoken: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(rate_hz: float) -> sinks.Sink:
        raise StudioError("Sound", "this computer has no sound output", "Connect loudspeakers or headphones.")

    head = Playhead(Clock())
    head.open(10)
    sound = Sound(head, none)
    sound.hear(spoken, MIC)
    head.play()
    head.tick()
    assert sound.problem is not None and "Connect" in sound.problem.next_step
    monkeypatch.setattr(sinks.extra, "installed", lambda: False)
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(StudioError, match=r"sensorsmith-studio\[video\].*sensorsmith-studio\[microphone\]"):
        sinks.open_sink(8000)


def test_the_loudspeaker_is_never_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    class OutputStream:
        def __init__(self, *args: object, **options: object) -> None:
            self.write_available = 1600

        def write(self, samples: np.ndarray) -> None:
            assert samples.shape[1] == 1
            self.write_available -= len(samples)
            written.append(len(samples))

        def start(self) -> None: ...

        def abort(self) -> None:
            self.write_available = 1600

        close = abort

    fake = types.SimpleNamespace(OutputStream=OutputStream, PortAudioError=RuntimeError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    speaker = Speaker(8000)
    speaker.write(np.zeros(400, np.float32))
    assert (speaker.free(), speaker.wait_s()) == (1200, 0.05)
    speaker.clear()
    assert speaker.wait_s() == 0
    speaker.close()
