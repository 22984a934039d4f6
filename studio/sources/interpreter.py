"""An interpreter lets a board with somebody else's firmware pass for one of ours.

It has the surface of `Talk`: HELLO says what the client found out, START and STOP become the board's own words, and
samples come as packets with the index that the protocol gives them. So the acquisition, the views and the recorder
know one kind of board.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from studio.data.link import Link
from studio.data.stream import Chunk
from studio.data.talk import Refused, Talk
from studio.data.wire import HEADER, BoardStream, Hello, Packet, Status, Type, Verb, pack
from studio.errors import ProtocolError
from studio.sources.clients.client import Client

#: Seconds that a device may take to describe itself once its protocol is known.
SETUP_S = 15.0
ASK_AGAIN_S = 2.0
_NO_CRC = bytes(4)  # bodies from the wire end with one, checked by then
MOST_ROWS = 0xFFFF

Heard = list[tuple[bytes, int]]  # what came, and this computer's clock in ns


class Interpreter(Talk):
    """`client` over `link`; `heard` came already while the device was being identified."""

    def __init__(
        self, link: Link, client: Client, heard: Heard | None = None, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        super().__init__(link)
        self.client, self._clock_ns = client, clock_ns
        self._heard = heard or []
        self._state = threading.RLock()
        self._dropped: dict[str, int] = {}
        self._flowing = False
        self._bases: dict[str, int] = {}  # the device's index of each stream's first sample since START
        self._kept: dict[str, int] = {}

    def go_on(self, before: Talk | None) -> None:
        """Count on from the conversation `before` the link was lost, where the device itself counts on."""
        if isinstance(before, Interpreter) and type(before.client) is type(self.client):
            self._kept = dict(before._bases)

    def hello(self, timeout_s: float = SETUP_S) -> Hello:
        """What the client finds out by asking. ProtocolError when the device does not describe itself."""
        for data, host_ns in self._heard:
            self._backlog.clear()
            self._feed(data, host_ns)
        self._heard = []
        deadline, asked_s = self._clock_ns() * 1e-9 + timeout_s, float("-inf")
        while not self.client.ready:
            now_s = self._clock_ns() * 1e-9
            if now_s >= deadline:
                raise self._undescribed(timeout_s)
            if now_s - asked_s > (ASK_AGAIN_S if self.client.piece is None else timeout_s):
                asked_s = now_s
                self.client.begin()
            self._flush()
            self._read()
        self._backlog.clear()
        self.board = self._introduction()
        return self.board

    def _introduction(self) -> Hello:
        c = self.client
        batch_s = getattr(c, "batch_s", 0.0) * 3
        streams = tuple(BoardStream(i + 1, s, max(1, round(batch_s * s.rate_hz))) for i, s in enumerate(c.streams))
        return Hello(c.board, "app", b"", 0, streams=streams, firmware=f"{c.title} {c.firmware}".strip())

    def send(self, packet: Packet) -> None:
        """Nothing: the client says what is to be said, in its own protocol."""
        self._flush()

    def request(
        self, verb: int, args: dict[int, Any] | None = None, timeout_s: float = 1.0, tries: int | None = None
    ) -> Any:
        """START, STOP and the like in the board's own words; Refused for what only our firmware can do."""
        with self._state:
            if verb == Verb.START:
                self._bases, self._kept, self._flowing = self._kept, {}, True
                self.client.start(self._names((args or {}).get(1)))
            elif verb == Verb.STOP:
                self._flowing = False
                self.client.stop()
            elif verb == Verb.PING:
                return (args or {}).get(1)
            elif verb != Verb.CLEAR:
                seen = f"runs {self.client.title}, which cannot do that"
                step = "Flash the studio's firmware on it, then try again."
                raise Refused(self._name(), seen, step, Status.UNKNOWN_VERB)
            self._flush()
        return None

    def _names(self, ids: list[int] | None) -> tuple[str, ...]:
        known = self.board.channels if self.board else {}
        return tuple(known[i].name for i in ids or () if i in known)

    def _read(self) -> None:
        try:
            data = self.link.read()
        except Exception as e:
            self._broken = e
            raise
        self._feed(data, self._clock_ns())

    def _feed(self, data: bytes, host_ns: int) -> None:
        with self._state:
            self.client.tick(host_ns * 1e-9)
            chunks = self.client.feed(data, host_ns)
            self._flush()
        c, d = self.client, self.decoder
        d.bytes, d.packets, d.bad_packets = d.bytes + len(data), c.packets, c.bad
        self.log.extend(c.log)
        c.log.clear()
        for chunk in chunks if self._flowing else ():
            self._backlog.extend(self._bodies(chunk))
        if c.dropped != self._dropped:
            self._dropped = dict(c.dropped)
            self._backlog.append(self._stats())

    def _bodies(self, chunk: Chunk) -> Iterator[bytes]:
        """The chunk as packets; a packet counts up to 65535 samples."""
        id_ = next(i + 1 for i, s in enumerate(self.client.streams) if s.name == chunk.stream.name)
        start = chunk.start - self._bases.setdefault(chunk.stream.name, chunk.start)
        for at in range(0, len(chunk.values), MOST_ROWS):
            rows = chunk.values[at : at + MOST_ROWS]
            us = chunk.device_us + round(at / chunk.stream.rate_hz * 1e6) if chunk.device_us else 0
            yield HEADER.pack(Type.SAMPLES, id_, len(rows), (start + at) & 0xFFFFFFFF, us) + rows.tobytes() + _NO_CRC

    def _stats(self) -> bytes:
        counts = {i + 1: self._dropped.get(s.name, 0) for i, s in enumerate(self.client.streams)}
        return HEADER.pack(Type.STATS, 0, 0, 0, 0) + pack({0: 0, 1: counts, 2: 0, 3: 0}) + _NO_CRC

    def _flush(self) -> None:
        with self._state:
            data = self.client.take()
        speak(self.link, data, self.client.piece)

    def _undescribed(self, timeout_s: float) -> ProtocolError:
        seen = f"speaks like {self.client.title}, but did not describe itself in {timeout_s:g} s"
        said = f" (it said {self.log[-1][:60]!r})" if self.log else ""
        return ProtocolError(self.link.url, seen + said, "Restart the board, or force another one with ?protocol=.")


def speak(link: Link, data: bytes, piece: tuple[int, float] | None) -> None:
    """Write `data`, in pieces for a device that cannot take it at once."""
    if piece is None:
        if data:
            link.write(data)
        return
    for at in range(0, len(data), piece[0]):
        link.write(data[at : at + piece[0]])
        time.sleep(piece[1])
