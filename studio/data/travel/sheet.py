"""Tables as text: a header row, then a row per sample or label, in blocks, so that a large file needs little memory.

Separated by comma, semicolon or tab; quotes, line breaks inside quotes, decimal commas and any encoding are welcome.
"""

import csv
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from studio.data.travel.letters import opened, text_stream, unreadable
from studio.errors import DataError

Floats = npt.NDArray[np.float64]
#: Rows that are in memory at once.
BLOCK = 20_000
_COMMA = re.compile(r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*")
_POINT = re.compile(r"\s*[-+]?\d*\.\d+(?:[eE][-+]?\d+)?\s*")


@dataclass(frozen=True)
class Rows:
    """Cells as text, with the line of the file that each row ends on."""

    sheet: "Sheet"
    cells: list[list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.cells)

    def wrong(self, row: int, seen: str) -> DataError:
        """What is wrong in a row, with its line and content."""
        content = ",".join(self.cells[row])[:80]
        thing = f"{self.sheet.path.name}, line {self.lines[row]}"
        return DataError(thing, f"{seen}: {content!r}", "Correct the line, then import again.")

    def column(self, at: int) -> list[str]:
        """The cells of one column."""
        return [row[at] for row in self.cells]

    def numbers(self, columns: Sequence[int]) -> Floats:
        """The cells of some columns (n, len(columns)); DataError names the first line where one is not finite."""
        cells = [[row[i] for i in columns] for row in self.cells]
        if self.sheet.decimal_comma:
            cells = [[cell.replace(",", ".") for cell in row] for row in cells]
        try:
            values = np.array(cells, np.float64)
        except ValueError:
            for i, row in enumerate(cells):
                for cell in row:
                    if not is_number(cell):
                        raise self.wrong(i, f"{cell!r} is not a number") from None
            raise
        bad = ~(np.abs(values) <= np.finfo(np.float32).max).all(axis=1)
        if bad.any():
            raise self.wrong(int(bad.argmax()), "a value is not a finite number")
        return values


@dataclass(frozen=True)
class Sheet:
    """A table whose head was looked at."""

    path: Path
    header: list[str]
    delimiter: str
    decimal_comma: bool
    size: int

    def blocks(self) -> "Blocks":
        """All rows after the header, some thousand at a time."""
        return Blocks(self)

    def all_rows(self) -> Rows:
        """Every row at once: for tables of labels."""
        found = list(self.blocks())
        cells = [row for block in found for row in block.cells]
        return Rows(self, cells, [line for block in found for line in block.lines])


class Blocks:
    """Iterates over the rows of a sheet; `share` of the file was read so far."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.share = 0.0

    def __iter__(self) -> Iterator[Rows]:
        with opened(self.sheet.path) as binary:
            try:
                yield from self._rows(binary)
            except (csv.Error, UnicodeError, OSError) as e:
                raise unreadable(self.sheet.path, e) from e

    def _rows(self, binary: BinaryIO) -> Iterator[Rows]:
        reader = csv.reader(text_stream(self.sheet.path, binary), delimiter=self.sheet.delimiter)
        rows = ((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))
        next(rows, None)  # the header
        n = len(self.sheet.header)
        while block := list(itertools.islice(rows, BLOCK)):
            self.share = min(1.0, binary.tell() / max(self.sheet.size, 1))
            cells = [[cell.strip() for cell in row] for _, row in block]
            found = Rows(self.sheet, cells, [line for line, _ in block])
            short = next((i for i, row in enumerate(cells) if len(row) != n), None)
            if short is not None:
                raise found.wrong(short, f"has {len(cells[short])} cells where the header has {n}")
            yield found


def open_sheet(path: Path, headed: bool = True) -> Sheet:
    """The table's header and its way of writing; DataError when it is no table."""
    with opened(path) as binary:
        size = os.fstat(binary.fileno()).st_size
        try:
            head = list(itertools.islice(text_stream(path, binary), 200))
        except (UnicodeError, OSError) as e:
            raise unreadable(path, e) from e
    head = [line for line in head if line.strip()]
    delimiter = _delimiter(head)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(head, delimiter=delimiter)]
    except csv.Error as e:
        raise unreadable(path, e) from e
    if len(rows) < 2:
        raise DataError(str(path), "has no row of samples", "A CSV needs a header row and a row per sample.")
    rows[0][0] = rows[0][0].removeprefix("#").strip()
    if headed:
        _check_header(path, rows[0])
    return Sheet(path, rows[0], delimiter, _decimal_comma(rows[1:], delimiter), size)


def _delimiter(head: list[str]) -> str:
    """The separator that stands most often in the header, outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", head[0]) if head else ""
    return max(",;\t", key=bare.count)


def _decimal_comma(rows: list[list[str]], delimiter: str) -> bool:
    """Whether numbers are written 3,5: some are, and none is written 3.5."""
    if delimiter == ",":
        return False
    cells = [cell for row in rows for cell in row]
    return any(map(_COMMA.fullmatch, cells)) and not any(map(_POINT.fullmatch, cells))


def _check_header(path: Path, header: list[str]) -> None:
    if all(is_number(cell) for cell in header if cell):
        raise DataError(f"{path.name}, line 1", "is not a header", "Write the columns' names into the first line.")
    if "" in header or len(set(header)) < len(header):
        seen = "a column has no name" if "" in header else "two columns have one name"
        raise DataError(f"{path.name}, line 1", seen, "Give every column a name of its own.")


def is_number(cell: str) -> bool:
    """Whether Python reads it as one."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def quoted(cell: str) -> str:
    """A cell of a CSV."""
    plain = not any(c in cell for c in '",;\t\r\n') and cell.strip() == cell
    return cell if plain else '"' + cell.replace('"', '""') + '"'
