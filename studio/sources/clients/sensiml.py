"""SensiML Simple Streaming, versions 1 and 2: int16 samples at one rate for all columns.

The device repeats a JSON line until it hears `connect`, then sends binary. Version 1 has nothing around the rows, so
nothing is known about loss. Version 2 numbers its packets, and an XOR of the bytes tells damage of one bit for sure.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from studio.data.stream import Array, Chunk, Stream
from studio.sources.clients.client import Client, Loss, lines_of

MAX_LINE = 4096
HEAD, TAIL = 9, 1
_OFFERS = b'"column_location"'


class SensimlV1(Client):
    """Consecutive int16 rows after `connect`."""

    name = "sensiml-v1"
    title = "SensiML Simple Streaming 1"
    bauds = (460800, 115200)
    probe = b"disconnect"
    version = 1

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options)
        self._line = b""  # the description, with its newline
        self._per_packet = 1
        self._phase = "asking"  # then "offered", "starting", "streaming"
        self._index = 0

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        found = next((m for line in _offers(seen + answers) if (m := _description(line))), None)
        return 0.95 if found and _version(found) == cls.version else 0.0

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        if self._phase in ("asking", "offered"):
            self._listen(data)
            return []
        self.rest += data
        if self._phase == "starting" and not self._past_the_offer():
            return []
        values, starts = self._rows()
        return [self._chunk(v, start, host_ns) for v, start in zip(values, starts, strict=True)]

    def _listen(self, data: bytes) -> None:
        came = self.rest + data
        lines, self.rest, overlong = lines_of(b"", came, MAX_LINE)
        self.bad += overlong
        for line in lines:
            found = _description(line)
            if found and _version(found) == self.version and not self.ready:
                self._offered(found)
            if found:
                self._line = line + (b"\r\n" if line + b"\r" in came else b"\n")

    def _offered(self, m: dict[str, Any]) -> None:
        columns = sorted(m["column_location"], key=m["column_location"].get)
        self.streams = (Stream("sensor", float(m["sample_rate"]), tuple(columns), "", "i16"),)
        self._per_packet = int(m.get("samples_per_packet", 6))
        self._phase = "offered"

    def _past_the_offer(self) -> bool:
        """Leave out descriptions that were on their way; False while one may still be coming in."""
        while self.rest.startswith(self._line):
            self.rest = self.rest[len(self._line) :]
        if self._line.startswith(self.rest):
            return False
        self._phase = "streaming"
        return True

    def _rows(self) -> tuple[list[Array], list[int]]:
        """Whole rows and the index of the first of each part."""
        n_channels = len(self.streams[0].channels)
        n = len(self.rest) // (2 * n_channels)
        if not n:
            return [], []
        body, self.rest = self.rest[: 2 * n * n_channels], self.rest[2 * n * n_channels :]
        self._index += n
        return [np.frombuffer(body, "<i2").reshape(n, n_channels)], [self._index - n]

    def _chunk(self, values: Array, start: int, host_ns: int) -> Chunk:
        self.packets += 1
        return Chunk(self.streams[0], start, values, 0, host_ns)

    def start(self, names: tuple[str, ...]) -> None:
        self.out += b"connect"
        self._phase = "starting" if self.ready else "asking"

    def stop(self) -> None:
        self.out += b"disconnect"
        self._phase, self.rest = "offered", b""


class SensimlV2(SensimlV1):
    """Packets `FF | length u16 | 00 | channel | sequence u32 | rows | XOR`."""

    name = "sensiml-v2"
    title = "SensiML Simple Streaming 2"
    loss = Loss.EXACT
    checked = True
    version = 2

    def _rows(self) -> tuple[list[Array], list[int]]:
        """The rows of every whole packet; what is damaged is stepped over to the next sync byte that holds."""
        values: list[Array] = []
        starts: list[int] = []
        n_bytes = self._per_packet * len(self.streams[0].channels) * 2
        size, at, data, hurt = HEAD + n_bytes + TAIL, 0, self.rest, False
        mark = b"\xff" + (n_bytes + 6).to_bytes(2, "little") + b"\0"
        while len(data) - at >= size:
            if data.startswith(mark, at) and not _xor(data[at + 3 : at + size]):
                if data[at + 4] == 0:
                    values.append(
                        np.frombuffer(data[at + HEAD : at + size - TAIL], "<i2").reshape(self._per_packet, -1)
                    )
                    starts.append(int.from_bytes(data[at + 5 : at + HEAD], "little") * self._per_packet)
                at, hurt = at + size, False
                continue
            self.bad += not hurt
            hurt = True
            at = data.find(b"\xff", at + 1)
            at = len(data) if at < 0 else at
        self.rest = data[at:]
        return values, starts


def _xor(data: bytes) -> int:
    return int(np.bitwise_xor.reduce(np.frombuffer(data, np.uint8)))


def _offers(seen: bytes) -> list[bytes]:
    return [line for line in seen[-65536:].split(b"\n") if _OFFERS in line][:4]


def _version(m: dict[str, Any]) -> int:
    return int(m.get("version", 1))


def _description(line: bytes) -> dict[str, Any] | None:
    """The map in a description line that makes sense; None otherwise."""
    if _OFFERS not in line or len(line) > MAX_LINE:
        return None
    try:
        m = json.loads(line)
        columns, rate_hz = m["column_location"], float(m["sample_rate"])
        places = sorted(columns.values())
        right = places == list(range(len(columns))) and 0 < len(columns) <= 256 and 0 < rate_hz < 1e6
        n_bytes = 2 * len(columns) * int(m.get("samples_per_packet", 6))
        right = right and 0 < n_bytes <= 0xFFFF - 6 and _version(m) in (1, 2)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
    return m if right else None
