"""What a reader is told about a file, and what it gives back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.data.labels import Labels
from studio.data.stream import Array, Chunk, Stream
from studio.errors import DataError


@dataclass(frozen=True)
class Hints:
    """What is known beside a file, as a manifest's entry says it; empty or 0 where nothing is known."""

    rate_hz: float = 0.0
    channels: tuple[str, ...] = ()
    unit: str = ""
    stream: str = ""
    kind: str = ""
    label: str = ""
    labels: Path | None = None
    subject: str = ""
    split: str = ""


@dataclass(frozen=True, eq=False)
class Piece:
    """One recording to be. A hole between its chunks is a gap. `of` is how many pieces there will be."""

    source: Path
    chunks: tuple[Chunk, ...]
    labels: Labels = field(default_factory=Labels)
    subject: str = ""
    split: str = ""
    of: int = 1

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams of the chunks, each once."""
        return tuple({c.stream.name: c.stream for c in self.chunks}.values())

    @property
    def duration_s(self) -> float:
        """Seconds to the end of the last chunk."""
        return max((c.start + len(c.values)) / c.stream.rate_hz for c in self.chunks)


Reader = Callable[[Path, Hints], Iterator[Piece]]


def integers(values: Array, where: str) -> tuple[Array, str]:
    """(values, their dtype's name) in the smallest of our integer types that holds them; DataError when none does."""
    if np.can_cast(values.dtype, np.int16):  # the type decides, not the values: files of one set must not differ
        return values.astype("<i2"), "i16"
    if not np.array_equal(values.astype("<i4"), values):
        raise DataError(where, "holds integers beyond 32 bits", "Save it as float32, or scale it down.")
    return values.astype("<i4"), "i32"


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
