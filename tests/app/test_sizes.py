"""What firmware weighs on every board, by one command."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from studio.app.actions import sizes
from studio.app.cli import run
from studio.firmware.board import Board, boards
from studio.firmware.supplies import supplies_for


@pytest.fixture
def two_boards(monkeypatch: pytest.MonkeyPatch) -> list[Board]:
    """A virtual one, and a real one whose part must be given something first."""
    known = boards()
    needing = next(b for b in known.values() if supplies_for(b))
    chosen = [known["host"], replace(needing)]
    monkeypatch.setattr(sizes, "boards", lambda: {b.id: b for b in chosen})
    return chosen


def test_every_board_is_weighed_and_what_is_missing_is_said(
    two_boards: list[Board], own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["boards", "--sizes", "--json"], lambda _: 0) == 0
    host, needing = json.loads(capsys.readouterr().out)["boards"]
    assert host["streaming"]["flash_bytes"] > 1000 < host["streaming"]["ram_bytes"]
    assert needing["streaming"] is None and "does not ship with the studio" in needing["why_not"]


def test_it_reads_as_a_table(two_boards: list[Board], own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["boards", "--sizes"], lambda _: 0) == 0
    head, host, needing = capsys.readouterr().out.strip().splitlines()
    assert head.split() == ["board", "streaming"] and host.startswith("host") and " / " in host
    assert needing.startswith(two_boards[1].id)
