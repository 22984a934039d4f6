"""A column of times becomes a rate and an index for each row: what is missing is a gap, jitter is none.

A pass over the column measures it first, with a few numbers of memory, however long it is.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.data.travel.sheet import Floats, Rows
from studio.errors import DataError
from studio.progress import Progress, Work

Ints = npt.NDArray[np.int64]
TIME = re.compile(
    r"(time|t|timestamp|datetime|date)(?:[ _]*[(\[]?(s|sec|seconds|ms|msec|us|usec|ns|iso)[)\]]?)?", re.IGNORECASE
)
_SECONDS = {"ms": 1e-3, "msec": 1e-3, "us": 1e-6, "usec": 1e-6, "ns": 1e-9}
#: Stamps so large count since 1970, in this unit (seconds).
_EPOCHS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(Z|[+-]\d\d:?\d\d)?")
#: A rate this close to a whole number is that number, when the stamps jitter.
_WHOLE = 2e-4


@dataclass(frozen=True)
class Clock:
    """How a time column is read: of which column, with which unit, and what was measured of it."""

    column: int
    unit_s: float = 1.0
    iso: bool = False
    rate_hz: float = 0.0
    even: bool = True
    typical_s: float = 0.0

    def seconds(self, rows: Rows) -> Floats:
        """The stamps in seconds, by the origin of the file's clock."""
        if self.iso:
            return np.array([_moment(rows, i, cell) for i, cell in enumerate(rows.column(self.column))])
        return np.asarray(_numbers(rows, self.column) * self.unit_s)

    def counts(self, steps: Floats) -> Ints:
        """Samples that each step of time covers: more than one, and the rest was lost."""
        if not self.even:
            return np.ones(len(steps), np.int64)
        return np.asarray(np.rint(steps / self.typical_s), np.int64)


def measure(blocks: Iterable[Rows], column: int, share: Callable[[], float]) -> Work[Clock]:
    """The clock of a time column; DataError where time does not go on, or leaps among uneven steps."""
    clock, measured, last = Clock(column), None, None
    for rows in blocks:
        yield Progress(share(), 1.0)
        if last is None:
            clock = _kind(rows, column)
        time_s = clock.seconds(rows)
        steps = np.diff(time_s) if last is None else np.diff(time_s, prepend=last)
        if (steps <= 0).any():
            raise rows.wrong(int((steps <= 0).argmax()) + len(time_s) - len(steps), "time does not go on")
        measured = measured or _Steps(rows, steps, column)
        measured.add(rows, steps, time_s)
        last = float(time_s[-1])
    if measured is None or not measured.n:
        return clock
    return measured.clock(clock)


class _Steps:
    """Figures of the steps of time, gathered block by block."""

    def __init__(self, rows: Rows, steps: Floats, column: int) -> None:
        typical = float(np.median(steps)) if len(steps) else 0.0
        near = steps[steps < 1.5 * typical]
        self.typical_s = float(near.mean()) if len(near) else typical
        self.decimals = max((_decimals(cell) for cell in rows.column(column)[:1000]), default=0)
        self.n = 0
        self.count = 0
        self.total_s = self.worst_s = self.off_s = 0.0
        self.least = 1
        self.late: DataError | None = None
        self.latest_s = 0.0

    def add(self, rows: Rows, steps: Floats, time_s: Floats) -> None:
        """Some more steps."""
        if not len(steps):
            return
        counts = np.rint(steps / self.typical_s)
        self.n += len(steps)
        self.count += int(counts.sum())
        self.total_s += float(steps.sum())
        self.least = min(self.least, int(counts.min()))
        self.off_s = max(self.off_s, float(np.abs(steps - counts * self.typical_s).max()))
        self.latest_s = max(self.latest_s, float(np.abs(time_s).max()))
        if steps.max() > self.worst_s:
            self.worst_s = float(steps.max())
            at = int(steps.argmax()) + len(time_s) - len(steps)
            seen = f"time leaps by {self.worst_s:g} s among uneven steps of {self.typical_s:g} s"
            self.late = rows.wrong(at, seen)

    def clock(self, kind: Clock) -> Clock:
        """The clock with its rate; stamps that came late and then too soon jitter, and a longer step proves nothing."""
        even = self.least >= 1
        if not even and self.worst_s > 5 * self.typical_s and self.late is not None:
            raise self.late
        count = self.count if even else self.n
        rounding_s = kind.unit_s * 10.0**-self.decimals + 4 * float(np.spacing(self.latest_s))
        smooth = even and self.off_s <= 2.1 * rounding_s
        rate_hz = _simplest(count, self.total_s, rounding_s) if smooth else _near_whole(count / self.total_s)
        return Clock(kind.column, kind.unit_s, kind.iso, rate_hz, even, self.typical_s)


