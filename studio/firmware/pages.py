"""Flash pages over a link, with the verbs that a boot loader and a firmware share: ERASE, WRITE, CHECK."""

import zlib
from typing import Any

from studio.data.talk import Talk
from studio.data.wire import Verb

BLOCK_BYTES = 960  # with its CBOR head well inside a frame, and whole words
TRIES = 4
ANSWER_S = 0.5
ERASE_S = 3.0


def ask(talk: Talk, verb: Verb, arguments: dict[int, Any], timeout_s: float = ANSWER_S) -> Any:
    """The board's answer, asked for again when it gets lost."""
    return talk.request(verb, arguments, timeout_s, TRIES)


def write_page(talk: Talk, offset: int, page: bytes, page_bytes: int) -> None:
    """Erase the page, then write what is not blank."""
    ask(talk, Verb.ERASE, {1: offset, 2: page_bytes}, ERASE_S)
    for at in range(0, len(page), BLOCK_BYTES):
        block = page[at : at + BLOCK_BYTES]
        if block.strip(b"\xff"):
            write(talk, offset + at, block)


def write(talk: Talk, offset: int, block: bytes) -> None:
    """Writing the same twice does no harm, so a lost answer is asked for again."""
    ask(talk, Verb.WRITE, {1: offset, 2: block})


def same(talk: Talk, offset: int, wanted: bytes) -> bool:
    """Whether the flash holds this already."""
    return bool(ask(talk, Verb.CHECK, {1: offset, 2: len(wanted)}, ERASE_S) == zlib.crc32(wanted))
