"""Video beside the signal: where it lies on a recording's time axis, and how that is found.

A video has its own clock, so two numbers place it: when it begins and how fast its clock runs. They come from a clap
(a sudden peak in both), from the likeness of two curves of activity, or from moments that a person matched by hand.
Curves are what all of this works on: the activity of the video's sound, of the pictures, or of a recorded stream, at
most 500 values a second. So an hour costs megabytes, whatever it was sampled at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.errors import DataError

Floats = npt.NDArray[np.float64]

CURVE_HZ, SWING_HZ = 500.0, 100.0
#: Clocks of cameras and boards differ by less; a greater difference is a wrong match.
MOST_PPM = 1000.0
#: Claps further apart than this tell the rate, too.
RATE_FROM_S = 10.0
#: A clap in one curve and one in the other are the same when no further apart than this, and what clocks drift.
SAME_S, DRIFT_PPM = 0.03, 150.0
#: Likeness is looked at this finely.
MATCH_HZ = 200.0
#: Stretches whose places are found one by one tell the rate of a video.
STRETCH_S = 20.0


@dataclass(frozen=True)
class VideoTrack:
    """A video of a recording. `file` is relative to the recording's folder, or a whole path when only linked.

    `start_s` is the recording's time at second 0 of the video; `rate` video seconds per second of the recording.
    """

    file: str
    start_s: float = 0.0
    rate: float = 1.0
    name: str = ""

    def video_s(self, time_s: float) -> float:
        """The video's time at the recording's."""
        return (time_s - self.start_s) * self.rate

    def time_s(self, video_s: float) -> float:
        """The recording's time at the video's."""
        return self.start_s + video_s / self.rate

    def path(self, recording: Path) -> Path:
        """Where the file should be."""
        return recording / self.file

    def plain(self) -> dict[str, Any]:
        """As recording.json keeps it."""
        return {"file": self.file, "start_s": self.start_s, "rate": self.rate, "name": self.name}


def parse_videos(plain: Any) -> tuple[VideoTrack, ...]:
    """The tracks of `plain()`s; ValueError, TypeError or LookupError when they are none."""
    found = tuple(
        VideoTrack(str(v["file"]), float(v["start_s"]), float(v.get("rate", 1.0)), str(v.get("name", "")))
        for v in plain
    )
    for track in found:
        if not (np.isfinite(track.start_s) and np.isfinite(track.rate) and track.rate > 0):
            raise ValueError(f"video {track.file!r} has start {track.start_s} and rate {track.rate}")
    return found


@dataclass(frozen=True, eq=False)
class Curve:
    """Activity over time: `values` (n,) >= 0, `rate_hz` a second; the middle of the first is at `start_s`."""

    values: Floats
    rate_hz: float
    start_s: float = 0.0

    def time_s(self, at: float) -> float:
        """Time of value number `at`."""
        return self.start_s + at / self.rate_hz

    @property
    def begins_s(self) -> float:
        """Where the first value begins, if each stands for the time around it."""
        return self.start_s - 0.5 / self.rate_hz


@dataclass(frozen=True)
class Clap:
    """A sudden peak at `time_s`; `strength` in factors of ten above what was before it."""

    time_s: float
    strength: float


Pair = tuple[Clap, Clap]


@dataclass(frozen=True)
class Alignment:
    """Where a video lies. `score` in 0..1 says how well it fits, `found` from how many claps or stretches."""

    start_s: float
    rate: float
    score: float
    found: int


class Activity:
    """Makes a curve of samples as they come: how much they change, as a root mean square over all channels."""

    def __init__(self, rate_hz: float, start_s: float = 0.0) -> None:
        self._hop = max(1, round(rate_hz / CURVE_HZ))
        self._rate_hz, self._start_s = rate_hz, start_s
        self._found: list[Floats] = []
        self._last, self._left = np.zeros((0, 1)), np.zeros(0)

    def add(self, block: npt.NDArray[Any]) -> None:
        """The next samples, (n, n_channels) or (n,), of any number type; NaN counts as no change."""
        if not len(block):
            return
        rows = np.asarray(block, np.float64).reshape(len(block), -1)
        joined = np.concatenate([self._last if len(self._last) else rows[:1], rows])
        self._last = rows[-1:]
        power = np.concatenate([self._left, np.nan_to_num(np.diff(joined, axis=0) ** 2).mean(axis=1)])
        whole = len(power) // self._hop * self._hop
        self._found.append(np.sqrt(power[:whole].reshape(-1, self._hop).mean(axis=1)))
        self._left = power[whole:]

    def curve(self) -> Curve:
        """The curve so far, 500 values a second or as many as there are samples."""
        values = np.concatenate(self._found) if self._found else np.zeros(0)
        middle_s = (self._hop / 2 - 1) / self._rate_hz  # a difference lies between two samples
        return Curve(values, self._rate_hz / self._hop, self._start_s + middle_s)


def curve(blocks: Iterable[npt.NDArray[Any]], rate_hz: float, start_s: float = 0.0) -> Curve:
    """The `Activity` of all blocks."""
    made = Activity(rate_hz, start_s)
    for block in blocks:
        made.add(block)
    return made.curve()


def swing(blocks: Iterable[npt.NDArray[Any]], rate_hz: float) -> Curve:
    """How fast what carries an accelerometer moves, from samples (n, n_channels): the sum of what is not gravity.

    At most 100 values a second. A picture changes as fast as things in it move, and that is a quarter of a swing
    away from when they are accelerated most; so it is speed that is alike. Means over a second are taken off.
    """
    hop = max(1, round(rate_hz / SWING_HZ))
    means: list[Floats] = []
    left: Floats | None = None
    for block in blocks:
        rows = np.nan_to_num(np.asarray(block, np.float64).reshape(len(block), -1))
        rows = rows if left is None else np.concatenate([left, rows])
        whole = len(rows) // hop * hop
        means.append(rows[:whole].reshape(whole // hop, hop, rows.shape[1]).mean(axis=1))
        left = rows[whole:]
    if not means:
        return Curve(np.zeros(0), rate_hz / hop)
    x = np.concatenate(means)
    speed = _without_mean(np.cumsum(_without_mean(x, rate_hz / hop), axis=0) * hop / rate_hz, rate_hz / hop)
    return Curve(np.sqrt((speed**2).sum(axis=1)), rate_hz / hop, 0.5 * (hop - 1) / rate_hz)


def _without_mean(x: Floats, width: float) -> Floats:
    """Each channel of x (n, n_channels) without its mean over `width` values around."""
    made: Floats = x - np.stack([_moving_mean(channel, round(width) | 1) for channel in x.T], axis=1)
    return made


def _moving_mean(x: Floats, width: int) -> Floats:
    """Mean of the `width` (odd) values around each; the ends are held."""
    total = np.cumsum(np.concatenate([[0.0], np.pad(x, width // 2, mode="edge")]))
    made: Floats = (total[width:] - total[:-width]) / width
    return made


def even_curve(times_s: npt.ArrayLike, values: npt.ArrayLike, rate_hz: float) -> Curve:
    """A curve from values at uneven times, such as the frames of a phone's video."""
    times, given = np.asarray(times_s, np.float64), np.asarray(values, np.float64)
    if len(times) < 2:
        return Curve(given, rate_hz, float(times[0]) if len(times) else 0.0)
    n = int((times[-1] - times[0]) * rate_hz + 1e-9) + 1
    return Curve(np.interp(times[0] + np.arange(n) / rate_hz, times, given), rate_hz, float(times[0]))


