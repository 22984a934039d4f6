"""Devices of SensiML Simple Streaming: they offer themselves until they hear `connect`."""

import json
from functools import reduce
from operator import xor

from studio.data.stream import Array
from studio.sources.devices.device import Device
from studio.sources.fault import Frame

OFFER_S = 0.3


class SensimlV1Device(Device):
    """Rows of int16 after `connect`."""

    version = 1
    _next_s = 0.0
    _heard = b""

    def hear(self, data: bytes, now_s: float) -> None:
        self._heard = (self._heard + data)[-32:]
        if self._heard.endswith(b"disconnect"):
            self.streaming, self._heard = False, b""
        elif self._heard.endswith(b"connect"):
            self.begin(now_s)
            self._heard = b""

    def chatter(self, now_s: float) -> list[Frame]:
        if self.streaming or now_s < self._next_s:
            return []
        self._next_s = now_s + OFFER_S
        return [Frame(self.offer() + b"\n")]

    def offer(self) -> bytes:
        """Its description."""
        columns = {name: i for i, name in enumerate(self.stream.channels)}
        told = {"sample_rate": self.told_hz, "version": self.version, "samples_per_packet": self.per_frame}
        return json.dumps({**told, "column_location": columns}).encode()

    def frame(self, first: int, rows: Array) -> bytes:
        return rows.astype("<i2").tobytes()


class SensimlV2Device(SensimlV1Device):
    """Numbered packets with an XOR."""

    version = 2

    def frame(self, first: int, rows: Array) -> bytes:
        return packet(0, first // self.per_frame, rows.astype("<i2").tobytes())

    @property
    def noise(self) -> bytes:
        return packet(1, 0, bytes(2 * self.per_frame * len(self.stream.channels)))


def packet(channel: int, seq: int, payload: bytes) -> bytes:
    """`FF | length | 00 | channel | sequence | payload | XOR`."""
    body = bytes([0, channel]) + (seq & 0xFFFFFFFF).to_bytes(4, "little") + payload
    return b"\xff" + len(body).to_bytes(2, "little") + body + bytes([reduce(xor, body)])
