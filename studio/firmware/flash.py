"""Put an image on a board over the link it answers on, and insist that what answers afterwards is that image.

Where there is room the image goes into the slot that does not run, so a cut at any moment leaves the old one running.
The new one is started on trial; only when it answered with its hash and passed its test is it confirmed, else the
board goes back to the old one by itself at its next start. Without room for two, the image takes the place of the old
one, header last: a cut then leaves a board that waits in its boot loader, and pages that are right are not written
again.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.data.talk import Refused, Talk
from studio.data.wire import BootArea, Hello, Status, Verb
from studio.errors import FlashError, InputError, LinkError, StudioError
from studio.firmware.board import boards
from studio.firmware.build import first_time
from studio.firmware.flashers.ways import WAYS, Way
from studio.firmware.image import HEADER_BYTES, MARKS_BYTES, Header, for_slot, has_second, parse_image, program
from studio.firmware.pages import ask, same, write, write_page
from studio.firmware.swap import go_back, numbers_of, own_again, swap, why_not
from studio.firmware.virtual import boot_loader
from studio.progress import Progress, Work

RESTART_S = 8.0
HELLO_S = 0.5
DEFAULT_FLASHER = "serial-boot"

#: What a new image must pass before it is confirmed; raises StudioError when it fails.
Test = Callable[[Talk], Work[Any]]


@dataclass(frozen=True)
class Placed:
    """Where an image went; `kept` is whether the one before is still there."""

    kept: bool = False


Flasher = Callable[[Talk, bytes, Header], Work[Placed]]


def flash(talk: Talk, image_path: Path, test: Test | None = None, by: str = "", only: str = "") -> Work[dict[str, Any]]:
    """Write, read back, restart, and check that the board answers with the image's build hash; then `test` it.

    `by` names a way (a key of WAYS) that is then taken at once, without asking whether the board answers. When the
    board runs the same code and only the model's numbers differ, these alone are replaced (studio/firmware/swap.py);
    `only` is "parameters" to insist on that, or "whole" to write the image all the same.

    Returns {"board", "bytes", "seconds", "verified", "build_hash", "previous_kept", "tested"}. Raises InputError for a
    file that is no whole image or is meant for another board, FlashError when it did not arrive whole or fails its
    test; then the image before is back, where the board has kept it.
    """
    started_s = time.monotonic()
    image = _read(image_path)
    header = parse_image(image, str(image_path))
    n, board = len(program(image)), boards().get(header.board)
    yield Progress(0, n, f"looking for board {header.board}")
    if by:
        placed = yield from _straight(_way(by), talk, image, header)
    else:
        name = board.flasher if board else DEFAULT_FLASHER
        hello = _who(talk, silence_is_fine=name in WAYS)
        if hello is not None:
            _check_board(talk, hello, header, image_path)
        if hello is not None and hello.mode == "app" and _swaps(talk, hello, header, only):
            return (yield from swap(talk, image, header, test))
        if hello is not None and hello.mode == "app" and hello.model:
            own_again(talk, header)
        flasher = FLASHERS[name] if hello or name not in WAYS else _straight_by(name)  # silent: not asked again
        placed = yield from flasher(talk, image, header)
    yield Progress(n, n, "restarting")
    yield from _tried(talk, test, header, placed)
    yield Progress(n, n, "confirming")
    _confirm(talk, header, placed)
    told = {"board": header.board, "bytes": n, "seconds": round(time.monotonic() - started_s, 3), "verified": True}
    return told | {"build_hash": header.build_hash.hex(), "previous_kept": placed.kept, "tested": test is not None}


def _swaps(talk: Talk, hello: Hello, header: Header, only: str) -> bool:
    """Whether the model's numbers are all that has to change; FlashError when only they may and they cannot."""
    if only == "whole" or (not only and hello.build == header.build_hash):
        return False
    reason = why_not(numbers_of(talk), header) if hello.model or only else "holds no model"
    if reason and only:
        raise FlashError(f"Board {header.board}", reason, "Flash the whole image: leave out --parameters.")
    return not reason


