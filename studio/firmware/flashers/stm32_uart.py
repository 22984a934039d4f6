"""Through the boot loader in an STM32's ROM, over a UART. A program: `python -m studio.firmware.flashers.stm32_uart`.

What was written is read back. The first block (the vector table) is written last, so a board whose cable was pulled
waits for the next flash instead of starting half a program.

References: STMicroelectronics AN3155 rev 14 (commands, section 3), AN2606 (which pins; even parity).
"""

import struct
import time
from functools import reduce
from operator import xor
from typing import Any

from studio.errors import FlashError, LinkError
from studio.firmware.flashers.program import (
    THING,
    Line,
    Parts,
    blocks,
    broken,
    differs,
    opener,
    parts_of,
    run,
    size,
    tell_bytes,
)
from studio.firmware.worker import tell

HELLO, ACK, NACK = b"\x7f", b"\x79", b"\x1f"
GET, GET_ID, READ, GO, WRITE, ERASE = 0x00, 0x02, 0x11, 0x21, 0x31, 0x44
BLOCK_BYTES, PAGES_AT_ONCE = 256, 64
ANSWER_S, ERASE_PAGE_S, RESET_S = 1.0, 0.05, 0.1
HELLOS, TRIES = 3, 3
MEND = "Set BOOT0 high, reset the board and flash again."


class Rom:
    """The conversation; FlashError for what the chip declines, LinkError when the port is gone."""

    def __init__(self, line: Line) -> None:
        self.line = line

    def hello(self) -> None:
        """Its clock is set by the first byte that it hears. FlashError when nothing answers."""
        if not (self._heard() or self._heard_after_reset()):
            seen = "does not answer"
            raise FlashError(THING, seen, f"Check RX, TX and the port. {MEND}")

    def _heard(self) -> bool:
        self.line.forget()
        for _ in range(HELLOS):
            self.line.write(HELLO)
            if self.line.read(1, ANSWER_S / 2) in (ACK, NACK):  # NACK: it has been greeted before
                return True
        return False

    def _heard_after_reset(self) -> bool:
        """Adapters that carry BOOT0 on RTS and reset on DTR, as stm32flash and stm32loader have them."""
        self.line.set_lines(dtr=True, rts=False)
        time.sleep(RESET_S)
        self.line.set_lines(dtr=False, rts=False)
        time.sleep(RESET_S)
        return self._heard()

    def chip(self) -> int:
        """Its product id (AN2606's table of ids)."""
        self._command(GET_ID, "its id")
        data = self._counted()
        self._acknowledged("its id")
        return int.from_bytes(data, "big")

    def commands(self) -> bytes:
        """What it understands."""
        self._command(GET, "its commands")
        data = self._counted()
        self._acknowledged("its commands")
        return data[1:]

    def erase(self, pages: list[int]) -> None:
        """Pages by their numbers."""
        self._command(ERASE, "erasing")
        data = struct.pack(">H", len(pages) - 1) + b"".join(struct.pack(">H", page) for page in pages)
        self.line.write(data + _check(data))
        self._acknowledged("erasing", ANSWER_S + ERASE_PAGE_S * len(pages))

    def write(self, address: int, data: bytes) -> None:
        """At most 256 bytes, filled up to eight (what an L4 writes at once)."""
        data += b"\xff" * (-len(data) % 8)
        self._command(WRITE, "writing")
        self._address(address)
        told = bytes([len(data) - 1]) + data
        self.line.write(told + _check(told))
        self._acknowledged(f"writing at {address:#010x}")

    def read(self, address: int, n: int) -> bytes:
        """At most 256 bytes."""
        self._command(READ, "reading")
        self._address(address)
        self.line.write(bytes([n - 1, 0xFF ^ n - 1]))
        self._acknowledged("reading")
        return self._bytes(n)

    def go(self, address: int) -> None:
        """Start what lies there."""
        self._command(GO, "starting")
        self._address(address)

    def _counted(self) -> bytes:
        """A length less one, then so many bytes."""
        return self._bytes(self._bytes(1)[0] + 1)

    def _address(self, address: int) -> None:
        data = struct.pack(">I", address)
        self.line.write(data + _check(data))
        self._acknowledged(f"address {address:#010x}")

    def _command(self, command: int, what: str) -> None:
        self.line.write(bytes([command, 0xFF ^ command]))
        self._acknowledged(what)

    def _bytes(self, n: int) -> bytes:
        found = self.line.read(n, ANSWER_S)
        if len(found) < n:
            raise LinkError(THING, "fell silent", MEND)
        return found

    def _acknowledged(self, what: str, timeout_s: float = ANSWER_S) -> None:
        found = self.line.read(1, timeout_s)
        if found == NACK:
            raise Declined(THING, f"declines {what}", MEND)
        if found != ACK:
            seen = f"sent {found.hex()} where it should agree to {what}" if found else f"fell silent at {what}"
            raise LinkError(THING, seen, MEND)


