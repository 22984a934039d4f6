"""A board of a few lines, on the other end of a link in memory."""

import threading
import time
from collections.abc import Callable
from typing import Any

from studio.data.stream import Stream
from studio.data.wire import BoardModel, BoardStream, Decoder, Hello, Packet, Type, encode, pack, unpack
from studio.errors import LinkError

ACCEL = Stream("accelerometer", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
MIC = Stream("microphone", 1000.0, ("mono",), "", "i16", 2.0**-15, "microphone")
HELLO = Hello("toy", streams=(BoardStream(1, ACCEL, 10), BoardStream(2, MIC, 50)), build=bytes(16))
MODEL = BoardModel(8, 4, ("a", "b"), ("scores",), 1, 3, 4)


class ToyBoard:
    """A link whose far end is `answer`: packet -> packets. `say` puts bytes on the wire at any time."""

    def __init__(self, answer: Callable[[Packet], list[Packet]] | None = None, hello: Hello = HELLO) -> None:
        self.url, self.asked, self.hello = "toy:", [], hello
        self.answer = answer or self.obey
        self._decoder, self._out, self._news = Decoder(), bytearray(), threading.Condition()
        self.broken: LinkError | None = None

    def obey(self, packet: Packet) -> list[Packet]:
        """HELLO and every command are answered at once; PING echoes."""
        if packet.type == Type.HELLO:
            return [Packet(Type.HELLO, payload=self.hello.encode())]
        args = unpack(packet.payload) if packet.type == Type.COMMAND else {}
        return [reply(packet.seq, args.get(1))]

    def say(self, *packets: Packet | bytes) -> None:
        """Put packets, or bytes as they are, on the wire."""
        with self._news:
            for p in packets:
                self._out += p if isinstance(p, bytes) else encode(p)
            self._news.notify_all()

    def read(self) -> bytes:
        with self._news:
            self._news.wait_for(lambda: self._out or self.broken, 0.02)
            if self._out:
                found = bytes(self._out)
                self._out.clear()
                return found
        if self.broken:
            raise self.broken
        return b""

    def write(self, data: bytes) -> None:
        if self.broken:
            raise self.broken
        for packet in self._decoder.feed(data):
            self.asked.append(packet)
            self.say(*self.answer(packet))

    def close(self) -> None:
        self.broken = LinkError(self.url, "is closed", "Open it again.")


def reply(number: int, result: Any = None, status: int = 0, text: str = "") -> Packet:
    """A REPLY."""
    return Packet(Type.REPLY, seq=number, payload=pack({0: status, 1: text, 2: result}))


def until(ready: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for another thread; fails when it never comes."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)
