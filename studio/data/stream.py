"""A stream is one sensor's samples; a chunk is a few of them in a row; a ring holds the newest.

Samples are arrays of shape (n_samples, n_channels), time first, in the type the device
sends (`Stream.dtype`); `Stream.scale` turns them into `unit`. A sample is addressed by
its index in the stream, counted by the device from start, so a hole in the index is a
loss on the way. Seconds are index / rate_hz.

Why a ring and not a queue: a view wants the newest seconds, not every message, and a
slow view must never hold up the wire.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DTYPES: dict[str, np.dtype[np.generic]] = {
    "i16": np.dtype("<i2"),
    "i32": np.dtype("<i4"),
    "f32": np.dtype("<f4"),
}

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Stream:
    """What a device says about one of its sensors.

    `kind` is what it measures: "accelerometer", "gyroscope", "imu", "microphone", "radar", "scores", "decision", ...
    """

    name: str
    rate_hz: float
    channels: tuple[str, ...]
    unit: str = ""
    dtype: str = "f32"
    scale: float = 1.0
    kind: str = "sensor"

    @property
    def numpy_dtype(self) -> np.dtype[np.generic]:
        """Type of one value on the wire and on disk, little endian."""
        return DTYPES[self.dtype]

    def to_unit(self, raw: Array) -> Floats:
        """Raw values in `unit`, float32: the very multiplication that the firmware does."""
        return raw.astype(np.float32) * np.float32(self.scale)


@dataclass(frozen=True, eq=False)
class Chunk:
    """`values` (n_samples, n_channels) in `stream.dtype`, the first at index `start`.

    `device_us` is the device's clock at the first sample, `host_ns` this computer's monotonic clock at arrival.
    """

    stream: Stream
    start: int
    values: Array
    device_us: int = 0
    host_ns: int = 0


class Ring:
    """The newest samples of one stream, in `unit`: one writer, any number of readers, no lock.

    The writer announces the end it is about to reach, writes, then publishes that end. A reader copies first
    and afterwards drops what the writer may have overtaken, so it never sees a torn sample.
    """

    def __init__(self, stream: Stream, seconds: float = 60.0) -> None:
        self.stream = stream
        self._values = np.full((max(1, round(seconds * stream.rate_hz)), len(stream.channels)), np.nan, np.float32)
        self._announced = self._published = 0
        self._origin: int | None = None

    def append(self, chunk: Chunk) -> None:
        """Take a chunk; samples lost before it read as NaN. A chunk from the past (a restarted device) is dropped."""
        size, end = len(self._values), chunk.start + len(chunk.values)
        if self._origin is None:
            self._origin = self._published = self._announced = chunk.start
        if chunk.start < self._published:
            return
        self._announced = end
        lost = np.arange(max(self._published, chunk.start - size), chunk.start)
        self._values[lost % size] = np.nan
        at = np.arange(max(chunk.start, end - size), end)
        self._values[at % size] = self.stream.to_unit(chunk.values[len(chunk.values) - len(at) :])
        self._published = end

    @property
    def end(self) -> int:
        """Index one past the newest sample."""
        return self._published

    def since(self, start: int) -> tuple[int, Floats]:
        """Samples from index `start` on that are still held: (index of first, values (n, n_channels) in `unit`)."""
        size, end = len(self._values), self._published
        start = max(start, end - size, self._origin or 0)
        values = self._values[np.arange(start, end) % size]
        overtaken = min(max(self._announced - size - start, 0), len(values))
        return start + overtaken, values[overtaken:]
