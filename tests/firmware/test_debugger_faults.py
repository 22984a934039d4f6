"""The table of faults goes on for the debugger: SWD on an emulated chip, and the drive that a debugger shows.

That each fault is told is tried in test_debugger; here, what the board holds then, and that the next flash mends it.
"""

import importlib.util
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.app.actions.flash_trials import OurFirmware, _image, trial
from studio.data.talk import Talk
from studio.firmware import debugger
from studio.firmware.board import boards
from studio.firmware.build import first_time
from studio.firmware.debugger import FAIL, PROBE
from studio.firmware.flash import flash
from studio.firmware.roms.chip import ChipLink, running
from studio.firmware.virtual import emulator_installed
from studio.progress import finish

CUT_AT = {"cut early": 20, "cut midway": 150}


class View:
    """The emulated chip's flash, as `running` reads it."""

    def __init__(self, target: Any, start: int) -> None:
        self.target, self.start = target, start

    def read(self, address: int, n: int) -> bytes:
        return self.target.flash()[address - self.start :][:n]


class Swd(OurFirmware):
    """pyOCD in its own process, its own flash algorithm on the emulated chip."""

    way = "debugger"

    def __init__(self) -> None:
        from tests.firmware.silicon.probe import Target

        super().__init__(next(b for b in boards().values() if b.swd_target == "stm32l475xg"))
        self.new = _image(self.board.id, 2, 8000)
        self.target = Target()
        self.memory = View(self.target, self.board.flash_address)  # type: ignore[assignment]
        for address, data in first_time(self.board, self.loader, self.old):
            self.target.uc.mem_write(address, data)

    def flash(self, fault: str) -> None:
        from tests.firmware.silicon.probe import Probe

        beyond = self.board.flash_address + self.board.app_offset + 7001  # blank before, so the model waits for it
        self.target.flip = beyond if fault == "weak bit" else 0
        path = Path(self.folder.name) / "firmware.bin"
        path.write_bytes(self.new)
        with Probe(self.target, CUT_AT.get(fault, 0)) as name:
            os.environ[PROBE] = name
            try:
                link = ChipLink(self.board, self.memory, self.loader, {}, awake=True)
                finish(flash(Talk(link), path, by=self.way))
            finally:
                del os.environ[PROBE]


@pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")
@pytest.mark.skipif(importlib.util.find_spec("pyocd") is None, reason="needs pyocd")
@pytest.mark.parametrize(
    ("fault", "words"), [("weak bit", "holds another byte"), ("cut midway", "probe|nothing happened|SWD")]
)
def test_swd(fault: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import re

    monkeypatch.setattr(debugger, "SILENT_S", 4.0)
    found = trial(Swd, fault)
    assert found.right and re.search(words, found.told), found


class Shown(threading.Thread):
    """A debugger's drive: takes a hex file into the flash, goes, and comes back, with a complaint or not at all."""

    def __init__(self, place: Path, take: Callable[[str], None], fault: str) -> None:
        super().__init__(daemon=True)
        self.place, self.take, self.fault, self.over = place, take, fault, threading.Event()
        self._show()

    def _show(self) -> None:
        self.place.mkdir()
        (self.place / "DETAILS.TXT").write_text("Unique ID: 9904\n")

    def run(self) -> None:
        path = self.place / "FIRMWARE.HEX"
        while not self.over.is_set():
            content = path.read_text() if path.exists() else ""
            if content.endswith(":00000001FF\n"):
                self._taken(content)
                return
            time.sleep(0.01)

    def _taken(self, content: str) -> None:
        lines = content.splitlines()
        refused = self.fault == "wrong chip"
        cut = len(lines) * 9 // 10 if self.fault in ("cut midway", "reset") else len(lines)
        if not refused:
            self.take("\n".join([*lines[:cut], ":00000001FF"]))
        shutil.rmtree(self.place)
        if self.fault != "cut midway":
            time.sleep(0.1)
            self._show()
            if refused:
                (self.place / FAIL).write_text("error: The hex file cannot be decoded for this chip.\n")


class DebuggersDrive(OurFirmware):
    """micro:bit's: the file is taken as it comes."""

    way = "debugger"

    def __init__(self) -> None:
        super().__init__(next(b for b in boards().values() if b.drive_label == "MICROBIT"))

    def flash(self, fault: str) -> None:
        place, path = Path(self.folder.name) / "drives", Path(self.folder.name) / "firmware.bin"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        path.write_bytes(self.new)
        debugger.places = lambda: sorted(place.iterdir())  # type: ignore[assignment]
        if fault == "silent":
            finish(flash(Talk(ChipLink(self.board, self.memory, self.loader, {}, True)), path, by=self.way))
        shown = Shown(place / "MICROBIT", self._take, fault)
        shown.start()
        try:
            finish(flash(Talk(ChipLink(self.board, self.memory, self.loader, {}, True)), path, by=self.way))
        finally:
            shown.over.set()
            shown.join(5.0)

    def _take(self, content: str) -> None:
        from studio.firmware.own import parse_hex

        for address, data in parse_hex(content.encode(), "x"):
            self.memory.erase(address, len(data))
            self.memory.program(address, data)


@pytest.mark.parametrize(
    ("fault", "words", "holds"),
    [
        ("none", "", "new"),
        ("cut midway", "did not come back", "waits"),
        ("wrong chip", "did not take the file: error: The hex file", "old"),
        ("silent", "neither a debug probe nor a drive", "old"),
        ("reset", "stays in its boot loader|does not answer|answers with build", "waits"),
    ],
)
def test_the_drive_of_a_debugger(fault: str, words: str, holds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import re

    monkeypatch.setattr(debugger, "places", debugger.places)  # put back after the test
    monkeypatch.setattr(debugger, "_probe_is_there", lambda: False)
    for name, value in (("LOOK_S", 0.02), ("SETTLE_S", 0.05), ("BACK_S", 0.5), ("GONE_S", 1.0)):
        monkeypatch.setattr(debugger, name, value)
    monkeypatch.setattr("studio.firmware.flash.RESTART_S", 1.0)
    found = trial(DebuggersDrive, fault)
    assert found.right and found.holds == holds and bool(found.told) == bool(words), found
    assert re.search(words, found.told), found


def test_running_reads_what_would_start() -> None:
    """Half an image starts nothing, and neither does an image without our boot loader."""
    subject = DebuggersDrive()
    try:
        assert subject.holds() == "old"
        at = subject.board.flash_address + subject.board.app_offset
        subject.memory.program(at + 2000, b"\0")
        assert subject.holds() == "waits"
        subject.memory.erase(subject.board.flash_address + subject.board.loader_offset, 1)
        assert running(subject.board, subject.memory, subject.loader) is None
    finally:
        subject.close()
