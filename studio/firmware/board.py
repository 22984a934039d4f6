"""Boards are data: a folder with `board.toml` and the few C files that touch registers. No Python names a board."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from studio.data.axes import spelled_out
from studio.data.stream import Stream
from studio.errors import BuildError
from studio.paths import STUBS

FOLDER = STUBS / "boards"
DRIVERS = STUBS / "drivers"
USB = STUBS / "usb"
#: Ids 0 to 13 are sensors; the model's scores and decisions come after them (MOST_STREAMS in runtime/firmware.h).
MOST_SENSORS = 14


SENSOR_KEYS = ("driver", "address", "rates_hz")


@dataclass(frozen=True)
class Sensor:
    """The part behind a stream: `driver` in firmware_stubs/drivers, 7-bit `address`, the rates it can be set to.

    A part that is not on a bus has the address 0. A driver of two words lies in the file of its first: lsm6dsl_motion
    in lsm6dsl.c.
    """

    driver: str
    address: int
    rates_hz: tuple[float, ...]

    @staticmethod
    def of(fields: dict[str, Any]) -> "Sensor":
        """From a stream's table in board.toml."""
        return Sensor(fields["driver"], fields.get("address", 0), tuple(map(float, fields["rates_hz"])))


@dataclass(frozen=True)
class Board:
    """`board.toml`, read. `form` is "elf" (a chip) or "library" (this computer).

    `flash_bytes` is all flash; the boot loader lies below `app_offset`, the app's image from there on. `stack_bytes`
    of the RAM are kept free by the build. `program` plays the board on this computer; real boards have none.
    `fpu` is whether the core computes with floats itself. Offsets count from `flash_address`, where the core
    sees the flash, as it sees the RAM at `ram_address`. `loader_offset` is above 0 where the maker's own boot
    loader stays at the flash's start. `sensors` are the parts behind the streams, in their order; virtual boards
    have none. `swd_target` is pyOCD's name of the chip, `chip_identity` (address, mask, value) where the chip
    tells which it is, `drive_label` the drive that its debugger shows. `usb_controller` is the file in
    firmware_stubs/usb that makes the link where that is the chip's own USB, `usb_device` what the firmware then
    calls itself (vendor:product). `flashing` holds what each way of flashing must know of the board. `facts`
    names the source of what is claimed.
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
    shared: tuple[str, ...] = ()
    flash_address: int = 0
    ram_address: int = 0x20000000
    loader_offset: int = 0
    link: str = ""
    baud: int = 0
    usb_controller: str = ""
    usb_device: str = ""
    uf2_family: int = 0
    uf2_board: str = ""
    swd_target: str = ""
    chip_identity: tuple[int, int, int] = (0, 0, 0)
    drive_label: str = ""
    sensors: tuple[Sensor, ...] = ()
    flashing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def virtual(self) -> bool:
        """Whether a program on this computer plays it."""
        return bool(self.program)

    @property
    def app_bytes(self) -> int:
        """Room for the image: header and payload."""
        return self.flash_bytes - self.app_offset

    @property
    def slot_bytes(self) -> int:
        """Half of it, in whole pages: an image that fits is written beside the one that runs, never over it."""
        return self.app_bytes // 2 // self.page_bytes * self.page_bytes

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """Where its C lies: its own folder and those that it shares."""
        return (self.folder, *(self.folder.parent / name for name in self.shared))

    def sources(self) -> list[Path]:
        """Its C files, in a fixed order."""
        return [path for folder in self.folders for path in sorted(folder.glob("*.c"))]

    def usb_sources(self, touched: str) -> list[Path]:
        """The C files of a link by USB; what follows the 1200-baud touch is in `touched`."""
        stems = ("device", "link", self.usb_controller, touched) if self.usb_controller else ()
        return [USB / f"{stem}.c" for stem in stems]

    def drivers(self) -> list[Path]:
        """The C files of its sensors' drivers."""
        return [DRIVERS / f"{name}.c" for name in sorted({s.driver.split("_")[0] for s in self.sensors})]

    def script(self, name: str) -> Path | None:
        """The linker script of this name; None for a board that is a library."""
        return next((f / name for f in self.folders if (f / name).exists()), None)

    def streams_for(self, wanted: Stream | None) -> tuple[Stream, ...]:
        """The board's streams by id, `wanted` among them; BuildError when the board has no such sensor."""
        if wanted is None or wanted in self.streams:
            return self.streams
        if not self.any_sensor:
            at = self._at_another_rate(wanted)
            if at is not None:
                return self._with_rate(at, wanted.rate_hz)
            names = ", ".join(f"{s.name} ({s.rate_hz:g} Hz)" for s in self.streams) or "none"
            raise BuildError(
                f"Stream {wanted.name!r} at {wanted.rate_hz:g} Hz",
                f"board {self.id} has no such sensor; it has {names}",
                "Record with this board and train on that, or choose another board.",
            )
        at = self.sensor_index(wanted.name)
        return (*self.streams[:at], wanted, *self.streams[at + 1 :])

    def _at_another_rate(self, wanted: Stream) -> int | None:
        """The stream that is `wanted` but for its rate, when its sensor can be set to that rate."""
        pairs = zip(self.streams, self.sensors, strict=False)
        fits = (i for i, (s, part) in enumerate(pairs) if _as_fast(s, wanted) and wanted.rate_hz in part.rates_hz)
        return next(fits, None)

    def _with_rate(self, at: int, rate_hz: float) -> tuple[Stream, ...]:
        """The streams with number `at` at another rate.

        Streams of one part run at one rate, so the others change too; one that cannot is left out.
        """
        address = self.sensors[at].address
        pairs = zip(self.streams, self.sensors, strict=True)
        kept = [(s, part) for s, part in pairs if part.address != address or rate_hz in part.rates_hz]
        return tuple(replace(s, rate_hz=rate_hz) if part.address == address else s for s, part in kept)

    def sensor_of(self, stream: Stream) -> Sensor:
        """The part behind a stream of a board whose streams have drivers."""
        return self.sensors[self.sensor_index(stream.name)]

    def sensor_index(self, name: str) -> int:
        """The id of the stream with this name; a name that the board does not know comes after the known ones."""
        names = [s.name for s in self.streams]
        return names.index(name) if name in names else len(names)


