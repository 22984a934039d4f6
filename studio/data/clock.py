"""What a device's clock is worth, by this computer's clock: one line under all the delays.

Every chunk comes with the device's time of its samples and the host's time of its arrival. A chunk can be late, by
any amount and any number of times, but never early; so the relation of both clocks is the line that touches the
cloud of (device, host - device) from below: the edge of its lower convex hull under the middle. Least squares would
follow the delays instead (30 ms off on Bluetooth, where this line is off by 0.1 ms). What is left above the line, in
blocks of time, tells how far the line may be wrong.

Arrivals of all devices are stamped by one clock, so their lines put them on one time line.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Gaps = Sequence[tuple[int, int]]

#: A line through fewer chunks, or less time, would be luck.
FEWEST, SHORTEST_S = 20, 1.0
#: The hull is taken of the earliest chunk in each of so many stretches.
BINS = 4096
BLOCKS = 16
#: 97.5 % point of Student's t with BLOCKS - 2 degrees of freedom.
STUDENT = 2.145
#: An interval of the rate wider than this share says less than the device's own clock does.
WIDEST = 0.005
#: A jump of the device's clock against its count of samples longer than this starts a new line.
BREAK_S = 2.0


@dataclass(frozen=True)
class Fit:
    """host = at_host_ns + (device - at_device_us) * 1000 * (1 + ppm / 1e6), `ppm` host time per device time.

    `ppm_error` is half the 95 % interval; `late_ms` the median delay above the least one; `n` chunks over `span_s`.
    """

    at_device_us: float
    at_host_ns: float
    ppm: float
    ppm_error: float
    late_ms: float
    n: int
    span_s: float

    @property
    def clock_ppm(self) -> float:
        """How much too fast the device's clock runs, in millionths."""
        return -self.ppm / (1 + self.ppm * 1e-6)

    def host_ns(self, device_us: float) -> float:
        """This computer's monotonic clock when the device's clock showed `device_us`, up to the least delay."""
        return self.at_host_ns + (device_us - self.at_device_us) * 1e3 * (1 + self.ppm * 1e-6)

    def device_us(self, host_ns: float) -> float:
        """The device's clock at a moment of this computer's monotonic clock."""
        return self.at_device_us + (host_ns - self.at_host_ns) * 1e-3 / (1 + self.ppm * 1e-6)

    def plain(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)


def parse_fit(plain: dict[str, Any]) -> Fit:
    """The Fit of `plain()`; LookupError or TypeError when it is none."""
    return Fit(**{name: plain[name] for name in Fit.__dataclass_fields__})


def fit(device_us: npt.ArrayLike, host_ns: npt.ArrayLike) -> Fit | None:
    """The line under (device, host - device), both (n,); None when there is too little to tell.

    Parameters: device_us is the device's clock when a chunk was complete; host_ns this computer's clock when it came.
    """
    device, host = np.asarray(device_us, np.float64), np.asarray(host_ns, np.float64)
    if len(device) < FEWEST or device[-1] - device[0] < SHORTEST_S * 1e6:
        return None
    x = (device - device[0]) * 1e-6
    y = (host - host[0]) * 1e-9 - x
    slope, offset = _line_under(x, y)
    above = y - (offset + slope * x)
    middle, error = (x[0] + x[-1]) / 2, _slope_error(x, above)
    if error is None:
        return None
    return Fit(
        at_device_us=float(device[0] + middle * 1e6),
        at_host_ns=float(host[0] + (middle + offset + slope * middle) * 1e9),
        ppm=float(slope * 1e6),
        ppm_error=error * 1e6,
        late_ms=float(np.median(above) * 1e3),
        n=len(x),
        span_s=float(x[-1]),
    )


def _line_under(x: Floats, y: Floats) -> tuple[float, float]:
    """(slope, offset) of the lower hull's edge under the middle of x; a second look undoes what bins hid."""
    slope = 0.0
    for _ in range(2):
        kept = _lowest(x, y - slope * x)
        slope, offset = _edge(x[kept], y[kept], (x[0] + x[-1]) / 2)
    return slope, offset


