"""Every way of flashing against every fault, on models of the devices: what a person is told, and what the board holds.

A trial flashes a model that runs an old image, while one thing goes wrong; then what is wrong is put right, and it is
flashed again. The board must then run the new image; before, it runs the old one, the new one, or waits for the next
flash. "Done" may only be said when the new one runs. Models: studio/firmware/roms.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.data.talk import Talk
from studio.errors import StudioError
from studio.firmware.board import Board, boards
from studio.firmware.build import first_time
from studio.firmware.flash import flash
from studio.firmware.image import make_image
from studio.firmware.own import flash_own, other_boards
from studio.firmware.roms import esp, mcuboot, stm32_usb
from studio.firmware.roms.chip import ChipLink, running
from studio.firmware.roms.flash import Flash
from studio.firmware.roms.sam_ba import SamBaRom
from studio.firmware.roms.stm32_uart import Stm32Uart
from studio.firmware.roms.wire import Terminal
from studio.firmware.virtual import boot_loader
from studio.progress import finish
from studio.sources.line import open_line

#: What goes wrong -> in words.
FAULTS = {
    "none": "nothing",
    "bit error": "a bit is damaged on the way",
    "weak bit": "a bit of the flash never sticks",
    "cut at start": "the cable goes at the first words",
    "cut early": "the cable goes after a tenth",
    "cut midway": "the cable goes half way",
    "cut late": "the cable goes near the end",
    "protected": "the chip is protected against reading",
    "wrong chip": "another chip is on the port",
    "silent": "no boot loader answers",
    "wrong image": "the image is for another board",
    "reset": "the device resets half way",
    "port taken": "another program has the port",
}
CUTS = {"cut at start": 0.02, "cut early": 0.1, "cut midway": 0.5, "cut late": 0.95}
IMAGE_BYTES = 5000
#: Bytes that come to the device when nothing goes wrong (transfers, on USB): where a cut is half way.
TOTALS = {"stm32-uart": 13_424, "stm32-usb": 169, "sam-ba": 33_472, "mcuboot": 8_146, "esp-rom": 7_278}
OPENER = "studio.sources.line"
#: How long a model may be silent; real boards are given longer.
PATIENCE_S = 1.0


@dataclass(frozen=True)
class Outcome:
    """`told` is the error, "" for done; `holds` is "old", "new" or "waits"; `mended` whether the next flash works."""

    way: str
    fault: str
    told: str
    holds: str
    mended: bool

    @property
    def right(self) -> bool:
        """Never done without the new image, and never beyond the next flash."""
        return self.mended and (self.holds == "new" if not self.told else True)


class Subject:
    """A device with an old image; `flash(fault)` may raise StudioError, `holds()` looks into it."""

    way = ""
    faults: tuple[str, ...] = ()

    def flash(self, fault: str) -> None:
        raise NotImplementedError

    def holds(self) -> str:
        raise NotImplementedError

    def close(self) -> None:
        """End what was started."""


def trial(make: Callable[[], Subject], fault: str) -> Outcome:
    """One fault on a fresh device, then the flash that must mend it."""
    subject = make()
    try:
        told = _told(subject, fault)
        holds = subject.holds()
        mended = not _told(subject, "none") and subject.holds() == "new"
        return Outcome(subject.way, fault, told, holds, mended)
    finally:
        subject.close()


def _told(subject: Subject, fault: str) -> str:
    try:
        subject.flash(fault)
    except StudioError as e:
        return str(e)
    return ""


def _image(board: str, seed: int, n: int = IMAGE_BYTES) -> bytes:
    payload = hashlib.shake_256(bytes([seed])).digest(n)
    return make_image(board, hashlib.sha256(payload).digest()[:16], payload)


class OurFirmware(Subject):
    """A chip whose maker's boot loader puts our boot loader and image there, which then answer with their hash."""

    def __init__(self, board: Board) -> None:
        self.board, self.loader = board, boot_loader(board)
        self.memory = Flash(board.flash_address, board.flash_bytes, board.page_bytes, fresh=False)
        self.old, self.new = _image(board.id, 1), _image(board.id, 2)
        for address, data in first_time(board, self.loader, self.old):
            self.memory.program(address, data)
        self.stranger = next(b.id for b in boards().values() if not b.virtual and self.way not in b.flashing)
        self.folder = tempfile.TemporaryDirectory()

    def holds(self) -> str:
        """By what would start."""
        build = running(self.board, self.memory, self.loader)
        known = {self.old[48:64]: "old", self.new[48:64]: "new"}
        return known.get(build or b"", "waits")

    def close(self) -> None:
        self.folder.cleanup()

    def flash(self, fault: str) -> None:
        self.memory.flip = None
        if fault == "weak bit":
            self.memory.flip = self.board.flash_address + self.board.app_offset + 1000
        with self.port(fault) as port:
            link = ChipLink(self.board, self.memory, self.loader, port)
            content = _image(self.stranger, 3) if fault == "wrong image" else self.new
            path = Path(self.folder.name) / "firmware.bin"
            path.write_bytes(content)
            with self.taken(port) if fault == "port taken" else nullcontext():
                finish(flash(Talk(link), path, by=self.way))

    def port(self, fault: str) -> AbstractContextManager[dict[str, Any]]:
        """The model of the maker's boot loader, with what goes wrong."""
        raise NotImplementedError

    @contextmanager
    def taken(self, port: dict[str, Any]) -> Iterator[None]:
        """Another program on the same port."""
        line = open_line(port["place"])
        try:
            yield
        finally:
            line.close()