class Declined(FlashError):
    """NACK: a damaged byte, or what is not allowed."""


def program(request: dict[str, Any]) -> dict[str, Any]:
    """{"place", "opener", "chip", "flash_address", "page_bytes", "parts", "start", "parity"} -> {"bytes"}."""
    tell(text="looking for the chip's own boot loader")
    line = opener(request).open_line(request["place"], request.get("baud", 115_200), request.get("parity", "E"))
    parts = parts_of(request)
    step = ("", 0)
    try:
        rom = Rom(line)
        rom.hello()
        _check_chip(rom, request["chip"], request["flash_address"])
        for what, at in _steps(rom, parts, request):
            step = what, at
            tell_bytes(what, at, size(parts))
        rom.go(request["start"])
    except LinkError as e:
        raise broken(request, step, size(parts), e, MEND) from e
    finally:
        line.close()
    return {"bytes": size(parts)}


def _check_chip(rom: Rom, wanted: int, flash_address: int) -> None:
    if ERASE not in rom.commands():
        seen = "knows only the old way of erasing"
        raise FlashError("The chip on this port", seen, "Connect the board that this image is for.")
    found = rom.chip()
    if found != wanted:
        seen = f"says {found:#x} where this board's chip says {wanted:#x}; nothing was changed"
        raise FlashError("The chip on this port", seen, "Connect the board that this image is for.")
    try:
        rom.read(flash_address, 8)
    except Declined as e:
        seen = "is protected against reading and writing; nothing was changed"
        raise FlashError(f"The chip {found:#x}", seen, "Unlock it with its maker's tool, which erases it.") from e


def _steps(rom: Rom, parts: Parts, request: dict[str, Any]) -> Any:
    """Erase, write, read back; yields (what, bytes done)."""
    pages = pages_of(parts, request["flash_address"], request["page_bytes"])
    for at in range(0, len(pages), PAGES_AT_ONCE):
        yield "erasing for", 0
        rom.erase(pages[at : at + PAGES_AT_ONCE])
    done = 0
    for address, data in blocks(parts, BLOCK_BYTES):
        if data.strip(b"\xff"):  # else it is as erasing left it
            _written(rom, address, data)
        done += len(data)
        yield "writing", done
    done = 0
    for address, data in blocks(parts, BLOCK_BYTES):
        found = rom.read(address, len(data))
        if found != data and (found := rom.read(address, len(data))) != data:  # the answer bears no checksum
            raise differs(address, data, found)
        done += len(data)
        yield "reading back", done


def _written(rom: Rom, address: int, data: bytes) -> None:
    """A block that arrived damaged was not written, and goes again."""
    for tried in range(1, TRIES + 1):
        try:
            rom.write(address, data)
            return
        except Declined:
            if tried == TRIES:
                raise


def pages_of(parts: Parts, flash_address: int, page_bytes: int) -> list[int]:
    """The numbers of the pages that the parts touch."""
    found = set()
    for address, data in parts:
        first, last = (address - flash_address) // page_bytes, (address + len(data) - 1 - flash_address) // page_bytes
        found |= set(range(first, last + 1))
    return sorted(found)


def _check(data: bytes) -> bytes:
    return bytes([reduce(xor, data)])


if __name__ == "__main__":
    run(program)
