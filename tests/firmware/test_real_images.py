"""Images of real boards, without silicon: they fit, start where the chip starts them, and are code for its core."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from studio.errors import BuildError
from studio.firmware.board import Board, boards
from studio.firmware.build import build_boot_loader
from studio.firmware.image import HEADER_BYTES
from studio.firmware.sections import Sections, read_sections
from studio.firmware.sources import Firmware, write_c
from tests.firmware.firmwares import image

REAL = [b for b in boards().values() if not b.virtual]
RAM, FIRST_BLOCK = 0x20000000, 256
each = pytest.mark.parametrize("board", REAL, ids=lambda b: b.id)
ARCH = {"cortex-m0plus": (11, 12), "cortex-m4f": (13,), "cortex-m33": (17,)}


def starts_right(board: Board, sections: Sections, at: int) -> None:
    """The vector table begins `at` bytes into the sections; handlers are Thumb code inside them."""
    stack, *handlers = struct.unpack_from("<16I", sections.payload, at)
    assert stack == RAM + board.ram_bytes - 16 and stack % 8 == 0
    assert all(h & 1 and sections.address <= h < sections.address + len(sections.payload) for h in handlers[:6])


@each
@pytest.mark.parametrize("family", ["", "cnn"])
def test_the_app_lies_in_its_area(board: Board, family: str) -> None:
    built = image(board.id, family, board.streams[0]) if family else image(board.id)
    assert built.elf is not None
    sections = read_sections(built.elf)
    assert sections.address == board.flash_address + board.app_offset + HEADER_BYTES
    assert built.flash_bytes <= board.app_bytes
    assert sections.ram_bytes + board.stack_bytes <= board.ram_bytes
    starts_right(board, sections, 0)


@each
def test_the_boot_loader_lies_below_the_app(board: Board, tmp_path: Path) -> None:
    loader = build_boot_loader(board, tmp_path)
    sections = read_sections(tmp_path / "boot.elf")
    assert sections.address == board.flash_address + board.loader_offset and sections.payload == loader
    has_first = any(f.joinpath("first.c").exists() for f in board.folders)
    starts_right(board, sections, FIRST_BLOCK if has_first else 0)


@each
def test_the_elf_is_code_for_the_core(board: Board) -> None:
    built = image(board.id, "cnn", board.streams[0])
    assert built.elf is not None
    with built.elf.open("rb") as file:
        elf = ELFFile(file)
        section = elf.get_section_by_name(".ARM.attributes")
        groups = [b for s in section.iter_subsections() for b in s.iter_subsubsections()]
        tags = {a.tag: a.value for b in groups for a in b.iter_attributes()}
        reset = struct.unpack_from("<I", read_sections(built.elf).payload, 4)[0]
        assert elf["e_entry"] == reset
        areas = [(s["sh_addr"], s["sh_addr"] + s["sh_size"]) for s in elf.iter_sections() if s["sh_flags"] & 2]
    flash = (board.flash_address, board.flash_address + board.flash_bytes)
    ram = (RAM, RAM + board.ram_bytes - 16)
    assert all(any(low <= a and b <= high for low, high in (flash, ram)) for a, b in areas)
    assert tags["TAG_CPU_ARCH"] in ARCH[board.core]
    assert bool(tags.get("TAG_FP_ARCH")) == bool(tags.get("TAG_ABI_VFP_ARGS")) == board.fpu


def test_a_real_board_takes_the_rates_of_its_sensor_and_no_other() -> None:
    for board in REAL:
        stream, rates = board.streams[0], board.sensors[0].rates_hz
        for rate_hz in rates:
            assert board.streams_for(replace(stream, rate_hz=rate_hz))[0].rate_hz == rate_hz
        with pytest.raises(BuildError, match="no such sensor"):
            board.streams_for(replace(stream, rate_hz=rates[0] + 0.5))
        with pytest.raises(BuildError, match="no such sensor"):
            board.streams_for(replace(stream, rate_hz=rates[0], scale=stream.scale * 2))


def test_streams_of_one_part_run_at_one_rate_and_one_that_cannot_is_left_out() -> None:
    nano = boards()["nano-33-ble-sense"]
    accelerometer, motion = (next(s for s in nano.streams if s.name == n) for n in ("accelerometer", "motion"))
    both = {s.name: s.rate_hz for s in nano.streams_for(replace(accelerometer, rate_hz=238.0))}
    assert (both["accelerometer"], both["motion"]) == (238.0, 238.0)
    assert "motion" not in {s.name for s in nano.streams_for(replace(accelerometer, rate_hz=50.0))}
    alone = replace(motion, rate_hz=59.5)
    assert "accelerometer" not in {s.name for s in nano.streams_for(alone)}
    texts, _ = write_c(Firmware(nano, nano.streams_for(alone)))
    assert "{&lsm9ds1_motion, 0x6b, -1, -1}" in texts["firmware.c"] and "&lsm9ds1," not in texts["firmware.c"]
    texts, _ = write_c(Firmware(nano, nano.streams))
    assert "{&lsm9ds1, 0x6b, 1, -1}" in texts["firmware.c"] and "{&lsm9ds1_motion, 0x6b, -1, 0}" in texts["firmware.c"]
