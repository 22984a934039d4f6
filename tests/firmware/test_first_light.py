"""First light: a board tells what it is and is measured against this computer; what is wrong is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.app.cli import run
from studio.data.talk import Talk
from studio.data.wire import Verb
from studio.firmware.board import boards
from studio.firmware.first_light import first_light
from studio.firmware.flash import flash
from studio.firmware.virtual import SensorFile, emulator_installed, flash_with
from studio.progress import finish
from tests.firmware.conftest import Started
from tests.firmware.firmwares import ACCELEROMETER, image, raw_windows
from tests.firmware.silicon.bosch import Bmi270
from tests.firmware.silicon.nrf52 import Nrf52
from tests.firmware.silicon.psoc62 import Psoc62
from tests.firmware.silicon.sensors import Lsm6dsl, Lsm303agr


def asked(result: dict[str, Any]) -> dict[str, tuple[bool | None, str]]:
    return {c["name"]: (c["ok"], c["seen"]) for c in result["checks"]}


@pytest.fixture
def sensor(tmp_path: Path) -> Callable[[float], tuple[SensorFile, ...]]:
    raw_windows(8).tofile(tmp_path / "rows.raw")
    return lambda ppm: (SensorFile(ACCELEROMETER, tmp_path / "rows.raw", ppm),)


def test_a_sound_board_passes(start: Started, sensor: Callable[[float], tuple[SensorFile, ...]]) -> None:
    with start("host", sensor(0.0), speed=1.0) as talk:
        finish(flash(talk, image("host", "forest").bin))
        result = finish(first_light(talk, 5.0))
    checks = asked(result)
    wrong = [name for name, (ok, _) in checks.items() if ok is False]
    assert wrong == ["values of microphone"], result["report"]  # none is plugged in: it reads 0
    assert result["passed"] >= 6 and result["board"] == "host"
    assert "40 of 40 came back, 0 wrong" in checks["echo"][1]
    assert checks["part of accelerometer"] == (None, "cannot be asked: played from a file, or says nothing")
    assert checks["rate of accelerometer"][0] is True and "50 Hz told" in checks["rate of accelerometer"][1]
    assert checks["answers of the model"][0] is True
    assert (
        result["report"].count("[pass]") == result["passed"] and "tried on hardware before: not yet" in result["report"]
    )


def test_a_slow_sensor_and_a_stuck_one_fail(start: Started, tmp_path: Path) -> None:
    (tmp_path / "zeros.raw").write_bytes(bytes(6 * 500))
    slow = SensorFile(ACCELEROMETER, tmp_path / "zeros.raw", -90_000)
    with start("host", (slow,), speed=1.0) as talk:
        result = finish(first_light(talk, 4.0))
    checks = asked(result)
    assert checks["rate of accelerometer"][0] is False and checks["values of accelerometer"][0] is False
    assert "x, y, z never changes" in checks["values of accelerometer"][1]
    assert result["failed"] == 2


def test_a_board_in_its_boot_loader_is_told_so(start: Started) -> None:
    with start("host") as talk:
        talk.request(Verb.BOOT)
        talk.hello()
        result = finish(first_light(talk, 4.0))
    assert result["failed"] == 1 and "flash an image first" in result["report"]


def parts_of_the_xiao(status: int, told: int) -> dict[int, dict[int, int]]:
    """What it answers: accelerometer and motion are one part, a microphone has no word for itself."""
    inertial = {0: status, 1: told, 2: 0x6A}
    return {0: inertial, 1: inertial, 2: {0: 0, 1: 0, 2: 0}}


@pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")
@pytest.mark.parametrize(
    ("part", "status", "told"), [(Lsm6dsl, 1, 0x6A), (Lsm303agr, 3, 0)], ids=["the right part", "nothing there"]
)
def test_the_part_behind_a_sensor_says_who_it_is(part: Callable[[], Any], status: int, told: int) -> None:
    board = boards()["xiao-nrf52840-sense"]
    chip = Nrf52(board, flash_with(board, image(board.id).bin.read_bytes()), (part(),))
    talk = Talk(chip)
    talk.hello()
    assert talk.request(Verb.PARTS, {}, 5.0) == parts_of_the_xiao(status, told)


@pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")
def test_another_part_at_the_same_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    board, other = boards()["xiao-nrf52840-sense"], Lsm6dsl()
    other.registers[0x0F] = 0x6C  # an LSM6DSO
    chip = Nrf52(board, flash_with(board, image(board.id).bin.read_bytes()), (other,))
    talk = Talk(chip)
    talk.hello()
    assert talk.request(Verb.PARTS, {}, 5.0) == parts_of_the_xiao(2, 0x6C)


@pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")
@pytest.mark.parametrize("alive", [True, False], ids=["all there", "no radar"])
def test_parts_on_two_buses_say_who_they_are(alive: bool) -> None:
    board = boards()["cy8ckit-062s2-ai"]
    chip = Psoc62(board, flash_with(board, image(board.id).bin.read_bytes()), (Bmi270(),))
    chip.radar.alive = alive
    talk = Talk(chip)
    talk.hello()
    said = talk.request(Verb.PARTS, {}, 5.0)
    names = [s.name for s in board.streams]
    assert said[names.index("accelerometer")] == {0: 1, 1: 0x24, 2: 0x24}
    assert said[names.index("microphone")][0] == 0
    assert said[names.index("radar")][0] == (1 if alive else 3)


def test_the_command_prints_the_report(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["first-light", "--to", "virtual:host", "--seconds", "3"], lambda _: 0) == 0
    assert "First light of host" in capsys.readouterr().out
