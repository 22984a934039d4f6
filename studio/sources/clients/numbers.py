"""Boards that print numbers, one sample a line, with any separator; names in front of the numbers are taken over.

Nothing in a line tells a missing one, so this client cannot know what was lost. A line that came damaged does hold
its place: its sample is a gap. The rate is not told either; it is the slope of lines over time of arrival.
"""

import re
import string
from collections import Counter
from collections.abc import Mapping

import numpy as np

from studio.data.stream import Chunk, Stream
from studio.sources.clients.client import Client, lines_of

MAX_LINE = 4096
MAX_CHANNELS = 256
LEARN_LINES = 4
LEARN_S = 1.0
LEAST_HZ, MOST_HZ = 0.1, 100_000.0
# atomic groups: a line that is nearly a row must not be tried in every way
_NUMBER = r"(?>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?|[-+]?(?:nan|inf)\b)"
_VALUE = re.compile(rf"(?:\b([A-Za-z_][\w .\[\]/-]{{0,31}}?)[ \t]{{0,3}}[:=]\s*)?({_NUMBER})", re.IGNORECASE)
_LETTERS = (string.ascii_letters + "# ").encode()
_CLEAN = re.compile(rb"[\t\x20-\x7e]+")
_NAMES = re.compile(r"[A-Za-z_][\w/]*(?:[,;\s]+[A-Za-z_][\w/]*)*")
_USUAL = (1, 2, 5, 10, 12.5, 20, 25, 26, 50, 52, 62.5, 100, 104, 119, 125, 200, 208, 238, 250, 400, 416, 476, 500)
_USUAL_HZ = np.array([*_USUAL, 800, 833, 952, 1000, 1600, 2000, 4000, 8000, 16000])


class Numbers(Client):
    """`12.5;3;-7` or `ax: 0.1 ay: 0.2`: floats, named by the line, by a header line or by `?channels=a,b`."""

    name = "numbers"
    title = "Board that prints numbers"
    bauds = (115200, 921600, 9600, 57600, 230400)

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options)
        self._first: list[list[float]] = []
        self._names: tuple[str, ...] = tuple(filter(None, self.given.get("channels", "").split(",")))
        self._pace = Pace()
        self._index = 0
        self._partial = True  # the first line may have begun before we listened

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        return 0.55 if _steady(cls._rows_of(seen + answers)) else 0.0

    @classmethod
    def _rows_of(cls, seen: bytes) -> list[list[float] | None]:
        """What the lines heard hold, None for a damaged one; messages in between are left out."""
        rows = ((line, cls._values(line)) for line in _some_lines(seen))
        return [values for line, values in rows if values is not None or not _is_message(line)]

    @classmethod
    def _values(cls, line: bytes) -> list[float] | None:
        """The numbers of one line; None when it is not a line of them."""
        if not _CLEAN.fullmatch(line):
            return None
        text = line.decode("ascii")
        if ";" in text and "," in text and "." not in text:
            text = text.replace(",", ".")  # a decimal comma
        left = _VALUE.sub("", text)
        found = [float(value) for _, value in _VALUE.findall(text)]
        return found if found and len(found) <= MAX_CHANNELS and not re.search(r"[^\s,;|:/()\[\]{}]", left) else None

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        lines, self.rest, overlong = lines_of(self.rest, data, MAX_LINE)
        self.bad += overlong
        if lines and self._partial:
            self._partial, lines = False, lines[1:]
        rows = [(line, self._values(line)) for line in lines if line.strip()]
        self._pace.add(sum(values is not None for _, values in rows), host_ns)
        if not self.ready:
            self._learn(rows)
            return []
        return self._chunks(rows, host_ns)

    def _learn(self, rows: list[tuple[bytes, list[float] | None]]) -> None:
        """Take the number of channels, their names and the rate from the first lines."""
        for line, values in rows:
            if values is not None:
                self._first.append(values)
                self._names = self._names or _names(line)
            elif not self._names and (head := line.decode("ascii", "replace").strip()) and _NAMES.fullmatch(head):
                self._names = tuple(re.split(r"[,;\s]+", head))
        del self._first[:-100]
        rate_hz = self.number("rate", 0.0) or self._pace.rate_hz
        if len(self._first) >= LEARN_LINES and rate_hz:
            n = Counter(map(len, self._first)).most_common(1)[0][0]
            names = self._names if len(set(self._names)) == n else tuple(f"c{i}" for i in range(n))
            self.streams = (self._stream(names, rate_hz),)

    def _stream(self, names: tuple[str, ...], rate_hz: float) -> Stream:
        return Stream("sensor", rate_hz, names, "", "f32")

    def _chunks(self, rows: list[tuple[bytes, list[float] | None]], host_ns: int) -> list[Chunk]:
        """Good rows as chunks. A damaged line keeps its place; a printed message has none."""
        found: list[Chunk] = []
        kept: list[list[float]] = []
        for line, values in rows:
            if values is not None and len(values) == len(self.streams[0].channels):
                kept.append(values)
            elif values is None and _is_message(line):
                self.say(line.decode("ascii", "replace"))
            else:
                self.bad += 1
                found += self._chunk(kept, host_ns)
                self._index += 1
        return found + self._chunk(kept, host_ns)

    def _chunk(self, rows: list[list[float]], host_ns: int) -> list[Chunk]:
        if not rows:
            return []
        with np.errstate(over="ignore"):  # 1e300 is infinite for a float32
            values = np.array(rows).astype("<f4")
        chunk = Chunk(self.streams[0], self._index, values, 0, host_ns)
        self._index += len(rows)
        self.packets += len(rows)
        rows.clear()
        return [chunk]

    def start(self, names: tuple[str, ...]) -> None:
        self.rest, self._partial = b"", True


