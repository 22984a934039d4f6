"""Images: what they weigh, that they fit, and that they are code for the right core."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from studio.data.stream import Stream
from studio.data.wire import parse_hello
from studio.errors import BuildError, InputError
from studio.firmware.board import boards
from studio.firmware.build import build
from studio.firmware.image import HEADER_BYTES, has_second, intel_hex, make_image, parse_image, program
from studio.firmware.sections import read_sections
from studio.firmware.sources import firmware_of, hello_of, rows_per_frame, write_c
from studio.progress import finish
from tests.firmware.firmwares import ACCELEROMETER, BOARDS, graph, image

CHIPS = [b for b in BOARDS if b != "host"]


@pytest.mark.parametrize("board_id", BOARDS)
def test_streaming_firmware_builds_for_every_board(board_id: str) -> None:
    built = image(board_id)
    content = built.bin.read_bytes()
    header = parse_image(content, "the image")
    assert (header.board, header.build_hash.hex(), header.plain) == (board_id, built.build_hash, True)
    assert built.flash_bytes == len(program(content)) and has_second(content)
    assert bytes.fromhex(built.build_hash) in content[HEADER_BYTES:]  # HELLO tells it
    assert all(path.exists() for path in built.files)


@pytest.mark.parametrize("board_id", CHIPS)
def test_the_elf_lies_where_the_boot_loader_starts_it(board_id: str) -> None:
    board, built = boards()[board_id], image(board_id)
    assert built.elf is not None
    sections = read_sections(built.elf)
    assert sections.address == board.app_offset + HEADER_BYTES
    stack, reset = struct.unpack_from("<II", sections.payload)
    assert stack == 0x20000000 + board.ram_bytes - 16
    assert reset & 1 and sections.address < reset < sections.address + len(sections.payload)
    assert sections.ram_bytes + board.stack_bytes <= board.ram_bytes
    assert built.ram_bytes == sections.ram_bytes > board.queue_bytes


@pytest.mark.parametrize(
    ("board_id", "arch", "fpu"),
    [
        ("cortex-m0plus", "TAG_CPU_ARCH v6S-M", False),
        ("cortex-m4f", "TAG_CPU_ARCH v7E-M", True),
        ("cortex-m33", "TAG_CPU_ARCH v8-M.mainline", True),
    ],
)
def test_the_elf_is_code_for_its_core(board_id: str, arch: str, fpu: bool) -> None:
    """An emulator is lenient: it may run what the chip would refuse, so the linker's own record is asked."""
    built = image(board_id, "forest")
    assert built.elf is not None
    with built.elf.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".ARM.attributes")
        tags = {
            a.tag: a.value
            for s in section.iter_subsections()
            for b in s.iter_subsubsections()
            for a in b.iter_attributes()
        }
    number = {"v6S-M": (11, 12), "v7E-M": (13,), "v8-M.mainline": (17,)}[arch.split()[1]]
    assert tags["TAG_CPU_ARCH"] in number
    assert bool(tags.get("TAG_FP_ARCH")) == fpu
    assert bool(tags.get("TAG_ABI_VFP_ARGS")) == fpu


def test_no_double_and_no_heap_on_a_chip() -> None:
    """Soft double routines are big; that the M0+ image is small means that there are none."""
    built = image("cortex-m0plus", "cnn")
    assert built.flash_bytes < 20_000
    assert built.ram_bytes < 20_000


def test_the_hash_follows_every_weight_and_only_what_matters() -> None:
    board = boards()["cortex-m4f"]
    one = write_c(firmware_of(graph("forest"), ACCELEROMETER, board))
    assert write_c(firmware_of(graph("forest"), ACCELEROMETER, board)) == one
    other_threshold = replace(graph("forest"), threshold=0.125)
    assert write_c(firmware_of(other_threshold, ACCELEROMETER, board))[1] != one[1]
    assert write_c(firmware_of(graph("forest"), replace(ACCELEROMETER, scale=1 / 2048), board))[1] != one[1]
    assert write_c(firmware_of(graph("forest"), ACCELEROMETER, boards()["cortex-m33"]))[1] != one[1]


