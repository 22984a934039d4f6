"""What a sensor needs and the studio does not bring: told where to get it, taken once, part of every image."""

from pathlib import Path

import pytest

from studio.app.cli import run
from studio.errors import BuildError
from studio.firmware.board import Board, boards
from studio.firmware.sources import firmware_of, write_c
from studio.firmware.supplies import supplies, supplies_for
from tests.firmware.silicon.bosch import made_up

PARTS = sorted(supplies())
NEEDING = [b for b in boards().values() if supplies_for(b)]


@pytest.fixture
def nothing_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORSMITH_HOME", str(tmp_path / "home"))


def makers_file(array: str, content: bytes, rest: str = "") -> str:
    rows = ",\n".join(", ".join(f"0x{b:02x}" for b in content[i : i + 16]) for i in range(0, len(content), 16))
    before = f"const uint8_t other[] = {{ 1, 2 }}; /* {array}[] = {{ 9 }} */\n"
    return f"{before}const uint8_t {array}[] = {{ // 0x99\n{rows}\n}};\n{rest}"


@pytest.mark.parametrize("part", PARTS)
def test_it_is_said_where_the_maker_publishes_it(part: str, nothing_given: None) -> None:
    supply = supplies()[part]
    assert not supply.is_there
    with pytest.raises(BuildError) as e:
        supply.c_text()
    told = str(e.value)
    assert supply.source in told and supply.licence in told and f"studio part {part} {supply.file}" in told


@pytest.mark.parametrize("board", NEEDING, ids=lambda b: b.id)
def test_no_image_is_made_without_it(board: Board, nothing_given: None) -> None:
    with pytest.raises(BuildError, match="does not ship with the studio"):
        write_c(firmware_of(None, None, board))


@pytest.mark.parametrize("part", PARTS)
def test_the_makers_file_is_taken_by_the_command(part: str, nothing_given: None, tmp_path: Path) -> None:
    supply, content = supplies()[part], made_up(supplies()[part].n_bytes)
    (tmp_path / supply.file).write_text(makers_file(supply.array, content))
    assert run(["part", part, str(tmp_path / supply.file)], lambda _: 0) == 0
    assert supply.is_there and supply.path.read_bytes() == content
    assert supply.licence in supply.path.with_suffix(".licence.txt").read_text()
    text = supply.c_text()
    assert f"{supply.name}_bytes = {len(content)}" in text
    assert f"SPDX-License-Identifier: {supply.spdx}\n" in text  # the image's bill reads it there


def test_bytes_alone_are_taken_and_what_is_not_it_is_refused(nothing_given: None, tmp_path: Path) -> None:
    supply = supplies()[PARTS[0]]
    (tmp_path / "short.c").write_text(makers_file(supply.array, made_up(100)))
    (tmp_path / "other.c").write_text("int main(void) { return 0; }")
    for name in ("short.c", "other.c", "none.c"):
        with pytest.raises(BuildError):
            supply.take(tmp_path / name)
    assert not supply.is_there
    (tmp_path / "bytes.bin").write_bytes(made_up(supply.n_bytes))
    assert supply.take(tmp_path / "bytes.bin").read_bytes() == made_up(supply.n_bytes)


@pytest.mark.parametrize("board", NEEDING, ids=lambda b: b.id)
def test_another_program_is_another_build(board: Board) -> None:
    (supply,) = supplies_for(board)
    before = write_c(firmware_of(None, None, board))[1]
    content = supply.path.read_bytes()
    try:
        supply.path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        assert write_c(firmware_of(None, None, board))[1] != before
    finally:
        supply.path.write_bytes(content)


def test_an_unknown_part_is_refused(nothing_given: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["part", "lsm6dsl", str(tmp_path)], lambda _: 0) != 0
    assert PARTS[0] in capsys.readouterr().err