class EdgeImpulse(Numbers):
    """The Edge Impulse data forwarder: lines of numbers between commas, tabs or blanks, and nothing else."""

    name = "edge-impulse"
    title = "Edge Impulse data forwarder"
    _LINE = re.compile(rf"(?:{_NUMBER})(?:[,\t ]\s*(?:{_NUMBER}))*[,\t ]*".encode(), re.IGNORECASE)

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        return 0.6 if _steady(cls._rows_of(seen + answers)) else 0.0

    @classmethod
    def _values(cls, line: bytes) -> list[float] | None:
        if len(line) > MAX_LINE or not cls._LINE.fullmatch(line):
            return None
        found = [float(part) for part in re.split(rb"[,\t ]+", line.strip()) if part]
        return found if len(found) <= MAX_CHANNELS else None

    def _stream(self, names: tuple[str, ...], rate_hz: float) -> Stream:
        """Their own rule for units: acceleration by its name."""
        acceleration = all(n.casefold().startswith("acc") for n in names)
        kind = "accelerometer" if acceleration else "sensor"
        return Stream(kind, rate_hz, names, "m/s2" if acceleration else "", "f32", 1.0, kind)


class Pace:
    """Lines per second, by regression of their count over the time of arrival; memory of a few hundred points."""

    def __init__(self) -> None:
        self._n = 0
        self._points: list[tuple[float, int]] = []

    def add(self, n: int, host_ns: int) -> None:
        """`n` lines came at `host_ns`."""
        self._n += n
        if n and len(self._points) < 500:
            self._points.append((host_ns * 1e-9, self._n))

    @property
    def rate_hz(self) -> float:
        """The rate, a usual one when it is within 3 %; 0 until a second has gone by."""
        if len(self._points) < 3 or self._points[-1][0] - self._points[0][0] < LEARN_S:
            return 0.0
        t, n = np.array(self._points).T
        slope = float(np.polyfit(t - t[0], n, 1)[0])
        if not LEAST_HZ < slope < MOST_HZ:
            return 0.0
        usual = float(_USUAL_HZ[np.argmin(np.abs(np.log(_USUAL_HZ / slope)))])
        return usual if abs(usual / slope - 1) < 0.03 else float(f"{slope:.3g}")


def _some_lines(seen: bytes) -> list[bytes]:
    """Whole lines of what was heard last, without the first, which may be half of one."""
    return [line.rstrip(b"\r") for line in seen[-16384:].split(b"\n")[1:-1] if line.strip()]


def _steady(rows: list[list[float] | None]) -> bool:
    """True when nearly all lines hold numbers, and the same count of them."""
    counts = Counter(len(row) for row in rows if row is not None)
    return len(rows) >= LEARN_LINES and counts.total() > 0 and counts.most_common(1)[0][1] >= 0.8 * len(rows)


def _names(line: bytes) -> tuple[str, ...]:
    names = tuple(name.strip() for name, _ in _VALUE.findall(line.decode("ascii", "replace")))
    return names if all(names) and len(set(names)) == len(names) else ()


def _is_message(line: bytes) -> bool:
    """Text for people, not a sample that was hit: mostly letters."""
    return len(line.translate(None, _LETTERS)) * 2 < len(line)
