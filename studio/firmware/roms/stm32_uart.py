"""A model of the boot loader in an STM32's ROM, as AN3155 rev 14 describes it for an STM32L4.

Bytes in (`feed`), bytes out (`out`). The first byte that it hears must be 0x7F: its baud rate is taken from that, and
after anything else it stays deaf until reset.
"""

from collections.abc import Generator
from functools import reduce
from operator import xor

from studio.firmware.roms.flash import Flash, Rom

ACK, NACK = b"\x79", b"\x1f"
COMMANDS = b"\x00\x01\x02\x11\x21\x31\x44\x63\x73\x82\x92"
VERSION, BLOCK = 0x31, 8


class Stm32Uart(Rom):
    """`chip` is the product id; `protected` is read protection (RDP level 1)."""

    def __init__(self, flash: Flash, chip: int = 0x415, protected: bool = False) -> None:
        super().__init__(flash)
        self.chip, self.protected = chip, protected
        self.started_at: int | None = None
        self.deaf = False
        #: Other memory that its reader asks for: the flash's size and the chip's number (RM0351, section 49).
        self.constants = {0x1FFF75E0: (flash.size >> 10).to_bytes(2, "little"), 0x1FFF7590: bytes(range(12))}

    def life(self) -> Generator[None, int, None]:
        """One byte at a time, from reset on."""
        if (yield) != 0x7F:
            self.deaf = True
            while True:
                yield
        self.send(ACK)
        while self.started_at is None:
            command = yield
            if (yield) != command ^ 0xFF:
                self.send(NACK)
                continue
            yield from self._obey(command)
        while True:
            yield

    def _obey(self, command: int) -> Generator[None, int, None]:
        self.commands.append(command)
        if command == 0x00:
            self.send(ACK + bytes([len(COMMANDS), VERSION]) + COMMANDS + ACK)
        elif command == 0x01:
            self.send(ACK + bytes([VERSION, 0, 0]) + ACK)
        elif command == 0x02:
            self.send(ACK + b"\x01" + self.chip.to_bytes(2, "big") + ACK)
        elif command in (0x11, 0x21, 0x31, 0x44) and not self.protected:
            self.send(ACK)
            yield from {0x11: self._read, 0x21: self._go, 0x31: self._write, 0x44: self._erase}[command]()
        else:
            self.send(NACK)

    def _take(self, n: int) -> Generator[None, int, bytes]:
        found = bytearray()
        for _ in range(n):
            found.append((yield))
        return bytes(found)

    def _checked(self, n: int, before: bytes = b"") -> Generator[None, int, bytes | None]:
        """`n` bytes and their checksum; None, and NACK, when it is wrong."""
        data = yield from self._take(n + 1)
        if reduce(xor, before + data):
            self.send(NACK)
            return None
        return data[:-1]

    def _address(self, n: int = 1) -> Generator[None, int, int | None]:
        data = yield from self._checked(4)
        if data is None:
            return None
        address = int.from_bytes(data, "big")
        if not self.flash.holds(address, n) and address not in self.constants:
            self.send(NACK)
            return None
        self.send(ACK)
        return address

    def _read(self) -> Generator[None, int, None]:
        address = yield from self._address()
        if address is None:
            return
        n = yield
        if (yield) != n ^ 0xFF:
            self.send(NACK)
            return
        data = self.constants.get(address)
        self.send(ACK + (self.flash.read(address, n + 1) if data is None else data.ljust(n + 1, b"\xff")[: n + 1]))

    def _go(self) -> Generator[None, int, None]:
        self.started_at = yield from self._address()

    def _write(self) -> Generator[None, int, None]:
        address = yield from self._address()
        if address is None:
            return
        n = yield
        data = yield from self._checked(n + 1, bytes([n]))
        if data is None:
            return
        fits = address % BLOCK == 0 and self.flash.holds(address, len(data))
        self.send(ACK if fits and self.flash.program(address, data) else NACK)

    def _erase(self) -> Generator[None, int, None]:
        head = yield from self._take(2)
        if head >= b"\xff\xfd":  # the whole flash, or a bank of it
            if (yield from self._checked(0, head)) is not None:
                self.flash.erase(self.flash.address, self.flash.size)
                self.send(ACK)
            return
        n = int.from_bytes(head, "big") + 1
        data = yield from self._checked(2 * n, head)
        if data is None:
            return
        pages = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
        if max(pages) * self.flash.page_bytes >= self.flash.size:
            self.send(NACK)
            return
        for page in pages:
            self.flash.erase(self.flash.address + page * self.flash.page_bytes, self.flash.page_bytes)
        self.send(ACK)
