"""Put an image on a board over the link it answers on, and insist that what answers afterwards is that image.

The boot loader takes pages that differ; the header goes last, so a cut leaves a board that waits in its boot loader
and takes the same image again, skipping the pages that are already right.
"""

import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from studio.data.talk import Refused, Talk
from studio.data.wire import BootArea, Hello, Status, Verb
from studio.errors import FlashError, InputError, LinkError, StudioError
from studio.firmware.board import boards
from studio.firmware.drive import copy_to_drive
from studio.firmware.image import HEADER_BYTES, Header, parse_image
from studio.progress import Progress, Work

BLOCK_BYTES = 960  # with its CBOR head well inside a frame, and whole words
TRIES = 4
ANSWER_S = 0.5
ERASE_S = 3.0
RESTART_S = 8.0
HELLO_S = 0.5
DEFAULT_FLASHER = "serial-boot"

Flasher = Callable[[Talk, bytes, Header], Work[None]]


def flash(talk: Talk, image_path: Path) -> Work[dict[str, Any]]:
    """Write, read back, restart, and check that the board answers with the image's build hash.

    Returns {"board", "bytes", "seconds", "verified", "build_hash"}. Raises InputError for a file that is no whole
    image or is meant for another board, FlashError when it did not arrive whole.
    """
    started_s = time.monotonic()
    image = _read(image_path)
    header = parse_image(image, str(image_path))
    board = boards().get(header.board)
    yield Progress(0, len(image), f"looking for board {header.board}")
    flasher = FLASHERS[board.flasher if board else DEFAULT_FLASHER]
    hello = _who(talk, silence_is_fine=flasher is uf2_drive)
    if hello is not None:
        _check_board(talk, hello, header, image_path)
    yield from flasher(talk, image, header)
    yield Progress(len(image), len(image), "restarting")
    _insist(talk, header)
    seconds = round(time.monotonic() - started_s, 3)
    build_hash = header.build_hash.hex()
    return {
        "board": header.board,
        "bytes": len(image),
        "seconds": seconds,
        "verified": True,
        "build_hash": build_hash,
    }


def serial_boot(talk: Talk, image: bytes, header: Header) -> Work[None]:
    """Through our own boot loader (firmware_stubs/boot)."""
    done = 0
    try:
        area = _enter_boot_loader(talk)
        if not _same(talk, area.app_offset, image):
            for done in _pages(talk, area, image):
                yield Progress(done, len(image), f"writing {done} of {len(image)} bytes")
        yield Progress(len(image), len(image), "starting the image")
        _start(talk)
    except Refused as e:
        raise FlashError(f"Flashing {header.board}", f"after {done} bytes, {e.seen}", e.next_step) from e
    except LinkError as e:
        seen = f"the link failed after {done} of {len(image)} bytes ({e.seen})"
        next_step = "Connect again and flash again: the board waits in its boot loader."
        raise FlashError(f"Flashing {header.board}", seen, next_step) from e


def uf2_drive(talk: Talk, image: bytes, header: Header) -> Work[None]:
    """A board that answers takes it over its link; a silent one through the drive that its own boot loader shows."""
    if _who(talk, silence_is_fine=True) is not None:
        yield from serial_boot(talk, image, header)
    else:
        yield from copy_to_drive(boards()[header.board], image)


#: How a board takes an image (`flasher` in board.toml) -> what does it.
FLASHERS: dict[str, Flasher] = {DEFAULT_FLASHER: serial_boot, "uf2": uf2_drive}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise InputError(str(path), str(e.strerror), "Name the .bin of a build.") from e


def _who(talk: Talk, silence_is_fine: bool) -> Hello | None:
    try:
        return talk.hello()
    except LinkError:
        if silence_is_fine:
            return None
        raise


def _check_board(talk: Talk, hello: Hello, header: Header, path: Path) -> None:
    if hello.board != header.board:
        seen = f"is for {header.board}, and {talk.link.url} is {hello.board}"
        raise InputError(str(path), seen, f"Build the image with `--board {hello.board}`. Nothing was changed.")


