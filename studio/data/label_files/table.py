"""Labels as CSV: start_s,stop_s,label, and where they are needed score, comment and track."""

from pathlib import Path

from studio.data.label_files.about import About, LabelFormat
from studio.data.labels import Labels, Segment
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item
from studio.data.travel.sheet import Rows, open_sheet, quoted
from studio.errors import DataError
from studio.paths import write_atomic

_WANTED = ("start_s", "stop_s", "label")


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """The tracks; DataError names the line that is wrong. Without a column `track`, labels must not overlap."""
    sheet = open_sheet(path)
    if any(name not in sheet.header for name in _WANTED):
        seen = f"has the columns {', '.join(sheet.header)}"
        raise DataError(str(path), seen, "Labels need start_s,stop_s,label.")
    rows = sheet.all_rows()
    columns = {name: sheet.header.index(name) for name in sheet.header}
    borders = rows.numbers([columns["start_s"], columns["stop_s"]])
    scores = rows.numbers([columns["score"]])[:, 0].tolist() if "score" in columns else [1.0] * len(rows)
    tracks: dict[str, list[Segment]] = {}
    table = rows.cells
    for i, (start_s, stop_s) in enumerate(borders.tolist()):
        cells = table[i]
        comment = cells[columns["comment"]] if "comment" in columns else ""
        track = cells[columns["track"]] if "track" in columns else ""
        segment = Segment(start_s, stop_s, cells[columns["label"]], scores[i], comment)
        tracks.setdefault(track or "labels", []).append(_checked(segment, rows, i))
    if "track" not in columns:
        _no_overlap(rows, tracks.get("labels", []))
    return tracks


def _checked(segment: Segment, rows: Rows, row: int) -> Segment:
    try:
        Labels((segment,)).check(float("inf"))
    except DataError as e:
        raise rows.wrong(row, f"the label {e.seen}") from e
    return segment


def _no_overlap(rows: Rows, found: list[Segment]) -> None:
    """DataError at the first line that overlaps one before it."""
    track = Labels(tuple(sorted(found)))
    try:
        track.check(float("inf"))
    except DataError:
        taken: list[Segment] = []
        for i, segment in enumerate(found):
            taken.append(segment)
            try:
                Labels(tuple(sorted(taken))).check(float("inf"))
            except DataError as e:
                raise rows.wrong(i, f"the label {e.seen}") from e


def write(path: Path, item: Item) -> None:
    """All tracks of the item."""
    segments = [s for track in item.tracks.values() for s in track.segments]
    extra = {
        "score": any(s.score != 1 for s in segments),
        "comment": any(s.comment for s in segments),
        "track": set(item.tracks) != {"labels"},
    }
    columns = [*_WANTED, *(name for name, wanted in extra.items() if wanted)]
    lines = [",".join(columns)]
    for name, track in item.tracks.items():
        lines += [",".join(_cells(s, name, extra)) for s in track.segments]
    write_atomic(path, "\r\n".join(lines) + "\r\n")


def _cells(s: Segment, track: str, extra: dict[str, bool]) -> list[str]:
    more = {"score": repr(s.score), "comment": quoted(s.comment), "track": quoted(track)}
    return [repr(s.start_s), repr(s.stop_s), quoted(s.label), *(more[name] for name, wanted in extra.items() if wanted)]


FORMAT = LabelFormat(
    "CSV of labels", (".csv", ".tsv", ".txt"), read, write, Holds(signals=False, tracks="all"),
    mine=lambda path: set(_WANTED) <= _header(path),
    note="start_s,stop_s,label, and score, comment, track where they are needed",
)  # fmt: skip


def _header(path: Path) -> set[str]:
    try:
        return set(open_sheet(path, headed=False).header)
    except DataError:
        return set()