def claps(found: Curve, most: int = 10) -> tuple[Clap, ...]:
    """The `most` sudden peaks that stand out furthest from what was before them, in order of time.

    A clap begins within one value of the curve, is at least three times its surroundings, and the strongest within
    a fifth of a second.
    """
    x = found.values
    if len(x) < 3 or not x.max() > 0:
        return ()
    width = max(2, round(0.25 * found.rate_hz))
    floor = max(float(np.median(x)), 1e-3 * float(x.max()))
    rise = np.log10(np.maximum(x, floor) / np.maximum(_mean_before(x, width), floor))
    loud = np.log10(np.maximum(x, floor) / floor)
    strength = rise + loud
    picked = _tops(np.where(rise > 0.5, strength, 0.0), max(1, round(0.2 * found.rate_hz)), most)
    return tuple(Clap(found.time_s(_foot(x, i, found.rate_hz)), float(strength[i])) for i in sorted(picked))


def _mean_before(x: Floats, width: int) -> Floats:
    """Mean of the `width` values before each, without the two next to it, which belong to the rise."""
    total = np.concatenate([[0.0], np.cumsum(x)])
    stop = np.maximum(np.arange(len(x)) - 1, 0)
    start = np.maximum(stop - width, 0)
    made: Floats = (total[stop] - total[start]) / np.maximum(stop - start, 1)
    return made


def _tops(strength: Floats, apart: int, most: int) -> list[int]:
    """Indices of the greatest values, no two nearer than `apart`."""
    picked: list[int] = []
    for i in np.argsort(strength)[::-1][: 50 * most]:
        if strength[i] <= 0 or len(picked) == most:
            break
        if all(abs(int(i) - p) >= apart for p in picked):
            picked.append(int(i))
    return picked


