"""SensiML's DAI (.dcli, .dai): segments by index of their first and last sample, a session for each track."""

import json
from pathlib import Path
from typing import Any

from studio.data.label_files.about import About, LabelFormat, chosen
from studio.data.labels import Segment
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item
from studio.data.travel.letters import text_of
from studio.paths import write_atomic


def entries(path: Path) -> dict[str, Any]:
    """What the file says, by the name of the recording's file."""
    found = json.loads(text_of(path))
    return {str(entry["file_name"]): entry for entry in (found if isinstance(found, list) else [found])}


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """A track for each session; the end is the last sample of the segment. The file does not say so; Help does."""
    entry: Any = chosen(entries(path), about, path)
    return tracks_of(entry or {}, about, path)


def tracks_of(entry: dict[str, Any], about: About, path: Path) -> dict[str, list[Segment]]:
    """The tracks of one recording."""
    found: dict[str, list[Segment]] = {}
    sessions = entry.get("sessions") or []
    for session in sessions:
        track = found.setdefault(str(session.get("session_name") or "labels"), [])
        for s in session.get("segments") or []:
            start_s, stop_s = about.seconds(s["start"], path), about.seconds(s["end"] + 1, path)
            track.append(Segment(start_s, stop_s, str(s["value"]).strip()))
    return found


def plain(item: Item, file: str, metadata: dict[str, str]) -> dict[str, Any]:
    """One recording's entry."""
    rate_hz = item.beat.stream.rate_hz if item.signals else 1.0
    sessions = [
        {"session_name": name, "segments": [_segment(s, rate_hz) for s in track.segments]}
        for name, track in item.tracks.items()
    ]
    told = [{"name": name, "value": value} for name, value in metadata.items()]
    return {"file_name": file, "metadata": told, "sessions": sessions, "videos": []}


def _segment(s: Segment, rate_hz: float) -> dict[str, Any]:
    start, stop = round(s.start_s * rate_hz), round(s.stop_s * rate_hz)
    return {"name": "Label", "value": s.label, "start": start, "end": stop - 1}


def text(found: list[dict[str, Any]]) -> str:
    """The file's content."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def write(path: Path, item: Item) -> None:
    """All tracks of the item."""
    write_atomic(path, text([plain(item, f"{item.name}.csv", {})]))


FORMAT = LabelFormat(
    "SensiML DAI", (".dai", ".dcli"), read, write,
    Holds(signals=False, tracks="all", points=False, score=False, comment=False, ticks="samples"),
)  # fmt: skip
