"""Builds of the user's own, for boards whose whole image this studio does not make (tier 2) and for those it does.

Such a board is a folder with `board.toml` in boards/tier2: how it is flashed, and where that is known from. What was
written is checked by the way it took; whether the program does what it should is not this studio's to know.
"""

import hashlib
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import BuildError, FlashError, InputError
from studio.firmware.board import FOLDER, Board, boards
from studio.firmware.flashers import esp_rom, mcuboot
from studio.firmware.flashers.ways import WAYS, Parts, revert_mcuboot
from studio.progress import Progress, Work

TIER_2 = FOLDER / "tier2"


@dataclass(frozen=True)
class OtherBoard:
    """A board that takes the user's build; fields as in `Board`."""

    id: str
    title: str
    core: str
    tier: str
    tried_on_hardware: bool
    flasher: str
    usb: tuple[str, ...] = ()
    flashing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def other_boards(folder: Path = TIER_2) -> dict[str, OtherBoard]:
    """Every one by its id, the name of its folder."""
    found = [_read(path) for path in sorted(folder.glob("*/board.toml"))]
    return {board.id: board for board in found}


def _read(path: Path) -> OtherBoard:
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        return OtherBoard(id=path.parent.name, **fields | {"usb": tuple(fields.get("usb", ()))})
    except (tomllib.TOMLDecodeError, TypeError) as e:
        seen = f"cannot be read: {type(e).__name__}: {e}"
        raise BuildError(str(path), seen, "Compare it with the board.toml of another board.") from e


def takers() -> dict[str, Board | OtherBoard]:
    """Boards that take a build of the user's own."""
    made = {i: b for i, b in boards().items() if not b.virtual and set(b.flashing) & set(WAYS)}
    return {**made, **other_boards()}


def flash_own(link: Any, path: Path, board_id: str, by: str = "") -> Work[dict[str, Any]]:
    """Write the file at `path` onto the board at `link`, checked as far as its way checks.

    Returns {"board", "bytes", "seconds", "verified", "build_hash" (SHA-256 of the file), "previous_kept", "tested"}.
    InputError for a file that is not for this board, FlashError when it did not arrive whole.
    """
    started_s = time.monotonic()
    board, way = _chosen(board_id, by)
    content = _content(path)
    parts = _parts(path, content, board, way)
    yield Progress(0, len(content), f"looking for {board.title}")
    told = yield from WAYS[way](link, board, parts)
    told = told or {}
    return {
        "board": board.id,
        "bytes": sum(len(data) for _, data in parts),
        "seconds": round(time.monotonic() - started_s, 3),
        "verified": True,
        "build_hash": hashlib.sha256(content).hexdigest(),
        "previous_kept": bool(told.get("previous_kept")),
        "tested": False,
    }


def roll_back_own(link: Any, board_id: str) -> Work[dict[str, Any]]:
    """The image in MCUboot's other slot, back again; returns {"board", "build_hash", "was"}."""
    board, way = _chosen(board_id, "")
    if way != "mcuboot":
        raise FlashError(board.title, "keeps one image only", "Flash the image that you want.")
    yield Progress(0, 0, f"looking for {board.title}")
    told = yield from revert_mcuboot(link, board)
    return {"board": board.id, "build_hash": told["sha256"], "was": ""}


def _chosen(board_id: str, by: str) -> tuple[Board | OtherBoard, str]:
    known = takers()
    if board_id not in known:
        seen = "takes no build of your own here"
        raise InputError(f"Board {board_id!r}", seen, f"Choose one of {', '.join(sorted(known))}.")
    board = known[board_id]
    way = by or (board.flasher if board.flasher in board.flashing else next(iter(board.flashing)))
    if way not in WAYS or way not in board.flashing:
        raise InputError(
            f"Way of flashing {way!r}", "is not this board's", f"Choose one of {', '.join(board.flashing)}."
        )
    return board, way


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as e:
        raise InputError(str(path), str(e.strerror), "Name the file of your build.") from e
    if not content:
        raise InputError(str(path), "is empty", "Build it again.")
    return content


def _parts(path: Path, content: bytes, board: Board | OtherBoard, way: str) -> Parts:
    if way == "mcuboot":
        mcuboot.parse(content, str(path))
        return [(0, content)]
    if way == "esp-rom":
        return esp_rom.parts_of(path, content)
    if content[:1] == b":":
        return list(parse_hex(content, str(path)))
    facts = board.flashing[way]
    start = int(facts.get("start", facts.get("flash_address", facts.get("base", 0))))
    return [(start, content)]


def parse_hex(content: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """(address, bytes) of each stretch of an Intel HEX file; InputError for a line that is none."""
    high, start, data = 0, -1, bytearray()
    for number, line in enumerate(content.split(), 1):
        try:
            record = bytes.fromhex(line[1:].decode("ascii"))
        except ValueError:
            record = b""
        if line[:1] != b":" or len(record) < 5 or len(record) != record[0] + 5 or sum(record) & 0xFF:
            raise InputError(name, f"line {number} is no Intel HEX", "Build it again.")
        kind, at, body = record[3], high + int.from_bytes(record[1:3], "big"), record[4:-1]
        if kind == 4:
            high = int.from_bytes(body, "big") << 16
        elif kind == 2:
            high = int.from_bytes(body, "big") << 4
        elif kind == 0:
            if start < 0 or at != start + len(data):
                if data:
                    yield start, bytes(data)
                start, data = at, bytearray()
            data += body
    if data:
        yield start, bytes(data)