def roll_back(talk: Talk) -> Work[dict[str, Any]]:
    """The image before, back again. Returns {"board", "build_hash", "was"}; FlashError when the board keeps none."""
    yield Progress(0, 2, "looking for the image before")
    was = talk.hello()
    if was.mode == "app" and was.model and go_back(talk):
        return {"board": was.board, "build_hash": talk.hello().build_hash, "was": was.build_hash}
    try:
        _enter_boot_loader(talk)
        ask(talk, Verb.REVERT, {})
    except Refused as e:
        _start(talk)
        old = e.status == Status.UNKNOWN_VERB
        seen = "its boot loader keeps one image only" if old else "keeps no other image"
        raise FlashError(f"Board {was.board}", seen, "Flash the image that you want.") from e
    yield Progress(1, 2, "restarting")
    _start(talk)
    now = _wait_for(talk, "app")
    return {"board": now.board, "build_hash": now.build_hash, "was": was.build_hash}


def serial_boot(talk: Talk, image: bytes, header: Header) -> Work[Placed]:
    """Through our own boot loader (firmware_stubs/boot)."""
    done, n = 0, len(program(image))
    try:
        area = _enter_boot_loader(talk)
        if not _runs_already(talk, area, image, header):
            spot = find_spot(area, image)
            for done in _pages(talk, area, spot):
                yield Progress(done, n, f"writing {done} of {n} bytes")
            area = _area(talk.hello())
        yield Progress(n, n, "starting the image")
        _start(talk)
    except Refused as e:
        raise FlashError(f"Flashing {header.board}", f"after {done} bytes, {e.seen}", e.next_step) from e
    except LinkError as e:
        seen = f"the link failed after {done} of {n} bytes ({e.seen})"
        raise FlashError(f"Flashing {header.board}", seen, "Connect again and flash again.") from e
    return Placed(sum(s.sound for s in area.slots) > 1)


def _way(name: str) -> Way:
    if name not in WAYS:
        raise InputError(f"Way of flashing {name!r}", "is not known", f"Choose one of {', '.join(WAYS)}.")
    return WAYS[name]


def _straight(way: Way, talk: Talk, image: bytes, header: Header) -> Work[Placed]:
    """Boot loader and image, as a board gets them that has never met this studio."""
    board = boards().get(header.board)
    if board is None:
        seen = f"is for board {header.board!r}, which this studio does not know"
        raise InputError("The image", seen, f"Known boards: {', '.join(boards())}. Nothing was changed.")
    yield from way(talk.link, board, first_time(board, boot_loader(board), image))
    return Placed()


def _straight_by(name: str) -> Flasher:
    return lambda talk, image, header: _straight(WAYS[name], talk, image, header)


def _first(way: Way) -> Flasher:
    def flasher(talk: Talk, image: bytes, header: Header) -> Work[Placed]:
        """A board that answers takes it over its link; a silent one by this way."""
        if _who(talk, silence_is_fine=True) is not None:
            return (yield from serial_boot(talk, image, header))
        return (yield from _straight(way, talk, image, header))

    return flasher


#: How a board takes an image (`flasher` in board.toml) -> what does it.
FLASHERS: dict[str, Flasher] = {DEFAULT_FLASHER: serial_boot, **{name: _first(way) for name, way in WAYS.items()}}


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
        ask(talk, Verb.BOOT, {})
        hello = _wait_for(talk, "boot")
    return _area(hello)


def _area(hello: Hello) -> BootArea:
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


@dataclass(frozen=True)
class Spot:
    """`content` (header and payload) for `offset`; `marks` is where the slot's marks lie, None without them."""

    offset: int
    content: bytes
    marks: int | None = None


