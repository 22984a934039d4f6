"""Give a board its first firmware through the debugger that it carries: by SWD, or by the drive that it shows.

SWD is tried first where pyOCD is installed, because it reads back what it wrote. The drive takes a file and says with
FAIL.TXT what went wrong. Either way HELLO has the last word, on which `flash` insists.
"""

import base64
import importlib.util
import os
import time
from pathlib import Path

from studio.errors import FlashError
from studio.firmware.board import Board
from studio.firmware.build import first_time
from studio.firmware.drive import GONE_S, LOOK_S, places
from studio.firmware.image import intel_hex
from studio.firmware.probes import probes
from studio.firmware.virtual import boot_loader
from studio.firmware.worker import run_worker
from studio.progress import Progress, Work

#: pyOCD may take its time to connect; silence of this length means that it hangs, as it does when the cable goes.
SILENT_S = 20.0
BACK_S, SETTLE_S = 60.0, 1.0
FAIL = "FAIL.TXT"
#: A file that every such drive shows: by Arm's DAPLink and ST's ST-Link.
SIGNS = ("DETAILS.TXT", "MBED.HTM", "MICROBIT.HTM")
PROBE = "SENSORSMITH_PROBE"


def through_debugger(board: Board, image: bytes) -> Work[None]:
    """Boot loader and image onto `board`; FlashError when there is no way to it, or when it does not take them."""
    yield from debug_parts(board, first_time(board, boot_loader(board), image))


def debug_parts(board: Board, parts: list[tuple[int, bytes]]) -> Work[None]:
    """(address, bytes) each."""
    yield Progress(0, 0, f"looking for the debugger of {board.title}")
    if _probe_is_there():
        yield from _by_swd(board, parts)
        return
    drive = _drive(board)
    if drive is None:
        seen = f"does not answer, and neither a debug probe nor a drive called {board.drive_label} is there"
        raise FlashError(board.title, seen, "Plug it in by its debugger's socket; for SWD run `pip install pyocd`.")
    yield from _by_drive(drive, intel_hex(*parts).encode("ascii"))


def _probe_is_there() -> bool:
    if importlib.util.find_spec("pyocd") is None:
        return False
    return bool(os.environ.get(PROBE) or probes())


def _by_swd(board: Board, parts: list[tuple[int, bytes]]) -> Work[None]:
    request = {
        "probe": os.environ.get(PROBE, ""),
        "target": board.swd_target,
        "identity": list(board.chip_identity),
        "parts": [[address, base64.b64encode(data).decode("ascii")] for address, data in parts],
    }
    yield from run_worker("studio.firmware.swd", request, f"{board.title} by SWD", SILENT_S)


def _drive(board: Board) -> Path | None:
    """The drive of this board's debugger; systems call a second one like it "NAME1"."""
    found = [p for p in places() if p.name.upper().startswith(board.drive_label) and _is_debugger(p)]
    return found[0] if board.drive_label and found else None


def _is_debugger(place: Path) -> bool:
    return any((place / sign).exists() for sign in SIGNS)


def _by_drive(drive: Path, content: bytes) -> Work[None]:
    """Copy, wait until the debugger has taken the file and shows its drive anew, then look for its complaint."""
    yield Progress(0, len(content), f"copying to {drive}")
    before = _fail(drive)
    _copy(drive / "FIRMWARE.HEX", content)
    gone_by = time.monotonic() + GONE_S
    while _is_debugger(drive) and time.monotonic() < gone_by and _fail(drive) == before:
        yield Progress(len(content), len(content), "waiting for the board to take it")
        time.sleep(LOOK_S)
    back_by = time.monotonic() + BACK_S
    while not _is_debugger(drive):
        if time.monotonic() > back_by:
            raise FlashError(str(drive), "did not come back after the copy", "Plug the board in again and flash again.")
        yield Progress(len(content), len(content), "waiting for its drive")
        time.sleep(LOOK_S)
    time.sleep(SETTLE_S)  # the complaint is written when the drive is back
    complaint = _fail(drive)
    if complaint:
        raise FlashError(str(drive), f"did not take the file: {complaint}", "Flash again; see FAIL.TXT on the drive.")


def _copy(path: Path, content: bytes) -> None:
    try:
        with open(path, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as e:
        if _is_debugger(path.parent):
            raise FlashError(str(path.parent), str(e.strerror), "Plug the board in again and flash again.") from e


def _fail(drive: Path) -> str:
    try:
        return " ".join((drive / FAIL).read_text(encoding="utf-8", errors="replace").split())[:200]
    except OSError:
        return ""
