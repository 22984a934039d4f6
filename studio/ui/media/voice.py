"""What of a recording is heard: a microphone as it is; any other sensor as a tone that rises as it moves more.

Samples are read from the mapped file as they are needed, so an hour costs no more memory than a second.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from studio.data.recording import Recording
from studio.data.stream import Array, Stream
from studio.ui.media.stretch import Floats, Player, Tape, Wsola

#: Streams this fast are sound; slower ones become a tone.
SOUND_HZ = 4000.0
TONE_HZ = 16000.0
#: A tone goes from low to high, Hz.
LOW_HZ, HIGH_HZ = 165.0, 990.0
#: How much a quiet recording is amplified at most (30 dB), and how loud its loudest becomes.
MOST_GAIN, LOUDEST = 32.0, 0.8
LOOKS, LOOK = 64, 2048
ANSWERS = ("scores", "decision")
#: Times in s -> heights 0..1, NaN where nothing is.
Height = Callable[[npt.NDArray[np.float64]], Floats]


def audible(recording: Recording) -> tuple[Stream, ...]:
    """Streams that can be heard, sound before what becomes a tone."""
    found = [s for s in recording.streams if s.kind not in ANSWERS and recording.n_samples[s.name]]
    return tuple(sorted(found, key=lambda s: s.rate_hz < SOUND_HZ))


def is_sound(stream: Stream) -> bool:
    """Whether the stream is heard as it is."""
    return stream.rate_hz >= SOUND_HZ


class Voice:
    """One stream, ready to play: `player` gives sound at `rate_hz`, and sample number `time * rate_hz` is at `time`."""

    def __init__(self, recording: Recording, stream: Stream, keep_pitch: bool = True) -> None:
        self._raw, self._stream = recording.raw(stream.name), stream
        self._gaps = np.array(recording.gaps.get(stream.name, ()), np.int64).reshape(-1, 2)
        self.rate_hz = stream.rate_hz if is_sound(stream) else TONE_HZ
        self.player: Player
        if is_sound(stream):
            self._gain = self._level()
            self.player = (Wsola if keep_pitch else Tape)(self.read, stream.rate_hz)
        else:
            self._rest, self._reach = self._extent()
            self.player = Tone(self._height, TONE_HZ)

    def read(self, start: int, n: int) -> Floats:
        """Samples [start, start + n) as sound, the mean of all channels; zeros outside and in gaps."""
        found = np.zeros(n, np.float32)
        first, last = max(start, 0), min(start + n, len(self._raw))
        if last > first:
            found[first - start : last - start] = np.asarray(self._raw[first:last], np.float32).mean(axis=1)
        for first, last in self._lost(start, start + n):
            found[first:last] = 0
        return found * np.float32(self._gain)

    def _lost(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Gaps inside [start, stop), counted from start; there may be thousands in the recording."""
        starts, stops = self._gaps[:, 0], self._gaps.sum(axis=1)
        near = slice(int(np.searchsorted(stops, start, "right")), int(np.searchsorted(starts, stop)))
        inside = np.clip(np.stack([starts[near], stops[near]], 1) - start, 0, stop - start)
        return [(int(a), int(b)) for a, b in inside]

    def _level(self) -> float:
        """The gain that makes the loudest of some looks as loud as it should be."""
        peak = max((float(np.abs(np.asarray(b, np.float32).mean(axis=1)).max()) for b in self._looks()), default=0.0)
        full = {"i16": 2.0**15, "i32": 2.0**31}.get(self._stream.dtype)
        most = MOST_GAIN / full if full else np.inf
        return min(LOUDEST / peak, most) if peak > 0 else 0.0

    def _looks(self) -> list[Array]:
        n = len(self._raw)
        starts = np.unique(np.linspace(0, max(0, n - LOOK), min(LOOKS, n // LOOK + 1)).astype(int))
        return [self._raw[i : i + LOOK] for i in starts]

    def _extent(self) -> tuple[Floats, float]:
        """(median of each channel, how far from it the stream goes nearly always)."""
        seen = np.concatenate([np.asarray(b, np.float32) for b in self._looks()])
        rest = np.median(seen, axis=0).astype(np.float32)
        return rest, float(np.quantile(np.linalg.norm(seen - rest, axis=1), 0.98)) or 1.0

    def _height(self, times_s: npt.NDArray[np.float64]) -> Floats:
        """How far the stream is from its rest at these times, 0..1; NaN outside and in gaps."""
        at = times_s * self._stream.rate_hz
        first, last = max(0, int(np.floor(at.min()))), min(len(self._raw), int(np.ceil(at.max())) + 2)
        if last <= first:
            return np.full(len(at), np.nan, np.float32)
        away = np.linalg.norm(np.asarray(self._raw[first:last], np.float32) - self._rest, axis=1) / self._reach
        for lost, found_again in self._lost(first, last):
            away[lost:found_again] = np.nan
        found = np.interp(at - first, np.arange(len(away)), away, left=np.nan, right=np.nan)
        return np.minimum(found, 1.0).astype(np.float32)


class Tone:
    """A player whose pitch and loudness follow a height 0..1 over time."""

    def __init__(self, height: Height, rate_hz: float) -> None:
        self._height, self._rate_hz, self.at = height, rate_hz, 0.0
        self._phase = 0.0
        self._loud = 0.0

    def jump(self, at: float) -> None:
        """Go on from sample `at`; the tone goes on, so there is no click."""
        self.at = at

    def play(self, n: int, speed: float) -> Floats:
        """The next n samples of output."""
        if not n:
            return np.zeros(0, np.float32)
        u = self._height((self.at + speed * np.arange(n)) / self._rate_hz)
        self.at += speed * n
        there = np.nan_to_num(u)
        phase = self._phase + np.cumsum(2 * np.pi * LOW_HZ * (HIGH_HZ / LOW_HZ) ** there / self._rate_hz)
        self._phase = float(phase[-1] % (2 * np.pi))
        wanted = np.where(np.isnan(u), 0.0, 0.04 + 0.36 * there)
        fade = np.minimum(np.arange(1, n + 1) / (0.01 * self._rate_hz), 1.0)
        loud = self._loud + (wanted - self._loud) * fade
        self._loud = float(loud[-1])
        made: Floats = (np.sin(phase) * loud).astype(np.float32)
        return made
