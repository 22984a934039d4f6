"""Tensor Streaming Protocol 2: protobuf messages, each behind its length; a board describes devices and streams.

Data bears the number of its first frame, so a loss is known to the sample. There is no checksum: it is made for USB
and TCP, and a flipped bit inside the samples goes unseen.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from studio.data.stream import Array, Chunk, Stream
from studio.sources.clients.client import Client, Loss
from studio.sources.clients.option import Option, number
from studio.sources.clients.protobuf import Message, field, read_varint, varint, zigzag

MAX_MESSAGE = 1 << 17
MOST_OPTIONS = 100
_FAR_S = 10.0  # a leap further than the time that passed is a damaged number
CAPABILITIES, CONFIG, ERROR, DATA, INQUIRE = range(1, 6)
START, STOP, WATCHDOG = 3, 4, 5
SENSOR, OUT = 1, 2
_WIRE = dict(enumerate(("u1", "i1", "<u2", "<i2", "<u4", "<i4", "<f4", "<f8", "i1", "<i2", "<i4"), 1)) | {
    12: "i1",
    13: "<i2",
    14: "<i4",
}
_KEPT = {1: "i16", 2: "i16", 3: "i32", 4: "i16", 6: "i32", 9: "i16", 10: "i16", 11: "i32", 12: "i16", 13: "i16"}
_KEPT |= {14: "i32"}
#: A length of up to 2^17, and the field that follows it.
_START = re.compile(rb"(?:[\x02-\x7f]|[\x80-\xff][\x01-\x7f]|[\x80-\xff]{2}[\x01-\x08])[\x0a\x12\x1a\x22\x2a]")
_OPTION_KINDS = INT, FLOAT, BOOL, ONE_OF = 4, 5, 6, 7


@dataclass
class Flow:
    """One stream of one device. `frame` is the next frame number, once there was one."""

    stream: Stream
    wire: np.dtype[np.generic]
    offset: int
    frame: int | None = None
    host_ns: int = 0

    def rows(self, payload: bytes, n: int) -> Array:
        """Frames (n, channels) in the stream's type; ValueError when the bytes do not fit."""
        values = np.frombuffer(payload, self.wire).reshape(n, len(self.stream.channels))
        with np.errstate(over="ignore"):
            return (values - self.offset if self.offset else values).astype(self.stream.numpy_dtype)


