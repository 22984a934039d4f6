"""Drives that boards show: a UF2 boot loader's, or a debugger's own (DAPLink, J-Link, KitProg), and whose they are.

A drive says little about its board, but Linux tells where its USB device is plugged in, and a DAPLink writes its
serial number into a file; so a drive can be known for the same board as a serial port.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: What a board's drive holds, and no other does.
MARKS = ("INFO_UF2.TXT", "DETAILS.TXT", "MBED.HTM")
_PLUG = re.compile(r"\d+-\d+(?:\.\d+)*")
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Drive:
    """A board's drive. `board` is what it calls its board (UF2's `Board-ID`); the rest as in `Port`, "" unknown."""

    path: Path
    board: str = ""
    serial: str = ""
    location: str = ""

    @property
    def title(self) -> str:
        """Its name."""
        return self.path.name or str(self.path)


def drives(places: Iterable[Path]) -> tuple[Drive, ...]:
    """The boards' drives among these folders."""
    plugs = dict(_plugs()) if sys.platform == "linux" else {}
    return tuple(drive for place in places if (drive := _drive(place, plugs)))


def _drive(place: Path, plugs: dict[Path, tuple[str, str]]) -> Drive | None:
    told: dict[str, str] = {}
    try:
        there = [place / name for name in MARKS if (place / name).is_file()]
        for file in there:
            told |= _lines(file.read_text(encoding="utf-8", errors="replace")[:4096])
    except OSError:  # a drive that is just going
        return None
    if not there:
        return None
    location, serial = plugs.get(place, ("", ""))
    return Drive(place, told.get("Board-ID", ""), told.get("Unique ID") or serial, location)


def _lines(text: str) -> dict[str, str]:
    """`name: value` by name; DAPLink puts a `#` before its comments."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _plugs(
    mounts: Path = Path("/proc/self/mounts"), blocks: Path = Path("/sys/class/block")
) -> Iterator[tuple[Path, tuple[str, str]]]:
    """(folder, (where it is plugged in, serial number)) of what is mounted from USB."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for device, folder, *_ in (line.split() for line in lines if line.startswith("/dev/")):
        way = (blocks / Path(device).name).resolve()
        found = next((p for p in (way, *way.parents) if _PLUG.fullmatch(p.name)), None)
        if found is not None:
            place = _ESCAPED.sub(lambda m: chr(int(m[1], 8)), folder)
            yield Path(place), (found.name, _read(found / "serial"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
