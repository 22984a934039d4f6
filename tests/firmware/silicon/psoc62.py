"""PSoC 62 with 2 MB of flash, from Infineon/mtb-pdl-cat1 53804bf: psoc6_02.svd and what its drivers do and wait for.

The small core's first words run on a core of their own; what the ROM does when asked is modelled.
"""

import struct
from collections import deque

import unicorn
from unicorn import arm_const as arm

from studio.firmware.board import Board
from tests.firmware.silicon.chip import Hook, Silicon
from tests.firmware.silicon.psoc62_sound import Sound
from tests.firmware.silicon.radar import Radar
from tests.firmware.silicon.sensors import Slave

FLASH, RAM, RAM_BYTES, ROW = 0x10000000, 0x08000000, 1 << 20, 512
PERI, CPUSS, IPC, FLASHC, SRSS, BREG = 0x40000000, 0x40200000, 0x40220020, 0x40240000, 0x40260000, 0x40271000
DW0, DW1, HSIOM, GPIO, TCPWM = 0x40280000, 0x40290000, 0x40300000, 0x40310000, 0x40380000
SCB0, SCB5, SCB6 = 0x40600000, 0x40650000, 0x40660000
TX, RX = DW0 + 0x8000 + 26 * 0x40, DW0 + 0x8000 + 27 * 0x40
ROM_CALL, SUCCESS, WATCHDOG_US = 0x0D, 0xA0000000, 340_000
NACK, ACK, STOP = 2, 4, 16