def _enter_boot_loader(talk: Talk) -> BootArea:
    hello = talk.hello()
    if hello.mode != "boot":
        _ask(talk, Verb.BOOT, {})
        hello = _wait_for(talk, "boot")
    if hello.boot is None:
        raise FlashError(f"Board {hello.board}", "its boot loader tells no area", "Update the studio.")
    return hello.boot


def _wait_for(talk: Talk, mode: str) -> Hello:
    """The board's HELLO in this mode; the last one it said when RESTART_S are over."""
    deadline = time.monotonic() + RESTART_S
    while True:
        asked_s = time.monotonic()
        try:
            hello = talk.hello(HELLO_S)
        except LinkError:
            link_is_gone = time.monotonic() - asked_s < HELLO_S / 2  # a silent board takes the whole time
            if link_is_gone or time.monotonic() > deadline:
                raise
            continue
        if hello.mode == mode or time.monotonic() > deadline:
            return hello


def _pages(talk: Talk, area: BootArea, image: bytes) -> Iterator[int]:
    """Write the pages that differ, then the header; yields the bytes done."""
    if len(image) > area.app_bytes:
        seen = f"the image has {len(image)} bytes, the board takes {area.app_bytes}"
        raise FlashError("The image", seen, "Build it again for this board.")
    body = b"\xff" * HEADER_BYTES + image[HEADER_BYTES:]
    for at in range(0, len(image), area.page_bytes):
        page = body[at : at + area.page_bytes]
        if at == 0 or not _same(talk, area.app_offset + at, page):
            _write_page(talk, area.app_offset + at, page, area.page_bytes)
        yield at + len(page)
    _write(talk, area.app_offset, image[:HEADER_BYTES])
    if not _same(talk, area.app_offset, image):
        raise FlashError("The flash", "does not hold what was written", "Flash again; twice wrong, the flash is worn.")


def _write_page(talk: Talk, offset: int, page: bytes, page_bytes: int) -> None:
    _ask(talk, Verb.ERASE, {1: offset, 2: page_bytes}, ERASE_S)
    for at in range(0, len(page), BLOCK_BYTES):
        block = page[at : at + BLOCK_BYTES]
        if block.strip(b"\xff"):
            _write(talk, offset + at, block)


def _write(talk: Talk, offset: int, block: bytes) -> None:
    """Writing the same twice does no harm, so a lost answer is asked for again."""
    _ask(talk, Verb.WRITE, {1: offset, 2: block})


def _same(talk: Talk, offset: int, wanted: bytes) -> bool:
    return bool(_ask(talk, Verb.CHECK, {1: offset, 2: len(wanted)}, ERASE_S) == zlib.crc32(wanted))


def _start(talk: Talk) -> None:
    """RUN; when only its answer got lost, the second RUN reaches the app, which does not know the verb."""
    try:
        _ask(talk, Verb.RUN, {})
    except Refused as e:
        if e.status != Status.UNKNOWN_VERB:
            raise


def _ask(talk: Talk, verb: Verb, arguments: dict[int, Any], timeout_s: float = ANSWER_S) -> Any:
    return talk.request(verb, arguments, timeout_s, TRIES)


def _insist(talk: Talk, header: Header) -> None:
    """FlashError unless the board runs the very build that was written."""
    thing = f"Board {header.board}"
    try:
        hello = _wait_for(talk, "app")
    except StudioError as e:
        raise FlashError(thing, f"does not answer after flashing ({e.seen})", "Restart it, then flash again.") from e
    if hello.mode != "app":
        raise FlashError(thing, "stays in its boot loader after flashing", "Flash again.")
    if hello.build != header.build_hash:
        seen = f"answers with build {hello.build_hash}, the image is {header.build_hash.hex()}"
        raise FlashError(thing, seen, "Flash again; if it stays so, the boot loader starts another image.")
