"""A model of Arduino's SAM-BA boot loaders: that of the Nano 33 BLE (nRF52840), and that of SAMD21 boards.

References: arduino/BOSSA, branch nrf: what bossac sends and expects. "S" is taken without an answer; "Y" with a length
of 0 sets where the block lies in RAM, else it erases and programs (arduino/ArduinoCore-renesas's boot loader answers
the same commands in the same way). On the nRF52840 addresses of Y and Z count from the sketch's start.
"""

import binascii
from collections.abc import Generator

from studio.firmware.roms.flash import Flash, Rom

RAM_BYTES = 0x8000
NANO_33_BLE = "Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]"
SAMD21 = "v2.0 [Arduino:XYZ] Jan  1 2020 00:00:00"


class SamBaRom(Rom):
    """`base` is what addresses count from, `words` what "w" reads outside the flash, `ram` where its buffer lies."""

    def __init__(
        self,
        flash: Flash,
        version: str = NANO_33_BLE,
        chip: str = "nRF52840-QIAA",
        base: int = 0x10000,
        words: dict[int, int] | None = None,
        ram: int = 0,
        protected_to: int = 0,
    ) -> None:
        super().__init__(flash)
        self.version, self.chip, self.base, self.words, self.ram_at = version, chip, base, words or {}, ram
        self.protected_to = protected_to
        self.ram = bytearray(RAM_BYTES)
        self.copy_from = 0
        self.started = False

    def life(self) -> Generator[None, int, None]:
        while True:
            line = bytearray()
            while (byte := (yield)) != ord("#"):
                line.append(byte)
            yield from self._obey(bytes(line[-20:]))

    def _obey(self, line: bytes) -> Generator[None, int, None]:
        verb, numbers = line[:1], _numbers(line[1:])
        self.commands.append(verb[0] if verb else 0)
        if verb == b"S" and len(numbers) == 2:
            yield from self._take(*numbers)
        elif verb == b"N":
            self.send(b"\n\r")
        elif verb == b"V":
            self.send(self.version.encode() + b"\n\r")
        elif verb == b"I" and b"I" in self._features():
            self.send(self.chip.encode() + b"\n\r\0")
        elif verb == b"K" and b"K" in self._features():
            self.started = True
        else:
            self._on_memory(verb, numbers)

    def _on_memory(self, verb: bytes, numbers: list[int]) -> None:
        if verb == b"w" and numbers:
            self.send(self._word(numbers[0]).to_bytes(4, "little"))
        elif verb == b"o" and numbers:
            self.send(bytes([self._word(numbers[0] & ~3) >> 8 * (numbers[0] & 3) & 0xFF]))
        elif verb == b"W" and len(numbers) == 2:
            self.words[numbers[0]] = numbers[1]
            self.started |= numbers == [0xE000ED0C, 0x05FA0004]  # the Cortex-M's own reset
        elif verb == b"R" and len(numbers) == 2:
            self.send(self.flash.read(numbers[0] + self.base, numbers[1]))
        elif verb == b"X" and numbers:
            self._erase(numbers[0])
        elif verb == b"Y" and len(numbers) == 2:
            self._copy(*numbers)
        elif verb == b"Z" and len(numbers) == 2:
            data = self.flash.read(numbers[0] + self.base, numbers[1])
            self.send(b"Z%08X#\n\r" % binascii.crc_hqx(data, 0))

    def _features(self) -> bytes:
        return self.version.partition("[Arduino:")[2].encode()

    def _take(self, address: int, n: int) -> Generator[None, int, None]:
        at = address - self.ram_at
        for i in range(n):
            self.ram[at + i] = yield

    def _word(self, address: int) -> int:
        if self.flash.holds(address, 4):
            return int.from_bytes(self.flash.read(address, 4), "little")
        return self.words.get(address, 0)

    def _erase(self, offset: int) -> None:
        """The Nano's says yes and erases page by page as they come: 0.000 s in the Arduino IDE's log."""
        if self.base == 0:
            address = self.flash.address + offset
            self.flash.erase(address, self.flash.address + self.flash.size - address)
        self.send(b"X\n\r")

    def _copy(self, address: int, n: int) -> None:
        if n == 0:
            self.copy_from = address - self.ram_at
        elif self.flash.holds(address + self.base, n) and address + self.base >= self.protected_to:
            if self.base:
                self.flash.erase(address + self.base, n)
            self.flash.program(address + self.base, bytes(self.ram[self.copy_from : self.copy_from + n]))
        self.send(b"Y\n\r")


def _numbers(text: bytes) -> list[int]:
    try:
        return [int(part, 16) for part in text.split(b",")] if text else []
    except ValueError:
        return []
