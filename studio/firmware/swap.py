"""Other numbers (weights, thresholds) for the model that runs: its code stays, the board does not even restart.

They go into the one of two places behind the image that is not in use, header last, count on trial, and are confirmed
when the board has answered its test with them; what was before is kept. firmware_stubs/runtime/parameters.c is the
other end, and takes only numbers that are laid out for its code (`schema`).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from studio.data.talk import Refused, Talk
from studio.data.wire import Status, Verb
from studio.errors import FlashError, StudioError
from studio.firmware.image import Header, block_of, program
from studio.firmware.pages import ask, same, write, write_page
from studio.firmware.parameters import HEAD_BYTES, block_header
from studio.progress import Progress, Work

BUILT_IN, CONFIRMED, TRIAL = range(3)


@dataclass(frozen=True)
class Numbers:
    """What a board tells of its model's numbers: layout, where others may go, which are in use.

    `room` is 0 where none fit beside the image. `counter` is the image's, `next_counter` what the next numbers get.
    """

    schema: bytes
    block_bytes: int
    offset: int
    room: int
    page_bytes: int
    counter: int
    next_counter: int
    state: int
    build: bytes


def numbers_of(talk: Talk) -> Numbers | None:
    """What the board tells; None for one without a model, in its boot loader, or with a firmware that keeps its own."""
    try:
        told = ask(talk, Verb.PARAMETERS, {})
    except Refused as e:
        if e.status == Status.UNKNOWN_VERB:
            return None
        raise
    return Numbers(*(told[key] for key in range(9)))


def why_not(board: Numbers | None, header: Header) -> str:
    """Why the numbers of this image cannot be put under the code on the board; "" when they can."""
    if board is None:
        return "its firmware holds no model whose numbers can be replaced"
    if not header.schema:
        return "the image holds no model, or was built by an older studio"
    if board.schema != header.schema or board.block_bytes != header.block_bytes:
        schemas = f"{board.schema.hex()}, the image's {header.schema.hex()}"
        return f"its code is laid out for other numbers (schema {schemas})"
    return "" if board.room else "there is no room for other numbers beside its image"


def swap(talk: Talk, image: bytes, header: Header, test: Callable[[Talk], Work[Any]] | None) -> Work[dict[str, Any]]:
    """Put the numbers of `image` on the board; returns what `flash` returns, with "parameters" True.

    "whole_bytes" is what the whole image has, "seconds_saved" how much longer that would have taken at the pace of this
    writing. FlashError when they did not arrive whole or fail the test; the numbers before are back then.
    """
    board = _settled(talk)
    block, whole, began_s = block_of(image), len(program(image)), time.monotonic()
    head = block_header(block, header.build_hash, board.counter, board.next_counter)
    say = f"only numbers changed: {len(block)} of {whole} bytes"
    for done in _written(talk, board, head, block):
        yield Progress(done, len(block), say)
    wrote_s = time.monotonic() - began_s
    try:
        ask(talk, Verb.USE, {})
        _insist(talk, header)
        yield Progress(len(block), len(block), "testing")
        if test is not None:
            yield from test(talk)
        ask(talk, Verb.CONFIRM, {})
    except StudioError as e:
        seen = f"fails with the new numbers: {e.thing}: {e.seen}"
        raise FlashError(f"Board {header.board}", seen, f"{_back(talk)} {e.next_step}") from e
    seconds, saved = time.monotonic() - began_s, wrote_s * (whole / max(len(block), 1) - 1)
    told = {"board": header.board, "bytes": len(block), "seconds": round(seconds, 3), "verified": True}
    told |= {"build_hash": header.build_hash.hex(), "previous_kept": True, "tested": test is not None}
    return told | {"parameters": True, "whole_bytes": whole, "seconds_saved": round(saved, 3)}


def go_back(talk: Talk) -> bool:
    """The numbers before, back again; False when those of the image are in use."""
    board = numbers_of(talk)
    if board is None or board.state == BUILT_IN:
        return False
    ask(talk, Verb.REVERT, {})
    return True


def own_again(talk: Talk, header: Header) -> None:
    """The numbers that the image brought along, when it is this image that is there and others are in use."""
    board = numbers_of(talk)
    if board is not None and board.build == header.build_hash:
        while go_back(talk):
            continue


def _settled(talk: Talk) -> Numbers:
    """What the board tells when nothing is on trial: what another studio left so is dropped."""
    board = numbers_of(talk)
    if board is not None and board.state == TRIAL:
        ask(talk, Verb.REVERT, {})
        board = numbers_of(talk)
    if board is None:
        raise FlashError(talk.link.url, "lost its model", "Flash the whole image.")
    return board


def _written(talk: Talk, board: Numbers, head: bytes, block: bytes) -> Iterator[int]:
    """Pages that differ, then the header; yields the bytes done."""
    body = b"\xff" * HEAD_BYTES + block + b"\xff" * (-len(block) % 8)
    for at in range(0, len(body), board.page_bytes):
        page = body[at : at + board.page_bytes]
        if at == 0 or not same(talk, board.offset + at, page):
            write_page(talk, board.offset + at, page, board.page_bytes)
        yield min(at + len(page), len(block))
    write(talk, board.offset, head)
    if not same(talk, board.offset, head + body[len(head) :]):
        raise FlashError("The flash", "does not hold what was written", "Flash again; twice wrong, the flash is worn.")


def _insist(talk: Talk, header: Header) -> None:
    hello = talk.hello()
    if hello.build != header.build_hash:
        seen = f"answers with build {hello.build_hash}, the image is {header.build_hash.hex()}"
        raise FlashError(f"Board {header.board}", seen, "Flash the whole image.")


def _back(talk: Talk) -> str:
    try:
        go_back(talk)
    except StudioError:
        return "Restart the board: it goes back to the numbers before."
    return "The numbers before are back."
