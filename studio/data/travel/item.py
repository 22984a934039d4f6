"""A recording on its way out: its streams and tracks as values that a format may change before they are written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from studio.data.labels import Labels, Segment
from studio.data.recording import Recording
from studio.data.stream import Array, Stream

#: Rows that are converted at once: memory stays small whatever the length.
BLOCK = 1 << 16
#: What an import writes about the file it read; that is no property of the device.
OURS = ("imported_from", "sha256")


@dataclass(frozen=True, eq=False)
class Signal:
    """One stream's samples: `raw` (n, n_channels) as recorded, `convert` makes rows of `stream.dtype` of them.

    `changed` counts values that are not the same afterwards; what the file says times `factor` is what was measured.
    """

    stream: Stream
    raw: Array
    gaps: tuple[tuple[int, int], ...] = ()
    convert: Callable[[Array], Array] | None = None
    changed: int = 0
    factor: float = 1.0

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def duration_s(self) -> float:
        return len(self.raw) / self.stream.rate_hz

    def rows(self, start: int, stop: int) -> Array:
        """Samples [start, stop) in the stream's type; zeros inside gaps."""
        found = np.asarray(self.raw[start:stop])
        return found if self.convert is None else self.convert(found)

    def runs(self) -> Iterator[tuple[int, Array]]:
        """(index of the first, rows) of stretches between gaps, at most BLOCK rows each."""
        for first, stop in self.spans():
            for start in range(first, stop, BLOCK):
                yield start, self.rows(start, min(start + BLOCK, stop))

    def spans(self) -> list[tuple[int, int]]:
        """[start, stop) of the stretches that were measured."""
        edges = [0, *(edge for start, count in self.gaps for edge in (start, start + count)), len(self.raw)]
        return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]

    def blocks(self) -> Iterator[Array]:
        """All rows, gaps as zeros, at most BLOCK at a time."""
        for start in range(0, len(self.raw), BLOCK):
            yield self.rows(start, start + BLOCK)


@dataclass(frozen=True, eq=False)
class Item:
    """What is exported as one file: `name` is the file's, `tracks` hold no empty one."""

    name: str
    signals: tuple[Signal, ...]
    tracks: Mapping[str, Labels] = field(default_factory=dict)
    subject: str = ""
    split: str = ""
    device: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    clocked: bool = False
    n_videos: int = 0

    @property
    def duration_s(self) -> float:
        return max((s.duration_s for s in self.signals), default=0.0)

    @property
    def beat(self) -> Signal:
        """The stream whose samples count time for the labels: the one that lasts longest."""
        return max(self.signals, key=lambda s: s.duration_s)

    @property
    def labels(self) -> tuple[Segment, ...]:
        """The labels of the person's own track."""
        return self.tracks.get("labels", Labels()).segments

    def with_tracks(self, tracks: Mapping[str, Labels]) -> "Item":
        """The item with other labels; tracks without any are left out."""
        return replace(self, tracks={name: track for name, track in tracks.items() if len(track)})


def item_of(recording: Recording) -> Item:
    """All of a recording but the files of its clock."""
    signals = tuple(Signal(s, recording.raw(s.name), recording.gaps.get(s.name, ())) for s in recording.streams)
    device = {key: value for key, value in recording.device.items() if key not in OURS}
    clocked = any(len(recording.stamps(s.name)) for s in recording.streams)
    bare = Item(
        recording.id,
        signals,
        {},
        recording.subject,
        recording.split,
        device,
        recording.created,
        clocked,
        len(recording.video),
    )
    return bare.with_tracks(recording.labels)
