"""A model of a board with MCUboot and an SMP server (two slots, swap, trial, revert).

References: Zephyr, doc/services/device_mgmt/smp_protocol.rst (8-byte header, CBOR), smp_transport.rst (console framing:
lines of at most 127 bytes, base64, CRC-16), smp_groups (os: echo 0, reset 5, parameters 6; image: state 0, upload 1,
erase 5); MCUboot, docs/design.md.
"""

import base64
import binascii
import hashlib
import struct
import threading
from collections.abc import Callable
from typing import Any

import cbor2

from studio.errors import InputError
from studio.firmware.flashers.mcuboot import MAGIC, Image, parse

START, CONTINUE, LINE_BYTES = b"\x06\x09", b"\x04\x14", 124
EINVAL, EBADSTATE, ENOTSUP, ENOENT = 3, 6, 8, 5
RESTART_S = 0.05
OS, IMAGE = 0, 1


class McubootBoard:
    """`accepts` is what the boot loader checks (signature, board); `answers` is what its console takes.

    `dies_at` is the offset of the upload at which it resets by itself, `mute_at` the one whose answer gets lost.
    """

    BUFFER = 2048

    def __init__(self, running: bytes, slot_bytes: int = 0x60000) -> None:
        self.slots: list[bytes] = [running, b""]
        self.slot_bytes = slot_bytes
        self.pending = self.permanent = False
        self.confirmed = True
        self.accepts: Callable[[bytes], bool] = lambda content: True
        self.comes_up: Callable[[bytes], bool] = lambda content: True
        self.dies_at: int | None = None
        self.mute_at: int | None = None
        self.flip_at: int | None = None
        self.resets = 0
        self.up = True
        self.coming = bytearray()
        self.coming_bytes = 0
        self.coming_sha = b""

    def boot(self) -> None:
        """A restart: the swap of a pending image, or the way back from one that was not confirmed."""
        self.resets += 1
        if self.pending:
            if self.slots[1] and sound(self.slots[1]) and self.accepts(self.slots[1]):
                self.slots.reverse()
                self.confirmed = self.permanent
            elif self.slots[1]:
                self.slots[1] = b""  # an image that is not valid is erased
            self.pending = self.permanent = False
        elif not self.confirmed:
            self.slots.reverse()
            self.confirmed = True
        self.up = self.comes_up(self.slots[0])
        self.coming = bytearray()

    def answer(self, message: bytes) -> bytes | None:
        """To one SMP message; None when none comes."""
        op, _, n, group, sequence, command = struct.unpack_from(">BBHHBB", message)
        version, op = op & 0x18, op & 7
        given = cbor2.loads(message[8 : 8 + n]) if n else {}
        told = self._do(group, command, op, given) if self.up else None
        if told is None:
            return None
        body = cbor2.dumps(told)
        return struct.pack(">BBHHBB", op + 1 | version, 0, len(body), group, sequence, command) + body

    def _do(self, group: int, command: int, op: int, given: dict[str, Any]) -> dict[str, Any] | None:
        if (group, command) == (OS, 0):
            return {"r": given.get("d", "")}
        if (group, command) == (OS, 5):
            threading.Timer(RESTART_S, self.boot).start()
            return {}
        if (group, command) == (OS, 6):
            return {"buf_size": self.BUFFER, "buf_count": 4}
        if (group, command) == (IMAGE, 0):
            return self._state(given) if op == 2 else self.images()
        if (group, command) == (IMAGE, 1) and op == 2:
            return self._upload(given)
        return {"rc": ENOTSUP}

    def images(self) -> dict[str, Any]:
        """The state of both slots."""
        known = [(i, seen) for i, content in enumerate(self.slots) if (seen := header(content))]
        return {"images": [self._image(i, image) for i, image in known], "splitStatus": 0}

    def _image(self, slot: int, image: Image) -> dict[str, Any]:
        first = slot == 0
        told = {"slot": slot, "version": image.version, "hash": image.sha, "bootable": True}
        flags = {"pending": not first and self.pending, "confirmed": first and self.confirmed, "active": first}
        return told | flags | {"permanent": not first and self.permanent}

    def _state(self, given: dict[str, Any]) -> dict[str, Any]:
        sha, confirm = given.get("hash"), bool(given.get("confirm"))
        first, second = header(self.slots[0]), header(self.slots[1])
        if (not sha or (first and sha == first.sha)) and confirm:
            self.confirmed = True
        elif second is not None and sha == second.sha:
            self.pending, self.permanent = True, confirm
        else:
            return {"rc": ENOENT}
        return self.images()

    def _upload(self, given: dict[str, Any]) -> dict[str, Any] | None:
        offset, data = given["off"], given["data"]
        if offset == 0:
            wrong = self._begins(given)
            if wrong:
                return {"rc": wrong}
        if given["off"] == len(self.coming):
            self.coming += self._damaged(offset, data)
        if self.dies_at is not None and len(self.coming) >= self.dies_at:
            self.dies_at = None
            self.boot()
            return None
        if self.mute_at is not None and len(self.coming) >= self.mute_at:
            self.mute_at = None
            return None
        told: dict[str, Any] = {"off": len(self.coming)}
        if len(self.coming) == self.coming_bytes:
            told |= self._arrived()
        return told

    def _begins(self, given: dict[str, Any]) -> int:
        """An upload anew, or the one that was interrupted: told by its SHA-256. The reason when it is declined."""
        if given["len"] > self.slot_bytes or struct.unpack_from("<I", given["data"].ljust(4, b"\0"))[0] != MAGIC:
            return EINVAL
        if self.pending or not self.confirmed:
            return EBADSTATE
        if given.get("sha") != self.coming_sha or not self.coming or self.coming_bytes != given["len"]:
            self.coming, self.coming_bytes, self.coming_sha = bytearray(), given["len"], given.get("sha") or b""
            self.slots[1] = b""
        return 0

    def _damaged(self, offset: int, data: bytes) -> bytes:
        if self.flip_at is None or not offset <= self.flip_at < offset + len(data):
            return data
        changed = bytearray(data)
        changed[self.flip_at - offset] ^= 1
        return bytes(changed)

    def _arrived(self) -> dict[str, Any]:
        self.slots[1] = bytes(self.coming)
        match = hashlib.sha256(self.coming).digest() == self.coming_sha
        self.coming = bytearray()
        return {"match": match}


