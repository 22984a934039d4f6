"""RP2040 and RP2350, from their datasheets: the ROM's start and flash functions, clocks, UART0 behind DMA, I2C0."""

import struct

import unicorn
from unicorn import arm_const as arm

from studio.firmware.board import Board
from tests.firmware.silicon.chip import Silicon
from tests.firmware.silicon.rp2_usb import DPRAM, REGS, Rp2Usb
from tests.firmware.silicon.sensors import Slave
from tests.firmware.silicon.usb_port import Port

FLASH, BOOT_2, TABLE, LOOK_UP = 0x10000000, 0x20041F00, 0x80, 0x100
FUNCTIONS = {
    b"IF": 0x110,
    b"EX": 0x114,
    b"RE": 0x118,
    b"RP": 0x11C,
    b"FC": 0x120,
    b"CX": 0x124,
    b"UB": 0x128,
    b"RB": 0x12C,
}
RETURN = b"\x70\x47"


def crc32_mpeg2(data: bytes) -> int:
    """As the ROM computes it over the first 252 bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc >> 31 else crc << 1) & 0xFFFFFFFF
    return crc


class Rp2040(Silicon):
    """While the ROM has the flash to itself, nobody can read it."""

    CLOCKS, RESETS, PSM, IO = 0x40008000, 0x4000C000, 0x40010000, 0x40014000
    PADS, XOSC, PLL, UART = 0x4001C000, 0x40024000, 0x40028000, 0x40034000
    I2C, TIMER, WATCHDOG, DMA, SSI = 0x40044000, 0x40054000, 0x40058000, 0x50000000, 0x18000000
    ASLEEP, WAKE = 0x1FFFFFF, 1 << 2 | 1 << 5 | 1 << 8 | 1 << 22
    LISTEN, SEND, BUSY = 21 << 15 | 12 << 6 | 1 << 10 | 1 << 5 | 1, 20 << 15 | 1 << 11 | 1 << 4 | 1, 1 << 24
    RESET_ALL = 0x1FFFC
    MORE: tuple[int, ...] = (0x18000000,)  # the flash interface
    PLL_USB, CLK_USB, USB_ASLEEP = 0x4002C000, 0x40008054, 1 << 13 | 1 << 24

    def __init__(self, board: Board, flash: bytes, sensors: tuple[Slave, ...]) -> None:
        blocks = (self.CLOCKS, self.RESETS, self.PSM, self.IO, self.PADS, self.XOSC, self.PLL, self.UART, self.I2C)
        blocks = (*blocks, self.TIMER, self.WATCHDOG, self.DMA, self.PLL_USB, *self.MORE)
        self.regions = (*((at, 0x1000) for at in blocks), (DPRAM, 0x1000), (REGS, 0x4000))
        super().__init__(board, flash, sensors)
        get = self.words.get
        self.on_read |= {
            self.TIMER + 0x28: self.time,
            self.XOSC + 4: lambda: 1 << 31,
            self.PLL: lambda: 1 << 31 | get(self.PLL, 0),
            self.PLL_USB: lambda: 1 << 31 | get(self.PLL_USB, 0),
        }
        self.on_read |= {self.CLOCKS + 0x38: lambda: 1 << (get(self.CLOCKS + 0x30, 0) & 3)}
        self.on_read |= {self.CLOCKS + 0x44: lambda: 1 << (get(self.CLOCKS + 0x3C, 0) & 1)}
        self.on_read |= {self.RESETS + 8: lambda: ~get(self.RESETS, 0) & self.ASLEEP, self.DMA + 0xC: self._receiving}
        self.on_read |= {
            self.I2C + 0x34: lambda: self._flags,
            self.I2C + 0x70: lambda: 1 << 1,
            self.I2C + 0x78: lambda: len(self._in),
        }
        self.on_read |= {self.I2C + 0x10: lambda: self._in.pop(0), self.I2C + 0x54: lambda: self._clear(1 << 6)}
        self.on_read |= {self.I2C + 0x60: lambda: self._clear(1 << 9)}
        self.on_write |= {self.WATCHDOG: self._watchdog, self.DMA + 0x4C: self._send, self.DMA + 0xC: self._listen}
        self.on_write |= {self.I2C + 0x6C: self._enable, self.I2C + 0x10: self._command}
        self.words |= {self.RESETS: self.ASLEEP, self.PLL + 4: 0x2D, self.PLL_USB + 4: 0x2D}
        self.usb, self.maker = Rp2Usb(self), False
        self.port = Port(self, self.usb) if board.usb_controller else None

    def start(self) -> None:
        self.uc.mem_unmap(0, self.flash.size)
        self.uc.mem_map_ptr(FLASH, self.flash.size, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC, self.flash.address)
        self.uc.mem_map(0, 0x4000, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        self._table()
        for at in (LOOK_UP, *FUNCTIONS.values()):
            self.uc.mem_write(at, RETURN)
        self.uc.hook_add(unicorn.UC_HOOK_CODE, self._in_rom, None, LOOK_UP, max(FUNCTIONS.values()))
        self._rom_starts()

    def _table(self) -> None:
        """How the ROM's functions are found: a pointer to the table, another to what looks up in it."""
        self.uc.mem_write(0x14, TABLE.to_bytes(2, "little") + b"\0\0" + (LOOK_UP | 1).to_bytes(2, "little"))

    def _found(self, r0: int, r1: int) -> int:
        return FUNCTIONS.get(r1.to_bytes(4, "little")[:2], 0) if r0 == TABLE else 0

    def _boot(self) -> None:
        """The ROM checks the first 256 bytes, copies them to RAM, and runs them there."""
        first = self.flash.read(0, 256)
        if crc32_mpeg2(first[:252]) != int.from_bytes(first[252:], "little"):
            self.wrongs.append("the ROM refuses the first 256 bytes")
        self.uc.mem_write(0, BOOT_2.to_bytes(4, "little") + (BOOT_2 | 1).to_bytes(4, "little"))
        self.uc.mem_write(BOOT_2, first)

    def time(self) -> int:
        """The timer's lower word."""
        return self.read_time()

    def _rom_starts(self) -> None:
        self._boot()
        self._order: list[bytes] = []
        self._flags, self._in, self._out = 0, bytearray(), bytearray()
        self.chip.reset()

    def _watchdog(self, value: int) -> None:
        if value >> 31:
            if self.words.get(self.PSM + 8) != self.RESET_ALL:
                self.wrongs.append("the watchdog would leave a part of the chip as it is")
            note = self.words.get(self.WATCHDOG + 0xC, 0)
            self.restart()
            self.words |= {self.RESETS: self.ASLEEP, self.PLL + 4: 0x2D, self.WATCHDOG + 0xC: note}
            self.words[self.PLL_USB + 4] = 0x2D
            self.usb.forget()
            self._boot()

    def _interface(self) -> None:
        """The flash interface must be as the first 256 bytes set it."""
        assert [self.words.get(self.SSI + at) for at in (0, 4, 8, 0x14, 0xF4)] == [0x1F0300, 0, 1, 4, 0x03000218]

    def in_makers_loader(self) -> bool:
        """Its ROM was asked to show its drive."""
        return self.maker

    def core_hz(self) -> float:
        """From the 12 MHz crystal."""
        self._interface()
        assert self.words[self.CLOCKS + 0x3C] == 1 and not self.words[self.PLL + 4] & 0x29
        post = self.words[self.PLL + 0xC]
        return 12e6 * self.words[self.PLL + 8] / (post >> 16 & 7) / (post >> 12 & 7)

    def usb_hz(self) -> float:
        """The USB controller's clock; 0 while it or its PLL sleeps."""
        get = self.words.get
        if get(self.RESETS, 0) & self.USB_ASLEEP or get(self.PLL_USB + 4, 0) & 0x29 or get(self.CLK_USB) != 1 << 11:
            return 0.0
        post = get(self.PLL_USB + 0xC, 0)
        return 12e6 * get(self.PLL_USB + 8, 0) / max(post >> 16 & 7, 1) / max(post >> 12 & 7, 1)

    def baud(self) -> float:
        """Of UART0, which runs from the peripherals' clock."""
        assert self.words[self.CLOCKS + 0x48] == 1 << 11
        return self.core_hz() / (16 * self.words[self.UART + 0x24] + self.words[self.UART + 0x28] / 4)

    def _in_rom(self, uc: unicorn.Uc, address: int, _size: int, _: object) -> None:
        r0, r1, r2 = (uc.reg_read(r) for r in (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2))
        if address == LOOK_UP:
            uc.reg_write(arm.UC_ARM_REG_R0, self._found(r0, r1) | 1)
            return
        name = next(n for n, at in FUNCTIONS.items() if at == address)
        self._order += [name] if name not in (b"UB", b"RB") else []
        if name in (b"UB", b"RB"):
            self.maker = (r0, r1) == ((0, 0) if name == b"UB" else (0x102, 10))
            uc.emu_stop()
        elif name == b"EX":
            uc.mem_protect(FLASH, self.flash.size, unicorn.UC_PROT_NONE)
        elif name == b"RE":
            self._change(r0, b"\xff" * r1, 4096, erase=True)
        elif name == b"RP":
            self._change(r0, self.memory(r1, r2), 256, erase=False)
        elif name == b"CX":
            uc.mem_protect(FLASH, self.flash.size, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
            self.chip.forget(FLASH, self.flash.size)
            if self._order not in ([b"IF", b"EX", do, b"FC", b"CX"] for do in (b"RE", b"RP")):
                self.wrongs.append(f"the ROM's functions are called as {self._order}")
            self._order.clear()

    def _change(self, at: int, content: bytes, step: int, erase: bool) -> None:
        if self._order[:2] != [b"IF", b"EX"] or at % step or len(content) % step or at < self.board.app_offset:
            self.wrongs.append(f"{len(content)} bytes at {at:#x} after {self._order}")
        there = self.flash.read(at, len(content))
        new = content if erase else bytes(a & b for a, b in zip(there, content, strict=True))
        if not erase and any(b != 0xFF and n != b for b, n in zip(content, new, strict=True)):
            self.wrongs.append(f"{at:#x} is programmed over what is there")
        self.flash._map[at : at + len(new)] = new

    def _receiving(self) -> int:
        control = self.words.get(self.DMA + 0xC, 0)
        return control | (self.BUSY if control & 1 else 0)

    def _listen(self, control: int) -> None:
        if control & 1 and (control != self.LISTEN or self.words[self.DMA] != self.UART):
            self.wrongs.append(f"DMA channel 0 is started with {control:#x}")
        if control & 1 and self.words[self.DMA + 4] % 4096:
            self.wrongs.append("the ring does not lie on a multiple of its size")

    def _awake(self) -> bool:
        awake = not self.words.get(self.RESETS, 0) & self.WAKE
        pins = [self.words.get(self.IO + at) for at in (4, 0xC)] == [2, 2]
        uart = [self.words.get(self.UART + at) for at in (0x2C, 0x30, 0x48)] == [0x70, 0x301, 3]
        return awake and pins and uart and self._pads()

    def _pads(self) -> bool:
        """Whether the pads of the link let anything through."""
        return True

    def receive(self, data: bytes) -> None:
        if not self.words.get(self.DMA + 0xC, 0) & 1 or not self._awake():
            return
        for byte in data:
            at = self.words[self.DMA + 4]
            self.uc.mem_write(at, bytes([byte]))
            self.words[self.DMA + 4] = at & ~0xFFF | (at + 1) & 0xFFF

    def _send(self, control: int) -> None:
        if not control & 1:
            return
        if control != self.SEND or self.words[self.DMA + 0x44] != self.UART or not self._awake():
            self.wrongs.append(f"a block is sent with DMA channel 1 at {control:#x}")
        self.sent += self.memory(self.words[self.DMA + 0x40], self.words[self.DMA + 0x48])

    def _clear(self, flag: int) -> int:
        self._flags &= ~flag
        return 0

    def _enable(self, value: int) -> None:
        if not value:
            self._in, self._out, self._flags = bytearray(), bytearray(), 0

    def _command(self, value: int) -> None:
        sensor = None if self.trouble else self.sensors.get(self.words.get(self.I2C + 4, 0))
        if self.trouble == "stuck":
            return
        wired = [self.words.get(self.IO + at) for at in (0x24, 0x2C)] == [3, 3]
        if sensor is None or not wired or self.words.get(self.I2C) != 0x65 or not self.words.get(self.I2C + 0x6C):
            self._flags |= 1 << 6
            return
        reading = value >> 8 & 1
        if self._out and reading:
            if not value >> 10 & 1:
                self.wrongs.append("I2C turns round without a restart")
            sensor.write(bytes(self._out))
            self._out = bytearray()
        if reading:
            self._in += sensor.read(1)
        else:
            self._out.append(value & 0xFF)
        if len(self._in) > 16:
            self.wrongs.append("more is read than the FIFO holds")
        if value >> 9 & 1:
            if self._out:
                sensor.write(bytes(self._out))
            self._out, self._flags = bytearray(), self._flags | 1 << 9


class Rp2350(Rp2040):
    """Its ROM looks for a block of facts in the first 4096 bytes; its pads are isolated at first."""

    CLOCKS, RESETS, PSM, IO = 0x40010000, 0x40020000, 0x40018000, 0x40028000
    PADS, XOSC, PLL, UART = 0x40038000, 0x40048000, 0x40050000, 0x40070000
    I2C, TIMER, WATCHDOG, DMA, TICKS = 0x40090000, 0x400B0000, 0x400D8000, 0x50000000, 0x40108000
    ASLEEP, WAKE = 0x1FFFFFFF, 1 << 2 | 1 << 6 | 1 << 9 | 1 << 26
    LISTEN, SEND, BUSY = 29 << 17 | 12 << 8 | 1 << 12 | 1 << 6 | 1, 28 << 17 | 1 << 13 | 1 << 4 | 1, 1 << 26
    RESET_ALL, MORE = 0x1FFFFF3, (TICKS,)
    PLL_USB, CLK_USB, USB_ASLEEP = 0x40058000, 0x40010060, 1 << 15 | 1 << 28
    START, END = 0xFFFFDED3, 0xAB123579

    def _table(self) -> None:
        self.uc.mem_write(0x16, (LOOK_UP | 1).to_bytes(2, "little"))

    def _found(self, r0: int, r1: int) -> int:
        return FUNCTIONS.get(r0.to_bytes(4, "little")[:2], 0) if r1 == 4 else 0

    def _boot(self) -> None:
        words = struct.unpack("<1024I", self.flash.read(0, 4096))
        at = words.index(self.START) + 1 if self.START in words else len(words) - 1
        items: dict[int, tuple[int, ...]] = {}
        first = at
        while at < len(words) and words[at] & 0xFF != 0xFF:
            n = words[at] >> 8 & 0xFF
            items[words[at] & 0x7F] = words[at : at + n]
            at += max(n, 1)
        closed = words[at : at + 3] == (0xFF | (at - first) << 8, 0, self.END)
        if not closed or items.get(0x42) != (0x10210142,):
            self.wrongs.append("the ROM finds no image for this chip")
        table = items.get(3, (0, FLASH))[1]
        self.uc.mem_write(0, self.flash.read(table - FLASH, 8))
        self.chip.vtor = table

    def time(self) -> int:
        if [self.words.get(self.TICKS + at) for at in (0x18, 0x1C)] != [1, 12]:
            self.wrongs.append("the timer is read before it gets ticks")
        return self.read_time()

    def _interface(self) -> None:
        """The ROM has set up the flash interface."""

    def _pads(self) -> bool:
        return all(self.words.get(self.PADS + at, 0x116) & 0x1C0 == 0x40 for at in (4, 8, 0x14, 0x18))
