"""Imagimob streaming protocol 1: text commands, and binary packets `B<channel><samples>CR LF`.

Samples may hold CR LF themselves, so a packet is read by its known length and its end is only checked. Packets bear
no number: nothing is known about loss.
"""

import json
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from studio.data.stream import Array, Chunk, Stream
from studio.sources.clients.client import LIMIT, Client, lines_of
from studio.sources.clients.option import Option

MAX_LINE = 65536
_TYPES = {"u8": "u1", "s8": "i1", "u16": "<u2", "s16": "<i2", "u32": "<u4", "s32": "<i4", "f32": "<f4", "f64": "<f8"}
_KEPT = {"s16": "i16", "s8": "i16", "u8": "i16", "u16": "i32", "s32": "i32"}
_LIKELY = b'"sensors"'


class Sensor:
    """One channel of the device: its stream and how its packets look."""

    def __init__(self, m: dict[str, Any], rate_hz: float) -> None:
        self.digit = str(int(m["channel"]))
        samples, features = (*map(int, m["shape"]), 1)[:2]
        self.shape, self.wire = (samples, features), np.dtype(_TYPES[m["datatype"]])
        self.rates = tuple(float(r) for r in m["rates"])
        self.bytes, self.index = prod(self.shape) * self.wire.itemsize, 0
        rate = rate_hz if rate_hz in self.rates else max(self.rates)
        kind, names = str(m["type"]).casefold(), tuple(f"c{i}" for i in range(features))
        self.stream = Stream(f"{kind}{self.digit}", rate, names, "", _KEPT.get(m["datatype"], "f32"), 1.0, kind)
        if not (len(self.digit) == 1 and 0 < self.bytes < LIMIT // 4 and 0 < rate < 1e6 and features <= 4096):
            raise ValueError(m)

    def rows(self, body: bytes) -> Array:
        """The samples of one packet (samples, features) in the stream's type."""
        with np.errstate(over="ignore"):
            return np.frombuffer(body, self.wire).reshape(self.shape).astype(self.stream.numpy_dtype)


class Imagimob(Client):
    """Asks `config?`, subscribes, and beats its heart."""

    name = "imagimob"
    title = "Imagimob streaming 1"
    bauds = (1_000_000, 115200)
    probe = b"\r\nconfig?\r\n"

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options)
        self._sensors: dict[bytes, Sensor] = {}
        self._streaming = self._hurt = False
        self._beat_s, self._next_s = 0.0, 0.0

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        return 0.95 if any(_config(line) for line in (seen + answers)[-MAX_LINE:].split(b"\n")) else 0.0

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        if not self._streaming:
            lines, self.rest, overlong = lines_of(self.rest, data, MAX_LINE)
            self.bad += overlong
            for line in lines:
                self._read_line(line)
            return []
        self.rest += data
        return self._packets(host_ns)

    def _read_line(self, line: bytes) -> None:
        found = _config(line)
        if found is None:
            if line.strip():
                self.say(line.decode("ascii", "replace"))
            return
        rate_hz = self.number("rate", 0.0)
        sensors = [Sensor(m, rate_hz) for m in found["sensors"]]
        self._sensors = {b"B" + s.digit.encode(): s for s in sensors}
        self.streams = tuple(s.stream for s in sensors)
        self.board = str(found.get("device_name", self.title))
        self._beat_s = float(found.get("heartbeat_timeout", 0) or 0) / 3
        rates = tuple(f"{r:g}" for r in sensors[0].rates)
        self.choices = (Option("rate", "Sampling rate", f"{self.streams[0].rate_hz:g}", rates, "Hz"),)

    def _packets(self, host_ns: int) -> list[Chunk]:
        """Packets by their length; what fits none is stepped over to the next that does."""
        found: list[Chunk] = []
        data, at = self.rest, 0
        while at + 2 < len(data):
            sensor = self._sensors.get(data[at : at + 2])
            end = at + 2 + sensor.bytes if sensor else 0
            if sensor and len(data) < end + 2:
                break
            if sensor and data[end : end + 2] == b"\r\n":
                found.append(self._chunk(sensor, data[at + 2 : end], host_ns))
                at, self._hurt = end + 2, False
            else:
                at = self._step_over(data, at)
        self.rest = data[at:]
        return found

    def _step_over(self, data: bytes, at: int) -> int:
        """Where the next packet or line may begin."""
        line_end = data.find(b"\r\n", at, at + 200)
        line = data[at:line_end] if line_end >= 0 else b""
        if line and line.isascii() and line.decode("ascii").isprintable() and not self._hurt:
            self.say(line.decode("ascii"))
            return line_end + 2
        self.bad += not self._hurt
        self._hurt = True
        after = data.find(b"B", at + 1)
        return after if after >= 0 else len(data)

    def _chunk(self, sensor: Sensor, body: bytes, host_ns: int) -> Chunk:
        values = sensor.rows(body)
        sensor.index += len(values)
        self.packets += 1
        return Chunk(sensor.stream, sensor.index - len(values), values, 0, host_ns)

    def start(self, names: tuple[str, ...]) -> None:
        wanted = {s.name for s in self.wanted(names)}
        for sensor in self._sensors.values():
            if sensor.stream.name in wanted:
                self.out += f"subscribe,{sensor.digit},{sensor.stream.rate_hz:g}\r\n".encode()
        self._streaming, self.rest = True, b""

    def stop(self) -> None:
        self.out += b"unsubscribe\r\n"
        self._streaming, self.rest = False, b""

    def tick(self, now_s: float) -> None:
        if self._streaming and self._beat_s and now_s >= self._next_s:
            self._next_s = now_s + self._beat_s
            self.out += b"heartbeat\r\n"


def _config(line: bytes) -> dict[str, Any] | None:
    """The device's description in a line; None when it is none that can be used."""
    if _LIKELY not in line or len(line) > MAX_LINE:
        return None
    try:
        m: dict[str, Any] = json.loads(line)
        sensors = [Sensor(s, 0.0) for s in m["sensors"]]
        digits = {s.digit for s in sensors}
        timeout_s = float(m.get("heartbeat_timeout", 0) or 0)
        right = m.get("protocol_version") == 1 and sensors and len(digits) == len(sensors) and 0 <= timeout_s < 1e6
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
    return m if right else None
