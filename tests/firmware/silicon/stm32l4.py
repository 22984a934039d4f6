"""STM32L475, from RM0351: clock tree, USART1 behind DMA1, I2C2, the flash controller."""

import unicorn

from studio.firmware.board import Board
from tests.firmware.silicon.chip import Silicon
from tests.firmware.silicon.sensors import Slave
from tests.firmware.silicon.stm32l4_dfsdm import Dfsdm

FLASH, RCC, DMA, USART, I2C, FLASH_R = 0x08000000, 0x40021000, 0x40020000, 0x40013800, 0x40005800, 0x40022000
BLANK = b"\xff" * 8


class Stm32l4(Silicon):
    """80 MHz from HSI16, or the test says what is missing."""

    regions = (
        (0x40000000, 0x1000),
        (0x40005000, 0x1000),
        (0x40013000, 0x1000),
        (0x40016000, 0x1000),
        (0x40020000, 0x3000),
        (0x48000000, 0x2000),
    )

    def __init__(self, board: Board, flash: bytes, sensors: tuple[Slave, ...]) -> None:
        super().__init__(board, flash, sensors)
        self.uc.mem_map_ptr(FLASH, self.flash.size, unicorn.UC_PROT_ALL, self.flash.address)
        self.uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, self._stored, None, FLASH, FLASH + self.flash.size - 1)
        self.on_read |= {0x40000024: self.read_time, RCC: self._rcc_cr, RCC + 8: self._rcc_cfgr}
        self.on_read |= {USART + 0x1C: lambda: 1 << 6, I2C + 0x18: self._i2c_isr, I2C + 0x24: self._i2c_rxdr}
        self.on_write |= {
            DMA + 0x44: self._send,
            DMA + 0x58: self._listen,
            I2C + 4: self._i2c_cr2,
            I2C + 0x28: self._i2c_txdr,
        }
        self.on_write |= {FLASH_R + 8: self._key, FLASH_R + 0x14: self._flash_cr, I2C + 0x1C: self._i2c_icr}
        self._keys: list[int] = []
        self.pdm = Dfsdm(self)
        self._power_up()

    def _power_up(self) -> None:
        self.words[FLASH_R + 0x14] = 1 << 31
        self._i2c, self._out, self._in, self._left, self._to = 0, bytearray(), bytearray(), 0, 0
        self._ring = 0
        self._half: tuple[int, bytes] | None = None
        self.pdm.forget()

    def restart(self) -> None:
        super().restart()
        self._power_up()

    def need(self, enable: int, bit: int, what: str) -> None:
        """Noted when a clock is off."""
        if not self.words.get(RCC + enable, 0) >> bit & 1:
            self.wrongs.append(f"{what} without its clock")

    def _rcc_cr(self) -> int:
        on = self.words.get(RCC, 0)
        return on | (on & 1 << 8) << 2 | (on & 1 << 24) << 1

    def _rcc_cfgr(self) -> int:
        wanted = self.words.get(RCC + 8, 0)
        return wanted & 3 | (wanted & 3) << 2

    def core_hz(self) -> float:
        """What the PLL's settings make of HSI16."""
        if self.words.get(RCC + 8, 0) & 3 != 3:
            return 4e6
        pll = self.words[RCC + 0xC]
        assert pll & 3 == 2 and pll >> 24 & 1 and self.words[FLASH_R] & 7 >= 4
        return 16e6 / ((pll >> 4 & 7) + 1) * (pll >> 8 & 0x7F) / ((pll >> 25 & 3) * 2 + 2)

    def baud(self) -> float:
        """Of USART1."""
        return self.core_hz() / self.words[USART + 0xC]

    def _on_air(self) -> bool:
        self.need(0x60, 14, "USART1")
        self.need(0x48, 0, "DMA1")
        self.need(0x4C, 1, "port B")
        pins = self.words.get(0x48000400, 0) >> 12 & 0xF, self.words.get(0x48000420, 0) >> 24
        requests = self.words.get(DMA + 0xA8, 0) >> 12 & 0xFF
        both = self.words.get(USART, 0) & 0xD == 0xD and self.words.get(USART + 8, 0) & 0xC0 == 0xC0
        return pins == (0xA, 0x77) and requests == 0x22 and both

    def _send(self, control: int) -> None:
        n = self.words.get(DMA + 0x48, 0)
        if not control & 1 or not n:
            return
        if control != 0x91 or self.words.get(DMA + 0x4C) != USART + 0x28 or not self._on_air():
            self.wrongs.append(f"a block is sent with DMA1 channel 4 at {control:#x}")
        self.sent += self.memory(self.words[DMA + 0x50], n)
        self.words[DMA + 0x48] = 0

    def _listen(self, control: int) -> None:
        self._ring = self.words.get(DMA + 0x5C, 0) if control & 1 else 0

    def receive(self, data: bytes) -> None:
        if not self._ring or not self._on_air() or self.words[DMA + 0x60] != USART + 0x24:
            return
        for byte in data:
            left = self.words[DMA + 0x5C]
            self.uc.mem_write(self.words[DMA + 0x64] + self._ring - left, bytes([byte]))
            self.words[DMA + 0x5C] = left - 1 or self._ring

    def _i2c_cr2(self, value: int) -> None:
        self.need(0x58, 22, "I2C2")
        if not value >> 13 & 1:
            return
        sensor = self.sensors.get(value >> 1 & 0x7F)
        self._left, self._end = value >> 16 & 0xFF, bool(value >> 25 & 1)
        pins = self.words.get(0x48000400, 0) >> 20 & 0xF, self.words.get(0x48000424, 0) >> 8 & 0xFF
        wired = pins == (0xA, 0x44) and self.words.get(0x48000404, 0) >> 10 & 3 == 3
        if self.trouble == "stuck":
            self._i2c = 0
        elif sensor is None or not wired or not self.words.get(I2C, 0) & 1:
            self._i2c = 1 << 4 | 1 << 5
        elif value >> 10 & 1:
            self._in, self._i2c = bytearray(sensor.read(self._left)), 1 << 2
        else:
            self._out, self._i2c, self._to = bytearray(), 1 << 1, sensor.address

    def _i2c_isr(self) -> int:
        self.us += 1
        return self._i2c

    def _i2c_icr(self, value: int) -> None:
        self._i2c &= ~value

    def _i2c_txdr(self, value: int) -> None:
        if self.trouble:
            self._i2c = 1 << 4 | 1 << 5
            return
        self._out.append(value)
        if len(self._out) == self._left:
            self.sensors[self._to].write(bytes(self._out))
            self._i2c = 1 << 5 if self._end else 1 << 6

    def _i2c_rxdr(self) -> int:
        value = self._in.pop(0)
        if not self._in:
            self._i2c = 1 << 5
        return value

    def _key(self, value: int) -> None:
        self._keys = [*self._keys, value][-2:]
        if self._keys == [0x45670123, 0xCDEF89AB]:
            self.words[FLASH_R + 0x14] &= ~(1 << 31)

    def _flash_cr(self, value: int) -> None:
        if not value >> 16 & 1 or not value & 2:
            return
        at = (value >> 3 & 0xFF) * 2048 + (value >> 11 & 1) * 0x80000
        self.flash._map[at : at + 2048] = b"\xff" * 2048
        self.chip.forget(FLASH + at, 2048)
        self.words[FLASH_R + 0x14] = value & ~(1 << 16)

    def _stored(self, _uc: unicorn.Uc, _access: int, address: int, size: int, value: int, _: object) -> None:
        """Two aligned words, one after the other, onto a blank pair: everything else is an error of programming."""
        control, at = self.words.get(FLASH_R + 0x14, 0), address - FLASH
        if control & 1 << 31 or not control & 1 or size != 4:
            self.wrongs.append(f"{size} bytes are written to {address:#x}, FLASH_CR is {control:#x}")
        if at % 8 == 0 and self.flash.read(at, 8) != BLANK:
            self.wrongs.append(f"{address:#x} is written a second time")
        if at % 8 and (self._half is None or self._half[0] != at - 4):
            self.wrongs.append(f"{address:#x} is the second word of a pair without its first")
        self._half = (at, b"") if at % 8 == 0 else None
