"""SAM-BA as Arduino's boot loaders speak it, over USB serial. A program: `python -m studio.firmware.flashers.sam_ba`.

The board is brought into its boot loader by the 1200-baud touch, or by its owner (reset twice). Pages are checked in
the device by their CRC-16. The first page is written last, so a board whose cable was pulled starts nothing of this.

References: arduino/BOSSA, branch nrf (src/Samba.cpp, Device.cpp, Flasher.cpp): N V I w S Y Z K and X; the boot loader
of the Nano 33 BLE names itself "[Arduino:IKXYZ]" and counts Y and Z from the sketch's start, 0x10000 (a log of the
Arduino IDE shows dst_addr=0 for its first page). Boot loaders of SAMD21 boards lack I and K and count from 0.
"""

import binascii
import re
import time
from typing import Any

from studio.errors import FlashError, LinkError
from studio.firmware.flashers.program import BOARD, Line, Opener, Parts, broken, opener, parts_of, run, size, tell_bytes
from studio.firmware.worker import tell

BAUD = 921_600
ANSWER_S, ERASE_S, LOOK_S, ARRIVAL_S = 0.5, 5.0, 0.2, 8.0
TRIES = 3
#: A sketch of Arduino follows the first touch into its maker's boot loader, this studio's firmware the second.
TOUCHES, TOUCH_AGAIN_S = 2, 3.0
MEND = "Press reset twice, so that the board waits in its boot loader, and flash again."
_FEATURES = re.compile(rb"\[Arduino:([A-Z]*)\]")


class SamBa:
    """The conversation; LinkError when the port is gone or silent."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.features = b""

    def hello(self) -> bool:
        """Whether a boot loader with Arduino's extensions answers."""
        self.line.write(b"#")  # ends whatever it may have heard before
        self.line.read(64, 0.05)
        self.line.forget()
        self.line.write(b"N#")
        self.line.read(2, ANSWER_S)
        found = _FEATURES.search(self._text(b"V#"))
        self.features = found[1] if found else b""
        return found is not None

    def name(self) -> str:
        """The chip, as the boot loader calls it."""
        return self._text(b"I#").decode("ascii", "replace")

    def word(self, address: int) -> int:
        """Four bytes of the chip's memory."""
        self.line.write(b"w%08X,4#" % address)
        found = self.line.read(4, ANSWER_S)
        if len(found) < 4:
            raise LinkError(BOARD, f"fell silent at address {address:#010x}", MEND)
        return int.from_bytes(found, "little")

    def erase(self, address: int) -> None:
        """From there to the end."""
        self._agreed(b"X%08X#" % address, b"X", ERASE_S, "erasing")

    def write(self, address: int, data: bytes, buffer: int) -> None:
        """Into RAM at `buffer`, from there into the flash."""
        self.line.write(b"S%08X,%08X#" % (buffer, len(data)))
        self.line.write(data)
        self._agreed(b"Y%08X,0#" % buffer, b"Y", ERASE_S, "the block's place")
        self._agreed(b"Y%08X,%08X#" % (address, len(data)), b"Y", ERASE_S, f"writing at {address:#x}")

    def check(self, address: int, n: int) -> int:
        """CRC-16 (polynomial 0x1021, from 0) of what the flash holds."""
        self.line.write(b"Z%08X,%08X#" % (address, n))
        found = self.line.read(12, ERASE_S)
        if not re.fullmatch(rb"Z[0-9A-Fa-f]{8}#\n\r", found):
            raise LinkError(BOARD, f"tells no checksum of {address:#x}", MEND)
        return int(found[1:9], 16)

    def restart(self) -> None:
        """Into what was written."""
        self.line.write(b"K#")

    def _text(self, command: bytes) -> bytes:
        self.line.write(command)
        found = b""
        deadline = time.monotonic() + ANSWER_S
        while not found.rstrip(b"\0").endswith(b"\n\r") and time.monotonic() < deadline:
            found += self.line.read(1, 0.05)
        self.line.read(1, 0.02)  # some end their texts with a zero
        return found.rstrip(b"\0").strip()

    def _agreed(self, command: bytes, answer: bytes, timeout_s: float, what: str) -> None:
        self.line.write(command)
        found = self.line.read(3, timeout_s)
        if found != answer + b"\n\r":
            seen = f"answers {found!r} to {what}" if found else f"fell silent at {what}"
            raise LinkError(BOARD, seen, MEND)


