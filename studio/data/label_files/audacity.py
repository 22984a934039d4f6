"""Audacity's label track: start, stop, title, separated by tabs; seconds with six decimals; points have no length."""

from pathlib import Path

from studio.data.label_files.about import About, LabelFormat
from studio.data.labels import Segment
from studio.data.travel.holds import Holds, one_line
from studio.data.travel.item import Item
from studio.data.travel.letters import head_of, text_of
from studio.data.travel.sheet import is_number
from studio.errors import DataError
from studio.paths import write_atomic


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """One track; a label without a title is called `label`, lines of frequencies are passed over."""
    found = []
    for number, line in enumerate(text_of(path).splitlines(), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        cells = [*line.split("\t"), ""]
        times = [cell.strip().replace(",", ".") for cell in cells[:2]]
        if not all(map(is_number, times)) or len(cells) < 3:
            thing = f"{path.name}, line {number}"
            raise DataError(thing, f"{line[:80]!r} is no label", "A line is start, stop and title, with tabs between.")
        title = "\t".join(cells[2:-1]).strip()
        start_s, stop_s = float(times[0]), float(times[1])
        found.append(Segment(start_s, stop_s, title or "label"))
    return {"labels": found}


def write(path: Path, item: Item) -> None:
    """The item's one track."""
    rows = [f"{s.start_s:.6f}\t{s.stop_s:.6f}\t{s.label}\n" for s in item.labels]
    write_atomic(path, "".join(rows))


def _mine(path: Path) -> bool:
    first = next((line for line in head_of(path).splitlines() if line.strip()), "")
    cells = first.split("\t")
    return len(cells) >= 2 and all(is_number(c.strip().replace(",", ".")) for c in cells[:2])


FORMAT = LabelFormat(
    "Audacity label track", (".txt",), read, write,
    Holds(signals=False, tracks="files", score=False, comment=False, ticks=1e6, text=one_line), _mine,
)  # fmt: skip
