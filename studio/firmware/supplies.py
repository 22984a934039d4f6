"""What a sensor must be given before it measures, where that is its maker's and does not ship with the studio.

Such a driver has a table beside it (`firmware_stubs/drivers/<driver>.toml`): what it is, where the maker publishes it,
how many bytes. The user hands the file over once; it is kept with the user's settings, with its licence beside it.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from studio.errors import BuildError
from studio.firmware.board import DRIVERS, Board
from studio.paths import home, write_atomic

MOST_BYTES = 4_000_000  # of a file that is handed over


@dataclass(frozen=True)
class Supply:
    """`n_bytes` for the driver `driver`, in the maker's C file `file` as `array`; in the image they are `name`."""

    driver: str
    title: str
    name: str
    array: str
    n_bytes: int
    file: str
    source: str
    licence: str

    @property
    def path(self) -> Path:
        """Where it lies once the user gave it."""
        return home() / "parts" / f"{self.driver}.bin"

    @property
    def is_there(self) -> bool:
        """Whether the user gave it."""
        return self.path.exists()

    @property
    def spdx(self) -> str:
        """The licence's name alone, for the bill of materials."""
        return self.licence.split(",")[0]

    def c_text(self) -> str:
        """As C for the image; BuildError that says where to get it when it is not there."""
        try:
            content = self.path.read_bytes()
        except OSError as e:
            seen = f"is not here: it is its maker's and does not ship with the studio ({self.licence})"
            next_step = f"Fetch it once ({self.source}), then run `studio part {self.driver} {self.file}`."
            raise BuildError(self.title, seen, next_step) from e
        rows = ",\n    ".join(", ".join(map(str, content[i : i + 32])) for i in range(0, len(content), 32))
        return (
            f"/* {self.source}\n   SPDX-License-Identifier: {self.spdx}\n   {self.licence} */\n"
            f'#include "{self.driver}.h"\n\n'
            f"const int32_t {self.name}_bytes = {len(content)};\n"
            f"const uint8_t {self.name}[] = {{\n    {rows}}};\n"
        )

    def take(self, path: Path) -> Path:
        """Keep what is in `path`, the maker's C file or the bytes alone. BuildError when that is not it."""
        try:
            content = path.read_bytes()[:MOST_BYTES]
        except OSError as e:
            raise BuildError(str(path), e.strerror or str(e), "Name the file that you fetched.") from e
        found = content if len(content) == self.n_bytes else _array(content, self.array)
        if len(found) != self.n_bytes:
            seen = f"holds {len(found)} bytes of {self.array}, where {self.n_bytes} belong"
            raise BuildError(str(path), seen, f"Take it from here: {self.source}.")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, found)
        write_atomic(self.path.with_suffix(".licence.txt"), f"{self.source}\n{self.licence}\n")
        return self.path


def supplies(folder: Path = DRIVERS) -> dict[str, Supply]:
    """Every driver that must be given something, by its name."""
    return {p.stem: Supply(p.stem, **tomllib.loads(p.read_text(encoding="utf-8"))) for p in folder.glob("*.toml")}


def supplies_for(board: Board) -> tuple[Supply, ...]:
    """What the drivers of this board must be given."""
    known = supplies(DRIVERS)
    return tuple(known[path.stem] for path in board.drivers() if path.stem in known)


def _array(content: bytes, name: str) -> bytes:
    """The bytes of a C array; none when it is not there."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", content.decode("utf-8", "replace"), flags=re.DOTALL)
    found = re.search(rf"\b{re.escape(name)}\s*\[[^\]]*\]\s*=\s*\{{([^}}]*)\}}", text)
    values = [int(word, 0) for word in re.findall(r"0[xX][0-9a-fA-F]+|\d+", found[1])] if found else []
    return bytes(v & 0xFF for v in values)
