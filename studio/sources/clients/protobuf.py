"""As much of protobuf as the tensor streaming protocol needs: fields of a message, and back.

A field is (number, value): an int for varints, 4 or 8 raw bytes for fixed ones, bytes for strings and messages.
Reference: protobuf.dev, "Encoding".
"""

import struct
from collections.abc import Iterator

Value = int | bytes
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(value: int) -> bytes:
    """A number of up to 64 bits; negative ones as two's complement, in ten bytes."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(found) + bytes([value])


def read_varint(data: bytes, at: int = 0) -> tuple[int, int]:
    """(value, index behind it). IndexError when it is not all there, ValueError when it is too long."""
    value = 0
    for i in range(10):
        byte = data[at + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, at + i + 1
    raise ValueError("varint of more than ten bytes")


def zigzag(value: int) -> int:
    """A signed number for sint32 and sint64."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(value: int) -> int:
    """Back from `zigzag`."""
    return value >> 1 ^ -(value & 1)


def field(number: int, value: Value | float) -> bytes:
    """One field: ints as varints, floats as 32 bits, bytes with their length."""
    if isinstance(value, float):
        return varint(number << 3 | FIXED32) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """The fields of a message in order. ValueError or IndexError when it is damaged."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind, number = key & 7, key >> 3
        if not number:
            raise ValueError("field 0")
        if kind == VARINT:
            value, at = read_varint(data, at)
            yield number, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(kind)
        if kind == BYTES:
            size, at = read_varint(data, at)
        if size is None or at + size > len(data):
            raise ValueError(f"field {number} of kind {kind}")
        yield number, data[at : at + size]
        at += size


class Message:
    """A message read by field number: the last of each, or all of a repeated one."""

    def __init__(self, data: bytes) -> None:
        self._all: dict[int, list[Value]] = {}
        for number, value in fields(data):
            self._all.setdefault(number, []).append(value)

    def number(self, field: int, default: int = 0) -> int:
        """An int; ValueError when the field is something else."""
        value = self._all.get(field, [default])[-1]
        if isinstance(value, bytes):
            raise ValueError(f"field {field} is no number")
        return value - (1 << 64) if value >> 63 else value

    def decimal(self, field: int, default: float = 0.0) -> float:
        """A float of 32 bits."""
        value = self._all.get(field, [struct.pack("<f", default)])[-1]
        if not isinstance(value, bytes) or len(value) != 4:
            raise ValueError(f"field {field} is no float")
        return float(struct.unpack("<f", value)[0])

    def bytes(self, field: int) -> bytes:
        """Bytes, b"" when there are none."""
        value = self._all.get(field, [b""])[-1]
        if not isinstance(value, bytes):
            raise ValueError(f"field {field} has no bytes")
        return value

    def text(self, field: int) -> str:
        """A string."""
        return self.bytes(field).decode("utf-8", "replace")

    def messages(self, field: int) -> "list[Message]":
        """A repeated message."""
        found = self._all.get(field, [])
        if not all(isinstance(value, bytes) for value in found):
            raise ValueError(f"field {field} has no messages")
        return [Message(value) for value in found if isinstance(value, bytes)]

    def __contains__(self, field: int) -> bool:
        return field in self._all
