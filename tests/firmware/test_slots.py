"""Two slots: a new image never costs the old one, whatever happens on the way."""

import ctypes
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from studio.data.talk import Talk
from studio.data.wire import BootArea, Slot, Verb
from studio.errors import FlashError, VerifyError
from studio.firmware import flash as flashing
from studio.firmware.board import boards
from studio.firmware.flash import Spot, find_spot, flash, roll_back
from studio.firmware.image import HEADER_BYTES, MARKS_BYTES, for_slot, has_second, make_image, parse_image, with_second
from studio.graph.host import EXPORT, compile_shared
from studio.paths import STUBS
from studio.progress import Progress, Work, finish
from tests.firmware.conftest import Started
from tests.firmware.firmwares import image

PLAYED = ("host", "cortex-m4f")
APP, PAGE, SLOT = 512, 256, 1536  # small, so that every write can be the last one
AREA = 2 * SLOT + PAGE

DOOR = f"""#define APP_OFFSET {APP}u
#define APP_BYTES {AREA}
#define PAGE_BYTES {PAGE}
#define SLOT_BYTES {SLOT}u
#define BOARD_ID "toy"
#include "image.c"
{EXPORT}
static uint8_t *flash;
const uint8_t *board_flash(uint32_t offset) {{ return flash + offset; }}
void board_flash_erase(uint32_t offset) {{ __builtin_memset(flash + offset, 0xFF, PAGE_BYTES); }}
void board_flash_write(uint32_t offset, const uint8_t *bytes, int32_t n)
{{ for (int32_t i = 0; i < n; i++) flash[offset + (uint32_t)i] &= bytes[i]; }}
API void c_look(uint8_t *bytes) {{ flash = bytes; slots_look(); }}
API int32_t c_choice(void) {{ return slots_choice(); }}
API int32_t c_start(void) {{ return slots_start(); }}
API void c_mark(int32_t slot, int32_t mark) {{ slots_mark(slot, (enum image_mark)mark); }}
API int32_t c_sound(int32_t slot) {{ return slots[slot].status == STATUS_OK; }}
API int32_t c_marks(int32_t slot) {{ return slots[slot].marks; }}
API uint32_t c_counter(int32_t slot) {{ return slot_header(slot)->counter; }}
API uint32_t c_bytes(int32_t slot) {{ return 256 + slot_header(slot)->payload_bytes; }}
"""
TRIED, CONFIRMED, REJECTED = range(3)


@pytest.fixture(scope="module")
def loader() -> ctypes.CDLL:
    """The boot loader's own choice between slots, over a flash that Python holds."""
    rooms = [STUBS / "boot", STUBS / "runtime"]
    files = [STUBS / "runtime" / "wire.c", STUBS / "kernels" / "freestanding.c"]
    door = DOOR + f"/* {zlib.crc32((STUBS / 'boot' / 'image.c').read_bytes())} */"  # compiled anew when it changes
    return ctypes.CDLL(str(compile_shared("slots", files, {"door.c": door}, rooms)))


@dataclass
class Flash:
    """A flash as the boot loader treats it, with every change it has seen; `torn` ones stop half way."""

    bytes_: bytearray = field(default_factory=lambda: bytearray(b"\xff" * (APP + AREA)))
    changes: list[tuple[int, bytes | None]] = field(default_factory=list)

    def request(self, verb: int, args: dict[int, Any], _timeout_s: float = 0, _tries: int = 0) -> Any:
        at = args[1]
        assert APP <= at < APP + AREA
        if verb == Verb.CHECK:
            return zlib.crc32(self.bytes_[at : at + args[2]])
        assert verb in (Verb.ERASE, Verb.WRITE)
        self.change(at, args[2] if verb == Verb.WRITE else None)
        return None

    def change(self, at: int, content: bytes | None, share: float = 1.0) -> None:
        """Write `content`, or erase a page; a share of it when the power fails."""
        self.changes.append((at, content))
        n = int((PAGE if content is None else len(content)) * share)
        for i in range(n):
            self.bytes_[at + i] = 0xFF if content is None else self.bytes_[at + i] & content[i]

    def look(self, loader: ctypes.CDLL) -> BootArea:
        """What the boot loader would say of it."""
        loader.c_look((ctypes.c_uint8 * len(self.bytes_)).from_buffer(self.bytes_))
        slots = [
            Slot(bool(loader.c_sound(i)), loader.c_counter(i), loader.c_marks(i), self.hash(i), loader.c_bytes(i))
            if loader.c_sound(i)
            else Slot(False)
            for i in (0, 1)
        ]
        choice = loader.c_choice()
        return BootArea(APP, AREA, PAGE, 1, SLOT, None if choice < 0 else choice, tuple(slots))

    def hash(self, slot: int) -> bytes:
        at = APP + slot * SLOT + 48
        return bytes(self.bytes_[at : at + 16])

    def starts(self, loader: ctypes.CDLL) -> bytes:
        """The hash of what a power up starts, once; b"" when the board waits in its boot loader."""
        if self.look(loader).choice is None:
            return b""
        return self.hash(loader.c_start())


