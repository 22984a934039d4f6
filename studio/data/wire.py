"""The wire: packets between this computer and a board, the same on UART, USB and TCP.

    frame = COBS(header 16 bytes | payload | CRC-32 of both, zlib's) 0x00, little endian

COBS keeps 0x00 for the end of a frame, so after any damage the next frame is whole again; the CRC makes sure
that damage never reads as data. Control messages are CBOR maps with integer keys. `firmware_stubs/runtime/wire.c`
is the other end.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import cbor2
import numpy as np
import numpy.typing as npt
from cobs import cobs

from studio.data.axes import in_short, spelled_out
from studio.data.stream import DTYPES, Stream
from studio.errors import ProtocolError

PROTOCOL = 1
MAX_PAYLOAD = 1024
HEADER = struct.Struct("<BBHIQ")
_HEADERS = np.dtype([("type", "u1"), ("channel", "u1"), ("count", "<u2"), ("seq", "<u4"), ("t_us", "<u8")])
_CRC = struct.Struct("<I")
_MAX_FRAME = HEADER.size + MAX_PAYLOAD + _CRC.size + (HEADER.size + MAX_PAYLOAD + _CRC.size) // 254 + 1
#: The CRC-32 of any message with its own CRC-32 behind it, so that a frame is judged without being cut.
_RESIDUE = 0x2144DF1C
_MIN_BODY, _MAX_BODY = HEADER.size + _CRC.size, HEADER.size + MAX_PAYLOAD + _CRC.size
#: What wrong values in a CBOR map may raise while they are turned into ours.
_WRONG = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
#: Lines that a board prints beside its frames: printable ASCII up to a newline.
_CONSOLE = re.compile(rb"[\t\r\n\x1b\x20-\x7e]*\n")


class Type(IntEnum):
    """What a packet is."""

    HELLO = 1
    SAMPLES = 2
    STATS = 3
    COMMAND = 4
    REPLY = 5
    INJECT = 6
    RESULT = 7
    LOG = 8


#: The decision of a board whose sensor does not keep the rate that its model was trained for.
FAULT = -2


class Verb(IntEnum):
    """What a COMMAND asks; those from 16 on are the boot loader's, and from 20 on also a firmware's
    for the numbers of its model (as ERASE, WRITE and CHECK are)."""

    START = 1
    STOP = 2
    SET = 3
    STATS = 4
    BOOT = 5
    RESTART = 6
    PING = 7
    CLEAR = 8
    PARTS = 9
    ERASE = 16
    WRITE = 17
    CHECK = 18
    RUN = 19
    CONFIRM = 20
    REVERT = 21
    PARAMETERS = 22
    USE = 23


class Status(IntEnum):
    """What a REPLY says."""

    OK = 0
    UNKNOWN_VERB = 1
    BAD_ARGUMENTS = 2
    ADDRESS_NOT_ALLOWED = 3
    IMAGE_BAD = 4
    IMAGE_FOR_ANOTHER_BOARD = 5
    FLASH_DID_NOT_TAKE = 6
    BUSY = 7


@dataclass(frozen=True, slots=True)
class Packet:
    """One message. `seq` counts samples, requests or windows, as its type says; `t_us` is the device's clock."""

    type: int
    channel: int = 0
    count: int = 0
    seq: int = 0
    t_us: int = 0
    payload: bytes = b""


def encode(packet: Packet) -> bytes:
    """The frame of a packet, with its closing 0x00."""
    head = HEADER.pack(packet.type, packet.channel, packet.count, packet.seq & 0xFFFFFFFF, packet.t_us)
    body = head + packet.payload
    return bytes(cobs.encode(body + _CRC.pack(zlib.crc32(body)))) + b"\0"


def decode(frame: bytes) -> Packet | None:
    """The packet in a frame without its 0x00; None when anything about it is damaged."""
    body = _body(frame)
    return packet_of(body) if body else None


def packet_of(body: bytes) -> Packet:
    """The packet in a body that `Decoder.bodies` found whole."""
    type_, channel, count, seq, t_us = HEADER.unpack_from(body)
    return Packet(type_, channel, count, seq, t_us, body[HEADER.size : -_CRC.size])


