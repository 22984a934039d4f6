"""Through the boot loader in an STM32's ROM, over USB (DfuSe): `python -m studio.firmware.flashers.stm32_usb`.

What was written is read back. The first block (the vector table) is written last. USB is reached by `pyusb`, which is
optional; on Windows the chip's loader needs the WinUSB driver.

References: STMicroelectronics UM0424 (DfuSe: addresses, erase, leaving), AN3156 (commands of the ROM), USB DFU 1.1
(requests, states, status). The chip says what flash it has in the name of its alternate setting 0, as in
"@Internal Flash  /0x08000000/512*0002Kg".
"""

import importlib
import os
import re
import socket
import struct
import time
from typing import Any, Protocol

from studio.errors import FlashError, LinkError
from studio.firmware.flashers.program import THING, Parts, blocks, broken, differs, parts_of, run, size, tell_bytes
from studio.firmware.flashers.stm32_uart import pages_of
from studio.firmware.worker import tell

LIBUSB = "SENSORSMITH_LIBUSB"
DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, ABORT = 1, 2, 3, 4, 6
IDLE, BUSY, DNLOAD_IDLE, MANIFEST, ERROR = 2, 4, 5, 7, 10
OUT, IN = 0x21, 0xA1
SET_ADDRESS, ERASE = b"\x21", b"\x41"
STALL = -9
ERR_VENDOR, ERR_TARGET, ERR_ADDRESS = 0x0B, 0x01, 0x08
BLOCK_BYTES, FIRST_BLOCK = 2048, 2
ANSWER_S, ARRIVAL_S, LOOK_S = 5.0, 4.0, 0.25
MEND = "Set BOOT0 high, plug its USB in again and flash again."
_LAYOUT = re.compile(r"(\d+)\*(\d+)([ KM])([a-g])")


class Usb(Protocol):
    """Control transfers. LinkError when the device is gone."""

    def out(self, request: int, value: int, data: bytes) -> None: ...

    def inward(self, request: int, value: int, n: int) -> bytes: ...

    def layout(self) -> str: ...

    def close(self) -> None: ...


class PyUsb:
    """The device with these USB numbers, by pyusb."""

    def __init__(self, vid: int, pid: int) -> None:
        usb: Any = importlib.import_module("usb")  # pyusb has no types
        for part in ("core", "util", "backend.libusb1"):
            importlib.import_module(f"usb.{part}")
        named = os.environ.get(LIBUSB)
        backend = usb.backend.libusb1.get_backend(find_library=(lambda name: named) if named else _library)
        if backend is None:
            raise FlashError(
                "USB", "libusb is not there", "Install it: `pip install libusb-package`, or your system's."
            )
        self._util, self._wrong = usb.util, (usb.core.USBError, ValueError, NotImplementedError)
        found = list(usb.core.find(idVendor=vid, idProduct=pid, find_all=True, backend=backend))
        if len(found) != 1:
            seen = f"is there {len(found)} times" if found else f"is not on USB ({vid:04x}:{pid:04x})"
            raise LinkError(THING, seen, MEND if not found else "Unplug the others, then flash again.")
        self._device: Any = found[0]
        try:
            self._device.get_active_configuration()
            usb.util.claim_interface(self._device, 0)
            self._device.set_interface_altsetting(0, 0)
        except self._wrong as e:
            raise _no_access(e) from e

    def out(self, request: int, value: int, data: bytes) -> None:
        try:
            self._device.ctrl_transfer(OUT, request, value, 0, data, int(ANSWER_S * 1000))
        except self._wrong as e:
            if getattr(e, "backend_error_code", None) != STALL:  # why it declines is told by its status
                raise _went(e) from e

    def inward(self, request: int, value: int, n: int) -> bytes:
        try:
            return bytes(self._device.ctrl_transfer(IN, request, value, 0, n, int(ANSWER_S * 1000)))
        except self._wrong as e:
            if getattr(e, "backend_error_code", None) == STALL:
                return b""
            raise _went(e) from e

    def layout(self) -> str:
        """The name of alternate setting 0."""
        try:
            settings = self._device.get_active_configuration()[(0, 0)]
            return str(self._util.get_string(self._device, settings.iInterface))
        except self._wrong as e:
            raise _went(e) from e

    def close(self) -> None:
        self._util.dispose_resources(self._device)