def test_hello_tells_streams_and_model() -> None:
    firmware = firmware_of(graph("cnn"), ACCELEROMETER, boards()["cortex-m4f"])
    hello = parse_hello(hello_of(firmware).encode())
    assert hello.channels[0] == ACCELEROMETER
    model = hello.model
    assert model is not None and (model.input_id, model.scores_id, model.decision_id) == (0, 2, 3)
    assert model.stages[-1] == "scores" and model.classes == graph("cnn").classes
    assert hello.channels[2].rate_hz == pytest.approx(50 / 64)


@pytest.mark.parametrize(
    ("stream", "rows"),
    [
        (Stream("a", 100.0, ("x", "y", "z"), dtype="i16"), 5),
        (Stream("m", 16000.0, ("s",), dtype="i16"), 512),
        (Stream("slow", 0.5, ("s",), dtype="f32"), 1),
        (Stream("wide", 100.0, tuple(map(str, range(256))), dtype="f32"), 1),
    ],
)
def test_frames_are_about_a_twentieth_of_a_second(stream: Stream, rows: int) -> None:
    assert rows_per_frame(stream) == rows


def test_what_does_not_fit_is_said_with_figures(tmp_path: Path) -> None:
    board = boards()["cortex-m4f"]
    small_flash = replace(board, flash_bytes=board.app_offset + 8192)
    with pytest.raises(BuildError, match=r"bytes of flash, \d+ more than the 8192"):
        finish(build(graph("forest"), ACCELEROMETER, small_flash, tmp_path))
    with pytest.raises(BuildError, match=r"of RAM and 4096 of stack, \d+ more than the 16384"):
        finish(build(graph("forest"), ACCELEROMETER, replace(board, ram_bytes=16384), tmp_path))
    wide = Stream("wide", 10.0, tuple(map(str, range(257))))
    with pytest.raises(BuildError, match="one sample of 1028 bytes"):
        finish(build(None, wide, board, tmp_path))


def test_a_real_board_takes_only_its_own_sensors(tmp_path: Path) -> None:
    real = replace(boards()["cortex-m4f"], any_sensor=False)
    with pytest.raises(BuildError, match="no such sensor"):
        finish(build(None, ACCELEROMETER, real, tmp_path))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BuildError, match="file"):
        finish(build(None, None, boards()["host"], tmp_path / "file"))


@pytest.mark.parametrize("damage", [0, 4, 40, 252, 300])
def test_a_damaged_image_is_refused(damage: int) -> None:
    sound = make_image("host", bytes(16), b"payload" * 20)
    parse_image(sound, "sound")
    broken = bytearray(sound)
    broken[damage] ^= 1
    with pytest.raises(InputError, match=r"image\.bin"):
        parse_image(bytes(broken), "image.bin")
    for cut in (0, 100, HEADER_BYTES, len(sound) - 1):
        with pytest.raises(InputError):
            parse_image(sound[:cut], "image.bin")


def test_intel_hex_holds_the_bytes_at_their_address() -> None:
    data, memory, high = bytes(range(256)) * 300, {}, 0
    for line in intel_hex((0xFFF0, data)).splitlines():
        record = bytes.fromhex(line[1:])
        assert sum(record) & 0xFF == 0
        n, address, kind = record[0], int.from_bytes(record[1:3], "big"), record[3]
        if kind == 4:
            high = int.from_bytes(record[4:6], "big") << 16
        elif kind == 0:
            memory.update({high + address + i: b for i, b in enumerate(record[4 : 4 + n])})
    assert bytes(memory[0xFFF0 + i] for i in range(len(data))) == data
    assert len(memory) == len(data) and zlib.crc32(data)
