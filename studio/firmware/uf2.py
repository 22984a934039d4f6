"""UF2: a file that a board's own boot loader takes when it is copied to the drive that the board shows.

References: github.com/microsoft/uf2 (README.md for blocks and INFO_UF2.TXT, utils/uf2families.json for families).
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES, DATA_BYTES = 512, 256
START_1, START_2, END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
FAMILY_IS_TOLD = 0x2000
INFO = "INFO_UF2.TXT"
_HEAD = struct.Struct("<8I")


def uf2(parts: Iterable[tuple[int, bytes]], family: int) -> bytes:
    """(address, bytes) each, in blocks of 512 bytes that each carry 256."""
    blocks = [
        (start + at, data[at : at + DATA_BYTES]) for start, data in parts for at in range(0, len(data), DATA_BYTES)
    ]
    return b"".join(_block(address, data, family, i, len(blocks)) for i, (address, data) in enumerate(blocks))


def _block(address: int, data: bytes, family: int, i: int, n: int) -> bytes:
    head = _HEAD.pack(START_1, START_2, FAMILY_IS_TOLD, address, DATA_BYTES, i, n, family)
    return (head + data.ljust(DATA_BYTES, b"\xff")).ljust(BLOCK_BYTES - 4, b"\0") + struct.pack("<I", END)


def parse_uf2(file: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(address, data, family) of every block; ValueError for what is none."""
    for at in range(0, len(file), BLOCK_BYTES):
        block = file[at : at + BLOCK_BYTES]
        if len(block) != BLOCK_BYTES or struct.unpack_from("<I", block, BLOCK_BYTES - 4)[0] != END:
            raise ValueError(f"no UF2 block at {at}")
        one, two, _, address, n, _, _, family = _HEAD.unpack_from(block)
        if (one, two) != (START_1, START_2) or n > BLOCK_BYTES - 36:
            raise ValueError(f"no UF2 block at {at}")
        yield address, block[32 : 32 + n], family


@dataclass(frozen=True)
class Volume:
    """A drive that a UF2 boot loader shows; `info` are the lines of INFO_UF2.TXT by their names."""

    path: Path
    info: dict[str, str]

    @property
    def board(self) -> str:
        """`Board-ID`, as its boot loader calls the board."""
        return self.info.get("Board-ID", "")


def volumes(places: Iterable[Path]) -> list[Volume]:
    """The UF2 drives among these folders."""
    found = []
    for place in places:
        try:
            text = (place / INFO).read_text(encoding="utf-8", errors="replace")
        except OSError:  # no such file, or a drive that is just going
            continue
        pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
        found.append(Volume(place, {name.strip(): value.strip() for name, _, value in pairs}))
    return found
