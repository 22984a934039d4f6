"""A model of the boot loader in an STM32's ROM on USB: DFU 1.1 with ST's extensions (DfuSe), control transfers only.

References: STMicroelectronics UM0424 and AN3156 rev 13 (special commands by block 0, data from block 2 on, the status
after which work begins, leaving); USB DFU 1.1 (states, chapter 6). `Door` serves it over TCP: 8 bytes of set-up and
what goes out, answered by a length (below 0: an error of libusb) and what comes in.
"""

import contextlib
import socket
import struct
import threading

from studio.errors import LinkError
from studio.firmware.roms.flash import Flash

DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT = 1, 2, 3, 4, 5, 6
IDLE, SYNC, BUSY, DNLOAD_IDLE, MANIFEST, UPLOAD_IDLE, ERROR = 2, 3, 4, 5, 7, 9, 10
ERR_TARGET, ERR_VENDOR = 0x01, 0x0B
STALL, GONE = -9, -4
TRANSFER_BYTES = 2048
ERASE_MS, WRITE_MS = 25, 1
FUNCTIONAL = struct.pack("<BBBHHH", 9, 0x21, 0x0B, 255, TRANSFER_BYTES, 0x011A)
_SETUP = struct.Struct("<BBHHH")


class Stm32Usb:
    """`protected` is read protection. `control` raises Stall for what it declines, LinkError when it is gone."""

    def __init__(self, flash: Flash, protected: bool = False) -> None:
        self.flash, self.protected = flash, protected
        pages = f"{flash.size // flash.page_bytes:03d}*{flash.page_bytes >> 10:04d}Kg"
        self.strings = ["", "STMicroelectronics", "STM32  BOOTLOADER", "207136863530"]
        self.strings.append(f"@Internal Flash  /{flash.address:#010x}/{pages}")
        self.state, self.status = IDLE, 0
        self.address = flash.address
        self.started_at: int | None = None
        self.transfers = 0
        self.cut_after: int | None = None
        self.flip_at: int | None = None
        self.silent = False
        self.modelled_s = 0.0  # what the bytes take on a wire of 12 Mbit/s
        self._job: tuple[int, bytes] | None = None

    def control(self, setup: bytes, data: bytes) -> bytes:
        """One transfer; what comes in."""
        kind, request, value, _, n = _SETUP.unpack(setup)
        self.transfers += 1
        if self.started_at is not None or (self.cut_after is not None and self.transfers > self.cut_after):
            raise LinkError("The model", "is gone", "")
        if kind == 0x80 and request == 6 and value >> 8 == 3:
            return self._string(value & 0xFF)[:n]
        if kind & 0x60 != 0x20:
            return bytes(n) if kind & 0x80 else b""
        self.modelled_s += (n + 64) / 1e6  # 12 Mbit/s carry about a megabyte a second
        return self._class(request, value, n, data)

    def _string(self, index: int) -> bytes:
        if index == 0:
            return b"\x04\x03\x09\x04"
        if index >= len(self.strings):
            raise Stall
        text = self.strings[index].encode("utf-16-le")
        return bytes([len(text) + 2, 3]) + text

    def _class(self, request: int, value: int, n: int, data: bytes) -> bytes:
        if request == DNLOAD:
            return self._download(value, data)
        if request == UPLOAD:
            return self._upload(value, n)
        if request == GETSTATUS:
            return self._get_status()
        if request == GETSTATE:
            return bytes([self.state])
        if request in (CLRSTATUS, ABORT):
            self.state, self.status = IDLE, 0
            return b""
        raise Stall

    def _download(self, block: int, data: bytes) -> bytes:
        if self.state not in (IDLE, DNLOAD_IDLE):
            self.state, self.status = ERROR, 0x0F
            raise Stall
        self._job = (block, data)
        self.state = SYNC
        return b""

    def _upload(self, block: int, n: int) -> bytes:
        if self.state not in (IDLE, UPLOAD_IDLE):
            raise Stall
        if block == 0:
            return b"\x00\x21\x41\x92"[:n]
        if self.protected:
            self.state, self.status = ERROR, ERR_VENDOR
            raise Stall
        self.state = UPLOAD_IDLE
        return self.flash.read(self.address + (block - 2) * TRANSFER_BYTES, n)

    def _get_status(self) -> bytes:
        """The first question after a block starts its work, the second sees it done."""
        wait = 0
        if self.state == SYNC and self._job is not None:
            wait = ERASE_MS if self._job[1][:1] == b"\x41" and self._job[0] == 0 else WRITE_MS
            self.state = BUSY if self._job[1] else MANIFEST
        elif self.state == BUSY and self._job is not None:
            self._work(*self._job)
        told = bytes([self.status]) + wait.to_bytes(3, "little") + bytes([self.state, 0])
        if self.state == MANIFEST:
            self.started_at = self.address
        return told

    def _work(self, block: int, data: bytes) -> None:
        self._job, self.state = None, DNLOAD_IDLE
        if block == 0 and len(data) == 5 and data[0] in (0x21, 0x41):
            self._special(data[0], int.from_bytes(data[1:], "little"))
        elif block == 0 and data[:1] == b"\x41":
            self.flash.erase(self.flash.address, self.flash.size)
        elif block >= 2:
            self._store(self.address + (block - 2) * TRANSFER_BYTES, data)
        else:
            self._fail(ERR_TARGET)

    def _special(self, verb: int, address: int) -> None:
        if not self.flash.holds(address, 1):
            self._fail(ERR_TARGET)
        elif self.protected:
            self._fail(ERR_VENDOR)
        elif verb == 0x21:
            self.address = address
        else:
            self.flash.erase(address, 1)

    def _store(self, address: int, data: bytes) -> None:
        if self.flip_at is not None and address <= self.flip_at < address + len(data):
            changed = bytearray(data)
            changed[self.flip_at - address] ^= 1
            data, self.flip_at = bytes(changed), None
        if self.protected:
            self._fail(ERR_VENDOR)
        elif not self.flash.holds(address, len(data)) or not self.flash.program(address, data):
            self._fail(ERR_TARGET)

    def _fail(self, status: int) -> None:
        self.state, self.status = ERROR, status


class Stall(Exception):
    """The device declines a transfer."""


class Door:
    """The device for one program after another, at `place` ("127.0.0.1:PORT")."""

    def __init__(self, device: Stm32Usb) -> None:
        self.device = device
        self._door = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._door.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Door":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join(5.0)

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._door.accept()
                with peer, contextlib.suppress(OSError):
                    self._serve(peer)

    def _serve(self, peer: socket.socket) -> None:
        while setup := _take(peer, 8):
            n = int.from_bytes(setup[6:8], "little")
            data = b"" if setup[0] & 0x80 else _take(peer, n)
            if self.device.silent:
                continue
            try:
                found = self.device.control(setup, data)
                length = len(found) if setup[0] & 0x80 else n
            except Stall:
                found, length = b"", STALL
            except LinkError:
                found, length = b"", GONE
            peer.sendall(struct.pack("<i", length) + found)


def _take(peer: socket.socket, n: int) -> bytes:
    found = b""
    while len(found) < n:
        data = peer.recv(n - len(found))
        if not data:
            return b""
        found += data
    return found
