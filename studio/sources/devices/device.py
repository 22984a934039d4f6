"""A simulated device and the link to it: it samples from an array, round and round, at the pace of its own clock.

`rate` is what the device says of its rate over the truth, `drift_ppm` how much faster its clock runs than ours. It
stamps samples by its own clock, as a real one does.
"""

import threading
import time
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from studio.data.stream import Array, Floats, Stream
from studio.errors import LinkError
from studio.sources.fault import Frame

FRAME_S = 0.02
MOST_FRAMES = 512


class Device:
    """One protocol's far end, with one sensor. A subclass says `frame`, and what it answers in `hear`."""

    talks_at_once: ClassVar[bool] = False  # it streams without being asked

    def __init__(self, stream: Stream, rows: Array, rate: float = 1.0, drift_ppm: float = 0.0) -> None:
        """`rows` (n, n_channels) in the stream's own type."""
        self.stream, self.rows, self.drift_ppm = stream, np.ascontiguousarray(rows), drift_ppm
        self.told_hz = stream.rate_hz * rate
        self.per_frame = max(1, min(round(stream.rate_hz * FRAME_S), 32, 900 // (2 * len(stream.channels))))
        self.streaming = self.talks_at_once
        self._sent, self._began_s = 0, None if not self.talks_at_once else 0.0
        self.answers: list[Frame] = []

    def hear(self, data: bytes, now_s: float) -> None:
        """Bytes from the host; put what is to be said into `answers`."""

    def frame(self, first: int, rows: Array) -> bytes:
        """The bytes of samples [first, first + n)."""
        raise NotImplementedError

    def chatter(self, now_s: float) -> list[Frame]:
        """What is said unasked beside the samples."""
        return []

    @property
    def noise(self) -> bytes:
        """A message that a client of this protocol reads and ignores; b"" when there is none such."""
        return b""

    def begin(self, now_s: float, first: int = 0) -> None:
        """Start to sample."""
        self.streaming, self._began_s, self._sent = True, now_s, first
        self._first = first

    _first = 0

    def due(self, now_s: float) -> list[Frame]:
        """What is said by now: answers, chatter, samples."""
        found, self.answers = [*self.answers, *self.chatter(now_s)], []
        if not self.streaming:
            return found
        if self._began_s is None:
            self._began_s = now_s
        taken = self._first + int((now_s - self._began_s) * self.stream.rate_hz * (1 + self.drift_ppm * 1e-6))
        while self._sent + self.per_frame <= taken and len(found) < MOST_FRAMES:
            rows = self.at(self._sent, self.per_frame)
            found.append(Frame(self.frame(self._sent, rows), self._sent, self.per_frame, self.noise))
            self._sent += self.per_frame
        return found

    def at(self, first: int, n: int) -> Array:
        """Samples [first, first + n)."""
        return self.rows[np.arange(first, first + n) % len(self.rows)]

    def in_unit(self, rows: Array) -> Floats:
        """What a device prints that sends no raw values."""
        return self.stream.to_unit(rows)

    def answer(self, data: bytes) -> None:
        """Say `data` next."""
        self.answers.append(Frame(data, noise=self.noise))


class DeviceLink:
    """A link to `device`; `speed` 2 is twice as fast as true."""

    def __init__(
        self, url: str, device: Device, speed: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.url, self.device = url, device
        self._speed, self._clock, self._origin_s = speed or 1000.0, clock, clock()
        self._lock, self._closed = threading.Lock(), False
        if device.talks_at_once:
            device.begin(0.0)

    def frames(self) -> list[Frame]:
        """What the device sent since the last call, frame by frame."""
        if self._closed:
            raise LinkError(self.url, "is closed", "Open it again.")
        with self._lock:
            found = self.device.due(self._now_s())
        if not found and self._clock is time.monotonic:
            time.sleep(0.005)
        return found

    def read(self) -> bytes:
        """The same as bytes."""
        return b"".join(frame.data for frame in self.frames())

    def write(self, data: bytes) -> None:
        """Bytes to the device."""
        if self._closed:
            raise LinkError(self.url, "is closed", "Open it again.")
        with self._lock:
            self.device.hear(data, self._now_s())

    def close(self) -> None:
        """No more."""
        self._closed = True

    def _now_s(self) -> float:
        return (self._clock() - self._origin_s) * self._speed
