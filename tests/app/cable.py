"""A device that lives on while its cable is out: each of its samples says when it was taken, by the device's count."""

import time
from collections.abc import Callable

import numpy as np

from studio.data.stream import Array, Stream
from studio.errors import LinkError
from studio.sources.devices.device import Device
from studio.sources.devices.own import OwnDevice

RATE_HZ = 1000.0
STREAM = Stream("accelerometer", RATE_HZ, ("x", "y"), "g", "i16", 1 / 4096, "accelerometer")
TICKS = np.stack([np.arange(1 << 15), np.arange(1 << 15) ^ 0x55], 1).astype("<i2")


class FreeRunning(OwnDevice):
    """Its sensor samples on a grid of its own; START only begins to send. A value is the low 15 bits of the tick."""

    _tick = 0

    def begin(self, now_s: float, first: int = 0) -> None:
        self._tick = int(np.ceil(now_s * RATE_HZ))
        super().begin(self._tick / RATE_HZ, first)

    def at(self, first: int, n: int) -> Array:
        return super().at(self._tick + first, n)


class Plug:
    """A device at the end of a cable; put `open_link` where the studio opens links."""

    def __init__(self, device: Device | None = None) -> None:
        self.device = device or FreeRunning(STREAM, TICKS)
        self.plugged, self.mute, self.flawed = True, False, ""
        self.opened = self.open_now = 0
        self.heard: list[bytes] = []
        self.on_open: Callable[[], None] = lambda: None
        self.born_s = time.monotonic()
        if self.device.talks_at_once:
            self.device.begin(0.0)

    def open_link(self, url: str) -> "Wire":
        self.on_open()
        if not self.plugged:
            raise LinkError(url, "there is no such port", "Plug the board in.")
        while self.device.due(time.monotonic() - self.born_s):
            pass  # what it said while nobody listened is gone
        if not self.device.talks_at_once:
            self.device.streaming = False  # it notices that its port was opened anew, and waits for START
        return Wire(url, self)

    def restart(self, device: Device) -> None:
        """Another life: its clock and its count begin anew."""
        self.device, self.born_s = device, time.monotonic()


class Wire:
    """The link; it breaks for good when the cable is pulled."""

    def __init__(self, url: str, plug: Plug) -> None:
        self.url, self._plug, self._broken = url, plug, False
        plug.opened += 1
        plug.open_now += 1

    def read(self) -> bytes:
        self._check()
        time.sleep(0.002)
        said = b"".join(f.data for f in self._plug.device.due(time.monotonic() - self._plug.born_s))
        return b"" if self._plug.mute else said

    def write(self, data: bytes) -> None:
        self._check()
        self._plug.heard.append(data)
        if not self._plug.mute:
            self._plug.device.hear(data, time.monotonic() - self._plug.born_s)

    def close(self) -> None:
        self._plug.open_now -= not self._broken
        self._broken = True

    def _check(self) -> None:
        if self._broken or not self._plug.plugged:
            raise LinkError(self.url, "the device went away", "Check the cable.")
