"""Windows with labels, cut from recordings.

A window lies whole inside one segment of a track and touches no gap, so no model ever learns from a border or from
a hole that was filled with zeros. The grid of windows starts anew at the start of each such stretch. The samples are
kept twice: `x` is what a model sees, `raw` what the device sent, so the very same windows can be replayed to a board.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels, Segment
from studio.data.stream import Array, Floats, Stream
from studio.errors import DataError
from studio.learn.event import around, padded
from studio.learn.meaning import tasks
from studio.learn.split import TEST_SHARE, Ints, Strings
from studio.learn.split import Split as Split
from studio.learn.split import split as parted

#: Fewer windows than this of one class cannot be split into training, validation and test.
MIN_WINDOWS = 8
#: A data set beyond this many bytes would not leave room to train on an ordinary computer.
MAX_BYTES = 3_000_000_000


class Source(Protocol):
    """What `windows` reads of a recording. Gaps are (start, count) in samples, per stream."""

    @property
    def id(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def streams(self) -> Sequence[Stream]: ...
    @property
    def gaps(self) -> "dict[str, tuple[tuple[int, int], ...]]": ...
    @property
    def labels(self) -> dict[str, Labels]: ...
    def raw(self, name: str) -> Array: ...


@dataclass(frozen=True, eq=False)
class Dataset:
    """n windows of `length` samples, `stride` apart, with the class and the origin of each.

    x (n, length, n_channels) float32 in the stream's unit; raw the same in the stream's own type; y (n,) index into
    `classes`; recording, subject, split (n,) strings ("" when unknown); start (n,) first sample in the recording.
    `task` says what the classes mean (see `studio.learn.meaning.tasks`).
    """

    x: Floats
    raw: Array
    y: Ints
    recording: Strings
    subject: Strings
    start: Ints
    split: Strings
    classes: tuple[str, ...]
    stream: Stream
    length: int
    stride: int
    task: str = tasks.CLASSES

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: npt.NDArray[np.integer]) -> "Dataset":
        """The windows at `index`, in that order; the classes stay as they are."""
        names = ("x", "raw", "y", "recording", "subject", "start", "split")
        return replace(self, **{name: getattr(self, name)[index] for name in names})

    def renumbered(self, classes: Sequence[str]) -> "Dataset":
        """The windows whose class is among `classes`, with y an index into those."""
        kept = np.flatnonzero(np.isin(np.array(self.classes)[self.y], list(classes)))
        index = np.array([list(classes).index(c) if c in classes else -1 for c in self.classes], np.int64)
        return replace(self.take(kept), y=index[self.y[kept]], classes=tuple(classes))

    def meant(self, task: str) -> "Dataset":
        """The same windows for another task, labels that mean the same made one; DataError for one that means none."""
        if task == self.task:
            return self
        classes = tasks.ordered(task, self.classes)
        index = np.array([classes.index(tasks.plain(task, c)) for c in self.classes], np.int64)
        return replace(self, y=index[self.y], classes=classes, task=task)

    def banded(self) -> "Dataset":
        """With bands of numbers as classes, where labels are numbers: to part windows and to choose features by."""
        y, classes = tasks.bands(self)
        return self if y is self.y else replace(self, y=y, classes=classes, task=tasks.CLASSES)

    def unmarked(self) -> "Dataset":
        """The windows without their given split: for parting the training side once more."""
        return replace(self, split=np.full(len(self), "", dtype="<U1"))

    def counts(self) -> dict[str, int]:
        """How many windows each class has."""
        found = np.bincount(self.y, minlength=len(self.classes))
        return {name: int(n) for name, n in zip(self.classes, found, strict=True)}


def split(data: Dataset, seed: int, share: float = TEST_SHARE) -> Split:
    """Part `data` in two (see `studio.learn.split`); low and high numbers are on both sides, as classes are."""
    return parted(data.banded(), seed, share)


def windows(
    recordings: Iterable[Source],
    stream_name: str,
    length: int,
    stride: int,
    track: str = "labels",
    classes: Sequence[str] = (),
    events: bool = False,
) -> Dataset:
    """Every window of `length` samples, `stride` apart, whole inside one segment of `track` and without loss.

    With `events` a segment shorter than a window gives one window around it (see `studio.learn.event`), where it would
    give none. `classes` fixes the order of the classes (and leaves other labels out); else they are sorted by name.
    Raises DataError when no window is found, streams of one name differ, or the windows would not fit in memory.
    """
    if length < 1 or stride < 1:
        raise DataError("Window", f"length {length}, stride {stride}", "Choose at least one sample for each.")
    cuts: list[_Cut] = []
    stream: Stream | None = None
    n = 0
    for recording in recordings:
        found = next((s for s in recording.streams if s.name == stream_name), None)
        if found is None:
            continue
        stream = stream or found
        _check_same(stream, found, recording.id)
        for cut in _cut(recording, found, length, stride, track, classes):
            cuts.append(cut)
            n += len(cut.starts)
            _check_memory(n, length, found)
        if events:
            cuts.extend(_cut_events(recording, found, length, track, classes))
    if stream is None or not cuts:
        raise _nothing(stream_name, length, stream)
    return _join(cuts, stream, length, stride, classes)


@dataclass(frozen=True)
class _Cut:
    """The windows of one stretch: starts (n,) in samples and raw (n, length, n_channels)."""

    recording: Source
    label: str
    starts: Ints
    raw: Array


def _cut(
    recording: Source, stream: Stream, length: int, stride: int, track: str, classes: Sequence[str]
) -> Iterator[_Cut]:
    samples = recording.raw(stream.name)
    gaps = recording.gaps.get(stream.name, ())
    for segment in recording.labels.get(track, Labels()).segments:
        if classes and segment.label not in classes:
            continue
        for first, stop in stretches(segment, stream.rate_hz, len(samples), gaps):
            starts = np.arange(first, stop - length + 1, stride, dtype=np.int64)
            _check_memory(len(starts), length, stream)
            raw = np.asarray(samples)[starts[:, None] + np.arange(length)]
            if raw.dtype.kind == "f":
                whole = np.isfinite(raw).all(axis=(1, 2))
                starts, raw = starts[whole], raw[whole]
            if len(starts):
                yield _Cut(recording, segment.label, starts, raw)


def _cut_events(recording: Source, stream: Stream, length: int, track: str, classes: Sequence[str]) -> Iterator[_Cut]:
    samples = recording.raw(stream.name)
    gaps = recording.gaps.get(stream.name, ())
    segments = recording.labels.get(track, Labels()).segments
    for segment, first, stop in around(segments, stream.rate_hz, len(samples), length):
        if (classes and segment.label not in classes) or any(a < stop and a + n > first for a, n in gaps):
            continue
        raw, start = padded(samples, first, stop, length)
        if raw.dtype.kind != "f" or np.isfinite(raw).all():
            yield _Cut(recording, segment.label, np.array([start], np.int64), raw[None])


def stretches(
    segment: Segment, rate_hz: float, n_samples: int, gaps: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The parts [first, stop) of a segment, in samples, that no gap (start, count) touches.

    Sample i is inside when start_s <= i / rate_hz < stop_s; a millionth of a sample forgives rounding of the seconds.
    """
    first = max(0, int(np.ceil(segment.start_s * rate_hz - 1e-6)))
    stop = min(n_samples, int(np.ceil(segment.stop_s * rate_hz - 1e-6)))
    parts = []
    for start, count in sorted(gaps):
        if start >= stop:
            break
        if start > first:
            parts.append((first, start))
        first = max(first, start + count)
    if first < stop:
        parts.append((first, stop))
    return parts