def same_length(bodies: list[bytes]) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint8]]:
    """Bodies of one length as arrays: headers (n,) with the fields of Packet, payloads (n, n_bytes)."""
    n_bytes = len(bodies[0])
    rows = np.frombuffer(b"".join(bodies), np.uint8).reshape(len(bodies), n_bytes)
    heads = np.ascontiguousarray(rows[:, : HEADER.size]).view(_HEADERS)[:, 0]
    return heads, rows[:, HEADER.size : n_bytes - _CRC.size]


def _body(frame: bytes) -> bytes:
    """Header, payload and CRC of a frame without its 0x00; b"" when anything about it is damaged."""
    try:
        body = bytes(cobs.decode(frame))
    except cobs.DecodeError:
        return b""
    return body if zlib.crc32(body) == _RESIDUE and _MIN_BODY <= len(body) <= _MAX_BODY else b""


class Decoder:
    """Bytes in, packets out, whatever the bytes are; what is damaged is dropped and counted.

    Lines of plain text between frames (a board's console) are collected in `text`. Who reads fast takes `bodies`,
    one `bytes` a packet, and makes packets or arrays of those it wants: a Packet costs more than its decoding.
    """

    def __init__(self) -> None:
        self.bytes = self.packets = self.bad_packets = 0
        self.text: list[str] = []
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that these bytes complete."""
        return [packet_of(body) for body in self.bodies(data)]

    def bodies(self, data: bytes) -> list[bytes]:
        """Header, payload and CRC of each packet that these bytes complete."""
        self.bytes += len(data)
        *frames, rest = (self._rest + data).split(b"\0")
        if frames and self._skipping:
            self._skipping, frames = False, frames[1:]
        found = self._whole(frames)
        self._rest = self._bounded(rest)
        self.packets += len(found)
        return found

    def _whole(self, frames: list[bytes]) -> list[bytes]:
        """The bodies of `frames`; this loop is what a fast board costs, so everything in it has a local name."""
        found: list[bytes] = []
        take, unstuff, crc, damaged = found.append, cobs.decode, zlib.crc32, cobs.DecodeError
        for frame in frames:
            try:
                body = unstuff(frame)
            except damaged:
                body = b""
            if crc(body) != _RESIDUE or not _MIN_BODY <= len(body) <= _MAX_BODY:
                body = self._salvaged(frame) if frame else b""
            if body:
                take(body)
        return found

    def _salvaged(self, frame: bytes) -> bytes:
        """The body behind console text in a frame that did not read; b"" for damage, which is counted."""
        for cut in _console_ends(frame):
            body = _body(frame[cut:])
            if body or cut == len(frame):
                self._print(frame[:cut])
                return body
        self.bad_packets += 1
        return b""

    def _bounded(self, rest: bytes) -> bytes:
        """What waits for its 0x00, never more than a frame: longer is console text, or damage up to the next 0x00."""
        if self._skipping:
            return b""
        if len(rest) <= _MAX_FRAME:
            return rest
        if text := _CONSOLE.match(rest):
            self._print(text[0])
            return self._bounded(rest[text.end() :])
        self.bad_packets += 1
        self._skipping = True
        return b""

    def _print(self, text: bytes) -> None:
        self.text += [line for line in text.decode("ascii", "replace").splitlines() if line.strip()]


def _console_ends(frame: bytes) -> Iterator[int]:
    """Where console text at the start of a damaged frame may end, the longest first, a few guesses at most."""
    text = _CONSOLE.match(frame)
    cut = text.end() if text else 0
    for _ in range(8):
        if cut <= 0:
            return
        yield cut
        cut = frame.rfind(b"\n", 0, cut - 1) + 1


def pack(map_: dict[int, Any]) -> bytes:
    """A control payload: a CBOR map with integer keys."""
    return cbor2.dumps(map_)


def unpack(payload: bytes) -> dict[int, Any]:
    """The map in a control payload; ProtocolError when it is not one."""
    try:
        found = cbor2.loads(payload)
    except Exception as e:  # bytes from outside: whatever the CBOR library makes of them
        raise _unreadable(f"is not CBOR ({e})") from e
    if not isinstance(found, dict):
        raise _unreadable(f"is a CBOR {type(found).__name__}, not a map")
    return found


@dataclass(frozen=True)
class BoardStream:
    """A stream as its board numbers it: `id` is the packets' channel."""

    id: int
    stream: Stream
    samples_per_frame: int = 1

    def encode(self) -> dict[int, Any]:
        """The map inside a HELLO."""
        s = self.stream
        axes, rate = in_short(s.channels), float(s.rate_hz)
        return {0: self.id, 1: s.kind, 2: s.dtype, 3: axes, 4: s.unit, 5: float(s.scale)} | {
            6: rate,
            7: self.samples_per_frame,
            8: s.name,
        }


