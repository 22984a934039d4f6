# SPDX-License-Identifier: MIT OR Apache-2.0
"""This computer as a board: boot loader and app are libraries in the flash file, loaded from there and run.

A program of its own (`python -m studio.firmware.hostboard`): the studio starts it and speaks to it over TCP, as to
any board. It imports the standard library only.
"""

import ctypes
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.firmware.boardside.options import Options, announce
from studio.firmware.boardside.pace import Pace
from studio.firmware.boardside.port import Port

HEADER_BYTES = 256
RESTART, BOOT = 0, 1  # or where the app to start lies
RUN = "host_run_2"  # of firmware_stubs/boards/host/board.c; its number changes with HostCalls
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")

_i32, _u32, _u64 = ctypes.c_int32, ctypes.c_uint32, ctypes.c_uint64
_pointer = ctypes.c_void_p
#: struct host_calls in firmware_stubs/boards/host/board.c, in order: name and type.
CALLS: dict[str, Any] = {
    "write": ctypes.CFUNCTYPE(_i32, _pointer, _i32),
    "read": ctypes.CFUNCTYPE(_i32, _pointer, _i32),
    "time_us": ctypes.CFUNCTYPE(_u64),
    "sensor_start": ctypes.CFUNCTYPE(None, _i32, _i32, _u32, _i32),
    "sensor_stop": ctypes.CFUNCTYPE(None, _i32),
    "sensor_read": ctypes.CFUNCTYPE(_i32, _i32, _pointer, _i32, ctypes.POINTER(_u64), ctypes.POINTER(_u32)),
    "idle": ctypes.CFUNCTYPE(None, _i32),
}


class HostCalls(ctypes.Structure):
    """What the library calls, the flash, and whether the boot loader shall stay."""

    _fields_ = [*CALLS.items(), ("flash", _pointer), ("stay_in_boot", _i32)]


class HostBoard:
    """Everything of the board that is not firmware."""

    def __init__(self, options: Options) -> None:
        self.flash, self.sensors = options.flash, options.sensors
        self.port, self.pace = Port(), Pace(options.speed)
        self._now_us = 0
        self.calls = HostCalls(*(kind(getattr(self, name)) for name, kind in CALLS.items()), self.flash.address, 0)
        self._folder = tempfile.TemporaryDirectory(prefix="hostboard", ignore_cleanup_errors=True)
        self._loaded = 0

    def run(self) -> None:
        """Power up, and go on until the process ends."""
        offset = 0
        while True:
            try:
                program = self._program(offset)
            except (OSError, AttributeError):  # an app of another studio: wait in the boot loader for a new one
                if offset == 0:
                    raise
                self.calls.stay_in_boot, offset = 1, 0
                continue
            next_ = program(ctypes.byref(self.calls))
            self.sensors.stop()
            self.calls.stay_in_boot = int(next_ == BOOT)
            offset = next_ if next_ > BOOT else 0

    def write(self, at: int, n: int) -> int:
        """board_write"""
        n = min(n, self.port.room)
        self.port.send(ctypes.string_at(at, n))
        self.port.pump()
        return n

    def read(self, at: int, n: int) -> int:
        """board_read"""
        if not self.port.rx:
            self.port.pump()
        data = self.port.take(n)
        ctypes.memmove(at, data, len(data))
        return len(data)

    def time_us(self) -> int:
        """board_time_us: every look at the clock takes a microsecond, so that waiting for it ends."""
        self._now_us += 1
        return self._now_us

    def sensor_start(self, index: int, row_bytes: int, rate_mhz: int, watermark: int) -> None:
        """board_sensor_start"""
        self.sensors[index].start(self.time_us(), row_bytes, rate_mhz, watermark)

    def sensor_stop(self, index: int) -> None:
        """board_sensor_stop"""
        self.sensors[index].stop()

    def sensor_read(self, index: int, at: int, n: int, t_us: Any, overruns: Any) -> int:
        """board_sensor_read"""
        sensor = self.sensors[index]
        rows, t_us[0] = sensor.take(self.time_us(), n)
        overruns[0] = sensor.overruns
        ctypes.memmove(at, rows, len(rows))
        return len(rows) // max(sensor.row_bytes, 1)

    def idle(self, writing: int) -> None:
        """board_idle"""
        self._now_us = self.pace.sleep(self._now_us, self.sensors.due_us(), self.port, bool(writing))

    def _program(self, offset: int) -> Callable[..., int]:
        """What runs the library behind the header at `offset`, fresh: a second start must find its variables new."""
        (size,) = struct.unpack("<I", self.flash.read(offset + 8, 4))
        self._loaded += 1
        path = Path(self._folder.name) / f"{self._loaded}{SUFFIX}"
        path.write_bytes(self.flash.read(offset + HEADER_BYTES, size))
        run: Callable[..., int] = getattr(ctypes.CDLL(str(path)), RUN)
        return run


def main() -> None:
    """Play the board until stdin closes."""
    board = HostBoard(Options(__doc__ or ""))
    announce(board.port.url)
    board.run()


if __name__ == "__main__":
    main()