def toy(name: str, n: int, second: bool = True) -> bytes:
    """An image of the toy board, `n` bytes of payload, other bytes for the second slot."""
    payload = bytes((i * 7 + len(name) + ord(name[0])) % 251 for i in range(n))
    made = make_image("toy", name.encode().ljust(16, b"."), payload)
    return with_second(made, bytes(b ^ (i % 9 == 0) for i, b in enumerate(payload))) if second else made


def write(flash_: Flash, loader: ctypes.CDLL, image_: bytes) -> Spot:
    """As `flash` does, up to RUN."""
    area = flash_.look(loader)
    spot = find_spot(area, image_)
    for _ in flashing._pages(flash_, area, spot):  # type: ignore[arg-type]
        pass
    return spot


def name(image_: bytes) -> bytes:
    return parse_image(image_, "toy").build_hash


def settled(flash_: Flash, loader: ctypes.CDLL) -> None:
    """What is newest was started and confirmed."""
    flash_.starts(loader)
    flash_.look(loader)
    loader.c_mark(loader.c_choice(), CONFIRMED)


@pytest.mark.parametrize("rounds", [1, 2, 3])
@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 0.97])
def test_a_power_cut_at_every_write_starts_a_whole_image(loader: ctypes.CDLL, rounds: int, share: float) -> None:
    old = Flash()
    for i in range(rounds):
        write(old, loader, toy(f"old{i}", 900 + 64 * i))
        settled(old, loader)
    before, new = name(toy(f"old{rounds - 1}", 1)), toy("new", 1200)
    assert Flash(bytearray(old.bytes_)).starts(loader) == before
    done = Flash(bytearray(old.bytes_))
    write(done, loader, new)
    assert len(done.changes) > 8
    for cut in range(len(done.changes)):
        torn = Flash(bytearray(old.bytes_))
        for at, content in done.changes[:cut]:
            torn.change(at, content)
        torn.change(*done.changes[cut], share)
        assert torn.starts(loader) == before, f"cut at change {cut} of {len(done.changes)}"
        write(torn, loader, new)  # and it can go on
        assert torn.starts(loader) == name(new)
    assert done.starts(loader) == name(new)


def test_what_is_not_confirmed_is_started_once(loader: ctypes.CDLL) -> None:
    board = Flash()
    write(board, loader, toy("old", 900))
    assert [board.starts(loader) for _ in range(3)] == [name(toy("old", 1))] * 3  # nothing to go back to
    write(board, loader, toy("new", 900))
    assert board.starts(loader) == name(toy("new", 1))
    assert [board.starts(loader) for _ in range(3)] == [name(toy("old", 1))] * 3
    write(board, loader, toy("third", 900))
    assert board.starts(loader) == name(toy("third", 1))
    board.look(loader)
    loader.c_mark(loader.c_choice(), CONFIRMED)
    assert [board.starts(loader) for _ in range(3)] == [name(toy("third", 1))] * 3


def test_slots_take_turns_and_a_big_image_takes_both(loader: ctypes.CDLL) -> None:
    board = Flash()
    offsets = []
    for letter in "abcd":
        offsets.append(write(board, loader, toy(letter, 1000)).offset)
        settled(board, loader)
    assert offsets == [APP, APP + SLOT, APP, APP + SLOT]
    big = toy("big", SLOT, second=False)
    assert write(board, loader, big) == Spot(APP, for_slot(big, 0, 5), None)
    assert board.starts(loader) == name(big) and board.look(loader).slots[1].sound is False
    after = write(board, loader, toy("after", 1000))
    assert after.offset == APP and board.starts(loader) == name(toy("after", 1))


def test_an_image_for_one_slot_replaces_what_is_there(loader: ctypes.CDLL) -> None:
    """Images of older studios know the first slot only."""
    board = Flash()
    write(board, loader, toy("a", 900))
    settled(board, loader)
    assert write(board, loader, toy("b", 900, second=False)).offset == APP
    assert board.starts(loader) == name(toy("b", 1))


