"""What came lately from a device: its chunks as they came, and what they tell of its clock.

Why beside the rings: a ring holds values for the eye, in the unit; a recording that begins before its button was
pressed needs the device's own numbers, with the stamps of both clocks. And a key pressed now belongs to the samples
that are being taken now, not to those that have just come in: the least delay of the last chunks tells which.
"""

from collections import deque
from collections.abc import Iterable

from studio.data.clock import Fit, fit
from studio.data.stream import Chunk

KEPT_S = 30.0
#: Arrivals of so long a time tell the least delay.
DELAY_S = 5.0
SILENT_S = 1.5
#: One stamp of the clock in so many seconds, as many as make ten minutes.
STAMP_S, STAMPS = 0.25, 2400


class Lately:
    """The last `seconds` of every stream. `take` belongs to one thread, or to a lock that the readers hold too."""

    def __init__(self, seconds: float = KEPT_S) -> None:
        self.seconds = seconds
        self._chunks: deque[Chunk] = deque()
        self._stamps: deque[tuple[float, int]] = deque(maxlen=STAMPS)
        self._clock_of = ""
        self._best = (float("inf"), 0.0, 0)  # of the stamp being made: host - device, device, host
        self._until_ns = 0

    def take(self, chunk: Chunk) -> None:
        """A sink."""
        self._chunks.append(chunk)
        oldest = chunk.host_ns - round(self.seconds * 1e9)
        while self._chunks[0].host_ns < oldest:
            self._chunks.popleft()
        if chunk.stream.name == (self._clock_of or chunk.stream.name):
            self._clock_of = chunk.stream.name
            self._stamp(_end_us(chunk), chunk.host_ns)

    def _stamp(self, device_us: float, host_ns: int) -> None:
        """Keep the chunk with the least delay of every STAMP_S; a clock that went back begins anew."""
        if self._stamps and device_us < self._stamps[-1][0]:
            self._stamps.clear()
            self._best, self._until_ns = (float("inf"), 0.0, 0), 0
        if host_ns >= self._until_ns:
            if self._best[2]:
                self._stamps.append(self._best[1:])
            self._best, self._until_ns = (float("inf"), 0.0, 0), host_ns + round(STAMP_S * 1e9)
        self._best = min(self._best, (host_ns - device_us * 1e3, device_us, host_ns))

    def clock(self) -> Fit | None:
        """The device's clock by this computer's, from up to ten minutes; None while there is too little to tell."""
        stamps = list(self._stamps)
        return fit([s[0] for s in stamps], [s[1] for s in stamps])

    def indices_at(self, host_ns: int) -> dict[str, float]:
        """Stream -> index of the sample that was being taken at `host_ns` of this computer's clock."""
        found: dict[str, tuple[float, float]] = {}
        for chunk in reversed(self._chunks):
            if host_ns - chunk.host_ns > DELAY_S * 1e9 and found:
                break
            rate_hz = chunk.stream.rate_hz
            zero_s = chunk.host_ns * 1e-9 - (chunk.start + len(chunk.values)) / rate_hz
            least = min(zero_s, found.get(chunk.stream.name, (zero_s, 0.0))[0])
            found[chunk.stream.name] = least, rate_hz
        return {name: (host_ns * 1e-9 - zero_s) * rate_hz for name, (zero_s, rate_hz) in found.items()}

    def rates_hz(self, host_ns: int) -> dict[str, float]:
        """Stream -> samples per second over the last seconds, from first to last arrival; nothing for a silent one."""
        last: dict[str, tuple[int, int]] = {}
        first: dict[str, tuple[int, int]] = {}
        for chunk in reversed(self._chunks):
            if host_ns - chunk.host_ns > DELAY_S * 1e9:
                break
            at = chunk.start + len(chunk.values), chunk.host_ns
            last.setdefault(chunk.stream.name, at)
            first[chunk.stream.name] = at
        spans = {name: (first[name], last[name]) for name in first if host_ns - last[name][1] < SILENT_S * 1e9}
        return {n: (b[0] - a[0]) / (b[1] - a[1]) * 1e9 for n, (a, b) in spans.items() if b[1] - a[1] > 0.5e9}

    def since(self, seconds: float) -> list[Chunk]:
        """The samples of the last `seconds`, as they came; of all streams from one moment of the device's clock on."""
        chunks = _since_restart(self._chunks)
        last = {c.stream.name: c for c in chunks}
        if seconds <= 0 or not last:
            return []
        if all(c.device_us for c in chunks):
            from_us = max(_end_us(c) for c in last.values()) - seconds * 1e6
            return [part for c in chunks if (part := _cut(c, (from_us - c.device_us) * 1e-6 * c.stream.rate_hz))]
        first = {n: c.start + len(c.values) - seconds * c.stream.rate_hz for n, c in last.items()}
        return [part for c in chunks if (part := _cut(c, first[c.stream.name] - c.start))]


def _end_us(chunk: Chunk) -> float:
    """Device time after the last sample; by the count of samples where the device has no clock."""
    n, rate_hz = len(chunk.values), chunk.stream.rate_hz
    return chunk.device_us + n * 1e6 / rate_hz if chunk.device_us else (chunk.start + n) * 1e6 / rate_hz


def _since_restart(chunks: Iterable[Chunk]) -> list[Chunk]:
    """The chunks after the last time that the device's clock or count went back."""
    found: list[Chunk] = []
    newest: dict[str, tuple[int, int]] = {}
    for chunk in chunks:
        name, now = chunk.stream.name, (chunk.start, chunk.device_us)
        before = newest.get(name, now)
        if now[0] < before[0] or now[1] < before[1]:
            found.clear()
        newest[name] = now
        found.append(chunk)
    return found


def _cut(chunk: Chunk, skip: float) -> Chunk | None:
    """The chunk without the samples before `skip`; None when nothing is left."""
    n = max(0, -int(-skip // 1))  # the first sample at or after that moment
    if n >= len(chunk.values):
        return None
    device_us = chunk.device_us + round(n * 1e6 / chunk.stream.rate_hz) if chunk.device_us else 0
    return Chunk(chunk.stream, chunk.start + n, chunk.values[n:], device_us, chunk.host_ns)
