"""A device of the Nordic data forwarder: one sample a frame, and its description now and then."""

from typing import ClassVar

import cbor2
from cobs import cobs

from studio.data.stream import Array
from studio.sources.clients.nordic import crc16
from studio.sources.devices.device import Device
from studio.sources.fault import Frame

SESSION = 0x12345678
DESCRIBE_S = 0.5


class NordicDevice(Device):
    """It streams unasked."""

    talks_at_once: ClassVar[bool] = True
    _next_s = 0.0

    def begin(self, now_s: float, first: int = 0) -> None:
        super().begin(now_s, first)
        self.per_frame = 1

    def chatter(self, now_s: float) -> list[Frame]:
        if now_s < self._next_s:
            return []
        self._next_s = now_s + DESCRIBE_S
        d = {"sid": SESSION, "hz": round(self.told_hz), "ch": len(self.stream.channels)}
        return [Frame(wrapped("si", d | {"ch_n": list(self.stream.channels), "st": 1, "dr": 0, "name": "simulated"}))]

    def frame(self, first: int, rows: Array) -> bytes:
        ms = round(first / self.stream.rate_hz * 1000)
        values = [float(v) for v in self.in_unit(rows)[0]]
        return wrapped("sd", {"seq": first & 0xFFFFFFFF, "ts": ms & 0xFFFFFFFF, "val": values})

    @property
    def noise(self) -> bytes:
        return b"\0"


def wrapped(kind: str, d: dict[str, object]) -> bytes:
    """A frame with its 0x00."""
    body = cbor2.dumps({"t": kind, "d": d})
    framed = len(body).to_bytes(2, "little") + body + crc16(body).to_bytes(2, "little")
    return bytes(cobs.encode(framed)) + b"\0"
