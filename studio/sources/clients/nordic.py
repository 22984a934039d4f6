"""The Nordic data forwarder: COBS frames of CBOR with a CRC-16, over a UART or the Nordic UART Service.

Every sample has a sequence number and a time, so a loss is known to the sample.
"""

from collections.abc import Mapping
from typing import Any

import cbor2
import numpy as np
from cobs import cobs

from studio.data.stream import Chunk, Stream
from studio.sources.clients.client import Client, Loss

MAX_FRAME = 4096
MICRO = 1e-6  # integers come in millionths of the unit
_WRONG = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _crc_table()


def crc16(data: bytes) -> int:
    """CRC-16/MCRF4XX: reflected 0x1021, begun with 0xFFFF (check 0x6F91). Zephyr calls it crc16_ccitt."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def unwrap(frame: bytes) -> dict[str, Any] | None:
    """The map in a frame without its 0x00; None when it is damaged. The CRC must be there: the format allows none,
    but then any noise could pass for a sample."""
    try:
        body = cobs.decode(frame)
        n = int.from_bytes(body[:2], "little")
        if len(body) != n + 4 or crc16(body[2:-2]) != int.from_bytes(body[-2:], "little"):
            return None
        found = cbor2.loads(body[2:-2])
    except Exception:  # bytes from outside: whatever the libraries make of them
        return None
    right = isinstance(found, dict) and found.get("t") in ("si", "sd") and isinstance(found.get("d"), dict)
    return found if right else None


class Nordic(Client):
    """`si` describes the session, `sd` brings one sample."""

    name = "nordic"
    title = "Nordic data forwarder"
    loss = Loss.EXACT
    checked = True
    bauds = (115200, 1_000_000)

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options)
        self._session: int | None = None

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        frames = (seen + answers).split(b"\0")[:-1]
        return 0.95 if any(unwrap(frame) for frame in frames[-200:] if frame) else 0.0

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        *frames, self.rest = (self.rest + data).split(b"\0")
        if len(self.rest) > MAX_FRAME:
            self.rest, self.bad = self.rest[:1], self.bad + 1
        found = [chunk for frame in frames if frame and (chunk := self._frame(frame, host_ns))]
        return _joined(found)

    def _frame(self, frame: bytes, host_ns: int) -> Chunk | None:
        found = unwrap(frame)
        if found is None:
            self.bad += 1
            return None
        self.packets += 1
        try:
            if found["t"] == "si":
                self._describe(found["d"])
                return None
            return self._sample(found["d"], host_ns) if self.ready else None
        except _WRONG:
            self.bad += 1
            return None

    def _describe(self, d: dict[str, Any]) -> None:
        """The session's description, sent at its start and again and again."""
        rate_hz, n = float(d["hz"]), int(d["ch"])
        if not 0 < rate_hz <= 1e6 or not 0 < n <= 64:
            raise ValueError(d)
        names = tuple(map(str, d.get("ch_n") or ()))
        names = names if len(set(names)) == n else tuple(f"c{i}" for i in range(n))
        stream = Stream("sensor", rate_hz, names, "", "f32")
        if self._session is None:
            self._session, self.streams = int(d["sid"]), (stream,)
            self.board = str(d.get("name") or self.title)
        self._session = int(d["sid"])
        self.dropped = {"sensor": int(d.get("dr") or 0)}

    def _sample(self, d: dict[str, Any], host_ns: int) -> Chunk:
        stream, raw = self.streams[0], list(d["val"])
        if len(raw) != len(stream.channels):
            raise ValueError(d)
        with np.errstate(over="ignore"):
            values = np.array([[v * MICRO if isinstance(v, int) else float(v) for v in raw]]).astype("<f4")
        seq, ms = int(d["seq"]), int(d["ts"])
        if not (0 <= seq < 2**32 and 0 <= ms < 2**32):
            raise ValueError(d)
        return Chunk(stream, seq, values, ms * 1000, host_ns)


def _joined(chunks: list[Chunk]) -> list[Chunk]:
    """Samples in a row as one chunk: they come one a frame."""
    found: list[list[Chunk]] = []
    for chunk in chunks:
        if found and found[-1][-1].start + 1 == chunk.start:
            found[-1].append(chunk)
        else:
            found.append([chunk])
    return [
        Chunk(row[0].stream, row[0].start, np.concatenate([c.values for c in row]), row[0].device_us, row[0].host_ns)
        for row in found
    ]
