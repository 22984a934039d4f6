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


class Rows:
    """Some rows: as the lines they are where nothing is quoted, which reads ten times faster, else as cells."""

    def __init__(self, sheet: "Sheet", lines: list[str], first: int, cells: list[tuple[int, list[str]]]) -> None:
        self.sheet = sheet
        self._lines, self._first, self._cells = lines, first, cells

    def __len__(self) -> int:
        return len(self._lines) or len(self._cells)

    @property
    def cells(self) -> list[list[str]]:
        """Cells as text."""
        if not self._cells and self._lines:
            split = (line.rstrip("\r\n").split(self.sheet.delimiter) for line in self._lines)
            self._cells = [(self._first + i, [cell.strip() for cell in row]) for i, row in enumerate(split)]
        return [row for _, row in self._cells]

    def line(self, row: int) -> int:
        """The line of the file that a row ends on."""
        return self._first + row if self._lines else self._cells[row][0]

    def wrong(self, row: int, seen: str) -> DataError:
        """What is wrong in a row, with its line and content."""
        content = ",".join(self.cells[row])[:80]
        thing = f"{self.sheet.path.name}, line {self.line(row)}"
        return DataError(thing, f"{seen}: {content!r}", "Correct the line, then import again.")

    def column(self, at: int) -> list[str]:
        """The cells of one column."""
        if self._lines:
            return [line.split(self.sheet.delimiter, at + 1)[at].strip() for line in self._lines]
        return [row[at] for _, row in self._cells]

    def numbers(self, columns: Sequence[int]) -> Floats:
        """The cells of some columns (n, len(columns)); DataError names the first line where one is not finite."""
        values = self._fast(columns)
        values = self._slow(columns) if values is None else values
        bad = ~(np.abs(values) <= np.finfo(np.float32).max).all(axis=1)
        if bad.any():
            raise self.wrong(int(bad.argmax()), "a value is not a finite number")
        return values

    def _fast(self, columns: Sequence[int]) -> Floats | None:
        """NumPy's own parser, where it can be used and finds nothing wrong."""
        if not self._lines or self.sheet.decimal_comma:
            return None
        try:
            told = {"delimiter": self.sheet.delimiter, "usecols": tuple(columns), "ndmin": 2, "comments": None}
            return np.loadtxt(self._lines, np.float64, **told)  # type: ignore[call-overload, no-any-return]
        except ValueError:
            return None

    def _slow(self, columns: Sequence[int]) -> Floats:
        cells = [[row[i] for i in columns] for row in self.cells]
        if self.sheet.decimal_comma:
            cells = [[cell.replace(",", ".") for cell in row] for row in cells]
        try:
            return np.array(cells, np.float64)
        except ValueError:
            for i, row in enumerate(cells):
                for cell in row:
                    if not is_number(cell):
                        raise self.wrong(i, f"{cell!r} is not a number") from None
            raise


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
        cells = [(block.line(i), row) for block in self.blocks() for i, row in enumerate(block.cells)]
        return Rows(self, [], 0, cells)


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
        """Blocks of plain lines; from the first quote on, rows as the csv module finds them."""
        text = iter(text_stream(self.sheet.path, binary))
        header = next((i for i, line in enumerate(text, 1) if line.strip()), 0)
        at = header + 1
        while lines := list(itertools.islice(text, BLOCK)):
            self.share = min(1.0, binary.tell() / max(self.sheet.size, 1))
            if any('"' in line for line in lines):
                yield from self._quoted(itertools.chain(lines, text), at, binary)
                return
            yield from self._plain(lines, at)
            at += len(lines)

    def _plain(self, lines: list[str], first: int) -> Iterator[Rows]:
        n = len(self.sheet.header)
        if all(line.count(self.sheet.delimiter) == n - 1 and len(line) > n + 1 for line in lines):
            yield Rows(self.sheet, lines, first, [])
            return
        split = [[cell.strip() for cell in line.split(self.sheet.delimiter)] for line in lines]
        yield from self._checked([(first + i, row) for i, row in enumerate(split) if any(row)])

    def _quoted(self, lines: Iterator[str], first: int, binary: BinaryIO) -> Iterator[Rows]:
        reader = csv.reader(lines, delimiter=self.sheet.delimiter)
        rows = ((first - 1 + reader.line_num, [cell.strip() for cell in row]) for row in reader)
        kept = (pair for pair in rows if any(pair[1]))
        while block := list(itertools.islice(kept, BLOCK)):
            self.share = min(1.0, binary.tell() / max(self.sheet.size, 1))
            yield from self._checked(block)

    def _checked(self, cells: list[tuple[int, list[str]]]) -> Iterator[Rows]:
        """The rows, when there are any and all have as many cells as the header."""
        found, n = Rows(self.sheet, [], 0, cells), len(self.sheet.header)
        short = next((i for i, (_, row) in enumerate(cells) if len(row) != n), None)
        if short is not None:
            raise found.wrong(short, f"has {len(cells[short][1])} cells where the header has {n}")
        if cells:
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
