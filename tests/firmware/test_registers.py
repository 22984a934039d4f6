"""The addresses that the C of real boards uses, against tables made from the makers' own headers (named in each)."""

import re
import tomllib
from pathlib import Path

import pytest

from studio.data.stream import Stream
from studio.firmware.board import FOLDER, USB, Board, boards

DEFINED = re.compile(r"#define (\w+) REGISTER\((0x[0-9A-Fa-f]+)u\)")
ANY_ADDRESS = re.compile(r"0x[4-5][0-9A-Fa-f]{7}u?\b")
TABLES = sorted((Path(__file__).parent / "facts").glob("*.toml"))
REAL = [b for b in boards().values() if not b.virtual]


def defined(header: Path) -> dict[str, int]:
    return {name: int(at, 16) for name, at in DEFINED.findall(header.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("table", TABLES, ids=lambda p: p.stem)
def test_every_register_is_where_its_maker_says(table: Path) -> None:
    facts = tomllib.loads(table.read_text(encoding="utf-8"))
    assert facts["source"]
    assert defined(FOLDER / facts["header"]) == facts["registers"]


def test_no_register_is_left_unchecked() -> None:
    """A header of registers without a table, or an address outside such a header, would slip through."""
    checked = {(FOLDER / tomllib.loads(t.read_text(encoding="utf-8"))["header"]).resolve() for t in TABLES}
    folders = {f for board in REAL for f in board.folders} - {FOLDER / "cortex-m"}
    for path in sorted(p for f in (*folders, USB) for p in f.glob("*.[ch]")):
        if path not in checked and path.name != "first.c":  # machine code, which test_silicon runs
            found = ANY_ADDRESS.findall(path.read_text(encoding="utf-8"))
            assert not [a for a in found if a.lower() != "0x45670123u"], path  # a key, no address


@pytest.mark.parametrize("board", REAL, ids=lambda b: b.id)
def test_a_real_board_names_its_sources_and_what_it_plugs(board: Board) -> None:
    assert {"core", "memory", "pins", "sensor", "usb"} <= set(board.facts)
    assert len(board.sensors) == len(board.streams) and not board.any_sensor
    assert all(s.rate_hz in part.rates_hz for s, part in zip(board.streams, board.sensors, strict=True))
    assert all(path.exists() for path in board.drivers())
    assert all(re.fullmatch(r"[0-9A-F]{4}:[0-9A-F]{4}", usb) for usb in board.usb)
    assert board.link and bool(board.baud) != bool(board.usb_controller) and board.tier and not board.tried_on_hardware


@pytest.mark.parametrize("board", REAL, ids=lambda b: b.id)
def test_two_streams_of_one_part_fit_together(board: Board) -> None:
    """One such pair at most (board.c has one buffer for it); the wider's rows begin with the narrower's."""
    parts: dict[int, list[Stream]] = {}
    for stream, part in zip(board.streams, board.sensors, strict=True):
        parts.setdefault(part.address, []).append(stream)
    shared = [sorted(p, key=lambda s: len(s.channels)) for p in parts.values() if len(p) > 1]
    assert len(shared) <= 1
    for narrow, wide in shared:
        assert wide.channels[: len(narrow.channels)] == narrow.channels and len(wide.channels) <= 6
        assert narrow.rate_hz == wide.rate_hz and wide.dtype == "f32" and narrow.dtype == "i16"
