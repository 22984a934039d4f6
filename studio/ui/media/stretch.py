"""Sound played slower or faster: with its pitch kept (WSOLA), or with its pitch moved like a tape's.

WSOLA adds up pieces of the sound that overlap by half. Each piece is looked for within some milliseconds of where it
should begin, so that it continues the one before it. At the speed of life the best place is the exact one, and the
pieces add up to the sound itself.

References: W. Verhelst, M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high quality
time-scale modification of speech", ICASSP 1993.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
#: Samples [start, start + n) as float32 (n,); zeros outside the recording and in gaps.
Read = Callable[[int, int], Floats]

PIECE_S, SEEK_S = 0.040, 0.012


class Player(Protocol):
    """Gives sound block by block. `at` is the sample that comes next, a fraction included."""

    at: float

    def jump(self, at: float) -> None:
        """Go on from sample `at`, without a click."""

    def play(self, n: int, speed: float) -> Floats:
        """The next n samples of output; `at` moves on by n * speed."""


class Tape:
    """Pitch follows the speed: samples are interpolated in between."""

    def __init__(self, read: Read, rate_hz: float) -> None:
        self._read, self.at = read, 0.0

    def jump(self, at: float) -> None:
        """Go on from sample `at`."""
        self.at = at

    def play(self, n: int, speed: float) -> Floats:
        """The next n samples of output."""
        where = self.at + speed * np.arange(n)
        self.at += speed * n
        first = int(np.floor(where[0])) if n else 0
        x = self._read(first, int(where[-1]) - first + 2) if n else np.zeros(0, np.float32)
        if speed > 1:  # what would fold back is taken off first
            width = round(speed)
            x = np.convolve(x, np.full(width, 1 / width, np.float32), mode="same") if width > 1 else x
        return np.interp(where - first, np.arange(len(x)), x).astype(np.float32)


class Wsola:
    """Pitch stays as it is at every speed."""

    def __init__(self, read: Read, rate_hz: float) -> None:
        self._read = read
        self._hop = max(8, round(PIECE_S * rate_hz / 2))
        self._seek = max(4, round(SEEK_S * rate_hz))
        # Of places that are equally alike, as in every period of a tone, the nearest.
        self._nearness = 1 - 0.2 * np.abs(np.arange(-self._seek, self._seek + 1)) / self._seek
        self._window = np.hanning(2 * self._hop + 1)[:-1].astype(np.float32)
        self._ready = np.zeros(0, np.float32)
        self._ready_step = 0.0
        self._tail: Floats | None = None
        self._chosen = 0
        self._next = 0.0

    @property
    def at(self) -> float:
        """The sample whose sound comes next."""
        return self._next - len(self._ready) * self._ready_step

    @at.setter
    def at(self, value: float) -> None:
        self._next = value + len(self._ready) * self._ready_step

    def jump(self, at: float) -> None:
        """Go on from sample `at`; the piece that is sounding fades into it."""
        self._next, self._ready = at, self._ready[:0]

    def play(self, n: int, speed: float) -> Floats:
        """The next n samples of output."""
        parts, have = [self._ready], len(self._ready)
        while have < n:
            parts.append(self._piece(speed))
            have += self._hop
        joined = np.concatenate(parts)
        self._ready, self._ready_step = joined[n:], speed
        return joined[:n]

    def _piece(self, speed: float) -> Floats:
        """The next half piece: the last one's second half, and the new one's first."""
        hop = self._hop
        if self._tail is None:
            self._chosen = round(self._next) - hop
            self._tail = self._read(self._chosen + hop, hop) * self._window[hop:]
        where = self._best(round(self._next + hop * (speed - 1)))  # its middle is where it should be
        new = self._read(where, 2 * hop) * self._window
        made: Floats = self._tail + new[:hop]
        self._tail, self._chosen = new[hop:], where
        self._next += hop * speed
        return made

    def _best(self, where: int) -> int:
        """The start near `where` whose first half is most like what would have come after the piece before."""
        natural = self._chosen + self._hop
        if where == natural:
            return where
        wanted = self._read(natural, self._hop)
        around = self._read(where - self._seek, self._hop + 2 * self._seek)
        alike = np.correlate(around, wanted, mode="valid")
        power = np.concatenate([[0.0], np.cumsum(around.astype(np.float64) ** 2)])
        power = power[self._hop :] - power[: -self._hop]
        if power.max() <= 0:
            return where
        return where - self._seek + int(np.argmax(alike / np.sqrt(power + 1e-6 * power.max()) * self._nearness))
