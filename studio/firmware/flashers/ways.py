"""How the first firmware gets onto a board that does not answer: one function per way, each in a killable process.

`board.flashing[way]` in board.toml holds what a way must know of the board. Ways that need the port of the link itself
have it put down first, and taken up again when they are done.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from studio.errors import FlashError
from studio.firmware.debugger import debug_parts
from studio.firmware.drive import copy_parts
from studio.firmware.worker import run_worker
from studio.progress import Progress, Work

Parts = list[tuple[int, bytes]]
#: A boot loader that says nothing for so long hangs, or its cable is gone.
SILENT_S = 20.0


class Taker(Protocol):
    """What takes an image: a board."""

    @property
    def title(self) -> str: ...

    @property
    def flashing(self) -> Mapping[str, Mapping[str, Any]]: ...


#: Puts (address, bytes) each onto a board; `link` is where it will answer, or its boot loader's own address.
Way = Callable[[Any, Any, Parts], Work[None]]


@contextmanager
def handed(link: Any, thing: str) -> Iterator[dict[str, Any]]:
    """What opens the port of this link, which the studio does not hold meanwhile."""
    if not hasattr(link, "put_down"):
        seen = f"takes its first image on a serial port, and {link.url} is none"
        raise FlashError(thing, seen, "Name the board's serial port.")
    yield link.put_down()
    link.take_up()


def by_drive(link: Any, board: Any, parts: Parts) -> Work[None]:
    """UF2, onto the drive that the board's boot loader shows."""
    return copy_parts(board, parts)


def by_debugger(link: Any, board: Any, parts: Parts) -> Work[None]:
    """SWD, or the drive that the debugger shows."""
    return debug_parts(board, parts)


def by_stm32_uart(link: Any, board: Any, parts: Parts) -> Work[None]:
    """AN3155 over the port of the link, or the one that `?loader=` names."""
    thing, facts = f"{board.title} by its ROM's boot loader", _facts(board, "stm32-uart")
    with handed(link, thing) as port:
        asked = {"chip": facts["chip"], "flash_address": facts["flash_address"], "page_bytes": facts["page_bytes"]}
        yield from _run("stm32_uart", port | asked | {"start": parts[0][0]}, thing, parts)


def _run(program: str, request: dict[str, Any], thing: str, parts: Parts) -> Work[dict[str, Any]]:
    yield Progress(0, 0, f"starting: {thing}")
    request |= {"thing": thing, "parts": [(address, data.hex()) for address, data in parts]}
    return (yield from run_worker(f"studio.firmware.flashers.{program}", request, thing, SILENT_S))


def _facts(board: Taker, way: str) -> Mapping[str, Any]:
    facts = board.flashing.get(way)
    if facts is None:
        known = ", ".join(board.flashing) or "none"
        raise FlashError(board.title, f"cannot be flashed by {way}", f"Ways that its board.toml knows: {known}.")
    return facts


WAYS: dict[str, Way] = {"uf2": by_drive, "debugger": by_debugger, "stm32-uart": by_stm32_uart}
