"""A recording, played as if by a board: it answers HELLO and START, and sends its samples at the pace they were taken.

Nothing above knows the difference, so a recording can be watched, recorded again and tested against like a device.
What was lost stays lost: gaps are not sent. Options: `speed` (1 is true pace, 0 as fast as it is read), `loop=1`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from studio.data.recording import Recording, load
from studio.data.wire import (
    MAX_PAYLOAD,
    BoardStream,
    Decoder,
    Hello,
    Packet,
    Status,
    Type,
    Verb,
    encode,
    pack,
    unpack,
)
from studio.errors import DataError, InputError, LinkError, ProtocolError
from studio.sources.url import Address

FRAME_S = 0.02
BURST_BYTES = 65536


class ReplayLink:
    """`replay:PATH?speed=4`, where PATH is a recording's folder."""

    def __init__(self, address: Address) -> None:
        self.url = address.url
        path = Path(address.place)
        if not path.is_dir():
            raise InputError(address.url, f"{path} is not a folder", "Give the folder of a recording.")
        self._recording = load(path)
        self._speed = address.number("speed", 1.0)
        self._loop = address.number("loop", 0.0) > 0
        self._streams = tuple(
            _board_stream(i + 1, self._recording, s.name) for i, s in enumerate(self._recording.streams)
        )
        self._decoder, self._lock = Decoder(), threading.Lock()
        self._answers = bytearray()
        self._frames: Iterator[tuple[float, bytes]] = iter(())
        self._due: tuple[float, bytes] | None = None
        self._began_s = 0.0
        self._playing = self._closed = False

    def read(self) -> bytes:
        """Answers and the samples that are due; LinkError once the recording is over."""
        with self._lock:
            found = bytes(self._answers) + self._due_bytes()
            self._answers.clear()
            left_s = (self._due[0] - self._now_s()) / (self._speed or 1.0) if self._due else 0.05
        if found:
            return found
        if self._closed or (self._playing and self._due is None):
            raise LinkError(
                self.url, "the recording is over", "Connect again, or add loop=1 to play it round and round."
            )
        time.sleep(min(max(left_s, 0.0), 0.1))
        return b""

    def write(self, data: bytes) -> None:
        """What the studio asks."""
        with self._lock:
            for packet in self._decoder.feed(data):
                if packet.type == Type.HELLO:
                    self._answers += encode(Packet(Type.HELLO, payload=self._hello().encode()))
                elif packet.type == Type.COMMAND:
                    self._answers += encode(Packet(Type.REPLY, seq=packet.seq, payload=pack(self._reply(packet))))

    def close(self) -> None:
        """No more."""
        self._closed = True

    def _hello(self) -> Hello:
        return Hello(f"replay {self._recording.id}", "app", clock_hz=1_000_000, streams=self._streams)

    def _reply(self, packet: Packet) -> dict[int, Any]:
        try:
            args = unpack(packet.payload)
            verb = _VERBS.get(args.get(0, 0))
        except (ProtocolError, TypeError) as e:
            return {0: Status.BAD_ARGUMENTS, 1: str(e)}
        if verb is None:
            return {0: Status.UNKNOWN_VERB, 1: "a recording cannot do that"}
        return {0: Status.OK, 2: verb(self, args)}

    def _start(self, args: dict[int, Any]) -> None:
        wanted = set(args.get(1) or [s.id for s in self._streams])
        chosen = [s for s in self._streams if s.id in wanted]
        self._frames = _frames(self._recording, chosen, self._loop)
        self._due, self._began_s, self._playing = next(self._frames, None), time.monotonic(), True

    def _stop(self, args: dict[int, Any]) -> None:
        self._frames, self._due, self._playing = iter(()), None, False

    def _stats(self, args: dict[int, Any]) -> dict[int, Any]:
        return {0: round(self._now_s() * 1e6), 1: {}, 2: self._decoder.bad_packets, 3: 0}

    def _now_s(self) -> float:
        """Seconds into the recording."""
        return (time.monotonic() - self._began_s) * self._speed if self._playing else 0.0

    def _due_bytes(self) -> bytes:
        found, now_s = bytearray(), self._now_s()
        while self._due and len(found) < BURST_BYTES and (self._speed == 0 or self._due[0] <= now_s):
            found += self._due[1]
            self._due = next(self._frames, None)
        return bytes(found)


_VERBS: dict[int, Callable[[ReplayLink, dict[int, Any]], Any]] = {
    Verb.START: ReplayLink._start,
    Verb.STOP: ReplayLink._stop,
    Verb.STATS: ReplayLink._stats,
    Verb.SET: lambda link, args: None,
    Verb.CLEAR: lambda link, args: None,
    Verb.PING: lambda link, args: args.get(1),
}


def _board_stream(id: int, recording: Recording, name: str) -> BoardStream:
    stream = recording.stream(name)
    row = stream.numpy_dtype.itemsize * len(stream.channels)
    if row > MAX_PAYLOAD:
        seen = f"one sample is {row} bytes, a packet holds {MAX_PAYLOAD}"
        raise DataError(
            f"Stream {name!r} of recording {recording.id!r}", seen, "It can be looked at, but not replayed."
        )
    return BoardStream(id, stream, max(1, min(round(stream.rate_hz * FRAME_S), MAX_PAYLOAD // row)))


def _frames(recording: Recording, streams: list[BoardStream], loop: bool) -> Iterator[tuple[float, bytes]]:
    """(due time in s, frame) of all streams in order of time."""
    import heapq

    return heapq.merge(*(_stream_frames(recording, s, loop) for s in streams), key=lambda frame: frame[0])


def _stream_frames(recording: Recording, board: BoardStream, loop: bool) -> Iterator[tuple[float, bytes]]:
    """A frame is due when its last sample has been taken. The device's clock runs as it was measured."""
    raw, n = recording.raw(board.stream.name), recording.n_samples[board.stream.name]
    rate_hz, lap = recording.measured_rate_hz(board.stream.name), 0
    while n:
        for start, stop in _kept(n, recording.gaps.get(board.stream.name, ()), board.samples_per_frame):
            first = lap * n + start
            rows = np.ascontiguousarray(raw[start:stop])
            packet = Packet(Type.SAMPLES, board.id, len(rows), first, round(first / rate_hz * 1e6), rows.tobytes())
            yield (lap * n + stop) / rate_hz, encode(packet)
        lap += 1
        if not loop:
            return


def _kept(n: int, gaps: tuple[tuple[int, int], ...], step: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most `step` samples outside the gaps."""
    at = 0
    for start, count in (*gaps, (n, 0)):
        while at < start:
            yield at, min(at + step, start)
            at = min(at + step, start)
        at = start + count
