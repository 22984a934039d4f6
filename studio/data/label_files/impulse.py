"""Edge Impulse's label files: info.labels and structured_labels.labels, by index of the first and the last sample.

Every sample must have a label there, so FILLER stands where none is; reading drops it.
"""

import json
from pathlib import Path
from typing import Any

from studio.data.label_files.about import About, LabelFormat, chosen
from studio.data.labels import Segment
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item
from studio.data.travel.letters import text_of
from studio.errors import DataError
from studio.paths import write_atomic

FILLER = "unlabeled"
STRUCTURED = "structured_labels.labels"
INFO = "info.labels"


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """The one track of this recording, from either of the two files."""
    found = document(path)
    if "structuredLabels" in found:
        rows: Any = chosen(found["structuredLabels"], about, path)
        return {"labels": segments(rows or [], about, path)}
    entry: Any = chosen({str(f["path"]): f for f in found["files"]}, about, path)
    return {"labels": of_entry(entry or {}, about, path)}


def document(path: Path) -> dict[str, Any]:
    """The file's JSON: one object, or a header line and an object a line after it."""
    text = text_of(path)
    if text.startswith('{"__ndjson":true'):
        head, *rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        return {**head, "files": rows}
    found = json.loads(text)
    if not isinstance(found, dict) or not ("files" in found or "structuredLabels" in found):
        raise DataError(str(path), "names neither files nor structured labels", "Choose info.labels of an export.")
    return found


def of_entry(entry: dict[str, Any], about: About, path: Path) -> list[Segment]:
    """Labels of one entry of info.labels."""
    label = entry.get("label") or {}
    if label.get("type") == "label":
        whole = Segment(0.0, about.duration_s, str(label["label"]))
        return [whole] if whole.label.strip() and whole.label != FILLER else []
    return segments(label.get("labels") or [], about, path)


def segments(rows: list[dict[str, Any]], about: About, path: Path) -> list[Segment]:
    """Labels in order; where rows overlap the later one is painted over the earlier, as Edge Impulse does."""
    painted: list[Segment] = []
    for row in rows:
        start_s, stop_s = about.seconds(row["startIndex"], path), about.seconds(row["endIndex"] + 1, path)
        new = Segment(start_s, stop_s, str(row["label"]).strip())
        if not new.start_s < new.stop_s or not new.label:
            seen = f"has the label {row!r}"[:120]
            raise DataError(str(path), seen, "A label needs a name, and an end at or after its start.")
        if _meets(painted, new):
            painted = [p for old in painted for p in _outside(old, new)]
        painted.append(new)
    return sorted(s for s in painted if s.label != FILLER)


def _meets(painted: list[Segment], new: Segment) -> bool:
    return any(old.stop_s > new.start_s and new.stop_s > old.start_s for old in painted)


def _outside(old: Segment, new: Segment) -> list[Segment]:
    pieces = ((old.start_s, min(old.stop_s, new.start_s)), (max(old.start_s, new.stop_s), old.stop_s))
    return [Segment(a, b, old.label) for a, b in pieces if a < b]


def covering(item: Item) -> list[dict[str, Any]]:
    """Rows that cover every sample of the item, with FILLER between the labels."""
    rate_hz, n = (item.beat.stream.rate_hz, len(item.beat)) if item.signals else (1.0, 0)
    rows: list[dict[str, Any]] = []
    at = 0

    def row(start: int, stop: int, label: str) -> None:
        if start < stop:
            rows.append({"startIndex": start, "endIndex": stop - 1, "label": label})

    for s in item.labels:
        start, stop = round(s.start_s * rate_hz), min(round(s.stop_s * rate_hz), n)
        row(at, start, FILLER)
        row(start, stop, s.label)
        at = stop
    row(at, n, FILLER)
    return rows


def structured(rows: dict[str, list[dict[str, Any]]]) -> str:
    """Content of structured_labels.labels."""
    return json.dumps({"version": 1, "type": "structured-labels", "structuredLabels": rows}, ensure_ascii=False) + "\n"


def write(path: Path, item: Item) -> None:
    """The item's one track."""
    write_atomic(path, structured({f"{item.name}.json": covering(item)}))


HOLDS = Holds(
    signals=False, points=False, score=False, comment=False, ticks="samples", touching=False, filler=FILLER
)  # fmt: skip
FORMAT = LabelFormat("Edge Impulse labels", (".labels",), read, write, HOLDS)