class Tensor(Client):
    """Asks for capabilities, configures, starts every sensor, and feeds the watchdog."""

    name = "tensor-streaming"
    title = "Tensor Streaming Protocol 2"
    loss = Loss.EXACT
    bauds = (115200, 1_000_000)

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options)
        self._flows: dict[tuple[int, int], Flow] = {}
        self._unset: set[int] = set()  # devices that were told options and did not answer yet
        self._hurt = self._streaming = False
        self._beat_s = self._next_s = 0.0

    probe = request_bytes = b"\x06\x0a\x04\x08\x01\x10\x05"  # capabilities of all devices, tag 5

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        for at in (i for i, byte in enumerate(answers[:4096]) if byte == CAPABILITIES << 3 | 2):
            for back in (1, 2, 3):
                if at >= back and (body := _message(answers, at - back)[0]) and _board(body):
                    return 0.95
        return 0.0

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        data, at = self.rest + data, 0
        found: list[Chunk] = []
        while at < len(data):
            body, end = _message(data, at)
            if body is None and end < 0:
                break  # the rest is still to come
            if body is None:
                self.bad += not self._hurt
                self._hurt, at = True, _next_start(data, at + 1)
                continue
            self._hurt, at = False, end
            found += self._read(body, host_ns)
        self.rest = data[at:]
        return found

    def _read(self, body: bytes, host_ns: int) -> list[Chunk]:
        """One Response. What is whole but makes no sense counts as damaged."""
        try:
            message = Message(body)
            if CAPABILITIES in message:
                self._introduced(message.messages(CAPABILITIES)[0].messages(1)[0])
            elif CONFIG in message:
                self._configured(message.messages(CONFIG)[0])
            elif ERROR in message:
                self._unset.clear()
                self.say(message.messages(ERROR)[0].text(1))
            elif DATA in message:
                return self._data(message.messages(DATA)[0], host_ns)
        except (ValueError, LookupError, OverflowError, TypeError):
            self.bad += 1
            return []
        self.packets += 1
        return []

    def _introduced(self, board: Message) -> None:
        self.board = board.text(2) or self.title
        version = board.messages(3)
        self.firmware = ".".join(str(version[0].number(i)) for i in (1, 2, 3)) if version else ""
        self._beat_s = min(max(board.number(5), 0), 10**6) / 3000
        self.choices = ()
        for device in board.messages(6):
            if device.number(4) == SENSOR:
                self._sensor(device)
        self._publish()

    def _sensor(self, device: Message) -> None:
        id_ = device.number(1)
        options = b""
        for plain in device.messages(5)[: MOST_OPTIONS - len(self.choices)]:
            option = _option(id_, plain)
            if option is not None:
                text = self.given.get(option.name)
                self.choices += (option if text is None else option.told(text),)
                options += b"" if text is None else _option_value(plain, self.choices[-1])
        self._streams_of(id_, device.messages(6))
        if options:
            self._unset.add(id_)
        if options or not device.messages(6):
            self._request(CONFIG, field(1, id_) + options + field(3, 7))

    @property
    def ready(self) -> bool:
        """Also what was set must have been answered: it may change the streams."""
        return bool(self.streams) and not self._unset

    def _configured(self, config: Message) -> None:
        self._unset.discard(config.number(1))
        if config.number(4) == 3:
            self.say(config.text(5))
        if config.messages(3):
            self._streams_of(config.number(1), config.messages(3))
            self._publish()

    def _streams_of(self, device: int, streams: list[Message]) -> None:
        for index, stream in enumerate(streams[:64]):
            if stream.number(2) == OUT and stream.number(3) in _WIRE and stream.decimal(5) > 0:
                self._flows[device, index] = _flow(stream, f"d{device}s{index}")

    def _publish(self) -> None:
        if not self._streaming:  # what flows already keeps its shape
            self.streams = tuple(flow.stream for flow in self._flows.values())

    def _data(self, chunk: Message, host_ns: int) -> list[Chunk]:
        flow = self._flows.get((chunk.number(1), chunk.number(2)))
        n, number = chunk.number(3), chunk.number(4)
        if flow is None or not 0 < n <= MAX_MESSAGE or number < 0:
            raise ValueError("no such stream")
        rows = flow.rows(chunk.bytes(5), n)
        if not self._plausible(flow, number, host_ns):
            raise ValueError("frame number out of reach")
        self.packets += 1
        flow.frame, flow.host_ns = max(number + n, flow.frame or 0), host_ns
        stamps = chunk.messages(6)
        device_us = max(stamps[0].number(1), 0) if stamps else round(number / flow.stream.rate_hz * 1e6) + 1
        return [Chunk(flow.stream, number, rows, device_us, host_ns)]

    def _plausible(self, flow: Flow, number: int, host_ns: int) -> bool:
        if flow.frame is None:
            return True
        passed_s = (host_ns - flow.host_ns) * 1e-9
        return abs(number - flow.frame) / flow.stream.rate_hz < passed_s + _FAR_S

    def start(self, names: tuple[str, ...]) -> None:
        wanted = {s.name for s in self.wanted(names)}
        devices = {device for (device, _), flow in self._flows.items() if flow.stream.name in wanted}
        for device in sorted(devices):
            self._request(START, field(1, device))
        for flow in self._flows.values():
            flow.frame = None
        self._streaming = True

    def stop(self) -> None:
        self._request(STOP, field(1, zigzag(-1)))
        self._streaming = False

    def tick(self, now_s: float) -> None:
        if self._streaming and self._beat_s and now_s >= self._next_s:
            self._next_s = now_s + self._beat_s
            self._request(WATCHDOG, b"")

    def _request(self, number: int, body: bytes) -> None:
        message = field(number, body)
        self.out += varint(len(message)) + message


