"""UF2 files block by block, and the copy to a board's drive, with a folder in the drive's place."""

import shutil
import struct
import threading
import time
from pathlib import Path

import pytest

import studio.firmware.flash as flash_module
from studio.data.talk import Talk
from studio.errors import FlashError
from studio.firmware import drive
from studio.firmware.board import Board, boards
from studio.firmware.flash import flash
from studio.firmware.image import HEADER_BYTES, intel_hex, program
from studio.firmware.uf2 import INFO, parse_uf2, uf2, volumes
from studio.firmware.virtual import boot_loader, emulator_installed, flash_with
from studio.progress import finish
from tests.firmware.firmwares import image
from tests.firmware.silicon.nrf52 import Nrf52
from tests.firmware.silicon.sensors import Lsm6dsl

REAL = [b for b in boards().values() if not b.virtual]
WITH_DRIVE = [b for b in REAL if b.uf2_family]


def test_a_block_is_what_the_specification_says() -> None:
    file = uf2([(0x27000, bytes(range(256)) + b"end")], 0xADA52840)
    assert len(file) == 1024
    head = (0x0A324655, 0x9E5D5157, 0x2000, 0x27100, 256, 1, 2, 0xADA52840)
    assert struct.unpack("<8I", file[512:544]) == head
    assert file[544:548] == b"end\xff" and file[-4:] == struct.pack("<I", 0x0AB16F30)


@pytest.mark.parametrize("place", [0, 4, 508])
def test_a_broken_block_is_refused(place: int) -> None:
    file = bytearray(uf2([(0, bytes(100))], 1))
    file[place] ^= 1
    with pytest.raises(ValueError, match="no UF2 block at 0"):
        list(parse_uf2(bytes(file)))


@pytest.mark.parametrize("board", REAL, ids=lambda b: b.id)
def test_what_a_new_board_is_given_holds_loader_and_image(board: Board) -> None:
    built = image(board.id)
    start = board.flash_address + board.loader_offset
    alone = program(built.bin.read_bytes())
    content = boot_loader(board).ljust(board.app_offset - board.loader_offset, b"\xff") + alone
    over = (board.flash_address + board.app_offset + board.slot_bytes, bytes(256))  # no older image is newer
    files = {p.name: p for p in built.files}
    assert files["whole.hex"].read_text() == intel_hex((start, content), over)
    assert files["whole.bin"].read_bytes() == content
    assert (board.uf2_family != 0) == ("whole.uf2" in files)
    if board.uf2_family:
        blocks = list(parse_uf2(files["whole.uf2"].read_bytes()))
        assert [at for at, _, _ in blocks] == [*range(start, start + len(content), 256), over[0]]
        assert b"".join(data for _, data, _ in blocks)[: len(content)] == content
        assert blocks[-1][1] == over[1]
        assert {family for _, _, family in blocks} == {board.uf2_family}


def shown(folder: Path, board_id: str) -> Path:
    folder.mkdir()
    text = f"UF2 Bootloader 0.6.1\r\nModel: a board\r\nBoard-ID: {board_id}\r\nDate: today\r\n"
    (folder / INFO).write_text(text, newline="")
    return folder


def test_drives_are_told_by_their_info(tmp_path: Path) -> None:
    here = shown(tmp_path / "XIAO", "nRF52840-SeeedXiaoSense-v1")
    (tmp_path / "stick").mkdir()
    (found,) = volumes(sorted(tmp_path.iterdir()))
    assert (found.path, found.board) == (here, "nRF52840-SeeedXiaoSense-v1")


def whole_file(file: bytes) -> bool:
    """Each block tells how many there are."""
    return len(file) >= 512 and len(file) == 512 * int.from_bytes(file[24:28], "little")


class Drive(threading.Thread):
    """A maker's boot loader: takes a whole file block by block, then the drive goes and the board starts."""

    def __init__(self, place: Path, board: Board, sound: bool = True) -> None:
        super().__init__(daemon=True)
        self.place, self.board, self.sound, self.flash = place, board, sound, bytearray()

    def run(self) -> None:
        path = self.place / "FIRMWARE.UF2"
        while not path.exists() or not whole_file(path.read_bytes()):
            time.sleep(0.01)
        self.flash = bytearray(b"\xff" * self.board.flash_bytes)
        for address, data, family in parse_uf2(path.read_bytes()):
            assert family == self.board.uf2_family
            at = address - self.board.flash_address
            self.flash[at : at + len(data)] = data
        if self.sound:
            shutil.rmtree(self.place)