def find_spot(area: BootArea, image: bytes) -> Spot:
    """The slot that does not run, when the image fits there; else the first. FlashError when it fits nowhere."""
    n = len(program(image))
    if n > area.app_bytes:
        seen = f"the image has {n} bytes, the board takes {area.app_bytes}"
        raise FlashError("The image", seen, "Build it again for this board.")
    if not area.slots:
        return Spot(area.app_offset, program(image))
    slot, most = 0, area.slot_bytes - MARKS_BYTES
    running_fits = area.choice is not None and area.slots[area.choice].bytes_ <= most
    if area.choice == 0 and running_fits and n <= most and has_second(image):
        slot = 1
    offset = area.app_offset + slot * area.slot_bytes
    newest = max(s.counter for s in area.slots)
    return Spot(offset, for_slot(image, slot, newest + 1), offset + most if n <= most else None)


def _runs_already(talk: Talk, area: BootArea, image: bytes, header: Header) -> bool:
    if not area.slots:
        return same(talk, area.app_offset, program(image))
    slot = area.choice
    if slot is None or area.slots[slot].build != header.build_hash or (slot and not has_second(image)):
        return False
    payload = for_slot(image, slot, 0)[HEADER_BYTES:]
    return same(talk, area.app_offset + slot * area.slot_bytes + HEADER_BYTES, payload)


def _pages(talk: Talk, area: BootArea, spot: Spot) -> Iterator[int]:
    """Write the pages that differ, blank the marks, then the header; yields the bytes done."""
    content = spot.content
    body = b"\xff" * HEADER_BYTES + content[HEADER_BYTES:]
    for at in range(0, len(content), area.page_bytes):
        page = body[at : at + area.page_bytes]
        if at == 0 or not same(talk, spot.offset + at, page):
            write_page(talk, spot.offset + at, page, area.page_bytes)
        yield at + len(page)
    if spot.marks is not None and not same(talk, spot.marks, b"\xff" * MARKS_BYTES):
        at = (spot.marks - spot.offset) // area.page_bytes * area.page_bytes
        write_page(talk, spot.offset + at, body[at:], area.page_bytes)
    write(talk, spot.offset, content[:HEADER_BYTES])
    if not same(talk, spot.offset, content):
        raise FlashError("The flash", "does not hold what was written", "Flash again; twice wrong, the flash is worn.")


def _start(talk: Talk) -> None:
    """RUN; when only its answer got lost, the second RUN reaches the app, which does not know the verb."""
    try:
        ask(talk, Verb.RUN, {})
    except Refused as e:
        if e.status != Status.UNKNOWN_VERB:
            raise


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


def _tried(talk: Talk, test: Test | None, header: Header, placed: Placed) -> Work[None]:
    """FlashError when the new image does not answer or fails its test, with the image before back if it was kept."""
    try:
        _insist(talk, header)
        if test is not None:
            yield from _tested(talk, test, header)
    except FlashError as e:
        if not placed.kept:
            raise
        back = yield from _back(talk)
        raise FlashError(e.thing, e.seen, f"{back} {e.next_step}") from e


def _tested(talk: Talk, test: Test, header: Header) -> Work[None]:
    try:
        yield from test(talk)
    except StudioError as e:
        seen = f"the new image runs but fails its test: {e.thing}: {e.seen}"
        raise FlashError(f"Board {header.board}", seen, e.next_step) from e


def _back(talk: Talk) -> Work[str]:
    """What became of going back, as a sentence."""
    try:
        yield from roll_back(talk)
    except StudioError:
        return "Restart the board: it goes back to the image before."
    return "The image before is back."


def _confirm(talk: Talk, header: Header, placed: Placed) -> None:
    """Tell the boot loader that the new image works; needless where no other image could be started."""
    if not placed.kept:
        return
    try:
        _enter_boot_loader(talk)
        ask(talk, Verb.CONFIRM, {})
        _start(talk)
    except StudioError as e:
        seen = f"runs the new image, but could not be told to keep it ({e.seen})"
        raise FlashError(f"Board {header.board}", seen, "Flash again; else it goes back at its next start.") from e
    _insist(talk, header)