def _lowest(x: Floats, y: Floats) -> Ints:
    """Index of the lowest point of each of at most BINS stretches of x, ascending."""
    if len(x) <= BINS:
        return np.arange(len(x))
    of = np.minimum(((x - x[0]) / (x[-1] - x[0]) * BINS).astype(np.int64), BINS - 1)
    order = np.lexsort((y, of))
    first = np.concatenate([[True], np.diff(of[order]) > 0])
    kept: Ints = order[first]
    return kept


def _edge(x: Floats, y: Floats, middle: float) -> tuple[float, float]:
    """(slope, offset) of the edge of the lower convex hull that spans `middle` (Andrew's monotone chain)."""
    hull: list[tuple[float, float]] = []
    for px, py in zip(x.tolist(), y.tolist(), strict=True):
        while hull and hull[-1][0] == px and hull[-1][1] >= py:
            hull.pop()
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], (px, py)):
            hull.pop()
        hull.append((px, py))
    at = min(max(int(np.searchsorted([p[0] for p in hull], middle)), 1), len(hull) - 1)
    (x0, y0), (x1, y1) = hull[at - 1], hull[at]
    slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
    return slope, y0 - slope * x0


def _turns_right(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]) <= 0


def _slope_error(x: Floats, above: Floats) -> float | None:
    """Half the 95 % interval of the slope, or None: from the scatter of the least delay of each block of time.

    The lowest points alone carry the line; a line through the lowest of each block has a slope that is off by as much
    as their scatter tilts it. Added is how far that line's own slope is from ours, and the clocks' last digit.
    """
    edges = np.searchsorted(x, np.linspace(x[0], x[-1], BLOCKS + 1)[1:-1])
    blocks = [(bx, ba) for bx, ba in zip(np.split(x, edges), np.split(above, edges), strict=True) if len(ba)]
    if len(blocks) < 4:
        return None
    least = np.array([ba.min() for _, ba in blocks])
    where = np.array([bx[ba.argmin()] for bx, ba in blocks])
    centred = where - where.mean()
    tilt = float(centred @ least / (centred @ centred))
    left = least - least.mean() - tilt * centred
    scatter = float(np.sqrt(left @ left / (len(least) - 2)))
    return STUDENT * scatter / float(np.sqrt(centred @ centred)) + abs(tilt) + 1e-6 / float(x[-1])


@dataclass(frozen=True)
class Rate:
    """Samples per second, with half its 95 % interval; `by` says whose second: "host", "device", or "stated"."""

    hz: float
    error_hz: float = 0.0
    by: str = "stated"


def device_fit(stamps: Ints, rate_hz: float, gaps: Gaps = ()) -> Fit | None:
    """The line of a device's clock, or of its count of samples when it has none; None when there is too little.

    `stamps` are (n, 3) rows of index, device clock us, host clock ns of each chunk's first sample, as recorded.
    """
    at, _, end_us = _steady(stamps, rate_hz, gaps)
    return fit(end_us, stamps[at, 2])


def line_at(line: Fit, stamps: Ints, row: int, rate_hz: float) -> Fit:
    """`line`, or a parallel one for a stretch in which the device's clock had begun anew, as after a restart.

    `stamps` as in `device_fit`; `row` of them lies in the stretch that is asked about.
    """
    host = stamps[:, 2].astype(np.float64)
    device: Floats = (stamps[:, 1] if stamps[:, 1].any() else stamps[:, 0] * 1e6 / rate_hz).astype(np.float64)
    if not host[row] or abs(line.host_ns(device[row]) - host[row]) < BREAK_S * 1e9:
        return line
    i, j = next((a, b) for a, b in _stretches(device, host) if a <= row < b)
    n = np.diff(stamps[:, 0], append=stamps[-1, 0])
    n = np.where((n > 0) & (n < 2 * np.median(n)), n, np.median(n))  # a chunk came when its last sample was taken
    end_us = device[i:j] + n[i:j] * 1e6 / rate_hz
    least = int(np.argmin(host[i:j] - end_us * 1e3 * (1 + line.ppm * 1e-6)))
    return replace(line, at_device_us=float(end_us[least]), at_host_ns=float(host[i + least]))