def _cut(fault: str, total: int) -> int | None:
    return round(CUTS[fault] * total) if fault in CUTS else None


@contextmanager
def on_terminal(
    model: Any, fault: str, total: int, half: Callable[[], None] = lambda: None
) -> Iterator[dict[str, Any]]:
    """The model behind a pseudo terminal; `total` bytes come to it when nothing goes wrong, `half` happens half way."""
    flip = round(0.6 * total) if fault == "bit error" else None
    when = (round(0.5 * total), half) if fault == "reset" else None
    with Terminal(model, cut_after=_cut(fault, total), flip_at=flip, silent=fault == "silent", when=when) as wire:
        yield {"opener": OPENER, "place": wire.place, "patience_s": PATIENCE_S}


class Uart(OurFirmware):
    """AN3155."""

    way, faults = "stm32-uart", tuple(FAULTS)

    @contextmanager
    def port(self, fault: str) -> Iterator[dict[str, Any]]:
        rom = Stm32Uart(self.memory, 0x435 if fault == "wrong chip" else 0x415, fault == "protected")
        self.memory.fresh = True
        with on_terminal(rom, fault, TOTALS[self.way], rom.reset) as port:
            yield port


class Usb(OurFirmware):
    """DfuSe. Damage on the wire is caught by USB itself, so "bit error" is one in the device's own memory."""

    way, faults = "stm32-usb", tuple(f for f in FAULTS if f not in ("port taken",))

    @contextmanager
    def port(self, fault: str) -> Iterator[dict[str, Any]]:
        memory = self.memory
        if fault == "wrong chip":
            memory = Flash(0x08000000, 0x40000, 1024)
        memory.fresh = True
        device = stm32_usb.Stm32Usb(memory, fault == "protected")
        device.cut_after = _cut("cut midway" if fault == "reset" else fault, TOTALS[self.way])
        device.flip_at = self.board.flash_address + self.board.app_offset + 900 if fault == "bit error" else None
        device.silent = fault == "silent"
        with stm32_usb.Door(device) as door:
            yield {"opener": OPENER, "place": "", "remote": door.place}


class SamBa(OurFirmware):
    """Arduino's boot loader of an nRF52840."""

    way, faults = "sam-ba", tuple(f for f in FAULTS if f != "protected")

    @contextmanager
    def port(self, fault: str) -> Iterator[dict[str, Any]]:
        rom = SamBaRom(self.memory, chip="nRF52833-QIAA" if fault == "wrong chip" else "nRF52840-QIAA")
        with on_terminal(rom, fault, TOTALS[self.way], rom.reset) as port:
            yield port


class OwnBuild(Subject):
    """A board of tier 2, and the user's own build for it."""

    board_id = ""

    def __init__(self) -> None:
        self.board = other_boards()[self.board_id]
        self.folder = tempfile.TemporaryDirectory()

    def put(self, content: bytes, port: dict[str, Any], fault: str) -> None:
        """The file `content` by this way."""
        path = Path(self.folder.name) / "build.bin"
        path.write_bytes(content)
        with _held(port["place"]) if fault == "port taken" else nullcontext():
            finish(flash_own(_Port(port), path, self.board_id))

    def close(self) -> None:
        self.folder.cleanup()


