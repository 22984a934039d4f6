"""A model of the boot loader in an Espressif chip's ROM, as far as esptool asks for writing flash without a stub.

Reference: Espressif, esptool documentation, "Serial Protocol" (docs/en/advanced-topics/serial-protocol.rst): SLIP
frames, commands 02-14; register addresses of the ESP32-S3's SPI flash controller and chip ids as esptool reads them
(esptool/targets/esp32s3.py). SYNC is answered with a value that is not 0: 0 would mean that a stub runs already.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable
from typing import Any

from studio.firmware.roms.flash import Flash

SLIP, ESCAPE = b"\xc0", {b"\xdb\xdc": b"\xc0", b"\xdb\xdd": b"\xdb"}
SYNC, SYNC_VALUE, CHECK_SEED = 0x08, 0x20120707, 0xEF
BAD_CHECKSUM, BAD_DATA, UNKNOWN = 7, 0xB, 5
#: The ESP32-S3's SPI controller 1: command, user registers, and what a read of the flash's own id (0x9F) gives: 8 MiB.
SPI_COMMAND, SPI_ID, FLASH_ID = 0x60002000, 0x60002058, 0x1740EF
RUN_USER_COMMAND = 1 << 18
SECURE_DOWNLOAD = 1 << 2


class EspRom:
    """`chip` is the id that GET_SECURITY_INFO tells: 9 is an ESP32-S3, 5 an ESP32-C3. `flags` are its security flags.

    It is in its boot loader from the beginning, or, with `lines`, once DTR and RTS put it there.
    """

    def __init__(self, flash: Flash, chip: int = 9, flags: int = 0, lines: bool = False) -> None:
        self.flash, self.chip, self.flags = flash, chip, flags
        self.out: Callable[[bytes], None] = lambda data: None
        self.in_rom, self.starts = not lines, 0
        self.dtr = self.rts = False
        self.commands: list[int] = []
        self.words: dict[int, int] = {}
        self._buffer = bytearray()
        self._unpacker: Any = None
        self._at = self._offset = self._block = 0
        self.dead = False

    def on_dtr(self, value: bool) -> None:
        """GPIO0, low while it is set."""
        self.dtr = value

    def on_rts(self, value: bool) -> None:
        """Reset while it is set; when it ends, GPIO0 decides what starts."""
        if self.rts and not value:
            self.in_rom = self.dtr
            self.starts += not self.dtr
            self._buffer.clear()
        self.rts = value

    def feed(self, data: bytes) -> None:
        """Bytes from the other side."""
        if not self.in_rom or self.dead:
            return
        self._buffer += data
        while (begin := self._buffer.find(SLIP)) >= 0:
            end = self._buffer.find(SLIP, begin + 1)
            if end < 0:
                return
            frame = bytes(self._buffer[begin + 1 : end])
            del self._buffer[: end + 1 if frame else end]
            for there, here in ESCAPE.items():
                frame = frame.replace(there, here)
            if frame:
                self._take(frame)

    def _take(self, frame: bytes) -> None:
        if len(frame) < 8 or frame[0] != 0:
            return
        command, n, check = struct.unpack_from("<BHI", frame, 1)
        data = frame[8 : 8 + n]
        self.commands.append(command)
        if command == SYNC:
            for _ in range(8):
                self._answer(SYNC, SYNC_VALUE)
        elif command not in _OBEYED:
            self._answer(command, error=UNKNOWN)
        elif command in (0x03, 0x11) and (len(data) < 16 or checksum(data[16:]) != check & 0xFF):
            self._answer(command, error=BAD_CHECKSUM)
        else:
            _OBEYED[command](self, command, data)

    def _answer(self, command: int, value: int = 0, data: bytes = b"", error: int = 0) -> None:
        if self.dead:
            return
        body = data + bytes([error > 0, error, 0, 0])
        frame = struct.pack("<BBHI", 1, command, len(body), value) + body
        self.out(SLIP + frame.replace(b"\xdb", b"\xdb\xdd").replace(SLIP, b"\xdb\xdc") + SLIP)

    def _agree(self, command: int, data: bytes) -> None:
        self._answer(command)

    def _read_word(self, command: int, data: bytes) -> None:
        self._answer(command, self.words.get(int.from_bytes(data[:4], "little"), 0))

    def _write_word(self, command: int, data: bytes) -> None:
        address, value = struct.unpack_from("<II", data)
        self.words[address] = value
        if address == SPI_COMMAND and value & RUN_USER_COMMAND:
            self.words |= {SPI_COMMAND: 0, SPI_ID: FLASH_ID}
        self._answer(command)

    def _security(self, command: int, data: bytes) -> None:
        self._answer(command, 0, struct.pack("<IB7sII", self.flags, 0, bytes(7), self.chip, 0))

    def _begin(self, command: int, data: bytes) -> None:
        size, _, self._block, self._offset = struct.unpack_from("<4I", data)
        self.flash.erase(self._offset, size)
        self._at, self._unpacker = self._offset, zlib.decompressobj()
        self._answer(command)

    def _data(self, command: int, data: bytes) -> None:
        n, sequence = struct.unpack_from("<II", data)
        self._program(self._offset + sequence * self._block, data[16 : 16 + n])
        self._answer(command)

    def _packed_data(self, command: int, data: bytes) -> None:
        n = int.from_bytes(data[:4], "little")
        try:
            content = self._unpacker.decompress(data[16 : 16 + n])
        except zlib.error:
            self._answer(command, error=BAD_DATA)
            return
        self._program(self._at, content)
        self._at += len(content)
        self._answer(command)

    def _program(self, address: int, content: bytes) -> None:
        self.flash.program(address, content)

    def _md5(self, command: int, data: bytes) -> None:
        address, n = struct.unpack_from("<II", data)
        self._answer(command, 0, hashlib.md5(self.flash.read(address, n)).hexdigest().encode())


def checksum(data: bytes) -> int:
    """Exclusive or of all bytes, from 0xEF."""
    found = CHECK_SEED
    for byte in data:
        found ^= byte
    return found


_OBEYED: dict[int, Callable[[EspRom, int, bytes], None]] = {
    **dict.fromkeys((0x04, 0x0B, 0x0D, 0x0F, 0x12), EspRom._agree),
    0x02: EspRom._begin,
    0x03: EspRom._data,
    0x09: EspRom._write_word,
    0x0A: EspRom._read_word,
    0x10: EspRom._begin,
    0x11: EspRom._packed_data,
    0x13: EspRom._md5,
    0x14: EspRom._security,
}


def image(payload: bytes, chip: int = 9) -> bytes:
    """An image as esptool checks its head: magic, one segment, the chip's id (Espressif, "Firmware Image Format")."""
    head = struct.pack("<BBBBI", 0xE9, 1, 2, 0x3F, 0x40374000) + b"\xee\0\0\0" + struct.pack("<H", chip)
    head += bytes([0]) + struct.pack("<HH", 0, 0xFFFF) + bytes(4) + b"\0"
    body = struct.pack("<II", 0x3C000020, len(payload)) + payload
    filled = (head + body).ljust(-(-(len(head) + len(body) + 1) // 16) * 16 - 1, b"\0")
    return filled + bytes([checksum(payload)])
