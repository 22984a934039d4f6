"""A device of the Tensor Streaming Protocol 2: one board, one sensor with one stream and one option."""

from dataclasses import replace

from studio.data.stream import Array
from studio.sources.clients.protobuf import Message, field, read_varint, varint
from studio.sources.clients.tensor import CAPABILITIES, CONFIG, DATA, ERROR, START, STOP
from studio.sources.devices.device import Device
from studio.sources.fault import Frame

DEVICE = 1
_KINDS = {"i16": (13, 2), "i32": (14, 4), "f32": (7, 4)}  # D16 and D32 bear a scale
WATCHDOG_MS = 3000
STALE_S = 0.2  # half a message so old is somebody else's


class TensorDevice(Device):
    """It stops when the watchdog is not fed."""

    _heard = b""
    _fed_s = _heard_s = 0.0
    _fast = False

    def hear(self, data: bytes, now_s: float) -> None:
        fresh = now_s - self._heard_s > STALE_S
        self._heard = data if fresh else (self._heard + data)[-4096:]
        self._fed_s = self._heard_s = now_s
        while self._heard:
            try:
                size, at = read_varint(self._heard)
                body = self._heard[at : at + size]
            except (IndexError, ValueError):
                return
            if len(body) < size:
                if size > 1024:  # somebody else's words
                    self._heard = self._heard[1:]
                    continue
                return
            self._heard = self._heard[at + size :] if self._request(body, now_s) else self._heard[1:]

    def _request(self, body: bytes, now_s: float) -> bool:
        try:
            message = Message(body)
            if CAPABILITIES in message:
                self._respond(CAPABILITIES, field(1, self._board()) + field(2, 5))
            elif CONFIG in message:
                self._configure(message.messages(CONFIG)[0])
                self._respond(CONFIG, field(1, DEVICE) + field(3, self._stream()))
            elif START in message:
                self.begin(now_s, 1000)
            elif STOP in message:
                self.streaming = False
            return any(number in message for number in range(1, 8))
        except (ValueError, IndexError):
            return False

    def _configure(self, config: Message) -> None:
        """The one option: fast is twice the rate."""
        for option in config.messages(2):
            fast = option.number(5) == 1
            factor = 2.0 if fast and not self._fast else 0.5 if self._fast and not fast else 1.0
            self._fast, self.told_hz = fast, self.told_hz * factor
            self.stream = replace(self.stream, rate_hz=self.stream.rate_hz * factor)

    def _board(self) -> bytes:
        kinds = field(1, 0) + field(2, int(self._fast)) + field(3, b"normal") + field(3, b"fast")
        option = field(1, 4) + field(2, b"Mode") + field(7, kinds)
        device = field(1, DEVICE) + field(2, b"Sensor") + field(4, 1) + field(5, option) + field(6, self._stream())
        return field(2, b"simulated") + field(3, field(1, 1)) + field(5, WATCHDOG_MS) + field(6, device)

    def _stream(self) -> bytes:
        s = self.stream
        dimension = field(2, len(s.channels)) + b"".join(field(3, name.encode()) for name in s.channels)
        found = field(1, s.name.encode()) + field(2, 2) + field(3, _KINDS[s.dtype][0]) + field(4, dimension)
        return (
            found + field(5, float(self.told_hz)) + field(6, 64) + field(7, s.unit.encode()) + field(10, float(s.scale))
        )

    def _respond(self, number: int, body: bytes) -> None:
        self.answer(delimited(number, body))

    def due(self, now_s: float) -> list[Frame]:
        if now_s - self._fed_s > WATCHDOG_MS / 1000:
            self.streaming = False
        return super().due(now_s)

    def frame(self, first: int, rows: Array) -> bytes:
        return delimited(DATA, field(1, DEVICE) + field(3, len(rows)) + field(4, first) + field(5, rows.tobytes()))

    @property
    def noise(self) -> bytes:
        return delimited(ERROR, field(1, b"still here"))


def delimited(number: int, body: bytes) -> bytes:
    """A Response behind its length."""
    message = field(number, body)
    return varint(len(message)) + message
