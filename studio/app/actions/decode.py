"""How fast the host takes packets in: our path, beside the loop over bytes and the CSV lines that others use."""

import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from studio.data.motion import motion
from studio.data.stream import Chunk, Stream
from studio.data.talk import Talk
from studio.data.wire import BoardStream, Hello, Packet, Type, encode
from studio.errors import LinkError
from studio.progress import Progress, Work
from studio.sources.acquire import Acquisition

ACCEL = Stream("accelerometer", 1600.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
HELLO = Hello("bench", streams=(BoardStream(1, ACCEL, 40),))
#: Bytes of payload per frame: on the wire 244 to 1030.
PAYLOADS = (222, 480, 1008)
READ = 65536
TIMES = 5


def decode(n_bytes: int = 16_000_000) -> Work[dict[str, Any]]:
    """MB/s on one core by bytes of frame, and what the same samples cost the others; best of five in one run."""
    found = []
    for i, payload in enumerate(PAYLOADS):
        yield Progress(i, len(PAYLOADS), f"frames of {payload} B")
        found.append(_frames(payload, n_bytes))
    return {"frames": found, "target_mb_s": 200}


def _frames(payload: int, n_bytes: int) -> dict[str, Any]:
    rows = motion(30.0, ACCEL.rate_hz, 1)[0]
    wire, frame = _wire(rows, payload, n_bytes)
    few = wire[: len(wire) // 20]
    lines = _lines(rows, len(few) // 6)
    ours = _best(lambda: take_in(wire), len(wire))
    bytewise, csv = _best(lambda: by_bytes(few), len(few)), _best(lambda: by_lines(lines), len(lines))
    samples_s = [ours * payload / frame, bytewise * payload / frame, csv * 6 * lines.count(b"\n") / len(lines)]
    return {
        "frame_bytes": frame,
        "mb_s": round(ours, 1),
        "byte_by_byte_mb_s": round(bytewise, 1),
        "csv_mb_s": round(csv, 1),
        "times_byte_by_byte": round(ours / bytewise, 1),
        "times_csv_in_samples": round(samples_s[0] / samples_s[2], 1),
    }


def _wire(rows: Any, payload: int, n_bytes: int) -> tuple[bytes, int]:
    """The frames of `rows`, again and again with a rising index, and the bytes of one."""
    n_each = payload // 6
    parts = [rows[i : i + n_each].tobytes() for i in range(0, len(rows) - n_each, n_each)]
    frame = len(encode(Packet(Type.SAMPLES, 1, n_each, 1, 1, parts[0])))
    n = n_bytes // frame
    frames = (
        encode(Packet(Type.SAMPLES, 1, n_each, i * n_each, round(i * n_each * 625), parts[i % len(parts)]))
        for i in range(n)
    )
    return b"".join(frames), frame


def _lines(rows: Any, n: int) -> bytes:
    return b"".join(b"%.4f,%.4f,%.4f\r\n" % tuple(row) for row in (np.resize(rows, (n, 3)) / 4096).tolist())


def _best(run: Callable[[], object], n_bytes: int) -> float:
    """MB/s of the fastest of a few runs."""
    seconds = []
    for _ in range(TIMES):
        began = time.process_time()
        run()
        seconds.append(time.process_time() - began)
    return n_bytes / max(min(seconds), 1e-9) / 1e6


class _Memory:
    """A link that gives bytes in memory as fast as they are read, then ends."""

    url = "memory:"

    def __init__(self, data: bytes) -> None:
        self._parts: Iterator[bytes] = (data[at : at + READ] for at in range(0, len(data), READ))

    def read(self) -> bytes:
        for part in self._parts:
            return part
        raise LinkError(self.url, "has ended", "Read it again.")

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


def take_in(wire: bytes) -> int:
    """The studio's whole path from a link's bytes to a sink; returns the samples that came, and insists on all."""
    taken = [0]

    def sink(chunk: Chunk) -> None:
        taken[0] += len(chunk.values)

    talk = Talk(_Memory(wire))
    talk.board = HELLO
    acquisition = Acquisition(talk, [sink])
    acquisition.start()
    acquisition.wait()
    count = acquisition.counts[1]
    assert count.lost == 0 and taken[0] == count.received and talk.decoder.bad_packets == 0
    return taken[0]


def by_bytes(wire: bytes) -> int:
    """The usual loop of a state machine over bytes: COBS undone by hand, then the CRC. Returns the samples."""
    body, left, code, samples = bytearray(), 0, 255, 0
    for byte in wire:
        if byte == 0:
            if len(body) > 20 and zlib.crc32(body[:-4]) == int.from_bytes(body[-4:], "little"):
                samples += int.from_bytes(body[2:4], "little")
            body, left, code = bytearray(), 0, 255
        elif left == 0:
            if code != 255:
                body.append(0)
            left, code = byte - 1, byte
        else:
            body.append(byte)
            left -= 1
    return samples


def by_lines(text: bytes) -> int:
    """What a client of CSV lines does: split, to numbers. Returns the samples."""
    return len([[float(v) for v in line.split(b",")] for line in text.split(b"\r\n") if line])