def _join(cuts: list[_Cut], stream: Stream, length: int, stride: int, classes: Sequence[str]) -> Dataset:
    names = tuple(classes) or tuple(sorted({cut.label for cut in cuts}))
    raw = np.concatenate([cut.raw for cut in cuts])

    n_each = [len(cut.starts) for cut in cuts]

    def each(values: list[str]) -> Strings:
        return np.repeat(np.array(values, dtype=np.str_), n_each)

    y = np.repeat([names.index(cut.label) for cut in cuts], n_each).astype(np.int64)
    return Dataset(
        x=stream.to_unit(raw),
        raw=raw,
        y=y,
        recording=each([cut.recording.id or "" for cut in cuts]),
        subject=each([cut.recording.subject or "" for cut in cuts]),
        start=np.concatenate([cut.starts for cut in cuts]),
        split=each([cut.recording.split or "" for cut in cuts]),
        classes=names,
        stream=stream,
        length=length,
        stride=stride,
    )


def check_classes(data: Dataset, at_least: int = MIN_WINDOWS) -> None:
    """Raise DataError when there is nothing to tell apart, or a class has fewer than `at_least` windows."""
    counts = data.counts()
    if data.task != tasks.CLASSES:
        return _check_targets(data, at_least)
    if len(counts) < 2:
        seen = f"only one class, {data.classes[0]!r}" if data.classes else "no class"
        raise DataError("Labels", seen, "Label at least one more class; a class for everything else is a good start.")
    name, fewest = min(counts.items(), key=lambda pair: pair[1])
    if fewest < at_least:
        seconds = data.length / data.stream.rate_hz
        seen = f"{fewest} window{'' if fewest == 1 else 's'} of {seconds:g} s, at least {at_least} are needed"
        raise DataError(f"Class {name!r}", seen, "Record more of it, shorten the window or its stride, or remove it.")