@dataclass(frozen=True)
class BoardModel:
    """The model inside a board's firmware; the three ids name its streams."""

    length: int
    stride: int
    classes: tuple[str, ...]
    stages: tuple[str, ...]
    input_id: int
    scores_id: int
    decision_id: int


@dataclass(frozen=True)
class Slot:
    """What a boot loader found in a slot: a sound image or not, how new it is, its marks, its hash, its length.

    Marks are bits: 1 was started, 2 was seen to work, 4 is not to be started while another image can.
    """

    sound: bool
    counter: int = 0
    marks: int = 0
    build: bytes = b""
    bytes_: int = 0


@dataclass(frozen=True)
class BootArea:
    """Where a boot loader takes an image. `image` is 0 none, 1 good, 2 bad.

    `slots` of `slot_bytes` lie one after the other from `app_offset` on; `choice` is the one that would be started,
    None when none can be. Boot loaders before version 0.2 knew one slot: `slots` is then empty.
    """

    app_offset: int
    app_bytes: int
    page_bytes: int
    image: int
    slot_bytes: int = 0
    choice: int | None = None
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True)
class Hello:
    """How a board introduces itself. `mode` is "app" or "boot"; `build` the 16-byte hash of its firmware (app only)."""

    board: str
    mode: str = "app"
    build: bytes = b""
    clock_hz: int = 0
    max_payload: int = MAX_PAYLOAD
    streams: tuple[BoardStream, ...] = ()
    model: BoardModel | None = None
    firmware: str = ""
    boot: BootArea | None = None
    protocol: int = PROTOCOL

    def id_of(self, name: str) -> int | None:
        """The number of the stream with this name."""
        return next((s.id for s in self.streams if s.stream.name == name), None)

    @property
    def channels(self) -> dict[int, Stream]:
        """The streams by their number, the packets' channel."""
        return {s.id: s.stream for s in self.streams}

    @property
    def build_hash(self) -> str:
        """The hash of the firmware in hexadecimal; "" in the boot loader."""
        return self.build.hex()

    @property
    def sensors(self) -> tuple[Stream, ...]:
        """The streams that a sensor fills, without the model's scores and decisions."""
        return tuple(s.stream for s in self.streams if s.stream.kind not in ("scores", "decision"))

    def encode(self) -> bytes:
        """The payload of a board's HELLO."""
        m, b = self.model, self.boot
        model = (
            [m.length, m.stride, list(m.classes), list(m.stages), m.input_id, m.scores_id, m.decision_id] if m else None
        )
        boot = _plain_area(b) if b else None
        values = [self.protocol, self.board, self.mode, self.build, self.clock_hz, self.max_payload]
        values += [[s.encode() for s in self.streams], _numbered(model), self.firmware, _numbered(boot)]
        return pack(_numbered(values) or {})


def parse_hello(payload: bytes) -> Hello:
    """The Hello in a board's answer; ProtocolError for another protocol version or a damaged description."""
    m = unpack(payload)
    if m.get(0) != PROTOCOL:
        seen = f"speaks protocol version {m.get(0)!r}, this studio speaks {PROTOCOL}"
        newer = isinstance(m.get(0), int) and m[0] > PROTOCOL
        raise ProtocolError(
            f"Board {str(m.get(1, '?'))!r}",
            seen,
            "Update the studio." if newer else "Flash the board with this studio.",
        )
    try:
        return _hello(m)
    except _WRONG as e:
        raise _unreadable(f"describes a board, but not as it should ({type(e).__name__}: {e})") from e