def true_rate(stamps: Ints, rate_hz: float, gaps: Gaps = (), simulated: bool = False) -> Rate:
    """What the rate really was, where the device says `rate_hz`.

    This computer's clock judges; the device's own does when the device is simulated (its second is its own), or
    when the recording is too short for delays to average out.
    """
    i, j = _longest(stamps[:, 1].astype(np.float64), stamps[:, 2].astype(np.float64))
    has_clock = j - i > 1 and bool(stamps[:, 1].any())
    by_host = None if simulated and has_clock else _rate_by_host(stamps, rate_hz, gaps)
    if by_host is not None and not (has_clock and by_host.error_hz > WIDEST * rate_hz):
        return by_host
    return _rate_by_device(stamps[i:j], rate_hz) if has_clock else Rate(rate_hz)


def _rate_by_host(stamps: Ints, rate_hz: float, gaps: Gaps) -> Rate | None:
    """The line of the count of samples itself against this computer's clock."""
    at, end, _ = _steady(stamps, rate_hz, gaps)
    line = fit(end * 1e6 / rate_hz, stamps[at, 2])
    if line is None:
        return None
    return Rate(rate_hz / (1 + line.ppm * 1e-6), rate_hz * line.ppm_error * 1e-6, "host")


def _rate_by_device(stamps: Ints, rate_hz: float) -> Rate:
    """Least squares: stamps of the device's own clock have no delays, only a last digit."""
    x, y = (stamps[:, 1] - stamps[0, 1]) * 1e-6, (stamps[:, 0] - stamps[0, 0]).astype(np.float64)
    if x[-1] <= 0:
        return Rate(rate_hz)
    centred = x - x.mean()
    hz = float(centred @ y / (centred @ centred))
    left = y - y.mean() - hz * centred
    scatter = float(np.sqrt(left @ left / max(len(x) - 2, 1)))
    return Rate(hz, 2 * scatter / float(np.sqrt(centred @ centred)) + hz * 1e-6 / float(x[-1]), "device")


def _steady(stamps: Ints, rate_hz: float, gaps: Gaps) -> tuple[Ints, Ints, Floats]:
    """(row, index at the end, device us at the end) of each whole chunk, of the longest stretch without a new start.

    A chunk ends where the next begins, unless samples are missing there: then nobody knows, and it is left out.
    """
    if len(stamps) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    index, host = stamps[:, 0], stamps[:, 2].astype(np.float64)
    device: Floats = (stamps[:, 1] if stamps[:, 1].any() else index * 1e6 / rate_hz).astype(np.float64)
    end, n = index[1:], np.diff(index)
    starts = np.sort(np.array([start for start, _ in gaps], np.int64))
    holed = np.searchsorted(starts, end, "left") > np.searchsorted(starts, index[:-1], "left")
    whole = (n > 0) & ~holed & (host[:-1] > 0)
    i, j = _longest(device, host)
    at = np.flatnonzero(whole[i : j - 1]) + i
    return at, end[at], device[at] + n[at] * 1e6 / rate_hz


def _longest(device: Floats, host: Floats) -> tuple[int, int]:
    """The longest stretch [i, j) of chunks in which the device's clock goes on, at the pace of the host's."""
    return max(_stretches(device, host), key=lambda p: p[1] - p[0])


def _stretches(device: Floats, host: Floats) -> list[tuple[int, int]]:
    """Every such stretch."""
    step_us, stamped = np.diff(device), (host[1:] > 0) & (host[:-1] > 0)
    broken = (step_us < 0) | (stamped & (np.abs(step_us - np.diff(host) * 1e-3) > BREAK_S * 1e6))
    return list(pairwise([0, *(np.flatnonzero(broken) + 1).tolist(), len(device)]))
