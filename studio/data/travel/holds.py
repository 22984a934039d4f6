"""What a format can hold, declared once: the export, its report, the help page and the tests read this."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from studio.data.stream import Stream
from studio.data.travel.item import Signal

Gaps = tuple[tuple[int, int], ...]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\u2028\u2029]")


def trimmed(text: str) -> str:
    """White space around a label means nothing anywhere, and control characters mean nothing to a person."""
    return _CONTROL.sub("", text).strip()


def one_line(text: str) -> str:
    """Line breaks and tabs as spaces."""
    return " ".join(trimmed(text).split())


def short_rate(rate_hz: float) -> float:
    """A rate with twelve digits: what survives a column of times."""
    return float(f"{rate_hz:.12g}")


def whole_rate(rate_hz: float) -> float:
    """Sound files count whole samples per second."""
    return float(max(1, round(rate_hz)))


def as_is(stream: Stream) -> Stream:
    """A format that describes streams whole."""
    return stream


def in_unit(signal: Signal, new: Stream) -> Signal:
    """Rows as they are, or as float32 in their unit: the very multiplication that the studio does everywhere."""
    old = signal.stream
    if new.dtype == old.dtype:
        return replace(signal, stream=new, factor=old.scale / new.scale)
    return replace(signal, stream=new, convert=old.to_unit)


@dataclass(frozen=True)
class Holds:
    """What one file of a format holds. `stream` gives a stream as the format's reader will give it back.

    `least` samples make a stream; `gaps` may tell which of a signal's gaps survive; `convert` makes the rows;
    without `rate` the reader must be told it.
    `tracks`: "all", "one" (the person's own), or "files" (one file each). `ticks` per second are the grid of label
    times; 0 exact, "samples" the samples' own. `filler` stands where no label is; `text` gives a label as the format
    can write it.
    """

    signals: bool = True
    streams: bool = False
    least: int = 1
    gaps: bool | Callable[[Signal], Gaps] = False
    stream: Callable[[Stream], Stream] = as_is
    convert: Callable[[Signal, Stream], Signal] = in_unit
    rate: bool = True
    subject: bool = False
    split: bool = False
    origin: bool = False
    labels: bool = True
    tracks: str = "one"
    points: bool = True
    score: bool = True
    comment: bool = True
    ticks: float | str = 0.0
    touching: bool = True
    filler: str = ""
    text: Callable[[str], str] = trimmed


#: A stream that has everything a format might lose.
PROBE = Stream("probe 1", 104.7, ("up", "down"), "m/s2", "i32", 0.25, "imu")


def cannot(holds: Holds) -> tuple[str, ...]:
    """The kinds of entries that an export may give, in the order of KINDS: what the format cannot hold."""
    found = {kind for kind, missing in _missing(holds).items() if missing}
    return tuple(kind for kind in _missing(holds) if kind in found)


def _missing(h: Holds) -> dict[str, bool]:
    kept = h.stream(PROBE)
    sampled = h.signals
    return {
        "samples": not sampled,
        "streams": sampled and not h.streams,
        "gaps": sampled and h.gaps is False,
        "rate": sampled and not (h.rate and math.isclose(kept.rate_hz, PROBE.rate_hz, rel_tol=1e-9)),
        "dtype": sampled and kept.dtype != PROBE.dtype,
        "scale": sampled and kept.dtype == PROBE.dtype and kept.scale != PROBE.scale,
        "unit": sampled and kept.unit != PROBE.unit,
        "name": sampled and kept.name != PROBE.name,
        "kind": sampled and kept.kind != PROBE.kind,
        "channels": sampled and kept.channels != PROBE.channels,
        "subject": not h.subject,
        "split": not h.split,
        "device": not h.origin,
        "created": not h.origin,
        "clock": True,
        "labels": not h.labels,
        "tracks": h.labels and h.tracks != "all",
        "points": h.labels and not h.points,
        "confidence": h.labels and not h.score,
        "comments": h.labels and not h.comment,
        "times": h.labels and h.ticks != 0.0,
        "filler": h.labels and bool(h.filler),
        "merged": h.labels and not h.touching,
    }
