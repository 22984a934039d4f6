"""What gets flashed: a header of 256 bytes, then the payload. `firmware_stubs/boot/image.h` is the other end.

The header is written last, so a cut at any moment leaves an image that the boot loader refuses.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from studio.errors import InputError

MAGIC, FORMAT, HEADER_BYTES = b"SSM1", 1, 256
_HEADER = struct.Struct("<4sIII32s16sII")
_COVERED = HEADER_BYTES - 4


@dataclass(frozen=True)
class Header:
    """Which board an image is for, which build it is, and the payload's length and CRC-32.

    `plain` images hold no model: a virtual board replaces them by itself when other sensors are plugged in.
    """

    board: str
    build_hash: bytes
    payload_bytes: int
    payload_crc32: int
    plain: bool = False

    def pack(self) -> bytes:
        """The 256 bytes."""
        board = self.board.encode("ascii").ljust(32, b"\0")
        fields = (
            MAGIC,
            HEADER_BYTES,
            self.payload_bytes,
            self.payload_crc32,
            board,
            self.build_hash,
            FORMAT,
            self.plain,
        )
        covered = _HEADER.pack(*fields).ljust(_COVERED, b"\0")
        return covered + struct.pack("<I", zlib.crc32(covered))


def make_image(board: str, build_hash: bytes, payload: bytes, plain: bool = False) -> bytes:
    """Header and payload, filled up to whole words."""
    payload += b"\xff" * (-len(payload) % 4)
    return Header(board, build_hash, len(payload), zlib.crc32(payload), plain).pack() + payload


def parse_image(image: bytes, name: str) -> Header:
    """The header of a whole, sound image; InputError that names the file for anything else."""
    wrong = _what_is_wrong(image)
    if wrong:
        raise InputError(name, wrong, "Build the image again: `studio build PROJECT MODEL --board ID`.")
    return parse_header(image)


def parse_header(image: bytes) -> Header:
    """The header of an image that is known to be sound."""
    _, _, n, crc, board, build_hash, _, plain = _HEADER.unpack_from(image)
    return Header(board.rstrip(b"\0").decode("ascii", "replace"), build_hash, n, crc, bool(plain))


def is_sound(image: bytes) -> bool:
    """Whether these bytes begin with a whole header."""
    return len(image) >= HEADER_BYTES and zlib.crc32(image[:_COVERED]) == _crc_of_header(image)


def _crc_of_header(image: bytes) -> int:
    return int(struct.unpack_from("<I", image, _COVERED)[0])


def _what_is_wrong(image: bytes) -> str:
    if len(image) < HEADER_BYTES or image[:4] != MAGIC:
        return "is not a firmware image"
    _, header_bytes, payload_bytes, payload_crc, _, _, form, _ = _HEADER.unpack_from(image)
    if form != FORMAT or header_bytes != HEADER_BYTES:
        return f"has image format {form}, this studio writes {FORMAT}"
    if zlib.crc32(image[:_COVERED]) != _crc_of_header(image):
        return "has a damaged header"
    payload = image[HEADER_BYTES:]
    if len(payload) != payload_bytes:
        return f"holds {len(payload)} bytes of payload, its header says {payload_bytes}"
    return "" if zlib.crc32(payload) == payload_crc else "has a damaged payload"


def intel_hex(data: bytes, address: int) -> str:
    """`data` at `address` as an Intel HEX file (what many flash programs want)."""
    return "\n".join([*_hex_records(data, address), _record(1, 0, b""), ""])


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
