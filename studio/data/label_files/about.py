"""What a label file may need to know of the recording it belongs to, and a row of the table of label files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from studio.data.travel.holds import Holds
from studio.data.travel.item import Item
from studio.data.travel.settle import Marks
from studio.errors import DataError


@dataclass(frozen=True)
class About:
    """The recording: its file's name, and rate, samples and seconds of its longest stream."""

    file: str = ""
    rate_hz: float = 0.0
    n_samples: int = 0
    duration_s: float = 0.0

    def seconds(self, index: float, path: Path) -> float:
        """Time of a sample; DataError when nobody said the rate."""
        if not self.rate_hz:
            seen = "counts samples, and the rate of its recording is not known"
            raise DataError(str(path), seen, "Import it together with the recording.")
        return index / self.rate_hz


@dataclass(frozen=True)
class LabelFormat:
    """A kind of label file: `read` gives tracks as they stand there, `write` one file of an item's tracks."""

    title: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, About], Marks]
    write: Callable[[Path, Item], None]
    holds: Holds = field(default_factory=Holds)
    mine: Callable[[Path], bool] | None = None
    note: str = ""


def chosen(entries: dict[str, object], about: About, path: Path) -> object:
    """What a file says about this recording, by its file's name; DataError when it is about others."""
    stem = Path(about.file).stem
    for name, entry in entries.items():
        if Path(name.replace("\\", "/")).name == about.file or Path(name.replace("\\", "/")).stem == stem:
            return entry
    if len(entries) == 1 or not entries:
        return next(iter(entries.values()), None)
    known = ", ".join(list(entries)[:4])
    raise DataError(str(path), f"has labels for {known}, none for {about.file!r}", "Choose the recording's own labels.")