@contextmanager
def _held(place: str) -> Iterator[None]:
    line = open_line(place)
    try:
        yield
    finally:
        line.close()


@dataclass
class _Port:
    port: dict[str, Any]
    url: str = "model:"

    def put_down(self) -> dict[str, Any]:
        return dict(self.port)

    def take_up(self) -> None: ...


class Mcuboot(OwnBuild):
    """Two slots and an SMP server on a console."""

    way, board_id = "mcuboot", "thingy53"
    faults = tuple(f for f in FAULTS if f not in ("protected", "wrong chip"))

    def __init__(self) -> None:
        super().__init__()
        self.old = mcuboot.signed(hashlib.shake_256(b"old").digest(IMAGE_BYTES), (1, 0, 0))
        self.new = mcuboot.signed(hashlib.shake_256(b"new").digest(IMAGE_BYTES), (1, 1, 0))
        self.model = mcuboot.McubootBoard(self.old)

    def flash(self, fault: str) -> None:
        model = self.model
        model.flip_at = 3000 if fault == "weak bit" else None
        model.dies_at = 3000 if fault == "reset" else None
        model.accepts = (lambda content: content != self.new) if fault == "wrong image" else (lambda content: True)
        with on_terminal(mcuboot.Console(model), fault.replace("reset", "none"), TOTALS[self.way]) as port:
            self.put(self.new, port, fault)

    def holds(self) -> str:
        """What starts after a restart, whatever was asked of it before."""
        if not self.model.confirmed:
            return "waits"
        return {self.old: "old", self.new: "new"}.get(self.model.slots[0], "waits")


class Esp(OwnBuild):
    """An ESP32-S3's ROM, flashed by esptool."""

    way, board_id = "esp-rom", "xiao-esp32s3-sense"
    faults = tuple(f for f in FAULTS if f not in ("cut early", "cut late"))

    def __init__(self) -> None:
        super().__init__()
        self.old = esp.image(hashlib.shake_256(b"old").digest(IMAGE_BYTES))
        self.new = esp.image(hashlib.shake_256(b"new").digest(IMAGE_BYTES))
        self.memory = Flash(0, 1 << 20, 4096, self.old, fresh=False)

    def flash(self, fault: str) -> None:
        self.memory.flip = 2000 if fault == "weak bit" else None
        flags = esp.SECURE_DOWNLOAD if fault == "protected" else 0
        rom = esp.EspRom(self.memory, 5 if fault == "wrong chip" else 9, flags)
        content = esp.image(b"other", chip=5) if fault == "wrong image" else self.new
        with on_terminal(rom, fault, TOTALS[self.way], lambda: setattr(rom, "dead", True)) as port:
            self.put(content, port | {"lines": False}, fault)

    def holds(self) -> str:
        """The ROM's own boot loader never goes away: what is neither old nor new waits for the next flash."""
        there = self.memory.read(0, len(self.new))
        return {self.old: "old", self.new: "new"}.get(there, "waits")


def subjects() -> dict[str, Callable[[], Subject]]:
    """The devices on trial, by their way of flashing."""
    from studio.app.actions.flash_trials_link import Drive, SerialBoot

    known = list(boards().values())
    uf2 = next(b for b in known if b.uf2_family)
    stm32 = next(b for b in known if "stm32-uart" in b.flashing)
    arduino = next(b for b in known if "sam-ba" in b.flashing)
    return {
        "serial-boot": SerialBoot,
        "uf2": lambda: Drive(uf2),
        "stm32-uart": lambda: Uart(stm32),
        "stm32-usb": lambda: Usb(stm32),
        "sam-ba": lambda: SamBa(arduino),
        "mcuboot": Mcuboot,
        "esp-rom": Esp,
    }


def cases() -> list[tuple[str, str]]:
    """Every (way, fault) that can be."""
    from studio.app.actions.flash_trials_link import Drive, SerialBoot

    kinds: tuple[type[Subject], ...] = (SerialBoot, Drive, Uart, Usb, SamBa, Mcuboot, Esp)
    return [(kind.way, fault) for kind in kinds for fault in FAULTS if fault in kind.faults]


__all__ = ["FAULTS", "Outcome", "Subject", "cases", "subjects", "trial"]