def _foot(x: Floats, top: int, rate_hz: float) -> int:
    """The first value of the rise to `top` that is more than a third of it."""
    i = top
    while i > 0 and top - i < 0.03 * rate_hz + 1 and x[i - 1] > x[top] / 3:
        i -= 1
    return i


def align_claps(video: Curve, recorded: Curve) -> Alignment:
    """Match the claps of both: the shift at which most of their strength meets. DataError without a match.

    Two claps further apart than 10 s tell the rate, too; else it is 1.
    """
    of_video, of_recording = claps(video), claps(recorded)
    for which, found in (("the video", of_video), ("the recording", of_recording)):
        if not found:
            raise _no_clap(which)
    best = max(
        (_pairs(of_video, of_recording, (v, r)) for v in of_video for r in of_recording),
        key=lambda pairs: sum(min(v.strength, r.strength) for v, r in pairs),
    )
    start_s, rate = _line([(v.time_s, r.time_s) for v, r in best])
    met = sum(min(v.strength, r.strength) for v, r in best)
    fewer = min(sum(c.strength for c in of_video), sum(c.strength for c in of_recording))
    return Alignment(start_s, rate, float(min(1.0, met / fewer)), len(best))


def _pairs(of_video: tuple[Clap, ...], of_recording: tuple[Clap, ...], base: Pair) -> list[Pair]:
    """Claps that meet when those of `base` do; the further from it, the more the clocks may have drifted apart.

    What does not lie on the one line through them all was no match.
    """
    shift_s, found = base[1].time_s - base[0].time_s, [base]
    for v in of_video:
        near = min(of_recording, key=lambda r: abs(v.time_s + shift_s - r.time_s))
        may_s = SAME_S + DRIFT_PPM * 1e-6 * abs(v.time_s - base[0].time_s)
        if v is not base[0] and near is not base[1] and abs(v.time_s + shift_s - near.time_s) <= may_s:
            found.append((v, near))
    start_s, rate = _line([(v.time_s, r.time_s) for v, r in found])
    return [(v, r) for v, r in found if abs(start_s + v.time_s / rate - r.time_s) <= SAME_S]