def _message(data: bytes, at: int) -> tuple[bytes | None, int]:
    """(message, index behind it); (None, -1) when more bytes are needed, (None, 0) when none begins here.

    A Response is one field with a message inside, so its length is said twice: that finds it among other bytes.
    """
    try:
        size, begin = read_varint(data, at)
        if not 2 <= size <= MAX_MESSAGE:
            return None, 0
        if data[begin] not in (0x0A, 0x12, 0x1A, 0x22, 0x2A):
            return None, 0
        inner, body = read_varint(data, begin + 1)
    except IndexError:
        return None, -1
    except ValueError:
        return None, 0
    if body + inner != begin + size:
        return None, 0
    return (data[begin : begin + size], begin + size) if begin + size <= len(data) else (None, -1)


def _next_start(data: bytes, at: int) -> int:
    """Where a message may begin from `at` on; what is left over is too short to tell."""
    found = _START.search(data, at)
    return found.start() if found else max(at, len(data) - 3)


def _board(body: bytes) -> bool:
    """True for capabilities that name at least one device."""
    try:
        return bool(Message(body).messages(CAPABILITIES)[0].messages(1)[0].messages(6))
    except (ValueError, LookupError):
        return False


def _flow(m: Message, fallback: str) -> Flow:
    kind, shape = m.number(3), m.messages(4)
    n = prod(d.number(2) for d in shape)
    if not 0 < n <= 4096:
        raise ValueError("a frame without values")
    labels = _texts(shape[-1], 3) if shape else []
    names = tuple(labels) if len(set(labels)) == n else tuple(f"c{i}" for i in range(n))
    bits, scale, offset = {9: 7, 10: 15, 11: 31}.get(kind), m.decimal(10), 0
    if bits:
        scale = float(1 << max(m.number(12), 0)) / (1 << bits)
    if kind in (12, 13, 14):
        offset = m.number(11) >> 1 ^ -(m.number(11) & 1)
    dtype = "f32" if offset else _KEPT.get(kind, "f32")
    scale = scale if kind >= 9 and 0 < scale < 1e30 else 1.0
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in m.text(1))[:40] or fallback
    rate_hz = m.decimal(5)
    if not 0 < rate_hz < 1e7:
        raise ValueError("a rate that cannot be")
    return Flow(Stream(name, rate_hz, names, m.text(7), dtype, scale, name.casefold()), np.dtype(_WIRE[kind]), offset)


def _texts(message: Message, number: int) -> list[str]:
    found = message._all.get(number, [])
    return [value.decode("utf-8", "replace") for value in found if isinstance(value, bytes)]


def _option(device: int, option: Message) -> Option | None:
    """int and float: 1 current, 2 default, 3 least, 4 most; bool and one-of: 1 default, 2 current; one-of: 3 items.

    None for what no form can hold: blobs and passwords.
    """
    kind = next((k for k in _OPTION_KINDS if k in option), 0)
    name, title = f"{device}.{option.number(1)}", option.text(2)
    body = option.messages(kind)[0] if kind else Message(b"")
    if kind == ONE_OF:
        texts = _texts(body, 3)
        names = tuple(t if t not in texts[:i] else f"{t} ({i})" for i, t in enumerate(texts))
        return Option(name, title, names[min(max(body.number(2), 0), len(names) - 1)], names, by_index=True)
    if kind == BOOL:
        return Option(name, title, bool(body.number(2)))
    if kind:
        read = body.decimal if kind == FLOAT else body.number
        return number(name, title, read(1), read(3), read(4))
    return None


def _option_value(option: Message, chosen: Option) -> bytes:
    """The OptionValue that sets it."""
    if FLOAT in option:
        value: bytes = field(3, float(chosen.value))
    else:
        kind = next(k for k in _OPTION_KINDS if k in option)
        value = field({INT: 2, BOOL: 4, ONE_OF: 5}[kind], int(float(chosen.text(chosen.value))))
    return field(2, field(1, option.number(1)) + value)
