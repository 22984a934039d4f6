"""An Espressif chip, by its ROM's boot loader: the work of `esptool`, which is somebody else's program.

esptool is under the GPL: it is never imported, only started, and only when whoever uses the studio has installed it.
It runs without its stub, so what answers is the ROM alone; the chip's MD5 of what it holds is compared by esptool.

Reference: Espressif, esptool documentation, "Basic Commands"; "Firmware Image Format" (magic, chip id at byte 12).
"""

import importlib.util
import os
import re
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from studio.errors import FlashError, InputError
from studio.firmware.worker import run_command
from studio.progress import Progress, Work

ESPTOOL = "SENSORSMITH_ESPTOOL"
#: esptool waits long before it gives up on a chip that does not answer, and prints little meanwhile.
SILENT_S = 45.0
IMAGE_MAGIC, APP_MAGIC = 0xE9, 0xABCD5432
_SHARE = re.compile(r"Writing at (0x[0-9a-f]+).*?([0-9.]+)%")
MEND = "Hold BOOT, press reset, let BOOT go, and flash again."
#: What esptool says -> what was seen, and the next step.
SAYINGS: tuple[tuple[str, str, str], ...] = (
    (
        "MD5 of file does not match",
        "holds other bytes than were written",
        "Flash again; twice wrong, the flash is worn.",
    ),
    ("Wrong chip argument", "is another chip", "Connect the board that this image is for. Nothing was changed."),
    ("is not an ESP", "does not take this file", "Build it for this board. Nothing was changed."),
    ("No serial data received", "does not answer", MEND),
    ("Failed to connect", "does not answer", MEND),
    ("could not open port", "cannot be opened, another program may use it", "Close that program, then flash again."),
    ("Could not open", "cannot be opened, another program may use it", "Close that program, then flash again."),
    ("is busy or doesn't exist", "cannot be opened, another program may use it", "Close it, then flash again."),
    ("secure download mode", "is protected (secure download mode)", "Its owner decided so; use its maker's way."),
    ("Secure Download Mode", "is protected (secure download mode)", "Its owner decided so; use its maker's way."),
    ("Serial port error", "went away", f"Check the cable. {MEND}"),
    ("serial exception", "went away", f"Check the cable. {MEND}"),
)


def command() -> list[str]:
    """What starts esptool; FlashError when it is not installed."""
    if named := os.environ.get(ESPTOOL):
        return [named]
    if not getattr(sys, "frozen", False) and importlib.util.find_spec("esptool"):
        return [sys.executable, "-u", "-m", "esptool"]
    if found := shutil.which("esptool") or shutil.which("esptool.py"):
        return [found]
    step = f"Install it (`pip install esptool`), or name it in {ESPTOOL}."
    raise FlashError("esptool", "is not installed; it is the program that flashes this chip", step)


def parts_of(path: Path, content: bytes) -> list[tuple[int, bytes]]:
    """An app goes to its partition, anything else (boot loader, table and app in one: `merge-bin`) to the beginning."""
    if not content or content[0] != IMAGE_MAGIC:
        step = "Name your build's app, or the one file of `idf.py merge-bin`."
        raise InputError(str(path), "is no image for an Espressif chip", step)
    app = len(content) > 36 and struct.unpack_from("<I", content, 32)[0] == APP_MAGIC
    return [(0x10000 if app else 0, content)]


def chip_id(content: bytes) -> int:
    """Which chip an image is for."""
    return int(struct.unpack_from("<H", content, 12)[0])


def put(
    place: str, facts: Any, parts: Iterable[tuple[int, bytes]], thing: str, lines: bool = True
) -> Work[dict[str, Any]]:
    """`facts` has "chip" (esptool's name) and "chip_id"; without `lines` the chip must wait in its boot loader."""
    parts = list(parts)
    for _, content in parts:
        if content[:1] == bytes([IMAGE_MAGIC]) and chip_id(content) != facts["chip_id"]:
            seen = f"is for chip id {chip_id(content)}, and this board's is {facts['chip_id']}"
            raise InputError(thing, seen, "Build it for this board. Nothing was changed.")
    with tempfile.TemporaryDirectory() as folder:
        words = [*command(), "--chip", facts["chip"], "--port", place, "--baud", str(facts.get("baud", 115_200))]
        words += ["--no-stub", "--before", "default-reset" if lines else "no-reset"]
        words += ["--after", "hard-reset" if lines else "no-reset", "write-flash", *_files(Path(folder), parts)]
        total = sum(len(content) for _, content in parts)
        code, said = yield from run_command(words, thing, SILENT_S, lambda line: _progress(line, parts, total))
    if code or not any("Hash of data verified" in line for line in said):
        raise _failed(thing, said)
    return {"bytes": total}


def _files(folder: Path, parts: list[tuple[int, bytes]]) -> list[str]:
    words = []
    for address, content in parts:
        path = folder / f"{address:x}.bin"
        path.write_bytes(content)
        words += [hex(address), str(path)]
    return words


def _progress(line: str, parts: list[tuple[int, bytes]], total: int) -> Progress | None:
    found = _SHARE.search(line)
    if not found:
        return None
    at = int(found[1], 16)
    done = sum(max(min(at - address, len(content)), 0) for address, content in parts)
    return Progress(done, total, f"writing {done} of {total} bytes")


def _failed(thing: str, said: list[str]) -> FlashError:
    text = "\n".join(said)
    if "Wrote" in text and "ecure download mode" in text.lower():
        seen = "took the program, but is protected (secure download mode) and tells nothing of what it holds"
        return FlashError(thing, seen, "Whether it runs is to be seen on the board.")
    for words, seen, step in SAYINGS:
        if words in text:
            return FlashError(thing, seen, step)
    last = next((line for line in reversed(said) if "error" in line.lower()), said[-1] if said else "nothing")
    return FlashError(thing, f"esptool says: {last[:200]}", MEND)
