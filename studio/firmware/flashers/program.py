"""What the programs of the flashers have in common: a request on stdin, progress and an outcome on stdout.

How a port is opened is told by the request ("opener", a module of another room by its name), because this room knows
no serial ports: `Opener` is what it needs of it.
"""

import importlib
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from studio.errors import FlashError, LinkError, StudioError
from studio.firmware.worker import tell

Parts = list[tuple[int, bytes]]
#: What errors call the other side.
THING, BOARD = "The chip's own boot loader", "The board's boot loader"


class Line(Protocol):
    """Bytes to and from a boot loader. LinkError when the port is gone."""

    def read(self, n: int, timeout_s: float) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def forget(self) -> None: ...

    def set_lines(self, dtr: bool, rts: bool) -> None: ...

    def close(self) -> None: ...


class Opener(Protocol):
    """The module that a request names."""

    def open_line(self, place: str, baud: int = ..., parity: str = ...) -> Line: ...

    def touch(self, place: str) -> None: ...

    def ports_of(self, usb: Iterable[str]) -> list[str]: ...


def opener(request: dict[str, Any]) -> Opener:
    """The module that opens ports."""
    module: Any = importlib.import_module(request["opener"])
    found: Opener = module
    return found


def run(work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Do what stdin asks, and tell how it ended."""
    request = json.load(sys.stdin)
    try:
        tell(result=work(request))
    except StudioError as e:
        tell(error=[e.thing, e.seen, e.next_step])
    except Exception as e:  # whatever a library or a cut cable comes up with
        seen = f"{type(e).__name__}: {e}"
        tell(error=[request["thing"], seen, "Unplug the board, plug it in again, and flash again."])


def parts_of(request: dict[str, Any]) -> Parts:
    """(address, bytes) each."""
    return [(address, bytes.fromhex(data)) for address, data in request["parts"]]


def blocks(parts: Parts, n: int) -> Parts:
    """The parts in blocks of at most `n` bytes, the very first last: without it the chip starts nothing of this."""
    cut = [(start + at, data[at : at + n]) for start, data in parts for at in range(0, len(data), n)]
    return [*cut[1:], cut[0]]


def size(parts: Parts) -> int:
    """Bytes in all."""
    return sum(len(data) for _, data in parts)


def tell_bytes(what: str, done: int, total: int) -> None:
    """ "writing 512 of 4096 bytes"."""
    tell(done=done, total=total, text=f"{what} {done} of {total} bytes")


def broken(request: dict[str, Any], step: tuple[str, int], total: int, e: LinkError, mend: str) -> FlashError:
    """The link failed while `step` (what, bytes done) went on."""
    what, done = step
    seen = e.seen if e.thing in (THING, BOARD) else "the device went away"
    where = f" while {what} {done} of {total} bytes" if what else ""
    return FlashError(request["thing"], f"{seen}{where}", mend)


def differs(address: int, wanted: bytes, found: bytes) -> FlashError:
    """What was read back is not what was written."""
    at = next((i for i, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), len(found))
    seen = f"holds another byte than was written at {address + at:#010x}"
    return FlashError("The flash", seen, "Flash again; twice wrong, the flash is worn.")
