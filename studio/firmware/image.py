"""What gets flashed: a header of 256 bytes, then the payload. `firmware_stubs/boot/image.h` is the other end.

The header is written last, so a cut at any moment leaves an image that the boot loader refuses. Behind the payload a
file may carry what makes the same program run from the board's second slot: the payload linked for there, as its
difference. So one file serves both slots, and a board keeps the image that runs while it takes a new one.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from studio.errors import InputError

MAGIC, FORMAT, HEADER_BYTES = b"SSM1", 1, 256
MARKS_BYTES = 24  # at the end of a slot; SLOTS and MARKS in boot/image.h
_HEADER = struct.Struct("<4sIII32s16sIII")
_NUMBERS = struct.Struct("<16sII")  # behind it: the model's block of numbers; nothing to the boot loader
_COVERED = HEADER_BYTES - 4
_SECOND = struct.Struct("<4sII")  # magic, CRC-32 of the payload in the second slot, bytes that follow
_SECOND_MAGIC = b"SLT2"


@dataclass(frozen=True)
class Header:
    """Which board an image is for, which build it is, and the payload's length and CRC-32.

    `plain` images hold no model: a virtual board replaces them by itself when other sensors are plugged in. Of two
    sound images a boot loader starts the one with the greater `counter`. The numbers of the model lie in a block of the
    payload; images with the same `schema` differ in these alone (studio/firmware/parameters.py), b"" without a model.
    """

    board: str
    build_hash: bytes
    payload_bytes: int
    payload_crc32: int
    plain: bool = False
    counter: int = 0
    schema: bytes = b""
    block_offset: int = 0
    block_bytes: int = 0

    def pack(self) -> bytes:
        """The 256 bytes."""
        board = self.board.encode("ascii").ljust(32, b"\0")
        lengths = (MAGIC, HEADER_BYTES, self.payload_bytes, self.payload_crc32)
        covered = _HEADER.pack(*lengths, board, self.build_hash, FORMAT, self.plain, self.counter)
        covered += _NUMBERS.pack(self.schema, self.block_offset, self.block_bytes)
        covered = covered.ljust(_COVERED, b"\0")
        return covered + struct.pack("<I", zlib.crc32(covered))


def make_image(
    board: str, build_hash: bytes, payload: bytes, plain: bool = False, block: tuple[bytes, int, int] = (b"", 0, 0)
) -> bytes:
    """Header and payload, filled up to whole words; `block` is the schema, place and length of the model's numbers."""
    payload = _whole_words(payload)
    return Header(board, build_hash, len(payload), zlib.crc32(payload), plain, 0, *block).pack() + payload


def block_of(image: bytes) -> bytes:
    """The model's numbers in an image that is known to be sound."""
    header = parse_header(image)
    return image[HEADER_BYTES + header.block_offset :][: header.block_bytes]


def with_second(image: bytes, payload: bytes) -> bytes:
    """The image, and what makes it `payload` (of the same length) in the second slot."""
    first, second = image[HEADER_BYTES:], _whole_words(payload)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} bytes for the first slot, {len(second)} for the second")
    packed = b"" if first == second else zlib.compress(_difference(first, second), 9)
    return image + _SECOND.pack(_SECOND_MAGIC, zlib.crc32(second), len(packed)) + packed


def program(image: bytes) -> bytes:
    """Header and payload alone, as they lie in the first slot."""
    return image[: HEADER_BYTES + parse_header(image).payload_bytes]


def has_second(image: bytes) -> bool:
    """Whether the image can run from the second slot."""
    return len(image) > len(program(image))


def for_slot(image: bytes, slot: int, counter: int) -> bytes:
    """Header and payload as they lie in `slot` (0 or 1), with this counter."""
    header = replace(parse_header(image), counter=counter)
    if slot == 0:
        return header.pack() + program(image)[HEADER_BYTES:]
    payload = _second_payload(image)
    return replace(header, payload_crc32=zlib.crc32(payload)).pack() + payload