def _hello(m: dict[int, Any]) -> Hello:
    streams = tuple(_board_stream(s) for s in m.get(6) or ())
    if len({s.id for s in streams}) < len(streams) or len({s.stream.name for s in streams}) < len(streams):
        raise ValueError("two streams share a number or a name")
    return Hello(
        board=str(m[1]),
        mode=str(m[2]),
        build=bytes(m.get(3) or b""),
        clock_hz=int(m.get(4) or 0),
        max_payload=min(int(m.get(5) or MAX_PAYLOAD), MAX_PAYLOAD),
        streams=streams,
        model=_board_model(m[7]) if m.get(7) else None,
        firmware=str(m.get(8) or ""),
        boot=_boot_area(m[9]) if m.get(9) else None,
    )


def _boot_area(m: dict[int, Any]) -> BootArea:
    slots = tuple(Slot(bool(s[0]), int(s[1]), int(s[2]), bytes(s[3]), int(s[4])) for s in m.get(6) or ())
    choice = int(m.get(5) or 0)
    chosen = choice if choice < len(slots) else None
    area = BootArea(int(m[0]), int(m[1]), int(m[2]), int(m[3]), int(m.get(4) or 0), chosen, slots)
    if area.page_bytes <= 0 or area.app_bytes <= 0:
        raise ValueError(f"an area of {area.app_bytes} bytes in pages of {area.page_bytes}")
    return area


def _plain_area(b: BootArea) -> list[Any]:
    plain = [b.app_offset, b.app_bytes, b.page_bytes, b.image]
    if not b.slots:
        return plain
    slots = [_numbered([int(s.sound), s.counter, s.marks, s.build, s.bytes_]) for s in b.slots]
    return [*plain, b.slot_bytes, len(slots) if b.choice is None else b.choice, slots]


def _board_stream(s: dict[int, Any]) -> BoardStream:
    if s[2] not in DTYPES or not s[3] or not float(s[6]) > 0:
        raise ValueError(f"stream of {s[2]!r}, {len(s[3])} axes, {s[6]} Hz")
    stream = Stream(str(s[8]), float(s[6]), spelled_out(tuple(map(str, s[3]))), str(s[4]), s[2], float(s[5]), str(s[1]))
    return BoardStream(int(s[0]), stream, int(s[7]))


def _board_model(m: dict[int, Any]) -> BoardModel:
    names = tuple(map(str, m[2])), tuple(map(str, m[3]))
    return BoardModel(int(m[0]), int(m[1]), *names, int(m[4]), int(m[5]), int(m[6]))


@dataclass(frozen=True)
class BoardStats:
    """The board's own account: `dropped` samples by stream id; `stack_bytes` at most used (0: unknown).

    `rate_hz` is what the board measures of its model's input (0: not yet), `fault` whether that is too far from what
    the model was trained for: then its decision is FAULT and its scores are no numbers.
    """

    uptime_us: int
    dropped: dict[int, int]
    bad_frames: int
    stack_bytes: int
    rate_hz: float = 0.0
    fault: bool = False


def parse_stats(payload: bytes | dict[int, Any]) -> BoardStats:
    """The stats in a STATS packet, or in the reply to the verb STATS."""
    m = unpack(payload) if isinstance(payload, bytes) else payload
    try:
        dropped = {int(k): int(v) for k, v in (m.get(1) or {}).items()}
        rate_hz = int(m.get(4) or 0) / 1000.0
        return BoardStats(int(m[0]), dropped, int(m.get(2) or 0), int(m.get(3) or 0), rate_hz, bool(m.get(5)))
    except _WRONG as e:
        raise _unreadable(f"are statistics, but not as they should be ({type(e).__name__}: {e})") from e


def _numbered(values: list[Any] | None) -> dict[int, Any] | None:
    return None if values is None else dict(enumerate(values))


def _unreadable(seen: str) -> ProtocolError:
    return ProtocolError("A message from the board", seen, "Flash the board with this studio's firmware.")
