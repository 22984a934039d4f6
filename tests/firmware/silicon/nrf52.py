"""nRF52833 and nRF52840, from their product specifications: UARTE0, TWIM0, PDM, timers, PPI, NVMC."""

import unicorn

from studio.firmware.board import Board
from tests.firmware.silicon.chip import Silicon
from tests.firmware.silicon.nrf52_pdm import PDM, Pdm
from tests.firmware.silicon.nrf52_saadc import SAADC, Saadc
from tests.firmware.silicon.nrf52_usbd import USBD, Usbd
from tests.firmware.silicon.sensors import Slave
from tests.firmware.silicon.usb_port import Port

UARTE, TWIM, TIMER0, TIMER1, NVMC, PPI = 0x40002000, 0x40003000, 0x40008000, 0x40009000, 0x4001E000, 0x4001F000
POWER, GPIO, PAGE_BYTES = 0x40000000, 0x50000000, 4096
BAUDS = {0x01D60000: 115200, 0x0EBED000: 921600}


class Nrf52(Silicon):
    """Tasks do at once what they do; events stay up until they are cleared."""

    regions = (
        (POWER, 0x1000),
        (UARTE, 0x2000),
        (SAADC, 0x1000),
        (TIMER0, 0x3000),
        (PDM, 0x1000),
        (NVMC, 0x2000),
        (GPIO, 0x1000),
    )
    regions += ((USBD, 0x1000), (0x4006E000, 0x1000))

    def __init__(self, board: Board, flash: bytes, sensors: tuple[Slave, ...]) -> None:
        vectors = flash[board.loader_offset :][:64]  # a maker's boot loader at 0 hands over to what lies above it
        super().__init__(board, vectors + flash[64:] if board.loader_offset else flash, sensors)
        self.uc.mem_protect(0, self.flash.size, unicorn.UC_PROT_ALL)
        self.uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, self._stored, None, 0, self.flash.size - 1)
        self.on_write |= {POWER: self._crystal, UARTE: self._listen, UARTE + 8: self._send}
        self.on_write |= {TIMER0 + 0x40: self._capture, TIMER1 + 0x40: self._capture_count, TIMER1 + 0xC: self._clear}
        self.on_write |= {TWIM + 8: self._transfer, TWIM + 0x14: self._stop, NVMC + 0x508: self._erase}
        self.on_write[PPI + 0x504] = self._wire
        self.on_read |= {NVMC + 0x400: lambda: 1}
        self._count, self._ring, self._wired, self.maker = 0, (0, 0), 0, 0
        self.pdm = Pdm(self)
        self.saadc = Saadc(self)
        self.usbd = Usbd(self)
        self.port = Port(self, self.usbd) if board.usb_controller else None

    def restart(self) -> None:
        note, self.maker = (self.words.get(POWER + at, 0) for at in (0x520, 0x51C))  # these outlive a reset
        super().restart()
        self.words[POWER + 0x520] = note
        self._count, self._ring, self._wired = 0, (0, 0), 0
        self.pdm.forget()
        self.saadc.forget()
        self.usbd.forget()

    def in_makers_loader(self) -> bool:
        """Its boot loader looks at GPREGRET after a reset."""
        return self.maker == {"xiao-nrf52840-sense": 0x57}.get(self.board.id, 0xB0)

    def core_hz(self) -> float:
        """Fixed."""
        return 64e6

    def baud(self) -> float:
        """Of UARTE0."""
        return BAUDS[self.words[UARTE + 0x524]]

    def _crystal(self, value: int) -> None:
        self.words[POWER + 0x100] = value

    def _capture(self, _value: int) -> None:
        timer = [self.words.get(TIMER0 + at, 0) for at in (0, 0x504, 0x508, 0x510)]
        if timer != [1, 0, 3, 4]:
            self.wrongs.append(f"TIMER0 does not count microseconds in 32 bits: {timer}")
        self.words[TIMER0 + 0x540] = self.read_time()

    def _capture_count(self, _value: int) -> None:
        self.words[TIMER1 + 0x540] = self._count

    def _clear(self, _value: int) -> None:
        self._count = 0

    def _wire(self, channels: int) -> None:
        """CHENSET adds channels."""
        self._wired |= channels
        self.words[PPI + 0x504] = self._wired

    def unwire(self, channels: int) -> None:
        """CHENCLR."""
        self._wired &= ~channels
        self.words[PPI + 0x504] = self._wired

    def _counts(self) -> bool:
        wired = (self.words.get(PPI + 0x510), self.words.get(PPI + 0x514)) == (UARTE + 0x108, TIMER1 + 8)
        timer = [self.words.get(TIMER1 + at, 0) for at in (0, 0x504, 0x508)]
        return wired and self.words.get(PPI + 0x504, 0) & 1 == 1 and timer == [1, 1, 3]

    def pin(self, pin: int) -> int:
        """What a pin is set to."""
        return self.words.get(GPIO + 0x300 * (pin // 32) + 0x700 + 4 * (pin % 32), 0)

    def _listen(self, _value: int) -> None:
        ptr, n = self.words[UARTE + 0x534], self.words[UARTE + 0x538]
        if self.words.get(UARTE + 0x500) != 8 or not n or self.words.get(UARTE + 0x200) != 1 << 5:
            self.wrongs.append("UARTE0 is started without being set up")
        if self.pin(self.words[UARTE + 0x514]) & 2:
            self.wrongs.append("the receiving pin's input is off")
        self.memory(ptr, n)
        self._ring = (ptr, n)

    def receive(self, data: bytes) -> None:
        ptr, n = self._ring
        if not n or not self._counts() or not self.words.get(POWER + 0x100):
            return
        for byte in data:
            self.uc.mem_write(ptr + self._count % n, bytes([byte]))
            self._count += 1

    def _send(self, _value: int) -> None:
        if self.words.get(UARTE + 0x500) != 8 or self.pin(self.words[UARTE + 0x50C]) & 1 == 0:
            self.wrongs.append("UARTE0 sends without being on, or to a pin that is no output")
        self.sent += self.memory(self.words[UARTE + 0x544], self.words[UARTE + 0x548])
        self.words[UARTE + 0x120] = 1

    def _transfer(self, _value: int) -> None:
        get = self.words.get
        out = self.memory(get(TWIM + 0x544, 0), get(TWIM + 0x548, 0))
        sensor, n = self.sensors.get(get(TWIM + 0x588, 0)), get(TWIM + 0x538, 0)
        pins = [self.pin(get(TWIM + at, 0)) for at in (0x508, 0x50C)]
        if get(TWIM + 0x500) != 6 or any(p >> 8 & 7 != 6 or p & 2 for p in pins):
            self.wrongs.append(f"TWIM0 is off, or its pins are not open drain with input on: {pins}")
        if self.trouble == "stuck":
            return
        if sensor is None or self.trouble:
            self.words[TWIM + 0x124] = 1
            return
        sensor.write(out)
        if get(TWIM + 0x200) not in ((1 << 7 | 1 << 12,) if n else (1 << 9,)):
            self.wrongs.append("TWIM0 would not stop by itself")
        if n:
            self.memory(get(TWIM + 0x534, 0), n)
            self.uc.mem_write(get(TWIM + 0x534, 0), sensor.read(n))
        self.words[TWIM + 0x104] = 1

    def _stop(self, _value: int) -> None:
        if self.trouble == "stuck":
            return
        self.words[TWIM + 0x104] = 1

    def _erase(self, address: int) -> None:
        if self.words.get(NVMC + 0x504) != 2 or address % PAGE_BYTES:
            self.wrongs.append(f"page {address:#x} is erased with NVMC.CONFIG {self.words.get(NVMC + 0x504)}")
        self.flash._map[address : address + PAGE_BYTES] = b"\xff" * PAGE_BYTES
        self.chip.forget(address, PAGE_BYTES)

    def _stored(self, _uc: unicorn.Uc, _access: int, address: int, size: int, value: int, _: object) -> None:
        """Whole words, in write mode, from 1 to 0; below the loader nothing at all."""
        there = int.from_bytes(self.flash.read(address, 4), "little")
        if self.words.get(NVMC + 0x504) != 1 or size != 4 or address < self.board.app_offset:
            self.wrongs.append(f"{size} bytes are written to {address:#x}")
        if there & value & 0xFFFFFFFF != value & 0xFFFFFFFF:
            self.wrongs.append(f"{address:#x} holds {there:#x} and cannot become {value:#x}")
