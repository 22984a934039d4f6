"""A device with the studio's own protocol; it says HELLO and streams, nothing else."""

from studio.data.stream import Array, Stream
from studio.data.wire import BoardStream, Decoder, Hello, Packet, Type, Verb, encode, pack, unpack
from studio.errors import ProtocolError
from studio.sources.devices.device import Device


class OwnDevice(Device):
    """The stream has number 1."""

    _decoder: Decoder | None = None

    def hear(self, data: bytes, now_s: float) -> None:
        self._decoder = self._decoder or Decoder()
        for packet in self._decoder.feed(data):
            if packet.type == Type.HELLO:
                self.answer(encode(Packet(Type.HELLO, payload=self._hello().encode())))
            elif packet.type == Type.COMMAND:
                self._command(packet, now_s)

    def _command(self, packet: Packet, now_s: float) -> None:
        try:
            args = unpack(packet.payload)
        except ProtocolError:
            return
        if args.get(0) == Verb.START:
            self.begin(now_s)
        elif args.get(0) == Verb.STOP:
            self.streaming = False
        self.answer(encode(Packet(Type.REPLY, seq=packet.seq, payload=pack({0: 0, 2: args.get(1)}))))

    def _hello(self) -> Hello:
        s = self.stream
        told = Stream(s.name, self.told_hz, s.channels, s.unit, s.dtype, s.scale, s.kind)
        return Hello("simulated", clock_hz=1_000_000, streams=(BoardStream(1, told, self.per_frame),))

    def frame(self, first: int, rows: Array) -> bytes:
        began_us = (self._began_s or 0.0) * (1e6 + self.drift_ppm)  # its clock runs from power on, not from START
        t_us = round(began_us + first / self.stream.rate_hz * 1e6) + 1
        return encode(Packet(Type.SAMPLES, 1, len(rows), first & 0xFFFFFFFF, t_us, rows.tobytes()))

    @property
    def noise(self) -> bytes:
        return encode(Packet(0x7E, payload=b"flood"))
