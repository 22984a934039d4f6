"""Trials of two more ways: our own boot loader over a link, and the drive of a UF2 boot loader."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.app.actions.flash_trials import CUTS, OurFirmware, Subject
from studio.data.link import Link
from studio.data.talk import Talk
from studio.errors import LinkError
from studio.firmware.board import Board, boards
from studio.firmware.flash import flash
from studio.firmware.image import HEADER_BYTES, Header, make_image, parse_header, program, with_second
from studio.firmware.roms.chip import ChipLink
from studio.firmware.roms.uf2_drive import Uf2Drive
from studio.firmware.sources import Firmware
from studio.firmware.virtual import VirtualBoard, flash_with, streaming_image
from studio.progress import finish
from studio.sources import open_link

#: Bytes to the host board when nothing goes wrong.
TOTAL_BYTES = 24_899


class Faulty:
    """A link that is cut after so many bytes to the board, or damages one of them; `on_cut` happens then."""

    def __init__(self, link: Link, cut_after: int | None = None, flip_at: int | None = None) -> None:
        self.url, self._link, self.cut_after, self.flip_at, self.sent = link.url, link, cut_after, flip_at, 0

    def read(self) -> bytes:
        self._check()
        return self._link.read()

    def write(self, data: bytes) -> None:
        self._check()
        first, self.sent = self.sent, self.sent + len(data)
        if self.flip_at is not None and first <= self.flip_at < self.sent:
            changed = bytearray(data)
            changed[self.flip_at - first] ^= 1
            data = bytes(changed)
        self._link.write(data)

    def close(self) -> None:
        self._link.close()

    def _check(self) -> None:
        if self.cut_after is not None and self.sent >= self.cut_after:
            raise LinkError(self.url, "the device went away", "Connect again.")


class SerialBoot(Subject):
    """The host board, its flash in a file, our boot loader in C."""

    way = "serial-boot"
    faults = ("none", "bit error", *CUTS, "silent", "wrong image", "reset")

    def __init__(self) -> None:
        self.board = next(b for b in boards().values() if b.form == "library")
        self.folder = tempfile.TemporaryDirectory()
        self.place = Path(self.folder.name)
        self.old, self.new = (self._build(n) for n in (1.0, 2.0))
        self.memory = self.place / "board.flash"
        self.memory.write_bytes(flash_with(self.board, self.old))

    def _build(self, factor: float) -> bytes:
        """A firmware that streams; marked as one with a model, since boards replace plain ones by themselves."""
        first, *rest = self.board.streams
        firmware = Firmware(self.board, (replace(first, rate_hz=first.rate_hz * factor), *rest))
        content = program(streaming_image(firmware))
        header = parse_header(content)
        payload = content[HEADER_BYTES:]  # this computer's library runs from either slot as it is
        return with_second(make_image(header.board, header.build_hash, payload), payload)

    def flash(self, fault: str) -> None:
        path = self.place / "firmware.bin"
        path.write_bytes(_for_another(self.new) if fault == "wrong image" else self.new)
        cut = round((0.5 if fault == "reset" else CUTS[fault]) * TOTAL_BYTES) if fault in (*CUTS, "reset") else None
        flip = TOTAL_BYTES // 2 if fault == "bit error" else None
        with VirtualBoard(self.board.id, flash=self.memory, speed=0.0) as board:
            link = Faulty(open_link(board.url), 0 if fault == "silent" else cut, flip)
            try:
                finish(flash(Talk(link), path))
            finally:
                link.close()

    def holds(self) -> str:
        """What the board starts when it is switched on."""
        with VirtualBoard(self.board.id, flash=self.memory, speed=0.0) as board:
            talk = Talk(open_link(board.url))
            try:
                build = talk.hello().build
            finally:
                talk.close()
        known = {parse_header(self.old).build_hash: "old", parse_header(self.new).build_hash: "new"}
        return known.get(build, "waits")

    def close(self) -> None:
        self.folder.cleanup()


def _for_another(image: bytes) -> bytes:
    header: Header = parse_header(image)
    return make_image("another-board", header.build_hash, program(image)[HEADER_BYTES:])


class Drive(OurFirmware):
    """A chip whose boot loader shows a drive. What it takes it does not check: our own boot loader does."""

    way = "uf2"
    faults = (
        "none", "weak bit", "bit error", "cut at start", "cut midway", "cut late", "wrong chip", "silent",
        "wrong image", "reset",
    )  # fmt: skip

    def flash(self, fault: str) -> None:
        place = Path(self.folder.name) / "DRIVE"
        self.memory.flip = None
        if fault == "weak bit":
            self.memory.flip = self.board.flash_address + self.board.app_offset + 1000
        family = 0x1234 if fault == "wrong chip" else self.board.uf2_family
        said = {"silent": None, "wrong image": "Some-Other-Board"}.get(fault, self.board.uf2_board)
        blocks = 2 + (self.board.app_offset - self.board.loader_offset + len(self.new)) // 256
        cut = round((0.5 if fault == "reset" else CUTS[fault]) * blocks) if fault in (*CUTS, "reset") else None
        there = Uf2Drive(place, self.memory, family, said, cut, flip_block=blocks - 8 if fault == "bit error" else None)
        there.start()
        path = Path(self.folder.name) / "firmware.bin"
        path.write_bytes(self.new)
        link = _DriveLink(self.board, self.memory, self.loader, there)
        try:
            finish(flash(Talk(link), path, by=self.way))
        finally:
            there.unplug()
            there.join(5.0)


class _DriveLink(ChipLink):
    """The chip runs as soon as its drive is gone."""

    def __init__(self, board: Board, memory: Any, loader: bytes, there: Uf2Drive) -> None:
        super().__init__(board, memory, loader, {})
        self.drives = lambda: [there.place] if there.place.exists() else []
        self.patience_s = 0.5
        self._there = there

    def write(self, data: bytes) -> None:
        self.awake = self._there.gone.is_set()
        super().write(data)
