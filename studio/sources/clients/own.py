"""The studio's own protocol as one client among the others; a live connection speaks it through `Talk` itself."""

from collections.abc import Mapping

import numpy as np

from studio.data.stream import Chunk
from studio.data.wire import BoardStream, Decoder, Packet, Type, Verb, encode, pack, parse_hello
from studio.errors import ProtocolError
from studio.sources.clients.client import Client, Loss


class Own(Client):
    """COBS frames with a count, a clock and a CRC-32."""

    name = "own"
    title = "Sensorsmith firmware"
    loss = Loss.EXACT
    checked = True
    bauds = (921600, 115200, 1_000_000, 460800, 2_000_000)
    probe = b"\0" + encode(Packet(Type.HELLO))

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options)
        self._decoder = Decoder()
        self._boards: dict[int, BoardStream] = {}
        self._requests = 0

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        """A frame whose CRC-32 is right settles it."""
        return 1.0 if Decoder().feed(seen + b"\0") or Decoder().feed(answers + b"\0") else 0.0

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        packets = self._decoder.feed(data)
        for line in self._decoder.text:
            self.say(line)
        self._decoder.text.clear()
        found = [chunk for p in packets if (chunk := self._read(p, host_ns))]
        self.bad += self._decoder.bad_packets
        self.packets += len(packets)
        self._decoder.bad_packets = 0
        return found

    def _read(self, packet: Packet, host_ns: int) -> Chunk | None:
        if packet.type == Type.HELLO and packet.payload:
            self._introduced(packet.payload)
        board = self._boards.get(packet.channel)
        if packet.type != Type.SAMPLES or board is None or not packet.count:
            return None
        row = board.stream.numpy_dtype.itemsize * len(board.stream.channels)
        if len(packet.payload) != row * packet.count:
            self.bad += 1
            return None
        values = np.frombuffer(packet.payload, board.stream.numpy_dtype).reshape(packet.count, -1)
        return Chunk(board.stream, packet.seq, values, packet.t_us, host_ns)

    def _introduced(self, payload: bytes) -> None:
        try:
            hello = parse_hello(payload)
        except ProtocolError as e:
            self.error = e.seen, e.next_step
            return
        self.board, self.firmware = hello.board, hello.firmware
        self._boards = {s.id: s for s in hello.streams}
        self.streams = tuple(s.stream for s in hello.streams)

    def start(self, names: tuple[str, ...]) -> None:
        wanted = {s.name for s in self.wanted(names)}
        self._command({0: int(Verb.START), 1: [i for i, b in self._boards.items() if b.stream.name in wanted]})

    def stop(self) -> None:
        self._command({0: int(Verb.STOP)})

    def _command(self, args: dict[int, object]) -> None:
        self._requests += 1
        self.out += encode(Packet(Type.COMMAND, seq=self._requests, payload=pack(args)))
