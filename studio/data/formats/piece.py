"""What a reader is told about a file, and what it gives back."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.data.stream import Array, Chunk, Stream
from studio.data.travel.entry import Entry
from studio.data.travel.settle import Marks
from studio.errors import DataError
from studio.progress import Progress


@dataclass(frozen=True)
class Hints:
    """What is known beside a file, as a manifest's entry or a person says it; empty or 0 where nothing is known.

    `quick`: only to look into the file, so its first rows may speak for all.
    """

    rate_hz: float = 0.0
    channels: tuple[str, ...] = ()
    unit: str = ""
    stream: str = ""
    kind: str = ""
    label: str = ""
    labels: Path | None = None
    subject: str = ""
    split: str = ""
    labels_format: str = ""
    quick: bool = False


@dataclass(frozen=True, eq=False)
class Piece:
    """One recording to be. A hole between its chunks is a gap; they are taken once, so a reader may stream them.

    `marks` are labels as the file has them. `of` is how many pieces there will be, `share` how much of the file was
    read (0 to 1), `entries` what could not be read whole, `told` what a manifest says of this piece alone.
    """

    source: Path
    streams: tuple[Stream, ...]
    chunks: Iterable[Chunk]
    marks: Marks = field(default_factory=dict)
    subject: str = ""
    split: str = ""
    of: int = 1
    name: str = ""
    device: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    entries: tuple[Entry, ...] = ()
    share: Callable[[], float] | None = None
    told: Hints | None = None


#: A reader gives pieces, and where finding one takes long, how far it is: so that anyone may watch and stop it.
Reader = Callable[[Path, Hints], Iterator[Piece | Progress]]


def pieces(found: Iterable[Piece | Progress]) -> Iterator[Piece]:
    """The pieces alone."""
    return (one for one in found if isinstance(one, Piece))


def whole(stream: Stream, values: Array, gaps: Sequence[Sequence[int]] = ()) -> list[Chunk]:
    """Chunks of an array that lies at its place, with gaps in it; the first says where index 0 is."""
    edges = [0, *(edge for start, count in gaps for edge in (start, start + count)), len(values)]
    spans = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
    return [Chunk(stream, 0, values[:0]), *(Chunk(stream, a, values[a:b]) for a, b in spans)]


def integers(values: Array, where: str) -> tuple[Array, str]:
    """(values, their dtype's name) in the smallest of our integer types that holds them; DataError when none does."""
    if np.can_cast(values.dtype, np.int16):  # the type decides, not the values: files of one set must not differ
        return values.astype("<i2"), "i16"
    if not np.array_equal(values.astype("<i4"), values):
        raise DataError(where, "holds integers beyond 32 bits", "Save it as float32, or scale it down.")
    return values.astype("<i4"), "i32"


def numbers(values: Array, path: Path) -> tuple[Array, str]:
    """(values, dtype) of an array of any numeric type, in ours; DataError where one is not finite."""
    if values.dtype.kind in "iub":
        return integers(values.astype(np.int16) if values.dtype.kind == "b" else values, str(path))
    with np.errstate(over="ignore"):
        single = values.astype("<f4")
    bad = ~np.isfinite(single).reshape(len(single), -1).all(axis=1)
    if bad.any():
        thing = f"{path.name}, sample {int(bad.argmax())}"
        raise DataError(thing, "is not a finite number", "Correct it, then import again.")
    return single, "f32"


def named(stream: Stream, hints: Hints) -> Stream:
    """The stream with the names that the hints give; DataError when they name another number of channels."""
    channels = hints.channels or stream.channels
    if len(channels) != len(stream.channels):
        seen = f"has {len(stream.channels)} channels, the manifest names {len(channels)}"
        raise DataError(f"Stream {hints.stream or stream.name!r}", seen, "Name each channel once.")
    return replace(
        stream,
        name=hints.stream or stream.name,
        channels=channels,
        unit=hints.unit or stream.unit,
        kind=hints.kind or stream.kind,
    )


def plain(value: Any) -> str:
    """A manifest's value as text: numbers are welcome as subjects and labels."""
    return "" if value is None else str(value).strip()
