"""A model of a UF2 boot loader's drive: a folder with INFO_UF2.TXT that takes a file, block by block, and goes away.

Reference: microsoft/uf2, README.md: blocks of another family are ignored; the board restarts when every block came.
"""

import shutil
import threading
import time
from pathlib import Path

from studio.firmware.roms.flash import Flash
from studio.firmware.uf2 import BLOCK_BYTES, INFO, parse_uf2

LOOK_S = 0.01


class Uf2Drive(threading.Thread):
    """`fails_after` blocks the drive goes; `said` is Board-ID, None leaves it out; `stays` takes nothing."""

    def __init__(
        self,
        place: Path,
        flash: Flash,
        family: int,
        said: str | None,
        fails_after: int | None = None,
        stays: bool = False,
        flip_block: int | None = None,
    ) -> None:
        super().__init__(daemon=True)
        self.place, self.memory, self.family = place, flash, family
        self.fails_after, self.stays, self.flip_block = fails_after, stays, flip_block
        self.gone = threading.Event()
        place.mkdir()
        lines = ["UF2 Bootloader v1", "Model: a model", *([f"Board-ID: {said}"] if said is not None else [])]
        (place / INFO).write_text("\r\n".join([*lines, ""]), newline="")

    def run(self) -> None:
        """Until a file is whole, or `gone` is set."""
        while not self.gone.is_set():
            content = self._file()
            if content and not self.stays and self._taken(content):
                self.unplug()
            time.sleep(LOOK_S)

    def unplug(self) -> None:
        """The drive goes."""
        self.gone.set()
        shutil.rmtree(self.place, ignore_errors=True)

    def _file(self) -> bytes:
        try:
            content = next(self.place.glob("*.UF2")).read_bytes()
        except (OSError, StopIteration):
            return b""
        whole = len(content) >= BLOCK_BYTES and len(content) == BLOCK_BYTES * int.from_bytes(content[24:28], "little")
        return content if whole else b""

    def _taken(self, content: bytes) -> bool:
        """Whether all of it was for this chip."""
        blocks = list(parse_uf2(content))
        ours = [(address, data) for address, data, family in blocks if family == self.family]
        for i, (address, data) in enumerate(ours):
            if i == self.fails_after:
                return True
            if self.memory.holds(address, len(data)):
                if address % self.memory.page_bytes == 0:
                    self.memory.erase(address, 1)
                flipped = bytes([data[0] ^ 1]) + data[1:]
                self.memory.program(address, flipped if i == self.flip_block else data)
        return len(ours) == len(blocks)