class Psoc62(Silicon):
    """100 MHz from the inner 8 MHz, or the test says what is missing."""

    regions = (
        (PERI, 0x10000),
        (CPUSS, 0x3000),
        (0x40220000, 0x1000),
        (FLASHC, 0x1000),
        (SRSS, 0x1000),
        (0x40270000, 0x2000),
        (DW0, 0x20000),
        (HSIOM, 0x1000),
        (GPIO, 0x1000),
        (TCPWM, 0x1000),
        (SCB0, 0x1000),
        (SCB5, 0x1000),
        (SCB6, 0x1000),
        (0x40A00000, 0x1000),
    )

    def __init__(self, board: Board, flash: bytes, sensors: tuple[Slave, ...]) -> None:
        self.radar, self._radar_due, self._radar_us = Radar(), 0.0, 0
        super().__init__(board, flash, sensors)

    def start(self) -> None:
        """Power up."""
        self.uc.mem_map_ptr(FLASH, self.flash.size, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC, self.flash.address)
        self.uc.mem_map(RAM, RAM_BYTES)
        self.pdm = Sound(self)
        self.on_read |= {TCPWM + 0x108: self.read_time, SRSS + 0x590: self._fll_status, RX + 8: self._indices}
        self.on_read |= {IPC: self._acquire, IPC + 0x1C: self._locked, SRSS + 0x180: self._watchdog_is}
        self.on_read |= {SCB5 + 0x208: lambda: 0, FLASHC + 8: lambda: 0, PERI + 0x400: lambda: 0}
        self.on_read |= {SCB0 + 0xF00: lambda: self._intr, SCB0 + 0x68: lambda: 0, SCB0 + 0x308: self._i2c_waits}
        self.on_read |= {SCB0 + 0x340: self._i2c_in, SCB6 + 0x308: lambda: len(self._spi), SCB6 + 0x340: self._spi_in}
        self.on_write |= {TX: self._send, RX: self._listen, SRSS + 0x180: self._watchdog, IPC + 8: self._notify}
        self.on_write |= {SCB0 + 0x68: self._i2c_command, SCB0 + 0x240: self._i2c_out, SCB0 + 0xF00: self._i2c_clear}
        self.on_write |= {SCB6 + 0x240: self._spi_out, PERI + 0x400: self._divider, SRSS + 0x588: self._fll_output}
        for port in (11, 12):
            self.on_write[GPIO + 0x80 * port + 4] = self._levels(port, 0)
            self.on_write[GPIO + 0x80 * port + 8] = self._levels(port, 1)
        plain = self.chip.reset

        def reset() -> None:
            plain()
            self._power_up()

        self.chip.reset = reset  # type: ignore[method-assign]
        reset()

    def _power_up(self) -> None:
        """Registers as out of reset, as far as anybody looks; then the small core."""
        self.words |= {SRSS + 0x588: 2 << 28, CPUSS + 0x1200: 0xFA050001, FLASHC: 0x110000, SCB5: 0x0300000F}
        self._lock, self._watched, self._locked_by = 3, True, 0
        self._counts = self._spi_checked = False
        self._since_us, self._dividers = self.us, set[int]()
        self._intr, self._bus, self._to, self._out = 0, "idle", 0, bytearray()
        self._in: deque[int] = deque()
        self._spi: deque[int] = deque()
        self._first, self._got = -1, 0
        self.radar.select(False)
        self.pdm.forget()
        vectors = self._small_core()
        stack, entry = struct.unpack("<II", self.uc.mem_read(vectors, 8))
        self.uc.reg_write(arm.UC_ARM_REG_SP, stack)
        self.chip.vtor, self.chip._pc = vectors, entry & ~1

    def restart(self) -> None:
        note = self.words.get(BREG, 0)
        super().restart()
        self.words[BREG] = note

    def _small_core(self) -> int:
        """Where it says that the big core's vectors lie; it must sleep after that, and know the ROM's interrupt."""
        told: dict[int, int] = {}
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M0)
        uc.mem_map_ptr(FLASH, self.flash.size, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC, self.flash.address)
        uc.mmio_map(CPUSS, 0x3000, None, None, lambda _u, at, _n, value, _d: told.update({at: value}), None)
        stack, entry, rom_call = struct.unpack("<III", self.flash.read(0, 12))
        uc.reg_write(arm.UC_ARM_REG_SP, stack)
        uc.emu_start(entry | 1, 0, 0, 100)
        asleep = bytes(uc.mem_read(uc.reg_read(arm.UC_ARM_REG_PC) - 2, 2)) == b"\x30\xbf"
        if not asleep or rom_call != ROM_CALL or not RAM < stack <= RAM + RAM_BYTES - 2048:
            self.wrongs.append(f"the small core does not sleep, or its vectors are {stack:#x}, {rom_call:#x}")
        if stack - 1024 < RAM + self.board.ram_bytes:
            self.wrongs.append("the small core's stack lies in the big core's RAM")
        if told.get(0x1200) != 0x05FA0003 or told.get(0x200, 1) % 1024:
            self.wrongs.append(f"the small core does not let the big one go: {told}")
        return told.get(0x200, FLASH)

    # -- clocks and pins ---------------------------------------------------------------------------------------------

    def step(self) -> None:
        super().step()
        if self._watched and self.us - self._since_us > WATCHDOG_US:
            self.wrongs.append("the watchdog bites")
        before, self._radar_us = self._radar_us, self.us
        due = self._radar_due + (self.us - before) * self.radar.rate_hz() / 1e6
        self.radar.measured(int(due))
        self._radar_due = due - int(due)
        self.wrongs += self.radar.wrongs
        self.radar.wrongs.clear()

    def _watchdog_is(self) -> int:
        return self._lock << 30 | self._watched

    def _watchdog(self, value: int) -> None:
        if not self._lock:
            self._watched = bool(value & 1)
        self._lock = {1: self._lock & 2, 2: self._lock & 1, 3: 3}.get(value >> 30, self._lock)

    def _fll_status(self) -> int:
        oscillates = self.words.get(SRSS + 0x58C, 0) >> 31
        return oscillates << 2 | (oscillates & self.words.get(SRSS + 0x580, 0) >> 31)

    def _fll_output(self, value: int) -> None:
        if value >> 28 == 3 and not self._fll_status() & 1:
            self.wrongs.append("the FLL's output is taken before it has locked")
        if value >> 28 == 3 and self.words.get(FLASHC, 0) & 15 < 3:
            self.wrongs.append("100 MHz with too few wait states")

    def core_hz(self) -> float:
        """What the FLL makes of the inner 8 MHz."""
        get = self.words.get
        config, loop = get(SRSS + 0x580, 0), get(SRSS + 0x584, 1)
        settings = (get(SRSS + 0x58C, 0) >> 8 & 7, get(SRSS + 0x58C, 0) >> 16 & 0x1FF, get(SRSS + 0x588, 0) & 0x1FFFFF)
        if settings != (4, 355, 9 | 5 << 4 | 8 << 8) or get(SRSS + 0x380, 0) != 1 << 31 or get(SRSS + 0x340, 0):
            return 8e6
        return 8e6 * (config & 0x3FFFF) / (loop & 0x1FFF) / (1 + (config >> 24 & 1))

    def _divider(self, command: int) -> None:
        if command >> 31 and command >> 8 & 3 == 0:
            self._dividers.add(command & 0xFF)

    def clock_hz(self, user: int) -> float:
        """What a peripheral gets: its number in PERI_CLOCK_CTL."""
        chosen = self.words.get(PERI + 0xC00 + 4 * user, 0x3FF)
        if chosen >> 8 & 3 or chosen & 0xFF not in self._dividers:
            return 0.0
        return self.core_hz() / ((self.words.get(PERI + 0x1000 + 4 * (chosen & 0xFF), 0) >> 8 & 0xFF) + 1)

    def read_time(self) -> int:
        if self._counts:
            return super().read_time()
        self._counts = True
        if self.clock_hz(15) != 1e6 or self.words.get(TCPWM + 8) != 1 or self.words.get(TCPWM + 0x18) != 1:
            self.wrongs.append("the counter does not run at 1 MHz")
        return super().read_time()

    def pin(self, port: int, pin: int) -> tuple[int, int]:
        """(what it is connected to, how it drives)."""
        selected = self.words.get(HSIOM + 0x10 * port + pin // 4 * 4, 0) >> 8 * (pin % 4) & 31
        return selected, self.words.get(GPIO + 0x80 * port + 0x44, 0) >> 4 * pin & 15

    def _levels(self, port: int, high: int) -> Hook:
        def written(pins: int) -> None:
            if port == 12 and pins >> 3 & 1 and self.pin(12, 3) in ((0, 6), (0, 0)):
                self.radar.select(not high)
            if port == 11 and pins >> 1 & 1:
                self.radar.reset(not high)

        return written

    # -- the link ----------------------------------------------------------------------------------------------------

    def baud(self) -> float:
        """Of SCB5."""
        return self.clock_hz(5) / ((self.words[SCB5] & 15) + 1)

    def _on_air(self, trigger: int) -> bool:
        get = self.words.get
        uart = get(SCB5, 0) >> 31 and get(SCB5, 0) >> 24 & 3 == 2 and get(SCB5, 0) >> 11 & 1
        wired = self.pin(5, 0)[0] == self.pin(5, 1)[0] == 18 and self.pin(5, 0)[1] & 8 and self.pin(5, 1)[1] == 6
        widths = get(SCB5 + 0x200) == get(SCB5 + 0x300) == 7 and get(SCB5 + 0x204, 0) > 0 == get(SCB5 + 0x304, 1)
        return bool(uart and wired and widths and get(PERI + 0xC000 + 4 * trigger) == 1 and get(DW0, 0) >> 31)

    def descriptor(self, channel: int) -> tuple[int, ...]:
        """Control, from, to, x, y, next of a channel."""
        return struct.unpack("<6I", self.memory(self.words.get(channel + 0xC, 0), 24))

    def _send(self, control: int) -> None:
        if not control >> 31:
            return
        does, source, to, x, _, _ = self.descriptor(TX)
        if does & ~3 != 1 << 30 | 1 << 27 | 1 << 24 or to != SCB5 + 0x240 or x & 0xFFFFFF != 1 or not self._on_air(10):
            self.wrongs.append(f"a block is sent by {does:#x} to {to:#x}, {x:#x}")
        self.sent += self.memory(source, (x >> 24) + 1)
        self.words[TX] = 0

    def _listen(self, control: int) -> None:
        self._first, self._got = -1, 0
        if control >> 31:
            does, source, to, x, y, next = self.descriptor(RX)
            whole = (x, y) == (255 << 24 | 1 << 12, 15 << 24 | 256 << 12) and next == self.words[RX + 0xC]
            if does & ~3 != 2 << 30 | 1 << 26 or source != SCB5 + 0x340 or not whole:
                self.wrongs.append(f"bytes are received by {does:#x} from {source:#x}, {x:#x}, {y:#x}")
            self._first = to

    def _indices(self) -> int:
        at = self._got % 4096
        return at % 256 | at // 256 << 8

    def receive(self, data: bytes) -> None:
        if self._first < 0 or not self._on_air(11):
            return
        for byte in data:
            self.memory(self._first, 4096)
            self.uc.mem_write(self._first + self._got % 4096, bytes([byte]))
            self._got += 1

    # -- I2C ---------------------------------------------------------------------------------------------------------

    def _i2c_clear(self, value: int) -> None:
        self._intr &= ~value

    def _i2c_waits(self) -> int:
        self.us += 1
        return len(self._in)

    def _i2c_in(self) -> int:
        return self._in.popleft()

    def _i2c_sound(self) -> bool:
        get, pins = self.words.get, (self.pin(0, 2), self.pin(0, 3))
        steps = (get(SCB0 + 0x60, 0) & 15) + (get(SCB0 + 0x60, 0) >> 4 & 15) + 2
        on = get(SCB0, 0) >> 31 and get(SCB0 + 0x60, 0) >> 31 and get(SCB0 + 0x200) == 0x10107
        return bool(on and pins == ((19, 12), (19, 12)) and 90e3 < self.clock_hz(0) / steps <= 400e3)

    def _i2c_out(self, byte: int) -> None:
        if self.trouble == "stuck":
            return
        if self._bus == "idle":
            self._out = bytearray([byte])
        elif self._bus == "again":
            self._address(byte)
        else:
            self._out.append(byte)
            self._intr |= NACK if self.trouble else ACK

    def _address(self, byte: int) -> None:
        sensor = self.sensors.get(byte >> 1)
        if sensor is None or not self._i2c_sound():
            self._intr |= NACK
            return
        self._intr |= ACK
        self._to, self._out, self._bus = byte >> 1, bytearray(), "in" if byte & 1 else "out"
        if byte & 1:
            self._in.extend(sensor.read(1))

    def _i2c_command(self, command: int) -> None:
        if self.trouble == "stuck":
            self._bus, self._out = "idle", bytearray()
        elif command & 2 and self._out:
            self._address(self._out[0])
        elif command & 1:
            self._written()
            self._bus = "again"
        elif command & 16:
            if self._in:
                self.wrongs.append("bytes are left behind")
            self._written()
            self._bus, self._intr = "idle", self._intr | STOP
        elif command & 4:
            self._in.extend(self.sensors[self._to].read(1))

    def _written(self) -> None:
        if self._bus == "out" and self._out:
            self.sensors[self._to].write(bytes(self._out))
        self._out = bytearray()

    # -- SPI ---------------------------------------------------------------------------------------------------------

    def _spi_out(self, byte: int) -> None:
        self._spi.append(self.radar.exchange(byte))
        if len(self._spi) > 128:
            self.wrongs.append("the SPI's FIFO runs over")
        if not self._spi_checked:
            self._spi_checked = True
            self._check_spi()

    def _check_spi(self) -> None:
        get = self.words.get
        pins = [self.pin(12, i) for i in range(4)]
        hertz = self.clock_hz(6) / ((get(SCB6, 0) & 15) + 1)
        on = get(SCB6, 0) >> 31 and get(SCB6, 0) >> 24 & 3 == 1 and get(SCB6 + 0x20, 0) & 0x8300000D == 0x80000001
        if pins != [(20, 6), (20, 8), (20, 6), (0, 6)] or not on or not 0 < hertz <= 50e6:
            self.wrongs.append(f"SPI is not set up: {pins}, {hertz:.0f} Hz")

    def _spi_in(self) -> int:
        return self._spi.popleft()

    # -- the ROM and the flash ---------------------------------------------------------------------------------------

    def _acquire(self) -> int:
        self._locked_by = 1
        return 1 << 31

    def _locked(self) -> int:
        self._in_ram()
        locked, self._locked_by = self._locked_by, 0  # takes one look
        return locked << 31

    def _in_ram(self) -> None:
        if self.uc.reg_read(arm.UC_ARM_REG_PC) >> 24 != RAM >> 24:
            self.wrongs.append("the flash is read while it is written")

    def _notify(self, lines: int) -> None:
        self._in_ram()
        at = self.words.get(IPC + 0xC, 0)
        code, settings, address, data = struct.unpack("<4I", self.memory(at, 16))
        offset = address - FLASH
        fits = code == 5 << 24 | 1 << 8 and lines == 1 and not settings and not offset % ROW
        if not self._locked_by or not fits or not self.board.app_offset <= offset < self.flash.size:
            self.wrongs.append(f"the ROM is asked {code:#x} for {address:#x}")
            return
        self.flash._map[offset : offset + ROW] = self.memory(data, ROW)
        self.chip.forget(address, ROW)
        self.uc.mem_write(at, struct.pack("<I", SUCCESS))
