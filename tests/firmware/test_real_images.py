"""Images of real boards, without silicon: they fit, start where the chip starts them, and are code for its core."""

import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from studio.errors import BuildError
from studio.firmware.board import Board, boards
from studio.firmware.build import build_boot_loader, figures
from studio.firmware.image import HEADER_BYTES
from studio.firmware.sections import Sections, read_sections
from studio.firmware.sources import Firmware, app_sources, boot_sources, firmware_of, flags, write_c
from tests.firmware.exports.compilers import gcc
from tests.firmware.firmwares import image

REAL = [b for b in boards().values() if not b.virtual]
#: What stands in front of the boot loader's vectors: words of `first.c`.
FIRST = re.compile(r"first\[(\d+)\]")
each = pytest.mark.parametrize("board", REAL, ids=lambda b: b.id)
ARCH = {"cortex-m0plus": (11, 12), "cortex-m4f": (13,), "cortex-m33": (17,)}


def first_bytes(board: Board) -> int:
    """How far into the boot loader its vectors lie."""
    found = [FIRST.search(path.read_text(encoding="utf-8")) for path in board.sources() if path.name == "first.c"]
    return sum(4 * int(m[1]) for m in found if m)


def starts_right(board: Board, sections: Sections, at: int) -> None:
    """The vector table begins `at` bytes into the sections; handlers are Thumb code inside them."""
    stack, *handlers = struct.unpack_from("<16I", sections.payload, at)
    assert stack == board.ram_address + board.ram_bytes - 16 and stack % 8 == 0
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
    starts_right(board, sections, first_bytes(board))


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
    ram = (board.ram_address, board.ram_address + board.ram_bytes - 16)
    assert all(any(low <= a and b <= high for low, high in (flash, ram)) for a, b in areas)
    assert tags["TAG_CPU_ARCH"] in ARCH[board.core]
    assert bool(tags.get("TAG_FP_ARCH")) == bool(tags.get("TAG_ABI_VFP_ARGS")) == board.fpu


#: The same core for a second compiler; it knows no other way to say it.
GCC_CORES = {
    "cortex-m0plus": ("-mcpu=cortex-m0plus",),
    "cortex-m4f": ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    "cortex-m33": ("-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
}
GCC_FLAGS = ("-Os", "-std=gnu11", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-fno-strict-aliasing")
#: Reading a ROM's table at address 0x14 is no array of none [GCC bug 105523].
GCC_WRONG = "-Wno-array-bounds"
ONE_OF_A_KIND = list({board.shared: board for board in REAL}.values())
GCC_LINK = ("-nostdlib", "-Wl,--gc-sections", "-Wl,-e,Reset_Handler", "-Wl,-n")
#: What Zig's compiler brings along for a core without a system.
MEMORY_C = """#include <stddef.h>
void *memcpy(void *to, const void *from, size_t n)
{ for (size_t i = 0; i < n; i++) ((char *)to)[i] = ((const char *)from)[i]; return to; }
void *memset(void *to, int value, size_t n)
{ for (size_t i = 0; i < n; i++) ((char *)to)[i] = (char)value; return to; }
void *memmove(void *to, const void *from, size_t n)
{ if (to > from) while (n--) ((char *)to)[n] = ((const char *)from)[n]; else memcpy(to, from, n); return to; }
int memcmp(const void *a, const void *b, size_t n)
{ for (size_t i = 0; i < n; i++) if (((const char *)a)[i] != ((const char *)b)[i]) return 1; return 0; }
"""


@pytest.mark.parametrize(
    ("board", "script"),
    [*((board, "app.ld") for board in REAL), *((board, "boot.ld") for board in ONE_OF_A_KIND)],
    ids=lambda value: getattr(value, "id", value),
)
def test_a_second_compiler_makes_the_same_layout(board: Board, script: str, tmp_path: Path) -> None:
    """Debian's GCC, with all warnings, from the same files and the same linker script."""
    firmware = firmware_of(None, None, board)
    texts, _ = write_c(firmware)
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    app = script == "app.ld"
    files = [*app_sources(firmware), *(tmp_path / name for name in texts)] if app else boot_sources(board)
    told = [f for f in flags(board) if f.startswith(("-D", "-I", "-W")) and not f.startswith("-Wl")]
    filled = (board.script(script) or Path()).read_text()
    for figure, value in figures(board).items():
        filled = filled.replace(figure, str(value))
    (tmp_path / "script.ld").write_text(filled)
    (tmp_path / "memory.c").write_text(MEMORY_C)
    c = [str(path) for path in files if path.suffix == ".c"]
    command = [*GCC_CORES[board.core], *GCC_FLAGS, *told, GCC_WRONG, f"-I{tmp_path}", *GCC_LINK, "-T", "script.ld", *c]
    gcc([*command, "memory.c", "-fno-builtin", "-lgcc", "-o", str(tmp_path / "out.elf")], tmp_path)
    sections = read_sections(tmp_path / "out.elf")
    first = board.app_offset + HEADER_BYTES if app else board.loader_offset
    assert sections.address == board.flash_address + first
    assert len(sections.payload) <= (board.app_bytes if app else board.app_offset - board.loader_offset)
    starts_right(board, sections, 0 if app else first_bytes(board))


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
