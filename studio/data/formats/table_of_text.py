"""The row of plain CSV files in the table of formats."""

from collections.abc import Iterator
from pathlib import Path

from studio.data.formats.array import write_beside
from studio.data.formats.format import Format, Options
from studio.data.formats.text import csv_stream, lines, read_csv, row_gaps
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item


def write_csv(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """A CSV for each item, and its labels beside it."""
    for item in items:
        for signal in item.signals:
            path = folder / f"{item.name}.csv"
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.writelines(lines(signal))
            yield path
        yield from write_beside(folder, item)


FORMAT = Format(
    "CSV", (".csv", ".tsv", ".txt"), read_csv, write_csv,
    Holds(least=2, gaps=row_gaps, stream=csv_stream, tracks="all"), note="labels beside it, in NAME.labels.csv",
)  # fmt: skip