class Remote:
    """A device behind a TCP port ("HOST:PORT"): that of `roms.stm32_usb`, for benchmarks and tests."""

    def __init__(self, place: str) -> None:
        host, _, port = place.rpartition(":")
        try:
            self._peer = socket.create_connection((host, int(port)), ANSWER_S)
        except OSError as e:
            raise _went(e) from e

    def out(self, request: int, value: int, data: bytes) -> None:
        self._transfer(OUT, request, value, len(data), data)

    def inward(self, request: int, value: int, n: int) -> bytes:
        return self._transfer(IN, request, value, n, b"")

    def layout(self) -> str:
        """The fourth string, as the ROM has it."""
        return self._transfer(0x80, 6, 0x0304, 255, b"")[2:].decode("utf-16-le")

    def close(self) -> None:
        self._peer.close()

    def _transfer(self, kind: int, request: int, value: int, n: int, data: bytes) -> bytes:
        try:
            self._peer.sendall(struct.pack("<BBHHH", kind, request, value, 0, n) + data)
            length = struct.unpack("<i", self._take(4))[0]
            return self._take(length) if kind & 0x80 and length > 0 else _judged(length)
        except OSError as e:
            raise _went(e) from e

    def _take(self, n: int) -> bytes:
        found = b""
        while len(found) < n:
            data = self._peer.recv(n - len(found))
            if not data:
                raise ConnectionError("closed")
            found += data
        return found


def _judged(length: int) -> bytes:
    if length < 0 and length != STALL:
        raise ConnectionError(f"error {length}")
    return b""


def _library(name: str) -> str | None:
    """The one that the package libusb-package brings, else the system's."""
    import ctypes.util

    try:
        brought: Any = importlib.import_module("libusb_package")
        return str(brought.get_library_path())
    except ImportError:
        return ctypes.util.find_library(name)


def _no_access(e: Exception) -> FlashError:
    denied = getattr(e, "errno", None) == 13 or "Access denied" in str(e)
    busy = getattr(e, "errno", None) == 16 or "busy" in str(e).lower()
    if busy:
        return FlashError(THING, "another program uses it", "Close that program, then flash again.")
    step = "Allow it: the help page Flashing has the udev rule for Linux and the driver for Windows."
    return FlashError(THING, "may not be used by you" if denied else f"cannot be opened ({e})", step)


def _went(e: Exception) -> LinkError:
    return LinkError(THING, f"went away ({e})", MEND)


class Dfu:
    """The conversation; FlashError for what the chip declines."""

    def __init__(self, usb: Usb) -> None:
        self.usb = usb

    def begin(self) -> None:
        """From whatever state it is in to idle."""
        for _ in range(3):
            status, _, state = self._status()
            if state == IDLE:
                return
            self.usb.out(CLRSTATUS if state == ERROR else ABORT, 0, b"")
        raise FlashError(THING, f"stays in state {state} (status {status})", MEND)

    def erase(self, address: int) -> None:
        """The page there."""
        self._command(ERASE + struct.pack("<I", address), f"erasing {address:#010x}")

    def point(self, address: int) -> None:
        """Blocks count from there."""
        self._command(SET_ADDRESS + struct.pack("<I", address), f"address {address:#010x}")

    def write(self, address: int, data: bytes) -> None:
        """At most 2048 bytes."""
        self.point(address)
        self.usb.out(DNLOAD, FIRST_BLOCK, data)
        self._done(f"writing at {address:#010x}")

    def read(self, address: int, n: int) -> bytes:
        """At most 2048 bytes."""
        self.point(address)
        self.usb.out(ABORT, 0, b"")
        found = self.usb.inward(UPLOAD, FIRST_BLOCK, n)
        self.usb.out(ABORT, 0, b"")
        if len(found) != n:
            raise _declined("reading", ERR_VENDOR)
        return found

    def leave(self, address: int) -> None:
        """Start what lies there. The device goes with the answer, or without one."""
        self.point(address)
        self.usb.out(DNLOAD, 0, b"")
        try:
            self._status()
        except LinkError:
            return

    def _command(self, data: bytes, what: str) -> None:
        self.usb.out(DNLOAD, 0, data)
        self._done(what)

    def _done(self, what: str) -> None:
        deadline = time.monotonic() + ANSWER_S
        while True:
            status, wait_ms, state = self._status()
            if state == ERROR or status:
                self.usb.out(CLRSTATUS, 0, b"")
                raise _declined(what, status)
            if state in (DNLOAD_IDLE, IDLE):
                return
            if time.monotonic() > deadline:
                raise LinkError(THING, f"is not done with {what}", MEND)
            time.sleep(min(wait_ms / 1000, ANSWER_S))

    def _status(self) -> tuple[int, int, int]:
        """(status, milliseconds until the next question, state)."""
        found = self.usb.inward(GETSTATUS, 0, 6)
        if len(found) < 6:
            raise LinkError(THING, "tells no status", MEND)
        return found[0], int.from_bytes(found[1:4], "little"), found[4]