def _second_payload(image: bytes) -> bytes:
    first = program(image)
    packed = image[len(first) + _SECOND.size :]
    payload = first[HEADER_BYTES:]
    return _difference(payload, zlib.decompressobj().decompress(packed, len(payload))) if packed else payload


def _difference(a: bytes, b: bytes) -> bytes:
    """Exclusive or: what is the same becomes zeros, which pack to almost nothing."""
    return (int.from_bytes(a, "little") ^ int.from_bytes(b, "little")).to_bytes(len(a), "little")


def _whole_words(payload: bytes) -> bytes:
    return payload + b"\xff" * (-len(payload) % 4)


def parse_image(image: bytes, name: str) -> Header:
    """The header of a whole, sound image; InputError that names the file for anything else."""
    wrong = _what_is_wrong(image)
    if wrong:
        raise InputError(name, wrong, "Build the image again: `studio build PROJECT MODEL --board ID`.")
    return parse_header(image)


def parse_header(image: bytes) -> Header:
    """The header of an image that is known to be sound."""
    _, _, n, crc, board, build_hash, _, plain, counter = _HEADER.unpack_from(image)
    schema, offset, size = _NUMBERS.unpack_from(image, _HEADER.size)
    name = board.rstrip(b"\0").decode("ascii", "replace")
    return Header(name, build_hash, n, crc, bool(plain), counter, schema.rstrip(b"\0") and schema, offset, size)


def is_sound(image: bytes) -> bool:
    """Whether these bytes begin with a whole header."""
    return len(image) >= HEADER_BYTES and zlib.crc32(image[:_COVERED]) == _crc_of_header(image)


def _crc_of_header(image: bytes) -> int:
    return int(struct.unpack_from("<I", image, _COVERED)[0])


def _what_is_wrong(image: bytes) -> str:
    if len(image) < HEADER_BYTES or image[:4] != MAGIC:
        return "is not a firmware image"
    _, header_bytes, payload_bytes, payload_crc, _, _, form, _, _ = _HEADER.unpack_from(image)
    if form != FORMAT or header_bytes != HEADER_BYTES:
        return f"has image format {form}, this studio writes {FORMAT}"
    if zlib.crc32(image[:_COVERED]) != _crc_of_header(image):
        return "has a damaged header"
    payload = image[HEADER_BYTES : HEADER_BYTES + payload_bytes]
    if len(payload) != payload_bytes:
        return f"holds {len(payload)} bytes of payload, its header says {payload_bytes}"
    if zlib.crc32(payload) != payload_crc:
        return "has a damaged payload"
    return _wrong_with_second(image, len(payload))


def _wrong_with_second(image: bytes, payload_bytes: int) -> str:
    rest = image[HEADER_BYTES + payload_bytes :]
    if not rest:
        return ""
    if (
        len(rest) < _SECOND.size
        or rest[:4] != _SECOND_MAGIC
        or len(rest) - _SECOND.size != _SECOND.unpack_from(rest)[2]
    ):
        return f"has {len(rest)} bytes behind its payload that it does not explain"
    try:
        sound = zlib.crc32(_second_payload(image)) == _SECOND.unpack_from(rest)[1]
    except (zlib.error, OverflowError):
        sound = False
    return "" if sound else "is damaged in what it holds for the second slot"


def intel_hex(*parts: tuple[int, bytes]) -> str:
    """(address, bytes) each, as an Intel HEX file (what many flash programs want)."""
    records = [record for address, data in parts for record in _hex_records(data, address)]
    return "\n".join([*records, _record(1, 0, b""), ""])


def _hex_records(data: bytes, address: int) -> Iterator[str]:
    high = -1
    for at in range(0, len(data), 16):
        if (address + at) >> 16 != high:
            high = (address + at) >> 16
            yield _record(4, 0, high.to_bytes(2, "big"))
        yield _record(0, (address + at) & 0xFFFF, data[at : at + 16])


def _record(kind: int, address: int, data: bytes) -> str:
    """Records start at multiples of 16, so none crosses a 64-kB border."""
    body = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
    return f":{body.hex().upper()}{-sum(body) & 0xFF:02X}"
