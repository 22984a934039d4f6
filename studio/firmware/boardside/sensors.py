# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sensors that play a file: rows fall due by the board's clock into a FIFO that overruns when nobody reads it."""

from dataclasses import dataclass, field
from pathlib import Path

FIFO_SECONDS = 0.25
LEAST_ROWS = 64


@dataclass
class Sensor:
    """`rows` are raw little-endian rows, played in a loop from the first at every start; b"": a sensor that reads 0.

    `rate_mhz` 0 takes the rate that the firmware asks for.
    """

    rows: bytes = b""
    row_bytes: int = 0
    rate_mhz: int = 0
    running: bool = False
    watermark: int = 1
    overruns: int = 0
    _start_us: int = 0
    _next: int = 0
    _rate: int = field(default=1, repr=False)

    def start(self, now_us: int, row_bytes: int, rate_mhz: int, watermark: int) -> None:
        """Begin with the first row. A file of other rows than the firmware expects plays as zeros."""
        if self.row_bytes not in (0, row_bytes):
            self.rows = b""
        self.row_bytes, self.watermark, self._rate = row_bytes, max(1, watermark), self.rate_mhz or max(1, rate_mhz)
        self._start_us, self._next, self.overruns, self.running = now_us, 0, 0, True

    def stop(self) -> None:
        """Measure no more."""
        self.running = False

    def time_us(self, row: int) -> int:
        """When row number `row` falls due."""
        return self._start_us + (row + 1) * 1_000_000_000 // self._rate

    def settle(self, now_us: int) -> int:
        """Rows that wait at `now_us`; what the FIFO cannot hold is lost, oldest first."""
        if not self.running:
            return 0
        waiting = (now_us - self._start_us) * self._rate // 1_000_000_000 - self._next
        lost = waiting - max(LEAST_ROWS, 2 * self.watermark, int(FIFO_SECONDS * self._rate / 1000))
        if lost > 0:
            self.overruns += lost
            self._next += lost
            waiting -= lost
        return waiting

    def take(self, now_us: int, n: int) -> tuple[bytes, int]:
        """At most `n` rows that wait, oldest first, and when the first fell due."""
        n = min(n, self.settle(now_us))
        first = self._next
        self._next += max(n, 0)
        return self._cut(first, n), self.time_us(first)

    @property
    def due_us(self) -> int:
        """When the watermark is reached."""
        return self.time_us(self._next + self.watermark - 1)

    def _cut(self, first: int, n: int) -> bytes:
        length = len(self.rows) // self.row_bytes if self.row_bytes else 0
        if length == 0:
            return bytes(n * self.row_bytes)
        start, size, end = first % length * self.row_bytes, n * self.row_bytes, length * self.row_bytes
        cut = self.rows[start : min(start + size, end)]
        while len(cut) < size:
            cut += self.rows[: min(size - len(cut), end)]
        return cut


class Sensors:
    """The board's sensors by index, all on one clock."""

    def __init__(self, given: dict[int, Sensor]) -> None:
        self._all = given

    def __getitem__(self, index: int) -> Sensor:
        return self._all.setdefault(index, Sensor())

    def stop(self) -> None:
        """As after a reset."""
        for sensor in self._all.values():
            sensor.stop()

    def due_us(self) -> int | None:
        """When the next sensor reaches its watermark; None while none runs."""
        return min((s.due_us for s in self._all.values() if s.running), default=None)


def parse_sensor(text: str) -> tuple[int, Sensor]:
    """A sensor from `index:path:row_bytes:rate_hz`; the path may hold colons."""
    index, _, rest = text.partition(":")
    path, row_bytes, rate_hz = rest.rsplit(":", 2)
    return int(index), Sensor(Path(path).read_bytes(), int(row_bytes), round(float(rate_hz) * 1000))