def _declined(what: str, status: int) -> FlashError:
    if status == ERR_VENDOR:
        step = "Unlock it with its maker's tool, which erases it."
        return FlashError(THING, f"declines {what}: the chip is protected against reading and writing", step)
    seen = {ERR_TARGET: "that is not its flash", ERR_ADDRESS: "there is no such address"}.get(
        status, f"status {status}"
    )
    return FlashError(THING, f"declines {what}: {seen}", MEND)


def program(request: dict[str, Any]) -> dict[str, Any]:
    """{"vid", "pid", "flash_address", "flash_bytes", "page_bytes", "parts", "start"} -> {"bytes"}."""
    tell(text="looking for the chip's own boot loader on USB")
    parts, step = parts_of(request), ("", 0)
    usb = _found(request)
    try:
        _check_layout(usb.layout(), request)
        dfu = Dfu(usb)
        dfu.begin()
        dfu.read(request["flash_address"], 8)
        for what, at in _steps(dfu, parts, request):
            step = what, at
            tell_bytes(what, at, size(parts))
        dfu.leave(request["start"])
    except LinkError as e:
        raise broken(request, step, size(parts), e, MEND) from e
    finally:
        usb.close()
    return {"bytes": size(parts)}


def _found(request: dict[str, Any]) -> Usb:
    deadline = time.monotonic() + ARRIVAL_S
    while True:
        try:
            return Remote(request["remote"]) if "remote" in request else PyUsb(request["vid"], request["pid"])
        except LinkError as e:
            if time.monotonic() > deadline:
                raise FlashError(e.thing, e.seen, e.next_step) from e
            time.sleep(LOOK_S)
        except ImportError as e:
            step = "Install it: `pip install pyusb libusb-package`."
            raise FlashError("pyusb", "is not installed; it carries DFU over USB", step) from e


def _check_layout(name: str, request: dict[str, Any]) -> None:
    """The flash must lie and be cut as this board's; the ROM tells no chip id over USB."""
    start, n, page = layout(name)
    wanted = request["flash_address"], request["flash_bytes"], request["page_bytes"]
    if (start, n, page) != wanted:
        seen = f"has {n >> 10} KiB of flash at {start:#x} in pages of {page}, this board {wanted[1] >> 10} KiB at "
        seen += f"{wanted[0]:#x} in pages of {wanted[2]}; nothing was changed"
        raise FlashError("The chip on USB", seen, "Connect the board that this image is for.")


def layout(name: str) -> tuple[int, int, int]:
    """(address, bytes, bytes of a page) from "@Internal Flash  /0x08000000/512*0002Kg"; page 0 when they differ."""
    fields = name.split("/")
    if len(fields) < 3 or not fields[0].startswith("@"):
        raise FlashError("The chip on USB", f"describes its flash as {name!r}", "It is no STM32 in its boot loader.")
    cuts = [(int(n), int(each) * {" ": 1, "K": 1024, "M": 1 << 20}[unit]) for n, each, unit, _ in _LAYOUT.findall(name)]
    pages = {each for _, each in cuts}
    return int(fields[1], 16), sum(n * each for n, each in cuts), pages.pop() if len(pages) == 1 else 0


def _steps(dfu: Dfu, parts: Parts, request: dict[str, Any]) -> Any:
    """Erase, write, read back; yields (what, bytes done)."""
    for page in pages_of(parts, request["flash_address"], request["page_bytes"]):
        yield "erasing for", 0
        dfu.erase(request["flash_address"] + page * request["page_bytes"])
    done = 0
    for address, data in blocks(parts, BLOCK_BYTES):
        if data.strip(b"\xff"):  # else it is as erasing left it
            dfu.write(address, data + b"\xff" * (-len(data) % 8))
        done += len(data)
        yield "writing", done
    done = 0
    for address, data in blocks(parts, BLOCK_BYTES):
        found = dfu.read(address, len(data))
        if found != data:
            raise differs(address, data, found)
        done += len(data)
        yield "reading back", done


if __name__ == "__main__":
    run(program)