def _simplest(count: int, total_s: float, rounding_s: float) -> float:
    """The rate with the fewest digits that the stamps allow."""
    slack_s = min(rounding_s, total_s / 2)
    low, high = count / (total_s + slack_s), count / (total_s - slack_s)
    found = (float(f"{count / total_s:.{digits}g}") for digits in range(1, 18))
    return next((r for r in found if low <= r <= high), count / total_s)


def _near_whole(rate_hz: float) -> float:
    whole = round(rate_hz)
    return float(whole) if whole and abs(rate_hz / whole - 1) < _WHOLE else rate_hz


def _kind(rows: Rows, column: int) -> Clock:
    """Unit of the column: by its name, by what its cells look like, or by how large they are."""
    first = rows.column(column)[0]
    if _ISO.fullmatch(first):
        return Clock(column, 1.0, True)
    found = TIME.fullmatch(rows.sheet.header[column])
    told = (found[2] or "").lower() if found else ""
    if told in _SECONDS:
        return Clock(column, _SECONDS[told])
    size = abs(float(_numbers(rows, column)[0]))
    return Clock(column, next((unit for least, unit in _EPOCHS if size >= least), 1.0) if not told else 1.0)


def _numbers(rows: Rows, column: int) -> Floats:
    return rows.numbers([column])[:, 0]


def _moment(rows: Rows, row: int, cell: str) -> float:
    """Seconds since 1970 of an ISO 8601 moment."""
    found = _ISO.fullmatch(cell)
    if not found:
        raise rows.wrong(row, f"{cell!r} is not a date and time")
    try:
        whole, _, part = found[2].replace(",", ".").partition(".")
        moment = np.datetime64(f"{found[1]}T{whole}", "s").astype(np.int64)
    except ValueError:
        raise rows.wrong(row, f"{cell!r} is not a date and time") from None
    zone = (found[3] or "Z").replace(":", "")
    east = 0 if zone == "Z" else int(f"{zone[0]}1") * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)
    return float(moment - east) + float(f"0.{part or 0}")


def _decimals(cell: str) -> int:
    """Digits after the decimal sign."""
    digits = re.fullmatch(r"[^.,]*[.,](\d+)(?:[eE]([-+]?\d+))?.*", cell)
    if not digits:
        exponent = re.fullmatch(r"[-+]?\d+[eE]([-+]?\d+)", cell)
        return max(0, -int(exponent[1])) if exponent else 0
    return max(0, len(digits[1]) - int(digits[2] or 0))


def even_index(time_s: Floats, rate_hz: float = 0.0) -> tuple[float, Ints]:
    """(rate, index of each sample) of stamps in seconds: missing ones leave holes, jitter leaves none."""
    steps = np.diff(time_s)
    if not len(steps):
        return rate_hz, np.zeros(len(time_s), np.int64)
    typical = 1 / rate_hz if rate_hz else float(np.median(steps))
    near = steps[(steps < 1.5 * typical) & (steps > 0)]
    typical = 1 / rate_hz if rate_hz else float(near.mean()) if len(near) else typical
    if typical <= 0:
        return 0.0, np.arange(len(time_s))
    counts = np.asarray(np.rint(steps / typical), np.int64)
    if counts.min() < 1:
        counts = np.ones_like(counts)
    total_s = float(time_s[-1] - time_s[0])
    rounding_s = 1e-9 + 4 * float(np.spacing(np.abs(time_s).max()))
    found = rate_hz or _near_whole(_simplest(int(counts.sum()), total_s, rounding_s))
    return found, np.concatenate([[0], np.cumsum(counts)])
