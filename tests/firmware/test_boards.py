"""A board is a folder of data: every one is complete, and a new one needs no Python."""

import re
import shutil
from pathlib import Path

import pytest

from studio.data.stream import DTYPES, Stream
from studio.errors import BuildError
from studio.firmware.board import FOLDER, boards
from studio.firmware.build import build, build_boot_loader
from studio.firmware.flash import FLASHERS
from studio.paths import ROOT
from studio.progress import finish

BOARDS = boards()


@pytest.mark.parametrize("board_id", BOARDS)
def test_a_board_is_complete(board_id: str) -> None:
    board = BOARDS[board_id]
    assert board.flasher in FLASHERS
    assert 0 < board.app_offset < board.flash_bytes and board.app_offset % board.page_bytes == 0
    assert board.stack_bytes + board.queue_bytes < board.ram_bytes
    assert board.clock_hz > 0 and board.title and board.tier
    assert board.sources() and board.form in ("elf", "library")
    assert (board.script("app.ld") is None) == (board.form == "library")
    assert all(s.dtype in DTYPES and s.rate_hz > 0 and s.channels for s in board.streams)
    assert board.virtual != board.tried_on_hardware or not board.virtual  # an emulator is never "tried on hardware"


def test_the_boards_that_are_promised_exist() -> None:
    assert {"host", "cortex-m0plus", "cortex-m4f", "cortex-m33"} <= set(BOARDS)
    m4 = BOARDS["cortex-m4f"]
    assert (m4.ram_bytes, m4.flash_bytes) == (64 * 1024, 256 * 1024)


def test_no_python_names_a_board() -> None:
    """But for the computer itself, and for boards that are called as their core: that may be meant."""
    told = [b.id for b in BOARDS.values() if b.id not in ("host", b.core)]
    names = re.compile("|".join(rf"[\"']{re.escape(id)}[\"']" for id in told))
    rooms = [ROOT / "studio" / room for room in ("data", "graph", "sources", "learn")]
    files = [p for room in rooms for p in room.rglob("*.py")]
    files += [p for p in (ROOT / "studio" / "firmware").glob("*.py")]
    assert [p.name for p in files if names.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("like", "ram_address"), [("cortex-m4f", 0x20000000), ("cy8ckit-062s2-ai", 0x08002000)], ids=["virtual", "real"]
)
def test_a_made_up_board_needs_no_python(tmp_path: Path, like: str, ram_address: int) -> None:
    """Memory of its own, and whatever buses, drivers and supplies the board has that it is like."""
    for shared in BOARDS[like].shared:
        shutil.copytree(FOLDER / shared, tmp_path / shared)
    (tmp_path / "toaster").mkdir()
    lines = (FOLDER / like / "board.toml").read_text(encoding="utf-8").splitlines()
    kept = [row for row in lines if not row.startswith(("ram_address", "ram_bytes", "queue_bytes"))]
    own = [f"ram_address = {ram_address}", "ram_bytes = 49_152", "queue_bytes = 8192"]
    (tmp_path / "toaster" / "board.toml").write_text("\n".join([*own, *kept]))
    toaster = boards(tmp_path)["toaster"]
    image = finish(build(None, None, toaster, tmp_path / "out"))
    assert b"toaster" in image.bin.read_bytes()[:64]
    top = int.from_bytes(image.bin.read_bytes()[256:260], "little")  # the vector table's first word
    assert top == ram_address + 49_152 - 16
    assert b"toaster" in build_boot_loader(toaster, tmp_path / "out")


@pytest.mark.parametrize("damage", ["ram_bytes = 65_536\n", 'flasher = "serial-boot"\n', "[[streams]]\n"])
def test_an_incomplete_board_is_named(tmp_path: Path, damage: str) -> None:
    (tmp_path / "broken").mkdir()
    text = (FOLDER / "cortex-m4f" / "board.toml").read_text(encoding="utf-8")
    assert damage in text or damage.strip() in text
    broken = re.sub(re.escape(damage.strip()) + r"[^\n]*", "", text)
    (tmp_path / "broken" / "board.toml").write_text(broken)
    with pytest.raises(BuildError, match="broken"):
        boards(tmp_path)


def test_a_known_stream_keeps_its_number_and_a_new_one_comes_last() -> None:
    board = BOARDS["cortex-m4f"]
    faster = Stream("microphone", 8000.0, ("sound",), "", "i16")
    assert board.streams_for(faster) == (board.streams[0], faster)
    new = Stream("radar", 20.0, ("a", "b"))
    assert board.streams_for(new) == (*board.streams, new)
    assert [board.sensor_index(n) for n in ("accelerometer", "microphone", "radar")] == [0, 1, 2]


def test_a_board_that_somebody_edits_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "toaster").mkdir()
    text = (FOLDER / "cortex-m4f" / "board.toml").read_text(encoding="utf-8")
    (tmp_path / "toaster" / "board.toml").write_text(text)
    before = boards(tmp_path)["toaster"]
    assert boards(tmp_path)["toaster"] is before
    (tmp_path / "toaster" / "board.toml").write_text(text.replace("ram_bytes = 65_536", "ram_bytes = 4_915_200"))
    assert boards(tmp_path)["toaster"].ram_bytes == 4_915_200
    (tmp_path / "toaster" / "board.toml").unlink()
    assert boards(tmp_path) == {}