def program(request: dict[str, Any]) -> dict[str, Any]:
    """{"place", "opener", "usb", "name" or "identity", "base", "buffer", "page_bytes", "parts"} -> {"bytes"}."""
    parts, step = parts_of(request), ("", 0)
    line, talk = _found(opener(request), request["place"], request["usb"], request.get("patience_s", ARRIVAL_S))
    try:
        _check_chip(talk, request)
        pages = _pages(parts, request["base"], request["page_bytes"])
        talk.erase(pages[-1][0])
        for what, at in _steps(talk, pages, request["buffer"]):
            step = what, min(at, size(parts))
            tell_bytes(*step, size(parts))
        talk.restart()
    except LinkError as e:
        raise broken(request, step, size(parts), e, MEND) from e
    finally:
        line.close()
    return {"bytes": size(parts)}


def _found(ports: Opener, place: str, usb: list[str], patience_s: float) -> tuple[Line, SamBa]:
    """The port where the boot loader answers: by its USB numbers, else where the board is, touched if need be."""
    tell(text="looking for the board's boot loader")
    began_s, touches = time.monotonic(), 0
    while True:
        for candidate in [*ports.ports_of(usb), place]:
            if talk := _answers(ports, candidate, patient=candidate == place and not touches):
                return talk
        waited_s = time.monotonic() - began_s
        if touches * TOUCH_AGAIN_S <= waited_s and touches < TOUCHES:
            tell(text="bringing the board into its boot loader")
            _touch(ports, place)
            touches += 1
        if waited_s > patience_s:
            raise FlashError(BOARD, f"does not answer on {place} or any port of {', '.join(usb)}", MEND)
        time.sleep(LOOK_S)


def _touch(ports: Opener, place: str) -> None:
    try:
        ports.touch(place)
    except LinkError:  # it may be gone already
        return


def _answers(ports: Opener, place: str, patient: bool) -> tuple[Line, SamBa] | None:
    """None where no such boot loader is; LinkError for a port that another program has."""
    try:
        line = ports.open_line(place, BAUD)
    except LinkError:
        if patient:
            raise
        return None
    talk = SamBa(line)
    try:
        if talk.hello():
            return line, talk
    except LinkError:
        if patient:
            line.close()
            raise
    line.close()
    return None


def _check_chip(talk: SamBa, request: dict[str, Any]) -> None:
    missing = set(b"XYZ") - set(talk.features)
    if missing:
        seen = f"lacks {bytes(sorted(missing)).decode()} (erase, write, check)"
        raise FlashError(BOARD, seen, "Update it with Arduino's IDE.")
    if request.get("name"):
        found, wanted = talk.name() if b"I" in talk.features else "no name", request["name"]
    else:
        address, mask, value = request["identity"]
        found, wanted = f"{talk.word(address) & mask:#x}", f"{value:#x}"
    if found != wanted:
        seen = f"says {found} where this board's chip says {wanted}; nothing was changed"
        raise FlashError("The chip on this port", seen, "Connect the board that this image is for.")


def _pages(parts: Parts, base: int, n: int) -> Parts:
    """Whole pages from `base` on, with what the parts leave open blank; the very first last."""
    content: dict[int, bytearray] = {}
    for address, data in parts:
        for at in range(0, len(data), n):
            _fill(content, address - base + at, data[at : at + n], n)
    pages = [(at, bytes(page)) for at, page in sorted(content.items())]
    return [*pages[1:], pages[0]]


def _fill(content: dict[int, bytearray], at: int, data: bytes, n: int) -> None:
    while data:
        page, inside = at // n * n, at % n
        here = data[: n - inside]
        content.setdefault(page, bytearray(b"\xff" * n))[inside : inside + len(here)] = here
        at, data = at + len(here), data[len(here) :]


def _steps(talk: SamBa, pages: Parts, buffer: int) -> Any:
    """Blank the first page, write page by page, check all once more; yields (what, bytes done)."""
    done = 0
    _written(talk, pages[-1][0], b"\xff" * len(pages[-1][1]), buffer)  # else half of the new starts by the old one
    for address, data in pages:
        _written(talk, address, data, buffer)
        done += len(data)
        yield "writing", done
    done = 0
    for address, data in pages:
        if talk.check(address, len(data)) != crc(data):
            seen = f"holds other bytes than were written in the page at {address:#x}"
            raise FlashError("The flash", seen, f"Twice wrong, the flash is worn. {MEND}")
        done += len(data)
        yield "checking", done


def _written(talk: SamBa, address: int, data: bytes, buffer: int) -> None:
    """The way there is not checked by the protocol, so a page that differs goes again."""
    for _ in range(TRIES):
        talk.write(address, data, buffer)
        if talk.check(address, len(data)) == crc(data):
            return


def crc(data: bytes) -> int:
    """CRC-16 of XMODEM."""
    return binascii.crc_hqx(data, 0)


if __name__ == "__main__":
    run(program)