def _check_targets(data: Dataset, at_least: int) -> None:
    """The same for numbers, of which two different ones are needed, and for each of several labels."""
    one = "number" if data.task == tasks.NUMBER else "label"
    if len(np.unique(data.y)) < 2:
        seen = f"only one {one}, {data.classes[int(data.y[0])]!r}" if len(data) else f"no {one}"
        raise DataError("Labels", seen, f"Label stretches with at least one more {one}.")
    found = [len(data)] if data.task == tasks.NUMBER else tasks.targets(data).sum(axis=0).astype(int).tolist()
    name, fewest = min(zip(tasks.outputs(data), found, strict=True), key=lambda pair: pair[1])
    if fewest < at_least:
        seen = f"{fewest} window{'' if fewest == 1 else 's'}, at least {at_least} are needed"
        raise DataError(f"Label {name!r}", seen, "Record more of it, shorten the window or its stride, or remove it.")


def balance(y: Ints) -> npt.NDArray[np.float64]:
    """A weight per class that gives every class the same say: n / (n_classes * n_c), 0 for a class without windows."""
    counts = np.bincount(y).astype(np.float64)
    present = counts > 0
    return np.where(present, len(y) / (present.sum() * np.maximum(counts, 1)), 0.0)


def data_sha256(data: Dataset) -> str:
    """SHA-256 of the raw windows, their labels and their groups: the same data gives the same hash anywhere."""
    s = data.stream
    about = [data.length, data.stride, list(data.classes), s.name, s.rate_hz, list(s.channels), s.unit, s.dtype]
    about += [] if data.task == tasks.CLASSES else [data.task]
    digest = hashlib.sha256(repr([*about, s.scale, data.raw.shape]).encode())
    digest.update(np.ascontiguousarray(data.raw, s.numpy_dtype).tobytes())
    digest.update(np.ascontiguousarray(data.y, "<i8").tobytes())
    digest.update(np.ascontiguousarray(data.start, "<i8").tobytes())
    for strings in (data.recording, data.subject, data.split):
        digest.update("\0".join(strings.tolist()).encode() + b"\1")
    return digest.hexdigest()


def _check_same(first: Stream, found: Stream, recording: str) -> None:
    parts = ("rate_hz", "channels", "unit", "dtype", "scale")
    other = [part for part in parts if getattr(first, part) != getattr(found, part)]
    if other:
        seen = ", ".join(f"{part} {getattr(found, part)} and not {getattr(first, part)}" for part in other)
        step = "Train on recordings of one sensor setting, or import them again at one rate and scale."
        raise DataError(f"Stream {found.name!r} of recording {recording!r}", seen, step)


def _check_memory(n: int, length: int, stream: Stream) -> None:
    """Before they are cut: ten million windows would not leave a moment to say so."""
    size = n * length * len(stream.channels) * (4 + stream.numpy_dtype.itemsize)
    if size > MAX_BYTES:
        raise DataError("Windows", f"{n} of them need {size / 1e9:.1f} GB", "Choose a greater stride.")


def _nothing(stream_name: str, length: int, stream: Stream | None) -> DataError:
    if stream is None:
        return DataError(f"Stream {stream_name!r}", "not in any recording", "Choose another stream.")
    seen = f"no labelled stretch holds {length} samples ({length / stream.rate_hz:g} s)"
    return DataError(f"Stream {stream_name!r}", seen, "Label longer stretches, or shorten the window.")
