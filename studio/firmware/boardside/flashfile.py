# SPDX-License-Identifier: MIT OR Apache-2.0
"""The flash as a file: mapped into memory, so every write is kept even when the program is killed the next moment."""

import ctypes
import mmap
import os
import sys
import time
from pathlib import Path

PATIENCE_S = 3.0  # another program of the same board may just be ending


class InUse(Exception):
    """Another program plays a board with this flash."""


class FlashFile:
    """`bytes_` of flash at `path`; without a path it is forgotten at the end. Blank flash reads 0xFF."""

    def __init__(self, path: Path | None, bytes_: int) -> None:
        self.size = bytes_
        if path is None:
            self._map = mmap.mmap(-1, bytes_)
            self._map[:] = b"\xff" * bytes_
        else:
            self._lock = lock(path)
            self._map = _open(path, bytes_)
        self.address = ctypes.addressof(ctypes.c_uint8.from_buffer(self._map))

    def read(self, offset: int, n: int) -> bytes:
        """`n` bytes from `offset`."""
        return self._map[offset : offset + n]


def _open(path: Path, bytes_: int) -> mmap.mmap:
    with open(path, "a+b") as file:
        missing = bytes_ - file.seek(0, os.SEEK_END)
        if missing > 0:
            file.write(b"\xff" * missing)
            file.flush()
        return mmap.mmap(file.fileno(), bytes_)


def lock(flash: Path) -> int:
    """A handle that keeps others off the flash until it is closed or this process ends; InUse when somebody has it."""
    path = flash.with_name(flash.name + ".lock")
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    deadline = time.monotonic() + PATIENCE_S
    while not _try_lock(handle):
        if time.monotonic() > deadline:
            os.close(handle)
            raise InUse(str(path))
        time.sleep(0.05)
    return handle


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
