"""Give a board its first firmware through the drive that its own boot loader shows (UF2).

The file holds our boot loader too, so every later image goes over the link. That the drive goes away says that the
board took the file; that the firmware runs is told by HELLO, which `flash` insists on.
"""

import os
import string
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.errors import FlashError
from studio.firmware.board import Board
from studio.firmware.build import first_time
from studio.firmware.uf2 import Volume, uf2, volumes
from studio.firmware.virtual import boot_loader
from studio.progress import Progress, Work

LOOK_S, DRIVE_S, GONE_S = 0.25, 60.0, 15.0


def places() -> list[Path]:
    """Where this computer shows drives."""
    if sys.platform == "win32":
        return [Path(f"{letter}:/") for letter in string.ascii_uppercase[3:]]
    user = os.environ.get("USER", "")
    roots = [Path("/Volumes"), Path("/media"), Path("/media") / user, Path("/run/media") / user]
    return [place for root in roots if root.is_dir() for place in sorted(root.iterdir())]


def copy_to_drive(board: Board, image: bytes) -> Work[None]:
    """Wait for the board's drive, copy boot loader and image there, wait until the drive is gone.

    Raises FlashError when no drive of this board comes, when the file cannot be written, or when the drive stays.
    """
    yield from copy_parts(board, first_time(board, boot_loader(board), image))


Shown = Callable[[], list[Path]]


def copy_parts(
    board: Any, parts: list[tuple[int, bytes]], shown: Shown | None = None, patience_s: float | None = None
) -> Work[None]:
    """(address, bytes) each, as one file onto the board's drive; `shown` are the drives there, else the computer's."""
    volume = yield from _awaited(board, shown or places, DRIVE_S if patience_s is None else patience_s)
    content = uf2(parts, board.uf2_family)
    yield Progress(0, len(content), f"copying to {volume.path}")
    _copy(volume, content)
    gone_s = GONE_S if patience_s is None else patience_s
    deadline = time.monotonic() + gone_s
    while volume in volumes([volume.path]):
        if time.monotonic() > deadline:
            seen = f"did not take the file within {gone_s:g} s"
            raise FlashError(str(volume.path), seen, "Restart the board into its drive again and flash again.")
        yield Progress(len(content), len(content), "waiting for the board to take it")
        time.sleep(LOOK_S)


def _awaited(board: Any, shown: Shown, patience_s: float) -> Work[Volume]:
    deadline = time.monotonic() + patience_s
    while True:
        found = volumes(shown())
        ours = [volume for volume in found if volume.board.startswith(board.uf2_board)]
        if len(ours) > 1:
            both = ", ".join(str(volume.path) for volume in ours)
            raise FlashError(board.title, f"shows its drive twice ({both})", "Unplug one of the boards, flash again.")
        if ours:
            return ours[0]
        if time.monotonic() > deadline:
            others = ", ".join(v.board or f"{v.path} without a Board-ID" for v in found) or "none"
            seen = f"shows no drive called {board.uf2_board} (there: {others}), and does not answer on its link"
            raise FlashError(board.title, seen, "Bring it into its boot loader: the help page Boards tells how.")
        yield Progress(0, 0, f"waiting for the drive of {board.title}")
        time.sleep(LOOK_S)


def _copy(volume: Volume, content: bytes) -> None:
    """A board may restart with the last block, before the file is closed: then the drive is gone, and that is fine."""
    try:
        with open(volume.path / "FIRMWARE.UF2", "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as e:
        if volume in volumes([volume.path]):
            raise FlashError(str(volume.path), str(e.strerror), "Restart the board into its drive again.") from e