def _line(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """(start_s, rate) through (video time, recording time); rate 1 when they are too near or say nonsense."""
    v, t = np.array(pairs).T
    if v.max() - v.min() >= RATE_FROM_S:
        slope, offset = np.polyfit(v, t, 1)
        if abs(slope - 1) <= MOST_PPM * 1e-6:
            return float(offset), float(1 / slope)
    return float(np.median(t - v)), 1.0


def anchored(anchors: list[tuple[float, float]], rate: float = 1.0) -> tuple[float, float]:
    """(start_s, rate) by hand: one (video time, recording time) gives the start, two or more the rate as well.

    DataError when two anchors name the same moment of one clock, or run against each other.
    """
    v, t = np.array(anchors, np.float64).T
    if len(anchors) == 1:
        return float(t[0] - v[0] / rate), rate
    if np.ptp(v) < 1e-6 or np.ptp(t) < 1e-6 or np.polyfit(t, v, 1)[0] <= 0:
        seen = "do not lie one after the other in both the video and the recording"
        raise DataError("The anchors", seen, "Set each at another moment, in the same order.")
    found, at = np.polyfit(t, v, 1)
    return float(-at / found), float(found)


def align_curves(video: Curve, recorded: Curve) -> Alignment:
    """The shift at which the curves are most alike, and the drift between their clocks. DataError when none stands out.

    First over all shifts by FFT; then every stretch of 20 s is placed by itself, and the line through their places
    gives the rate.
    """
    rate_hz = min(video.rate_hz, recorded.rate_hz, MATCH_HZ)
    v, r = _even(video, rate_hz), _even(recorded, rate_hz)
    if min(len(v), len(r)) < 2 * rate_hz:
        seen = f"is {min(len(v), len(r)) / rate_hz:.1f} s long"
        raise DataError("The shorter of video and recording", seen, "Two seconds or more are needed to compare them.")
    lag, likeness, rival = _best_lag(v, r, round(min(10 * rate_hz, 0.3 * min(len(v), len(r)))))
    if likeness < 0.1 or likeness < 1.15 * rival:
        seen = f"are nowhere alike enough (best likeness {likeness:.2f}, next best {rival:.2f})"
        raise DataError("Video and recording", seen, "Place the video by a clap or by hand.")
    shift_s = lag / rate_hz + recorded.begins_s - video.begins_s
    places = _places(v, r, lag, rate_hz)
    if len(places) < 4:
        return Alignment(shift_s, 1.0, likeness, 1)
    start_s, rate = _robust_line(places, video.begins_s, recorded.begins_s)
    return Alignment(start_s, rate, likeness, len(places))


def _even(found: Curve, rate_hz: float) -> Floats:
    """The curve at `rate_hz`, as factors above its median, without what changes slower than two seconds."""
    n = int(len(found.values) / found.rate_hz * rate_hz)
    total = np.concatenate([[0.0], np.cumsum(found.values)])
    edges = np.arange(n + 1) / rate_hz * found.rate_hz
    values = np.diff(np.interp(edges, np.arange(len(total)), total))
    levels = np.log1p(values / max(float(np.median(values)), 1e-9 * float(values.max(initial=0)), 1e-300))
    made: Floats = levels - _moving_mean(levels, max(3, round(2 * rate_hz) | 1)) if n else levels
    return made


def _best_lag(v: Floats, r: Floats, least: int) -> tuple[float, float, float]:
    """(lag, likeness there, greatest likeness elsewhere): r[i + lag] is like v[i]; at least `least` values overlap."""
    likeness, first = _likeness(v, r, least)
    top = int(likeness.argmax())
    apart = max(2, len(likeness) // 2000, least // 10)
    other = np.concatenate([likeness[: max(0, top - apart)], likeness[top + apart + 1 :]])
    return first + _summit(likeness, top), float(likeness[top]), float(other.max(initial=0.0))


def _likeness(v: Floats, r: Floats, least: int) -> tuple[Floats, int]:
    """Correlation -1..1 of the overlapping parts at every lag from the first returned; few overlapping count less."""
    size = 1 << (len(v) + len(r) - 1).bit_length()

    def crossed(a: Floats, b: Floats) -> Floats:
        product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
        made: Floats = np.concatenate([product[size - len(a) + 1 :], product[: len(b)]])
        return made

    one_v, one_r = np.ones(len(v)), np.ones(len(r))
    power = np.sqrt(np.maximum(crossed(v**2, one_r) * crossed(one_v, r**2), 0.0))
    overlap = np.minimum(crossed(one_v, one_r) / max(1, least), 1.0)
    floor = 1e-9 * float(power.max(initial=0.0)) + 1e-300
    return crossed(v, r) / np.maximum(power, floor) * np.where(overlap >= 1 - 1e-6, 1.0, 0.0), 1 - len(v)


def _summit(y: Floats, top: int) -> float:
    """Place of the maximum near `top`, of the parabola through three values."""
    if not 0 < top < len(y) - 1:
        return float(top)
    a, b, c = y[top - 1 : top + 2]
    bend = a - 2 * b + c
    return top + (0.5 * (a - c) / bend if bend < 0 else 0.0)


def _places(v: Floats, r: Floats, lag: float, rate_hz: float) -> list[tuple[float, float, float]]:
    """(video s, recording s, likeness) of each stretch of the video that is like the recording near `lag`."""
    length, found = round(STRETCH_S * rate_hz), []
    for start in range(0, len(v) - length + 1, length):
        reach = round((0.25 + MOST_PPM * 1e-6 * len(v) / rate_hz) * rate_hz)
        first = round(start + lag) - reach
        part = r[max(first, 0) : max(first + length + 2 * reach, 0)]
        if len(part) < length + 2 or np.ptp(v[start : start + length]) == 0:
            continue
        likeness, least_lag = _likeness(v[start : start + length], part, length)
        top = int(likeness.argmax())
        at = max(first, 0) + least_lag + _summit(likeness, top)
        middle = start + length / 2
        found.append((middle / rate_hz, (at + length / 2) / rate_hz, float(likeness[top])))
    best = max((likeness for _, _, likeness in found), default=0.0)
    return [f for f in found if f[2] >= 0.5 * best]


def _robust_line(places: list[tuple[float, float, float]], video_s: float, recorded_s: float) -> tuple[float, float]:
    """(start_s, rate): the median of the slopes between places (Theil and Sen), then of what is left.

    A drift that is smaller than the scatter of the places is none.
    """
    v, t, _ = np.array(places).T
    i, j = np.triu_indices(len(v), 1)
    drift = float(np.median(((t[j] - v[j]) - (t[i] - v[i])) / (v[j] - v[i])))
    drift = drift if abs(drift) <= MOST_PPM * 1e-6 else 0.0
    left = t - v * (1 + drift)
    scatter = float(np.median(np.abs(left - np.median(left))))
    if abs(drift) * np.ptp(v) < 3 * scatter:
        drift = 0.0
    left = (t + recorded_s) - (v + video_s) * (1 + drift)
    return float(np.median(left)), 1 / (1 + drift)


def _no_clap(which: str) -> DataError:
    seen = f"{which} has no sudden peak that stands out"
    return DataError("A clap", f"was not found: {seen}", "Place the video by likeness or by hand.")
