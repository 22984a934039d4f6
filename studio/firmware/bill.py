"""The bill of materials of an image: every text that went in by its hash, with its licence, and the flags."""

import hashlib
import re
from pathlib import Path
from typing import Any

from studio import zig
from studio.firmware.build import Image
from studio.firmware.sources import WARNINGS, Firmware, app_sources, write_c
from studio.paths import STUBS

LICENSE = "Apache-2.0"  # of every file here that does not name another


def bill(firmware: Firmware, image: Image) -> dict[str, Any]:
    """What `image`, built from `firmware`, is made of; the same for the same input, wherever it is built."""
    texts, _ = write_c(firmware)
    files = {p.relative_to(STUBS).as_posix(): p.read_text(encoding="utf-8") for p in _read(firmware)}
    generated = [_row(name, texts[name], "generated") for name in sorted(texts)]
    return {
        "format": 1,
        "image": {"board": image.board, "sha256": image.sha256, "build_hash": image.build_hash},
        "sources": [*(_row(name, files[name], "shipped") for name in sorted(files)), *generated],
        "linked": [{"name": "compiler-rt of Zig", "license": "MIT", "part": "float and integer routines of the core"}],
        "flags": [*zig.EXACT, *WARNINGS, *firmware.board.flags],
    }


def _read(firmware: Firmware) -> set[Path]:
    """The C files that are compiled, and every header and linker script beside them."""
    compiled = app_sources(firmware)
    rooms = {p.parent for p in compiled} | {STUBS / "kernels", STUBS / "boot"}
    return {*compiled, *(p for room in rooms for p in room.iterdir() if p.suffix in (".h", ".ld"))}


def _row(path: str, text: str, origin: str) -> dict[str, str]:
    named = re.search(r"SPDX-License-Identifier: ([^*\n]+)", text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return {"path": path, "sha256": sha256, "origin": origin, "license": named[1].strip() if named else LICENSE}
