"""A load test: many channels for minutes, from another process through a socket into rings and a recording.

The sender keeps real time whatever the receiver does, and every recorded sample is compared with what was sent.
"""

import multiprocessing
import socket
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import numpy as np

from studio.app.live import Connection
from studio.data.project import create
from studio.data.recording import Recording
from studio.data.stream import Array, Stream
from studio.data.wire import MAX_PAYLOAD, BoardStream, Decoder, Hello, Packet, Type, Verb, encode, pack, unpack
from studio.progress import Progress, Work

LOADS = ((10, 16000.0), (64, 1000.0))
#: Memory is compared from here on: before, buffers fill for the first time.
SETTLED_S = 5.0
TICK_S = 0.01
NOISE = "noise"


def load(minutes: float = 1.0, loads: tuple[tuple[int, float], ...] = LOADS) -> Work[dict[str, Any]]:
    """Each load (channels, Hz) for `minutes`: samples lost, memory before and after, share of one core."""
    found = []
    for i, (channels, rate_hz) in enumerate(loads):
        name = f"{channels} channels at {rate_hz:g} Hz"
        with tempfile.TemporaryDirectory() as folder:
            found.append((yield from _under(many(channels, rate_hz), minutes * 60, Path(folder), name, i, len(loads))))
    return {"minutes": minutes, "loads": found}


def many(channels: int, rate_hz: float) -> Stream:
    """A stream of so many channels."""
    return Stream("load", rate_hz, tuple(f"c{i}" for i in range(channels)), "", "i16", 1 / 4096)


def second_of(stream: Stream) -> Array:
    """One second of samples (n, n_channels): a wave of its own per channel, with noise; the sender repeats it.

    A stream called NOISE is noise of full scale.
    """
    if stream.name == NOISE:
        shape = round(stream.rate_hz), len(stream.channels)
        return np.random.default_rng(0).integers(-32768, 32768, shape).astype("<i2")
    n, channels = round(stream.rate_hz), np.arange(len(stream.channels))
    waves = 9000 * np.sin(2 * np.pi * (np.arange(n)[:, None] / n * (1 + channels % 7) + channels / 11))
    return (waves + np.random.default_rng(len(channels)).normal(0, 500, waves.shape)).astype("<i2")


def _under(stream: Stream, seconds: float, folder: Path, name: str, i: int, n: int) -> Work[dict[str, Any]]:
    sender = Sender(stream)
    connection = Connection(f"socket://127.0.0.1:{sender.port}", start=False)
    try:
        connection.wait()
        connection.start_recording(create(folder / "project", "load"))
        connection.start()
        before: _Use | None = None
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds + SETTLED_S:
            if passed >= SETTLED_S and before is None:
                before = use()
            yield Progress(i + passed / (seconds + SETTLED_S), n, name)
            if (error := connection.error or connection.recording_error) is not None:
                raise error
            time.sleep(0.2)
        after, stats = use(), connection.stats
        recording = connection.stop_recording()
    finally:
        connection.close()
        sender.close()
    told = _told(recording, stats, before or after, after)
    return {"channels": len(stream.channels), "rate_hz": stream.rate_hz, **told}


@dataclass(frozen=True)
class _Use:
    wall_s: float
    cpu_s: float
    rss_mb: float


def use() -> _Use:
    """What this process has used so far."""
    return _Use(time.monotonic(), time.process_time(), rss_mb())


def rss_mb() -> float:
    """Resident memory of this process now, MB; its peak where the system does not tell."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text().split()[1]) * 4096 / 1e6
    try:
        import resource
    except ImportError:
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _told(recording: Recording, stats: dict[str, Any], before: _Use, after: _Use) -> dict[str, Any]:
    stream = recording.streams[0]
    n, wall_s = recording.n_samples[stream.name], after.wall_s - before.wall_s
    return {
        "seconds": round(n / stream.rate_hz, 1),
        "samples": n * len(stream.channels),
        "lost": stats["streams"][stream.name]["lost"],
        "wrong": wrong(recording.raw(stream.name), second_of(stream)),
        "bad_packets": stats["bad_packets"],
        "rate_of_stated": round(n / stream.rate_hz / (wall_s + SETTLED_S), 4),
        "rss_before_mb": round(before.rss_mb, 1),
        "rss_after_mb": round(after.rss_mb, 1),
        "cpu_share": round((after.cpu_s - before.cpu_s) / max(wall_s, 1e-9), 3),
    }


def wrong(raw: Array, second: Array) -> int:
    """Rows of `raw` that are not the row sent at their place."""
    each = len(second)
    parts = (raw[at : at + each] for at in range(0, len(raw), each))
    return sum(int((part != second[: len(part)]).any(axis=1).sum()) for part in parts)


class Sender:
    """A board of many channels in a process of its own, behind a socket at `port`."""

    def __init__(self, stream: Stream) -> None:
        context = multiprocessing.get_context("spawn")
        told: Queue[int] = context.Queue()
        self._process = context.Process(target=_send, args=(stream, told), daemon=True)
        self._process.start()
        self.port = told.get(timeout=30)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.join()


def _send(stream: Stream, told: "Queue[int]") -> None:
    """The sender's process: answers commands, and sends in real time from START on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        told.put(server.getsockname()[1])
        link, _ = server.accept()
    board = _Board(stream)
    with link:
        link.settimeout(TICK_S)
        while True:
            try:
                heard = link.recv(4096)
                if not heard:
                    return
            except TimeoutError:
                heard = b""
            link.settimeout(None)
            link.sendall(board.answers(heard) + board.due(time.monotonic()))
            link.settimeout(TICK_S)


class _Board:
    """What the sender says; it knows no socket."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._second = stream, second_of(stream)
        self._each = MAX_PAYLOAD // (2 * len(stream.channels))
        self._decoder, self._began_s, self._sent = Decoder(), 0.0, 0

    def answers(self, data: bytes) -> bytes:
        """To what the host asks."""
        out = b""
        for packet in self._decoder.feed(data):
            if packet.type == Type.HELLO:
                hello = Hello("load", streams=(BoardStream(1, self._stream, self._each),))
                out += encode(Packet(Type.HELLO, payload=hello.encode()))
            elif packet.type == Type.COMMAND:
                verb = unpack(packet.payload).get(0)
                if verb in (Verb.START, Verb.STOP):
                    self._began_s, self._sent = time.monotonic() if verb == Verb.START else 0.0, 0
                out += encode(Packet(Type.REPLY, seq=packet.seq, payload=pack({0: 0, 2: None})))
        return out

    def due(self, now_s: float) -> bytes:
        """The packets that time has made due."""
        if not self._began_s:
            return b""
        out, end = [], int((now_s - self._began_s) * self._stream.rate_hz)
        while self._sent + self._each <= end:
            t_us = 1 + round(self._sent / self._stream.rate_hz * 1e6)
            at = np.arange(self._sent, self._sent + self._each) % len(self._second)
            out.append(encode(Packet(Type.SAMPLES, 1, self._each, self._sent, t_us, self._second[at].tobytes())))
            self._sent += self._each
        return b"".join(out)
