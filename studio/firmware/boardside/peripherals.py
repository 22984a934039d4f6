# SPDX-License-Identifier: MIT OR Apache-2.0
"""The virtual chip's registers; firmware_stubs/boards/virtual-cortex-m/registers.h is the firmware's view of them.

Everything that moves bytes moves a block per access (DMA), because an access costs a microsecond of Python.
"""

from collections.abc import Callable

from studio.firmware.boardside.chip import Chip
from studio.firmware.boardside.flashfile import FlashFile
from studio.firmware.boardside.port import Port
from studio.firmware.boardside.sensors import Sensors

BASE, SIZE = 0x40030000, 0x2000
UART_BASE, SCS_BASE = 0x40004000, 0xE000E000
ID_VALUE = 0x32424F56
ID, CLOCK, TIME_LOW, TIME_HIGH, COUNT = 0x00, 0x04, 0x08, 0x0C, 0x10
TX_FROM, TX_BYTES, RX_TO, RX_BYTES = 0x20, 0x24, 0x28, 0x2C
SENSOR, SENSOR_STEP, SENSORS = 0x100, 0x20, 16
ON, ROW_BYTES, RATE, WATERMARK, TO, ROWS, OVERRUNS, TIME = range(0, 0x20, 4)
KEY, OFFSET, FROM, WRITE, ERASE = 0x1004, 0x1008, 0x100C, 0x1010, 0x1014
KEY_VALUE = 0x45670123
VTOR, AIRCR, CPACR = 0xD08, 0xD0C, 0xD88
RESET_REQUEST = 0x05FA0004
MASK = 0xFFFFFFFF


class Peripherals:
    """Registers of one chip. `time_us` and `count` are the board's clock and what VB_COUNT reads."""

    def __init__(
        self,
        chip: Chip,
        flash: FlashFile,
        page_bytes: int,
        clock_hz: int,
        port: Port,
        sensors: Sensors,
        time_us: Callable[[], int],
        count: Callable[[], int],
    ) -> None:
        self._chip, self._flash, self._page_bytes, self._clock_hz = chip, flash, page_bytes, clock_hz
        self._port, self._sensors, self._time_us, self._count = port, sensors, time_us, count
        self._held = dict[int, int]()  # what registers without a function of their own hold
        chip.map(BASE, SIZE, self._read, self._write)
        chip.map(UART_BASE, 0x1000, lambda _: 0, lambda _a, _v: None)
        chip.map(SCS_BASE, 0x1000, self._read_system, self._write_system)

    def reset(self) -> None:
        """As the chip's reset leaves them."""
        self._held.clear()
        self._sensors.stop()

    def _read(self, at: int) -> int:
        if at == TIME_LOW:
            now_us = self._time_us()
            self._held[TIME_HIGH] = now_us >> 32
            return now_us & MASK
        if at == ID:
            return ID_VALUE
        if at == CLOCK:
            return self._clock_hz
        if at == COUNT:
            return self._count() & MASK
        if at == TX_BYTES:
            return self._port.room
        return self._held.get(at, 0)

    def _write(self, at: int, value: int) -> None:
        if SENSOR <= at < SENSOR + SENSOR_STEP * SENSORS:
            self._write_sensor(at, *divmod(at - SENSOR, SENSOR_STEP), value)
        elif at == TX_BYTES:
            self._port.send(bytes(self._chip.uc.mem_read(self._held[TX_FROM], value)) if value else b"")
        elif at == RX_BYTES:
            data = self._port.take(value)
            if data:
                self._chip.uc.mem_write(self._held[RX_TO], data)
            self._held[RX_BYTES] = len(data)
        elif at in (WRITE, ERASE):
            self._change_flash(at, value)
        else:
            self._held[at] = value

    def _write_sensor(self, at: int, index: int, register: int, value: int) -> None:
        base, sensor = at - register, self._sensors[index]
        self._held[at] = value
        if register == ON and value:
            asked = (self._held.get(base + r, 0) for r in (ROW_BYTES, RATE, WATERMARK))
            sensor.start(self._time_us(), *asked)
        elif register == ON:
            sensor.stop()
        elif register == ROWS:
            rows, first_us = sensor.take(self._time_us(), value)
            if rows:
                self._chip.uc.mem_write(self._held[base + TO], rows)
            self._held[at] = len(rows) // max(sensor.row_bytes, 1)
            self._held[base + TIME] = first_us & MASK
            self._held[base + OVERRUNS] = sensor.overruns & MASK

    def _change_flash(self, what: int, value: int) -> None:
        """Erase to ones or write zeros, when the key has been given and the place exists; else nothing happens."""
        open_, at = self._held.pop(KEY, 0) == KEY_VALUE, self._held.get(OFFSET, 0)
        if what == ERASE:
            at -= at % self._page_bytes
            new = b"\xff" * self._page_bytes
        else:
            new = bytes(self._chip.uc.mem_read(self._held.get(FROM, 0), value))
        if not open_ or at + len(new) > self._flash.size:
            return
        if what == WRITE:
            new = bytes(a & b for a, b in zip(self._flash.read(at, len(new)), new, strict=True))
        self._chip.uc.mem_write(at, new)
        self._chip.forget(at, len(new))

    def _read_system(self, at: int) -> int:
        return self._chip.vtor if at == VTOR else 0xF << 20 if at == CPACR else 0

    def _write_system(self, at: int, value: int) -> None:
        if at == VTOR:
            self._chip.vtor = value
        elif at == AIRCR and value == RESET_REQUEST:
            self.reset()
            self._chip.ask_reset()
