"""The microphone of this computer, as a board of ours: `mic:` or `mic:NAME?rate=16000`.

PortAudio calls back on a thread of its own with the time at which the converter took the first sample. When it says
that samples were dropped, that time tells how many, so the gap stands at its place.
"""

import threading
from collections import deque
from typing import Any

import numpy as np

from studio.data.stream import Array, Stream
from studio.errors import InputError, LinkError
from studio.sources.devices.device import DeviceLink
from studio.sources.devices.own import OwnDevice
from studio.sources.fault import Frame
from studio.sources.url import Address

RATE_HZ = 16000.0
BLOCK = 256
KEEP_BLOCKS = 2048  # half a minute; a studio that does not read for longer loses the oldest


class Ear(OwnDevice):
    """What the callback hears, in our own protocol."""

    def __init__(self, rate_hz: float) -> None:
        stream = Stream("microphone", rate_hz, ("mono",), "", "i16", 2.0**-15, "microphone")
        super().__init__(stream, np.zeros((1, 1), np.int16))
        self.per_frame = BLOCK
        self._came: deque[Frame] = deque(maxlen=KEEP_BLOCKS)
        self._index, self._next_s = 0, 0.0

    def begin(self, now_s: float, first: int = 0) -> None:
        """Count from zero."""
        self._came.clear()
        self._index, self._next_s = first, 0.0
        self.streaming = True

    def take(self, rows: Array, taken_s: float, dropped: bool) -> None:
        """A block (n, 1), the first sample taken at `taken_s` of the converter's clock."""
        if not self.streaming:
            return
        if dropped and self._next_s and taken_s > self._next_s:
            self._index += round((taken_s - self._next_s) * self.stream.rate_hz)
        self._came.append(Frame(self.frame(self._index, rows), self._index, len(rows), self.noise))
        self._index += len(rows)
        self._next_s = taken_s + len(rows) / self.stream.rate_hz

    def due(self, now_s: float) -> list[Frame]:
        """Answers, and the blocks that came."""
        found, self.answers = self.answers, []
        while self._came:
            found.append(self._came.popleft())
        return found


class MicrophoneLink(DeviceLink):
    """InputError without the package `sounddevice`, LinkError when there is no such microphone."""

    def __init__(self, address: Address) -> None:
        self._ear = Ear(address.number("rate", RATE_HZ, low=1000.0))
        super().__init__(address.url, self._ear)
        self._closing = threading.Lock()
        self._input: Any = _opened(address, self._ear)

    def close(self) -> None:
        """Let the microphone go."""
        with self._closing:
            if self._input is not None:
                self._input.close()
                self._input = None
        super().close()


def _opened(address: Address, ear: Ear) -> Any:
    try:
        import sounddevice
    except ImportError as e:
        step = "Run `pip install sensorsmith-studio[microphone]`."
        raise InputError(address.url, "the package sounddevice is not installed", step) from e
    except OSError as e:
        step = "Install it: `sudo apt install libportaudio2`, or your system's package of that name."
        raise LinkError(address.url, f"the system has no PortAudio ({e})", step) from e

    def heard(rows: Array, n: int, at: Any, status: Any) -> None:
        ear.take(np.array(rows, np.int16), float(at.inputBufferAdcTime), bool(status.input_overflow))

    try:
        stream = sounddevice.InputStream(ear.stream.rate_hz, BLOCK, address.place or None, 1, "int16", callback=heard)
        stream.start()
    except (sounddevice.PortAudioError, ValueError) as e:
        step = "Plug a microphone in, allow this program to use it, or choose another with mic:NAME."
        raise LinkError(address.url, f"cannot be opened ({e})", step) from e
    return stream
