"""The first firmware by a debugger: pyOCD's own algorithm on an emulated chip, a drive that complains, and faults."""

import importlib.util
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from studio.data.talk import Talk
from studio.errors import FlashError
from studio.firmware import debugger, worker
from studio.firmware import flash as flash_module
from studio.firmware.board import Board, boards
from studio.firmware.build import first_time
from studio.firmware.debugger import FAIL, PROBE, through_debugger
from studio.firmware.flash import flash
from studio.firmware.image import program
from studio.firmware.virtual import boot_loader, emulator_installed
from studio.progress import Progress, finish
from tests.firmware.firmwares import image
from tests.firmware.silicon.sensors import Lsm6dsl

pytestmark = [
    pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4"),
    pytest.mark.skipif(importlib.util.find_spec("pyocd") is None, reason="needs pyocd"),
]
BOARD = boards()["b-l475e-iot01a"]


@pytest.fixture
def content() -> bytes:
    return image(BOARD.id).bin.read_bytes()


def swd(probe: Any, content: bytes, monkeypatch: pytest.MonkeyPatch, steps: list[Progress] | None = None) -> None:
    with probe as name:
        monkeypatch.setenv(PROBE, name)
        finish(through_debugger(BOARD, content), (steps if steps is not None else []).append)


def test_boot_loader_and_image_arrive_and_start(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.firmware.silicon.probe import Probe, Target
    from tests.firmware.silicon.stm32l4 import Stm32l4

    target, steps = Target(), []
    swd(Probe(target), content, monkeypatch, steps)
    for address, data in first_time(BOARD, boot_loader(BOARD), content):
        at = address - BOARD.flash_address
        assert target.flash()[at : at + len(data)] == data
    assert target.resets > 0 and target.erased >= len(program(content)) // 2048
    assert [s.done for s in steps if s.text.startswith("writing")] == sorted(
        s.done for s in steps if s.text.startswith("writing")
    )
    assert any(s.text.startswith("reading back") for s in steps)
    talk = Talk(Stm32l4(BOARD, target.flash(), (Lsm6dsl(),)))  # and the very bytes run
    assert talk.hello().build_hash == image(BOARD.id).build_hash


class Silent:
    """The link of a board without firmware; after flashing, that of the board itself."""

    def __init__(self, target: Any) -> None:
        self.url, self.target, self.board = "silent:", target, None

    def read(self) -> bytes:
        if self.target.erased == 0:
            time.sleep(0.01)
            return b""
        if self.board is None:
            from tests.firmware.silicon.stm32l4 import Stm32l4

            self.board = Stm32l4(BOARD, self.target.flash(), (Lsm6dsl(),))
        return self.board.read()

    def write(self, data: bytes) -> None:
        if self.board is not None:
            self.board.write(data)

    def close(self) -> None: ...


def test_a_board_that_does_not_answer_is_flashed_through_its_debugger(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.firmware.silicon.probe import Probe, Target

    monkeypatch.setattr(flash_module, "RESTART_S", 60.0)
    target = Target()
    with Probe(target) as name:
        monkeypatch.setenv(PROBE, name)
        done = finish(flash(Talk(Silent(target)), image(BOARD.id).bin))
    assert done["verified"] and done["build_hash"] == image(BOARD.id).build_hash and not done["previous_kept"]


def test_a_bit_that_does_not_stick_is_found_by_reading_back(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.firmware.silicon.probe import Probe, Target

    with pytest.raises(FlashError, match=r"holds another byte than was written at 0x08000401"):
        swd(Probe(Target(flip=0x08000401)), content, monkeypatch)


def test_another_chip_is_left_alone(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.firmware.silicon.probe import Probe, Target

    target = Target(identity=0x10006435)
    with pytest.raises(FlashError, match=r"says 0x435 where this board's chip says 0x415; nothing was changed"):
        swd(Probe(target), content, monkeypatch)
    assert target.erased == 0


@pytest.mark.parametrize("cut_at", [1, 20, 300, 900])
def test_a_probe_that_goes_away_is_an_error_at_every_stage(
    content: bytes, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    from tests.firmware.silicon.probe import Probe, Target

    monkeypatch.setattr(debugger, "SILENT_S", 4.0)
    with pytest.raises(FlashError, match=r"debug probe|nothing happened for 4 s|SWD"):
        swd(Probe(Target(), cut_at), content, monkeypatch)


def test_a_probe_that_hangs_is_ended(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.firmware.silicon.probe import Probe, Target

    monkeypatch.setattr(debugger, "SILENT_S", 4.0)
    with pytest.raises(FlashError, match="nothing happened for 4 s, so the work was ended"):
        swd(Probe(Target(), 300, deaf=True), content, monkeypatch)


def test_no_probe_at_that_address(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROBE, "remote:127.0.0.1:1")
    with pytest.raises(FlashError, match="probe"):
        finish(through_debugger(BOARD, content))


def test_the_fields_own_tool_finds_the_model_honest(content: bytes, tmp_path: Path) -> None:
    """`pyocd load`, which knows nothing of this studio."""
    from tests.firmware.silicon.probe import Probe, Target

    target, path = Target(), tmp_path / "whole.bin"
    path.write_bytes(content)
    with Probe(target) as name:
        command = [
            sys.executable,
            "-m",
            "pyocd",
            "load",
            "-u",
            name,
            "-t",
            BOARD.swd_target,
            "-e",
            "sector",
            "--no-config",
        ]
        address = ["--base-address", "0x08004000", str(path)]
        done = subprocess.run([*command, *address], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert target.flash()[0x4000 : 0x4000 + len(content)] == content


class Drive(threading.Thread):
    """A debugger's drive: takes a hex file, goes, and comes back, with a complaint or without."""

    def __init__(self, place: Path, complaint: str = "", comes_back: bool = True) -> None:
        super().__init__(daemon=True)
        self.place, self.complaint, self.comes_back, self.content = place, complaint, comes_back, b""
        place.mkdir()
        (place / "DETAILS.TXT").write_text("Unique ID: 9904\n")

    def run(self) -> None:
        path = self.place / "FIRMWARE.HEX"
        while not path.exists() or not path.read_bytes().endswith(b":00000001FF\n"):
            time.sleep(0.01)
        self.content = path.read_bytes()
        shutil.rmtree(self.place)
        if self.comes_back:
            time.sleep(0.1)
            self.place.mkdir()
            if self.complaint:
                (self.place / FAIL).write_text(self.complaint)
            (self.place / "DETAILS.TXT").write_text("Unique ID: 9904\n")


@pytest.fixture
def microbit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Board:
    monkeypatch.setattr(debugger, "_probe_is_there", lambda: False)
    monkeypatch.setattr(debugger, "LOOK_S", 0.02)
    monkeypatch.setattr(debugger, "SETTLE_S", 0.05)
    monkeypatch.setattr(debugger, "places", lambda: sorted(tmp_path.iterdir()))
    return boards()["microbit-v2"]


def test_the_drive_takes_boot_loader_and_image(microbit: Board, tmp_path: Path) -> None:
    (tmp_path / "STICK").mkdir()
    drive = Drive(tmp_path / "MICROBIT1")
    drive.start()
    finish(through_debugger(microbit, image(microbit.id).bin.read_bytes()))
    assert drive.content.startswith(b":020000040000FA\n") or drive.content.startswith(b":")
    assert b"\n:00000001FF\n" in drive.content and len(drive.content) > 20_000


def test_the_drives_complaint_is_told(microbit: Board, tmp_path: Path) -> None:
    Drive(tmp_path / "MICROBIT", "error: The transfer timed out.\r\ntype: transient").start()
    with pytest.raises(FlashError, match=r"did not take the file: error: The transfer timed out\. type: transient"):
        finish(through_debugger(microbit, image(microbit.id).bin.read_bytes()))


def test_a_drive_that_stays_away_is_told(microbit: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debugger, "BACK_S", 0.3)
    Drive(tmp_path / "MICROBIT", comes_back=False).start()
    with pytest.raises(FlashError, match="did not come back"):
        finish(through_debugger(microbit, image(microbit.id).bin.read_bytes()))


def test_without_drive_and_probe_it_says_what_to_do(microbit: Board) -> None:
    with pytest.raises(FlashError, match="neither a debug probe nor a drive called MICROBIT") as e:
        finish(through_debugger(microbit, image(microbit.id).bin.read_bytes()))
    assert "pip install pyocd" in str(e.value)


def test_a_worker_that_dies_is_told_with_its_last_words() -> None:
    with pytest.raises(FlashError, match="ended early"):
        finish(worker.run_worker("studio.firmware.no_such_program", {}, "The flash", 5.0))
