"""The flash transaction as a real board would live it: refusals, damage, power cuts, and going on afterwards."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.data.talk import Refused, Talk
from studio.data.wire import Hello, Status, Verb
from studio.errors import FlashError, InputError, LinkError
from studio.firmware.board import boards
from studio.firmware.flash import FLASHERS, flash
from studio.firmware.image import HEADER_BYTES, make_image, parse_header
from studio.firmware.own import other_boards
from studio.firmware.virtual import SocketToBoard, VirtualBoard, flash_with
from studio.progress import Progress, finish
from tests.firmware.conftest import Started
from tests.firmware.firmwares import image

PLAYED = ("host", "cortex-m4f")


class CutLink(SocketToBoard):
    """A cable that is pulled at the nth message to the board."""

    def __init__(self, url: str, after: int) -> None:
        super().__init__(url)
        self.left = after

    def write(self, data: bytes) -> None:
        self.left -= 1
        if self.left < 0:
            raise LinkError(self.url, "the cable was pulled", "Plug it in again.")
        super().write(data)


def boot(talk: Talk) -> Hello:
    """Into the boot loader."""
    if talk.hello().mode == "app":
        talk.request(Verb.BOOT)
    hello = talk.hello()
    assert hello.mode == "boot" and hello.boot is not None
    return hello


def put(talk: Talk, content: bytes, offset: int) -> None:
    """Write an image as it is, right or wrong."""
    hello = boot(talk)
    assert hello.boot is not None
    pages = -(-len(content) // hello.boot.page_bytes)
    talk.request(Verb.ERASE, {1: offset, 2: pages * hello.boot.page_bytes}, 5.0)
    content += b"\xff" * (-len(content) % 4)  # whole words, whatever lies behind the program
    for at in range(0, len(content), 960):
        talk.request(Verb.WRITE, {1: offset + at, 2: content[at : at + 960]})


def refusal(talk: Talk, verb: Verb, arguments: dict[int, Any]) -> int:
    with pytest.raises(Refused) as e:
        talk.request(verb, arguments)
    return e.value.status


@pytest.mark.parametrize("board_id", PLAYED)
def test_an_image_arrives_and_answers_with_its_hash(start: Started, board_id: str) -> None:
    built = image(board_id, "forest")
    with start(board_id) as talk:
        assert talk.hello().model is None
        steps: list[Progress] = []
        result = finish(flash(talk, built.bin), steps.append)
        assert result["verified"] and result["bytes"] == built.flash_bytes and result["board"] == board_id
        assert result["build_hash"] == built.build_hash == talk.hello().build_hash
        assert talk.hello().model is not None
        assert [s.done for s in steps] == sorted(s.done for s in steps) and len(steps) > 4


@pytest.mark.parametrize("board_id", PLAYED)
def test_the_flash_outlives_the_power(start: Started, board_id: str) -> None:
    built = image(board_id, "cnn")
    with start(board_id) as talk:
        finish(flash(talk, built.bin))
    with start(board_id) as talk:
        assert talk.hello().build_hash == built.build_hash


@pytest.mark.parametrize("board_id", PLAYED)
def test_half_an_image_and_a_flipped_bit_are_refused(start: Started, board_id: str) -> None:
    content = image(board_id, "forest").bin.read_bytes()
    with start(board_id) as talk:
        area = boot(talk).boot
        assert area is not None and area.image == 1
        flipped = bytearray(content)
        flipped[len(flipped) // 2] ^= 0x10
        for wrong in (content[: len(content) // 2 & ~3], bytes(flipped)):
            put(talk, wrong, area.app_offset)
            assert refusal(talk, Verb.RUN, {}) == Status.IMAGE_BAD
            after = talk.hello()
            assert after.mode == "boot" and after.boot is not None and after.boot.image == 2
        talk.request(Verb.RESTART)
        assert talk.hello().mode == "boot"  # a bad image is not started at power up either
        header_bit = bytearray(content)
        header_bit[8] ^= 1
        put(talk, bytes(header_bit), area.app_offset)
        assert refusal(talk, Verb.RUN, {}) == Status.IMAGE_BAD
        put(talk, content, area.app_offset)
        talk.request(Verb.RUN)
        assert talk.hello().mode == "app"


@pytest.mark.parametrize("board_id", PLAYED)
def test_an_image_for_another_board_is_refused_twice(start: Started, board_id: str, tmp_path: Path) -> None:
    foreign = image("cortex-m33", "forest").bin
    with start(board_id) as talk:
        before = talk.hello().build_hash
        with pytest.raises(InputError, match="is for cortex-m33"):
            finish(flash(talk, foreign))
        assert talk.hello().build_hash == before  # by the studio: nothing was changed
        area = boot(talk).boot
        assert area is not None
        header = foreign.read_bytes()[:HEADER_BYTES]
        talk.request(Verb.ERASE, {1: area.app_offset, 2: area.page_bytes}, 5.0)
        refused = refusal(talk, Verb.WRITE, {1: area.app_offset, 2: header})
        assert refused == Status.IMAGE_FOR_ANOTHER_BOARD  # and by the boot loader
        for at in (0, 128):  # slipped in by halves, it still does not start
            talk.request(Verb.WRITE, {1: area.app_offset + at, 2: header[at : at + 128]})
        assert refusal(talk, Verb.RUN, {}) == Status.IMAGE_FOR_ANOTHER_BOARD


@pytest.mark.parametrize("board_id", PLAYED)
def test_the_boot_loader_lets_nobody_write_outside_the_app(start: Started, board_id: str) -> None:
    with start(board_id) as talk:
        area = boot(talk).boot
        assert area is not None
        first, end, page = area.app_offset, area.app_offset + area.app_bytes, area.page_bytes
        for offset, n in ((0, page), (first - page, page), (first - 4, 8), (end, 4), (end - 4, 8), (2**32, 4), (-4, 4)):
            assert refusal(talk, Verb.WRITE, {1: offset, 2: b"\0" * n if n < 900 else b"\0" * 64}) in (2, 3)
            assert refusal(talk, Verb.ERASE, {1: offset, 2: n}) in (2, 3)
            assert refusal(talk, Verb.CHECK, {1: offset, 2: n}) in (2, 3)
        assert refusal(talk, Verb.ERASE, {1: first, 2: 2**31}) == Status.ADDRESS_NOT_ALLOWED
        assert refusal(talk, Verb.ERASE, {1: first + 4, 2: 4}) == Status.BAD_ARGUMENTS
        assert refusal(talk, Verb.WRITE, {1: first + 2, 2: b"1234"}) == Status.BAD_ARGUMENTS
        assert refusal(talk, Verb.WRITE, {1: first, 2: b"123"}) == Status.BAD_ARGUMENTS
        assert refusal(talk, Verb.WRITE, {1: first, 2: "text"}) == Status.BAD_ARGUMENTS
        assert refusal(talk, Verb.START, {}) == Status.UNKNOWN_VERB
        talk.request(Verb.RUN)  # the app is untouched, and so is the loader
        assert talk.hello().mode == "app"


@pytest.mark.parametrize("board_id", PLAYED)
def test_flash_that_is_not_erased_does_not_take(start: Started, board_id: str) -> None:
    with start(board_id) as talk:
        area = boot(talk).boot
        assert area is not None
        talk.request(Verb.ERASE, {1: area.app_offset, 2: area.page_bytes}, 5.0)
        talk.request(Verb.WRITE, {1: area.app_offset, 2: b"\x0f" * 8})
        talk.request(Verb.WRITE, {1: area.app_offset, 2: b"\x0f" * 8})  # twice the same is harmless
        assert refusal(talk, Verb.WRITE, {1: area.app_offset, 2: b"\xf0" * 8}) == Status.FLASH_DID_NOT_TAKE
        assert talk.request(Verb.CHECK, {1: area.app_offset, 2: 8}) == zlib.crc32(b"\0" * 8)


@pytest.mark.parametrize("board_id", PLAYED)
@pytest.mark.parametrize("after", [2, 3, 7, 13])
def test_a_cable_pulled_at_any_block_leaves_a_board_that_can_be_flashed(
    board_id: str, after: int, tmp_path: Path
) -> None:
    built = image(board_id, "forest")
    with VirtualBoard(board_id, flash=tmp_path / "flash", speed=0) as board:
        cut = Talk(CutLink(board.url, after))
        with pytest.raises((FlashError, LinkError), match="pulled"):
            finish(flash(cut, built.bin))
        cut.close()
        talk = Talk(SocketToBoard(board.url))
        hello = talk.hello()
        assert hello.mode == "boot" or hello.build_hash != built.build_hash
        assert finish(flash(talk, built.bin))["verified"]
        talk.close()


def blocks(steps: Iterator[Progress], n: int) -> None:
    for step in steps:
        if step.text.startswith("writing") and (n := n - 1) < 0:
            return


@pytest.mark.parametrize("board_id", PLAYED)
@pytest.mark.parametrize("pages", [0, 1, 3])
def test_a_power_cut_at_any_page_leaves_the_old_image_running(board_id: str, pages: int, tmp_path: Path) -> None:
    built = image(board_id, "forest")
    board = VirtualBoard(board_id, flash=tmp_path / "flash", speed=0)
    talk = Talk(SocketToBoard(board.url))
    before = talk.hello().build_hash
    blocks(flash(talk, built.bin), pages)
    board._process.kill()
    board._process.wait()
    with VirtualBoard(board_id, flash=tmp_path / "flash", speed=0) as again:
        talk = Talk(SocketToBoard(again.url))
        assert talk.hello().build_hash == before != built.build_hash
        steps: list[Progress] = []
        assert finish(flash(talk, built.bin), steps.append)["verified"]
        talk.close()


def test_a_link_that_loses_messages_still_flashes(tmp_path: Path) -> None:
    class Lossy(SocketToBoard):
        n = 0

        def write(self, data: bytes) -> None:
            Lossy.n += 1
            if Lossy.n % 13 != 12:
                super().write(data)

    with VirtualBoard("host", flash=tmp_path / "flash", speed=0) as board:
        talk = Talk(Lossy(board.url))
        assert finish(flash(talk, image("host", "forest").bin))["verified"]
        talk.close()


def test_the_hash_is_insisted_on(start: Started, tmp_path: Path) -> None:
    """A sound image whose firmware says another hash than its header is not taken for success."""
    content = image("host").bin.read_bytes()
    odd = tmp_path / "odd.bin"
    odd.write_bytes(make_image("host", b"0123456789abcdef", content[HEADER_BYTES:]))
    with start("host") as talk, pytest.raises(FlashError, match=parse_header(content).build_hash.hex()):
        finish(flash(talk, odd))


def test_the_same_image_is_not_written_again(start: Started) -> None:
    built = image("host", "forest")
    with start("host") as talk:
        finish(flash(talk, built.bin))
        steps: list[Progress] = []
        assert finish(flash(talk, built.bin), steps.append)["verified"]
        assert not [s for s in steps if s.text.startswith("writing")]


def test_what_is_no_image_is_refused_before_anything_happens(start: Started, tmp_path: Path) -> None:
    (tmp_path / "no.bin").write_bytes(b"\0" * 1000)
    with start("host") as talk:
        with pytest.raises(InputError, match=r"no\.bin"):
            finish(flash(talk, tmp_path / "no.bin"))
        with pytest.raises(InputError, match="missing"):
            finish(flash(talk, tmp_path / "missing.bin"))
        assert talk.hello().mode == "app"


def test_every_flasher_is_named_by_a_board() -> None:
    known = (*boards().values(), *other_boards().values())
    named = {name for board in known for name in (board.flasher, *board.flashing)}
    assert set(FLASHERS) == named


def test_an_app_of_another_studio_waits_in_the_boot_loader(start: Started, tmp_path: Path) -> None:
    """The host's app is a library with calls into the studio: one that calls otherwise must not be started."""
    built = image("host", "forest")
    content = built.bin.read_bytes()
    header, payload = parse_header(content), content[HEADER_BYTES:].replace(b"host_run_2\0", b"host_run_1\0")
    flash_file = tmp_path / "old.flash"
    old = make_image(header.board, header.build_hash, payload)
    flash_file.write_bytes(flash_with(boards()["host"], old))
    with start("host", flash=flash_file) as talk:
        assert talk.hello().mode == "boot"
        assert finish(flash(talk, built.bin))["verified"]
