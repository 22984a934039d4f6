"""A row of the table of formats: who reads it, who writes it, and what it can hold."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio.data.formats.piece import Reader
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item
from studio.errors import InputError


@dataclass(frozen=True)
class Options:
    """What a person may say about an export. `key` signs Edge Impulse's files."""

    key: str = "0"


#: (folder, items, options) -> the files written there, each when it is done.
Writer = Callable[[Path, list[Item], Options], Iterator[Path]]


@dataclass(frozen=True)
class Format:
    """`suffixes` are those of its files, with the dot; `mine` looks into a file whose suffix others have, too."""

    title: str
    suffixes: tuple[str, ...]
    read: Reader
    write: Writer | None = None
    holds: Holds = field(default_factory=Holds)
    mine: Callable[[Path], bool] | None = None
    note: str = ""


def the(formats: Mapping[str, Format], name: str) -> Format:
    """The format of this name that can be written; InputError when there is none."""
    found = formats.get(name)
    if found is None or found.write is None:
        known = ", ".join(n for n, f in formats.items() if f.write is not None)
        raise InputError(f"Format {name!r}", "cannot be written", f"Choose one of {known}.")
    return found
