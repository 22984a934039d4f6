"""Raven's selection table: tab-separated, one row a selection; other columns are kept, so nothing is lost."""

from pathlib import Path

from studio.data.label_files.about import About, LabelFormat
from studio.data.labels import Segment
from studio.data.travel.holds import Holds, one_line
from studio.data.travel.item import Item
from studio.data.travel.letters import head_of, text_of
from studio.data.travel.sheet import is_number
from studio.errors import DataError
from studio.paths import write_atomic

_LABELS = ("annotation", "label", "species", "tag 1", "tag", "class", "call type", "id", "common name")
_COLUMNS = ("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)")
_OURS = ("Annotation", "Confidence", "Comment", "Track")


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """A track for each name in a column `Track`; a selection that stands there for two views is one label."""
    rows = [line.split("\t") for line in text_of(path).splitlines() if line.strip()]
    if not rows:
        raise DataError(str(path), "is empty", "A selection table has a header row.")
    header = [name.strip().lower() for name in rows[0]]
    if "begin time (s)" not in header:
        raise DataError(str(path), "has no column `Begin Time (s)`", "Save it from Raven as a selection table.")
    label = next((name for name in _LABELS if name in header), "")
    found: dict[str, list[Segment]] = {}
    seen: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows[1:], 2):
        cells = dict(zip(header, [*(c.strip() for c in row), *[""] * len(header)], strict=False))
        key = tuple(cells.get(k, "") for k in ("selection", "begin time (s)", "end time (s)", label))
        if (cells.get("selection") and key in seen) or not _here(cells, about):
            continue
        seen.add(key)
        found.setdefault(cells.get("track") or "labels", []).append(_segment(cells, label, path, number))
    return found


def _here(cells: dict[str, str], about: About) -> bool:
    """Whether a row of a table over many files is about this one."""
    file = cells.get("begin file", "")
    return not file or not about.file or Path(file).stem == Path(about.file).stem


def _segment(cells: dict[str, str], label: str, path: Path, number: int) -> Segment:
    offset = cells.get("file offset (s)", "")
    begin = cells["begin time (s)"].replace(",", ".")
    end = cells.get("end time (s)", "").replace(",", ".") or begin
    if not is_number(begin) or not is_number(end):
        raise DataError(f"{path.name}, line {number}", f"{begin!r} to {end!r} are no times", "Correct the line.")
    start_s, stop_s = float(begin), float(end)
    if cells.get("begin file") and is_number(offset):
        start_s, stop_s = float(offset), float(offset) + stop_s - start_s
    score = cells.get("confidence", "")
    return Segment(
        start_s,
        stop_s,
        cells.get(label) or "selection",
        float(score) if is_number(score) and 0 <= float(score) <= 1 else 1.0,
        cells.get("comment", ""),
    )


def write(path: Path, item: Item) -> None:
    """All tracks of the item."""
    nyquist_hz = item.beat.stream.rate_hz / 2 if item.signals else 0.0
    lines = ["\t".join([*_COLUMNS, *_OURS])]
    rows = [(s, name) for name, track in item.tracks.items() for s in track.segments]
    for i, (s, name) in enumerate(rows, 1):
        cells = [str(i), "Spectrogram 1", "1", repr(s.start_s), repr(s.stop_s), "0.0", repr(nyquist_hz)]
        lines.append("\t".join([*cells, s.label, repr(s.score), s.comment, name]))
    write_atomic(path, "\n".join(lines) + "\n")


def _mine(path: Path) -> bool:
    return "begin time (s)" in head_of(path).partition("\n")[0].lower()


FORMAT = LabelFormat(
    "Raven selection table", (".txt", ".tsv", ".csv"), read, write,
    Holds(signals=False, tracks="all", text=one_line), _mine,
)  # fmt: skip