def boards(folder: Path = FOLDER) -> dict[str, Board]:
    """Every board by its id, the name of its folder; first those that this computer plays.

    Asked often, so each file is read again only when it has changed.
    """
    found = [_known(path, *_version(path)) for path in folder.glob("*/board.toml")]
    return {board.id: board for board in sorted(found, key=lambda b: (not b.virtual, b.id))}


def _version(path: Path) -> tuple[int, int]:
    """What changes when somebody writes the file."""
    seen = path.stat()
    return seen.st_mtime_ns, seen.st_size


@lru_cache(maxsize=256)
def _known(path: Path, _written_ns: int, _n_bytes: int) -> Board:
    return _read(path)


def _as_fast(stream: Stream, wanted: Stream) -> bool:
    return replace(stream, rate_hz=wanted.rate_hz) == wanted


def _read(path: Path) -> Board:
    """BuildError that names the file when it is not what a board needs."""
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        fields["sensors"] = tuple(Sensor.of(s) for s in fields["streams"] if "driver" in s)
        fields["streams"] = tuple(map(_stream, fields["streams"]))
        fields["shared"] = fields.get("shared", ())
        fields["chip_identity"] = fields.get("chip_identity", (0, 0, 0))
        fields |= {name: tuple(fields[name]) for name in ("flags", "usb", "shared", "chip_identity")}
        board = Board(id=path.parent.name, folder=path.parent, **fields)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as e:
        seen = f"cannot be read: {type(e).__name__}: {e}"
        raise BuildError(str(path), seen, "Compare it with the board.toml of another board.") from e
    if len(board.streams) > MOST_SENSORS or len(board.id.encode()) > 31:
        seen = f"{len(board.streams)} streams, a name of {len(board.id)} characters"
        raise BuildError(str(path), seen, f"At most {MOST_SENSORS} streams and 31 characters fit.")
    return board


def _stream(fields: dict[str, Any]) -> Stream:
    own = {k: v for k, v in fields.items() if k not in SENSOR_KEYS}
    return Stream(**{**own, "channels": spelled_out(fields["channels"]), "rate_hz": float(fields["rate_hz"])})