class Console:
    """The board's serial console: SMP in lines, between whatever else the firmware prints."""

    def __init__(self, board: McubootBoard, noise: bytes = b"") -> None:
        self.board, self.noise = board, noise
        self.out: Callable[[bytes], None] = lambda data: None
        self._line = bytearray()
        self._packet = b""
        self._wanted = 0

    def feed(self, data: bytes) -> None:
        """Bytes from the other side."""
        for byte in data:
            if byte == ord("\n"):
                self._take(bytes(self._line).rstrip(b"\r"))
                self._line.clear()
            else:
                self._line.append(byte)

    def _take(self, line: bytes) -> None:
        start, text = line[:2] == START, line[2:]
        if not start and line[:2] != CONTINUE:
            return
        try:
            packet = base64.b64decode(text, validate=True)
        except binascii.Error:
            self._packet, self._wanted = b"", 0
            return
        if start:
            self._wanted = int.from_bytes(packet[:2], "big")
            self._packet = packet[2:]
        elif self._wanted:
            self._packet += packet
        if self._wanted and len(self._packet) >= self._wanted:
            whole, self._packet, self._wanted = self._packet[: self._wanted], b"", 0
            if binascii.crc_hqx(whole, 0) == 0:
                self._answer(whole[:-2])

    def _answer(self, message: bytes) -> None:
        told = self.board.answer(message)
        if told is not None:
            self.out(self.noise + framed(told))


def framed(message: bytes) -> bytes:
    """Length, message and CRC-16, as base64 in lines."""
    checked = message + binascii.crc_hqx(message, 0).to_bytes(2, "big")
    text = base64.b64encode(len(checked).to_bytes(2, "big") + checked)
    lines = [text[at : at + LINE_BYTES] for at in range(0, len(text), LINE_BYTES)]
    return b"".join((CONTINUE if i else START) + line + b"\n" for i, line in enumerate(lines))


def header(content: bytes) -> Image | None:
    """What the slot's header and hash say; None for an empty or a damaged slot."""
    try:
        return parse(content, "slot")
    except InputError:
        return None


def sound(content: bytes) -> bool:
    """Whether the hash fits."""
    return header(content) is not None


def signed(payload: bytes, version: tuple[int, int, int], header_bytes: int = 0x200) -> bytes:
    """An image as `imgtool sign` makes one without a key: header, payload, SHA-256."""
    head = struct.pack("<IIHHIIBBHI", MAGIC, 0, header_bytes, 0, len(payload), 0, *version[:2], version[2], 0)
    body = (head + bytes(4)).ljust(header_bytes, b"\0") + payload
    sha = hashlib.sha256(body).digest()
    return body + struct.pack("<HHHH", 0x6907, 4 + 4 + len(sha), 0x10, len(sha)) + sha
