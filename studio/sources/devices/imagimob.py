"""A device of the Imagimob streaming protocol 1, with one sensor on channel 2."""

import json

from studio.data.stream import Array
from studio.sources.devices.device import Device
from studio.sources.fault import Frame

CHANNEL = "2"
HEARTBEAT_S = 5.0


class ImagimobDevice(Device):
    """It stops when no heart beats."""

    _heard = b""
    _beat_s = 0.0

    def hear(self, data: bytes, now_s: float) -> None:
        *lines, self._heard = (self._heard + data)[-4096:].split(b"\n")
        self._beat_s = now_s
        for line in lines:
            self._command(line.strip().decode("ascii", "replace"), now_s)

    def _command(self, line: str, now_s: float) -> None:
        if line == "config?":
            self.streaming = False
            self.answer(json.dumps(self._config()).encode() + b"\r\n")
        elif line.startswith("subscribe,"):
            if line.split(",")[1:2] == [CHANNEL]:
                self.begin(now_s)
            else:
                self.answer(b"ERROR:no such channel\r\n")
        elif line.startswith("unsubscribe"):
            self.streaming = False
            self.answer(b"OK\r\n")

    def _config(self) -> dict[str, object]:
        kind = {"i16": "s16", "i32": "s32", "f32": "f32"}[self.stream.dtype]
        sensor = {"channel": int(CHANNEL), "type": self.stream.kind, "datatype": kind, "rates": [self.told_hz]}
        sensor["shape"] = [self.per_frame, len(self.stream.channels)]
        return {"device_name": "simulated", "protocol_version": 1, "heartbeat_timeout": HEARTBEAT_S} | {
            "sensors": [sensor]
        }

    def due(self, now_s: float) -> list[Frame]:
        if now_s - self._beat_s > HEARTBEAT_S:
            self.streaming = False
        return super().due(now_s)

    def frame(self, first: int, rows: Array) -> bytes:
        return b"B" + CHANNEL.encode() + rows.tobytes() + b"\r\n"

    @property
    def noise(self) -> bytes:
        return b"OK\r\n"