class Silent:
    """The link of a board in its maker's boot loader; then that of the board itself."""

    def __init__(self, taken: Drive) -> None:
        self.url, self.taken, self.board = "silent:", taken, None

    def read(self) -> bytes:
        if self.taken.place.exists():
            time.sleep(0.01)
            return b""
        if self.board is None:
            self.taken.join()
            self.board = Nrf52(self.taken.board, bytes(self.taken.flash), (Lsm6dsl(),))
        return self.board.read()

    def write(self, data: bytes) -> None:
        if self.board is not None:
            self.board.write(data)

    def close(self) -> None: ...


@pytest.fixture
def xiao() -> Board:
    return next(b for b in WITH_DRIVE if b.core == "cortex-m4f")


@pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")
def test_a_silent_board_is_flashed_through_its_drive(
    tmp_path: Path, xiao: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Drive(shown(tmp_path / "DRIVE", xiao.uf2_board + "-v1"), xiao)
    monkeypatch.setattr(drive, "places", lambda: [tmp_path / "DRIVE"])
    monkeypatch.setattr(flash_module, "RESTART_S", 60.0)  # an emulated board on a busy computer restarts slowly
    taken.start()
    built = image(xiao.id)
    done = finish(flash(Talk(Silent(taken)), built.bin))
    assert done["verified"] and done["build_hash"] == built.build_hash
    second = xiao.app_offset + xiao.slot_bytes  # whatever older image was there cannot start any more
    expected = bytearray(flash_with(xiao, built.bin.read_bytes()))
    expected[second : second + HEADER_BYTES] = bytes(HEADER_BYTES)
    assert taken.flash == expected


def test_another_boards_drive_is_left_alone(tmp_path: Path, xiao: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    other = shown(tmp_path / "DRIVE", "Some-Other-Board")
    monkeypatch.setattr(drive, "places", lambda: [other])
    monkeypatch.setattr(drive, "DRIVE_S", 0.0)
    with pytest.raises(FlashError, match="there: Some-Other-Board"):
        finish(drive.copy_to_drive(xiao, image(xiao.id).bin.read_bytes()))
    assert [p.name for p in other.iterdir()] == [INFO]


def test_a_drive_that_does_not_take_the_file_is_named(
    tmp_path: Path, xiao: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays = shown(tmp_path / "DRIVE", xiao.uf2_board)
    monkeypatch.setattr(drive, "places", lambda: [stays])
    monkeypatch.setattr(drive, "GONE_S", 0.0)
    with pytest.raises(FlashError, match="did not take the file"):
        finish(drive.copy_to_drive(xiao, image(xiao.id).bin.read_bytes()))


def test_two_boards_of_a_kind_are_told_apart_by_nobody(
    tmp_path: Path, xiao: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [shown(tmp_path / name, xiao.uf2_board) for name in ("ONE", "TWO")]
    monkeypatch.setattr(drive, "places", lambda: both)
    with pytest.raises(FlashError, match="shows its drive twice"):
        finish(drive.copy_to_drive(xiao, image(xiao.id).bin.read_bytes()))
    assert not list(tmp_path.glob("*/*.UF2"))


@pytest.mark.parametrize("text", ["", "Board-ID\n", "\0\xff\0 rubbish", "Model: a board\n"])
def test_an_info_without_a_board_is_no_boards_drive(
    tmp_path: Path, xiao: Board, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    place = tmp_path / "DRIVE"
    place.mkdir()
    (place / INFO).write_bytes(text.encode("latin-1"))
    monkeypatch.setattr(drive, "places", lambda: [place])
    monkeypatch.setattr(drive, "DRIVE_S", 0.0)
    with pytest.raises(FlashError, match="DRIVE without a Board-ID"):
        finish(drive.copy_to_drive(xiao, image(xiao.id).bin.read_bytes()))


def test_families_are_those_of_the_register() -> None:
    """microsoft/uf2, utils/uf2families.json; RP2350-ARM-S: raspberrypi/pico-sdk, boot_uf2_headers, boot/uf2.h."""
    known = {"cortex-m4f": 0xADA52840, "cortex-m0plus": 0xE48BFF56, "cortex-m33": 0xE48BFF59}
    assert {b.id: b.uf2_family for b in WITH_DRIVE} == {b.id: known[b.core] for b in WITH_DRIVE}