def test_a_rejected_image_stays_rejected_while_it_is_replaced(loader: ctypes.CDLL) -> None:
    board = Flash()
    write(board, loader, toy("a", 900))
    settled(board, loader)
    write(board, loader, toy("b", 1250))
    settled(board, loader)
    board.look(loader)
    loader.c_mark(1, REJECTED)
    assert board.starts(loader) == name(toy("a", 1))
    done = Flash(bytearray(board.bytes_))
    write(done, loader, toy("c", 1250))
    for cut in range(len(done.changes)):
        torn = Flash(bytearray(board.bytes_))
        for at, content in done.changes[:cut]:
            torn.change(at, content)
        assert torn.starts(loader) == name(toy("a", 1))
    assert done.starts(loader) == name(toy("c", 1))


def test_an_image_too_big_for_the_board_is_refused(loader: ctypes.CDLL) -> None:
    with pytest.raises(FlashError, match="the board takes 3328"):
        find_spot(Flash().look(loader), toy("huge", AREA, second=False))


@pytest.mark.parametrize("place", [0, 3, 5, 12, 20])
def test_damage_behind_the_payload_is_seen(place: int) -> None:
    whole = toy("a", 400)
    damaged = bytearray(whole)
    damaged[HEADER_BYTES + 400 + place] ^= 1
    with pytest.raises(Exception, match=r"second slot|behind its payload"):
        parse_image(bytes(damaged), "toy.bin")
    with pytest.raises(Exception, match="behind its payload"):
        parse_image(whole[:-1], "toy.bin")
    assert has_second(whole) and for_slot(whole, 1, 3) != for_slot(whole, 0, 3)
    assert len(for_slot(whole, 1, 3)) == HEADER_BYTES + 400 and MARKS_BYTES == 24


def refuse(_: Talk) -> Work[None]:
    yield Progress(0, 1, "testing")
    raise VerifyError("Window 3", "differs in stage dense", "Build again.")


def build_of(talk: Talk) -> str:
    return talk.hello().build_hash


@pytest.mark.parametrize("board_id", PLAYED)
def test_one_step_back(start: Started, board_id: str) -> None:
    first, second = image(board_id, "forest"), image(board_id, "cnn")
    with start(board_id) as talk:
        shipped = build_of(talk)
        assert finish(flash(talk, first.bin))["previous_kept"]
        assert finish(flash(talk, second.bin))["previous_kept"]
        for _ in range(3):  # confirmed: it stays
            talk.request(Verb.RESTART)
            assert build_of(talk) == second.build_hash
        back = finish(roll_back(talk))
        assert (back["build_hash"], back["was"]) == (first.build_hash, second.build_hash)
        assert build_of(talk) == first.build_hash != shipped
        with pytest.raises(FlashError, match="keeps no other image"):
            finish(roll_back(talk))
        assert build_of(talk) == first.build_hash


@pytest.mark.parametrize("board_id", PLAYED)
def test_an_image_that_fails_its_test_does_not_stay(start: Started, board_id: str) -> None:
    good, bad = image(board_id, "forest"), image(board_id, "cnn")
    with start(board_id) as talk:
        finish(flash(talk, good.bin))
        with pytest.raises(FlashError, match=r"(?s)Window 3.*The image before is back") as e:
            finish(flash(talk, bad.bin, refuse))
        assert "stage dense" in str(e.value) and build_of(talk) == good.build_hash
        talk.request(Verb.RESTART)
        assert build_of(talk) == good.build_hash


def test_an_image_that_crashes_is_taken_back(start: Started, tmp_path: Path) -> None:
    good, content = image("cortex-m4f", "forest"), image("cortex-m4f", "cnn").bin.read_bytes()
    header = parse_image(content, "the image")
    crashing = [bytearray(for_slot(content, slot, 0)[HEADER_BYTES:]) for slot in (0, 1)]
    entry = (int.from_bytes(crashing[0][4:8], "little") & ~1) - boards()["cortex-m4f"].app_offset - HEADER_BYTES
    for payload in crashing:
        payload[entry : entry + 2] = b"\x00\xde"  # no instruction
    bad = with_second(make_image(header.board, header.build_hash, bytes(crashing[0])), bytes(crashing[1]))
    (tmp_path / "bad.bin").write_bytes(bad)
    with start("cortex-m4f") as talk:
        finish(flash(talk, good.bin))
        with pytest.raises(FlashError, match="The image before is back"):
            finish(flash(talk, tmp_path / "bad.bin"))
        assert build_of(talk) == good.build_hash


def test_a_studio_that_dies_before_it_confirms_leaves_the_old_image(
    start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = image("host", "forest"), image("host", "cnn")
    with start("host") as talk:
        finish(flash(talk, good.bin))
        with monkeypatch.context() as m:
            m.setattr(flashing, "_confirm", lambda *_: None)
            finish(flash(talk, bad.bin))
        assert build_of(talk) == bad.build_hash
        talk.request(Verb.RESTART)
        assert build_of(talk) == good.build_hash
