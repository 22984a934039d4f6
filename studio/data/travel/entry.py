"""One line of a report: what a file cannot hold, or what had to be changed to read one."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """`kind` names what is concerned (KINDS), `where` a stream or track of `recording`, `count` how many of them."""

    recording: str
    kind: str
    where: str
    count: int
    text: str

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


#: Every kind of entry -> what it is about, in two words. The first rows are about samples, the others about labels.
KINDS = {
    "samples": "the samples",
    "streams": "several streams",
    "gaps": "gaps",
    "rate": "sampling rate",
    "dtype": "type of number",
    "scale": "full scale",
    "values": "exact values",
    "unit": "unit",
    "name": "stream's name",
    "kind": "kind of sensor",
    "channels": "channel names",
    "subject": "subject",
    "split": "train or test",
    "device": "device",
    "created": "date",
    "clock": "device clock",
    "video": "reference video",
    "labels": "labels",
    "tracks": "several tracks",
    "points": "point events",
    "confidence": "confidence",
    "comments": "comments",
    "text": "odd characters",
    "times": "exact times",
    "short": "very short labels",
    "merged": "touching labels",
    "filler": "filler's name",
    "past the end": "labels past the end",
    "overlap": "overlapping labels",
    "unnamed": "labels without name",
    "unread": "unreadable parts",
}
