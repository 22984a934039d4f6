"""Boards are data: a folder with `board.toml` and the few C files that touch registers. No Python names a board."""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from studio.data.stream import Stream
from studio.errors import BuildError
from studio.paths import STUBS

FOLDER = STUBS / "boards"
#: Ids 0 to 13 are sensors; the model's scores and decisions come after them (MOST_STREAMS in runtime/firmware.h).
MOST_SENSORS = 14


@dataclass(frozen=True)
class Board:
    """`board.toml`, read. `form` is "elf" (a chip) or "library" (this computer).

    `flash_bytes` is all flash; the boot loader lies below `app_offset`, the app's image from there on. `stack_bytes`
    of the RAM are kept free by the build. `program` plays the board on this computer; real boards have none.
    `fpu` is whether the core computes with floats itself.
    """

    id: str
    folder: Path
    title: str
    core: str
    clock_hz: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    queue_bytes: int
    app_offset: int
    page_bytes: int
    form: str
    flags: tuple[str, ...]
    streams: tuple[Stream, ...]
    flasher: str
    tier: str
    usb: tuple[str, ...]
    tried_on_hardware: bool
    any_sensor: bool = False
    fpu: bool = True
    program: str = ""
    shared: str = ""

    @property
    def virtual(self) -> bool:
        """Whether a program on this computer plays it."""
        return bool(self.program)

    @property
    def app_bytes(self) -> int:
        """Room for the image: header and payload."""
        return self.flash_bytes - self.app_offset

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """Where its C lies: its own folder and, when named, one that it shares."""
        return (self.folder, self.folder.parent / self.shared) if self.shared else (self.folder,)

    def sources(self) -> list[Path]:
        """Its C files, in a fixed order."""
        return [path for folder in self.folders for path in sorted(folder.glob("*.c"))]

    def script(self, name: str) -> Path | None:
        """The linker script of this name; None for a board that is a library."""
        return next((f / name for f in self.folders if (f / name).exists()), None)

    def streams_for(self, wanted: Stream | None) -> tuple[Stream, ...]:
        """The board's streams by id, `wanted` among them; BuildError when the board has no such sensor."""
        if wanted is None or wanted in self.streams:
            return self.streams
        if not self.any_sensor:
            names = ", ".join(f"{s.name} ({s.rate_hz:g} Hz)" for s in self.streams) or "none"
            raise BuildError(
                f"Stream {wanted.name!r} at {wanted.rate_hz:g} Hz",
                f"board {self.id} has no such sensor; it has {names}",
                "Record with this board and train on that, or choose another board.",
            )
        at = self.sensor_index(wanted.name)
        return (*self.streams[:at], wanted, *self.streams[at + 1 :])

    def sensor_index(self, name: str) -> int:
        """The id of the stream with this name; a name that the board does not know comes after the known ones."""
        names = [s.name for s in self.streams]
        return names.index(name) if name in names else len(names)


def boards(folder: Path = FOLDER) -> dict[str, Board]:
    """Every board by its id, the name of its folder."""
    return {path.parent.name: _read(path) for path in sorted(folder.glob("*/board.toml"))}


def _read(path: Path) -> Board:
    """BuildError that names the file when it is not what a board needs."""
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        fields["streams"] = tuple(map(_stream, fields["streams"]))
        fields |= {name: tuple(fields[name]) for name in ("flags", "usb")}
        board = Board(id=path.parent.name, folder=path.parent, **fields)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as e:
        seen = f"cannot be read: {type(e).__name__}: {e}"
        raise BuildError(str(path), seen, "Compare it with the board.toml of another board.") from e
    if len(board.streams) > MOST_SENSORS or len(board.id.encode()) > 31:
        seen = f"{len(board.streams)} streams, a name of {len(board.id)} characters"
        raise BuildError(str(path), seen, f"At most {MOST_SENSORS} streams and 31 characters fit.")
    return board


def _stream(fields: dict[str, Any]) -> Stream:
    return Stream(**{**fields, "channels": tuple(fields["channels"]), "rate_hz": float(fields["rate_hz"])})
