"""An item made to fit a format, and the report of what that took: worked out before anything is written.

Every step gives the value that the format's reader will give back, so that the report is the difference between what
went out and what comes home; `tests/data/test_travel.py` proves it by going there and back.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from studio.data.stream import Stream
from studio.data.travel.entry import Entry
from studio.data.travel.grid import fit_track
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item, Signal


@dataclass
class Report:
    """Collects entries about one recording."""

    recording: str
    entries: list[Entry] = field(default_factory=list)

    def say(self, kind: str, where: str, count: int, text: str) -> None:
        """One more entry, when it concerns anything."""
        if count:
            self.entries.append(Entry(self.recording, kind, where, count, text))


def fit(item: Item, holds: Holds) -> tuple[tuple[Item, ...], tuple[Entry, ...]]:
    """(what will be written, one file each; what the format cannot hold of `item`)."""
    report = Report(item.name)
    bare = _origin(item, holds, report)
    if not holds.signals:
        report.say("samples", "", len(item.signals), "A label file holds no samples.")
        fitted = [_labels(bare, item, holds, report)]
    else:
        fitted = [_labels(_signals(part, holds, report), part, holds, report) for part in _parts(bare, holds, report)]
    return tuple(file for one in fitted for file in _files(one, holds, report)), tuple(report.entries)


def _origin(item: Item, holds: Holds, report: Report) -> Item:
    """The item without what the format does not say of its making."""
    if item.subject and not holds.subject:
        report.say("subject", "", 1, f"The subject {item.subject!r} is not in the file.")
    if item.split and not holds.split:
        report.say("split", "", 1, f"That it belongs to the part {item.split!r} is not in the file.")
    if item.device and not holds.origin:
        report.say("device", "", 1, "What is known about the device is not in the file.")
    if item.created and not holds.origin:
        report.say("created", "", 1, f"The date {item.created[:10]} is not in the file.")
    report.say("clock", "", int(item.clocked), "The stamps of the device's clock stay behind.")
    report.say("video", "", item.n_videos, "Reference video stays behind: copy its files by hand.")
    device, created = (item.device, item.created) if holds.origin else ({}, "")
    subject, split = item.subject if holds.subject else "", item.split if holds.split else ""
    return replace(item, subject=subject, split=split, device=device, created=created, clocked=False, n_videos=0)


# --- samples -----------------------------------------------------------------------------


def _parts(item: Item, holds: Holds, report: Report) -> Iterator[Item]:
    """One item per file: all streams together, or each stream with the labels on its own."""
    full = tuple(s for s in item.signals if len(s) >= holds.least)
    short = [s.stream.name for s in item.signals if len(s) < holds.least]
    few = "no sample" if holds.least == 1 else f"fewer than {holds.least} samples"
    report.say("streams", ", ".join(short), len(short), f"A stream with {few} is left out.")
    if holds.streams or len(full) < 2:
        yield replace(item, signals=full)
        return
    names = ", ".join(s.stream.name for s in full)
    report.say("streams", names, len(full), f"One file holds one stream: {len(full)} files, each with the labels.")
    for signal in full:
        yield replace(item, name=f"{item.name}.{signal.stream.name}", signals=(signal,))


def _signals(item: Item, holds: Holds, report: Report) -> Item:
    return replace(item, signals=tuple(_signal(s, holds, report) for s in item.signals))


def _signal(signal: Signal, holds: Holds, report: Report) -> Signal:
    old = signal.stream
    gaps = holds.gaps(signal) if callable(holds.gaps) else signal.gaps if holds.gaps else ()
    filled = sorted(set(signal.gaps) - set(gaps))
    lost = sum(count for _, count in filled)
    report.say("gaps", old.name, len(filled), f"{lost} lost samples are written as zeros, as if they were measured.")
    new = holds.stream(old)
    if not holds.rate:
        text = f"The file does not say {old.rate_hz:g} Hz: give the rate when you open it."
        report.say("rate", old.name, 1, text)
    _say_stream(old, new, report)
    made = replace(holds.convert(signal, new), gaps=gaps)
    if made.factor != 1:
        text = f"Full scale is lost: what the file says, times {made.factor:.6g}, is in {old.unit or 'the unit'}."
        report.say("scale", old.name, 1, text)
    if made.changed:
        report.say("values", old.name, made.changed, f"Values are rounded to {new.dtype} of full scale.")
    return made


_WORDS: dict[str, Callable[[Stream, Stream], str]] = {
    "rate_hz": lambda a, b: f"{a.rate_hz:.12g} Hz is written as {b.rate_hz:.12g} Hz, and the labels move with it.",
    "dtype": lambda a, b: f"{a.dtype} is written as {b.dtype}" + (f" in {a.unit}." if a.unit else "."),
    "unit": lambda a, b: f"The unit {a.unit} is not in the file.",
    "name": lambda a, b: f"The stream is called {b.name!r} there.",
    "kind": lambda a, b: f"That it is of the kind {a.kind!r} is not in the file.",
    "channels": lambda a, b: f"The channels are called {', '.join(b.channels)[:80]} there.",
}


def _say_stream(old: Stream, new: Stream, report: Report) -> None:
    for name, words in _WORDS.items():
        if getattr(old, name) != getattr(new, name):
            report.say(name.removesuffix("_hz"), old.name, 1, words(old, new))


# --- labels ------------------------------------------------------------------------------


def _labels(item: Item, before: Item, holds: Holds, report: Report) -> Item:
    """The item with its labels as the format holds them; `before` has the streams as they were."""
    if not holds.labels or (holds.signals and not item.signals):
        words = "The format holds no labels" if not holds.labels else "Without samples no file is written"
        for name, track in item.tracks.items():
            report.say("labels", name, len(track), f"{words}: export the labels alone.")
        return item.with_tracks({})
    tracks = dict(item.tracks)
    if holds.tracks == "one":
        for name in [n for n in tracks if n != "labels"]:
            text = f"The file holds one track: {name!r} stays behind."
            report.say("tracks", name, len(tracks.pop(name)), text)
    rates = _rates(before, item)
    fitted = {name: fit_track(t, before, rates, holds, _Say(report, name)) for name, t in tracks.items()}
    return item.with_tracks(fitted)


def _rates(before: Item, after: Item) -> tuple[float, float]:
    """(rate of the samples that the labels are about, the same as the file will say it)."""
    if not after.signals:
        return 1.0, 1.0
    return before.beat.stream.rate_hz, after.beat.stream.rate_hz


class _Say:
    """Speaks about one track."""

    def __init__(self, report: Report, where: str) -> None:
        self._report, self._where = report, where

    def __call__(self, kind: str, count: int, text: str) -> None:
        self._report.say(kind, self._where, count, text)


def _files(item: Item, holds: Holds, report: Report) -> Iterator[Item]:
    """A file for each track where one holds only one."""
    if holds.tracks != "files":
        yield item
        return
    for name, track in item.tracks.items():
        if name != "labels":
            report.say("tracks", name, len(track), f"One file holds one track: {name!r} goes to a file of its own.")
        yield replace(item, name=item.name if name == "labels" else f"{item.name}.{name}", tracks={"labels": track})


def file_name(name: str) -> str:
    """A name that is a file's on every system."""
    return re.sub(r"[^\w.()+ -]+", "-", name).strip(" .") or "recording"
