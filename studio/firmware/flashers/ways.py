"""How the first firmware gets onto a board that does not answer: one function per way, each in a killable process.

`board.flashing[way]` in board.toml holds what a way must know of the board. Ways that need the port of the link itself
have it put down first, and taken up again when they are done.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from studio.errors import FlashError
from studio.firmware.debugger import debug_parts
from studio.firmware.drive import copy_parts
from studio.firmware.flashers import esp_rom
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
Way = Callable[[Any, Any, Parts], Work[Any]]


@contextmanager
def handed(link: Any, thing: str) -> Iterator[dict[str, Any]]:
    """What opens the port of this link, which the studio does not hold meanwhile."""
    if not hasattr(link, "put_down"):
        seen = f"takes its first image on a serial port, and {link.url} is none"
        raise FlashError(thing, seen, "Name the board's serial port.")
    yield link.put_down()
    link.take_up()


def by_drive(link: Any, board: Any, parts: Parts) -> Work[None]:
    """UF2, onto the drive that the board's boot loader shows; a model's link says where and for how long."""
    return copy_parts(board, parts, getattr(link, "drives", None), getattr(link, "patience_s", None))


def by_debugger(link: Any, board: Any, parts: Parts) -> Work[None]:
    """SWD, or the drive that the debugger shows."""
    return debug_parts(board, parts)


def by_stm32_uart(link: Any, board: Any, parts: Parts) -> Work[Any]:
    """AN3155 over the port of the link, or the one that `?loader=` names."""
    thing, facts = f"{board.title} by its ROM's boot loader", _facts(board, "stm32-uart")
    with handed(link, thing) as port:
        return (yield from _run("stm32_uart", port | dict(facts) | {"start": parts[0][0]}, thing, parts))


def by_stm32_usb(link: Any, board: Any, parts: Parts) -> Work[Any]:
    """DfuSe; the link is only where the board answers afterwards."""
    thing, facts = f"{board.title} by its ROM's boot loader on USB", _facts(board, "stm32-usb")
    vid, _, pid = facts["usb"].partition(":")
    asked = {"vid": int(vid, 16), "pid": int(pid, 16), "start": parts[0][0]}
    with handed(link, thing) as port:
        remote = {"remote": port["remote"]} if "remote" in port else {}
        return (yield from _run("stm32_usb", dict(facts) | asked | remote, thing, parts))


def by_sam_ba(link: Any, board: Any, parts: Parts) -> Work[Any]:
    """Arduino's boot loader, on whatever port it shows; the 1200-baud touch goes to the port of the link."""
    thing, facts = f"{board.title} by its boot loader", _facts(board, "sam-ba")
    with handed(link, thing) as port:
        return (yield from _run("sam_ba", port | dict(facts), thing, parts))


def by_mcuboot(link: Any, board: Any, parts: Parts) -> Work[Any]:
    """SMP over the port of the link, or Bluetooth."""
    thing, facts = f"{board.title} by MCUboot", _facts(board, "mcuboot")
    _need("smpclient", "it speaks to MCUboot", "pip install 'smpclient[serial,ble]'")
    with handed(link, thing) as port:
        return (yield from _run("mcuboot", port | dict(facts), thing, parts))


def revert_mcuboot(link: Any, board: Any) -> Work[Any]:
    """The image in the other slot."""
    thing, facts = f"{board.title} by MCUboot", _facts(board, "mcuboot")
    with handed(link, thing) as port:
        return (yield from _run("mcuboot", port | dict(facts) | {"revert": True}, thing, []))


def by_esp_rom(link: Any, board: Any, parts: Parts) -> Work[Any]:
    """esptool, on the port of the link."""
    thing, facts = f"{board.title} by its ROM's boot loader", _facts(board, "esp-rom")
    with handed(link, thing) as port:
        lines = bool(port.get("lines", not port["place"].startswith("socket://")))
        return (yield from esp_rom.put(port["place"], facts, parts, thing, lines))


def _need(module: str, what_for: str, step: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise FlashError(module, f"is not installed; {what_for}", f"Install it: `{step}`.")


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


#: The name of a way in board.toml -> what does it.
WAYS: dict[str, Way] = {
    "uf2": by_drive,
    "debugger": by_debugger,
    "stm32-uart": by_stm32_uart,
    "stm32-usb": by_stm32_usb,
    "sam-ba": by_sam_ba,
    "mcuboot": by_mcuboot,
    "esp-rom": by_esp_rom,
}
