"""Where a video lies on the recording's time axis: known shifts and drifts are found again."""

import numpy as np
import pytest

from studio.data.video import (
    Curve,
    VideoTrack,
    align_claps,
    align_curves,
    anchored,
    claps,
    curve,
    even_curve,
    parse_videos,
    swing,
)
from studio.errors import DataError


def noise_with_claps(times_s: list[float], seconds: float, rate_hz: float, seed: int, loud: float = 1.0) -> np.ndarray:
    """Room noise and, at each time, a burst that dies away within 20 ms."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.01, round(seconds * rate_hz))
    n = round(0.03 * rate_hz)
    for t in times_s:
        at = round(t * rate_hz)
        x[at : at + n] += loud * rng.normal(0, 1, n) * np.exp(-np.arange(n) / (0.006 * rate_hz))
    return x


def jolts(times_s: list[float], seconds: float, rate_hz: float, seed: int) -> np.ndarray:
    """Acceleration (n, 3): a slow sway, and a jolt at each time."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    x = np.stack([0.2 * np.sin(t), 0.1 * np.cos(0.7 * t), np.ones_like(t)], 1) + rng.normal(0, 0.01, (len(t), 3))
    for at in times_s:
        x += np.where(t >= at, np.exp(-(t - at) / 0.03) * np.cos(100 * (t - at)), 0.0)[:, None] * [0.5, 2.0, 1.0]
    return x


def test_a_track_maps_both_ways() -> None:
    track = VideoTrack("a.mp4", 2.5, 1.0001, "front")
    assert track.video_s(2.5) == 0
    assert track.time_s(track.video_s(1234.5)) == pytest.approx(1234.5)
    assert track.video_s(12.5) == pytest.approx(10.001)
    assert parse_videos([track.plain()]) == (track,)


@pytest.mark.parametrize("bad", [{"file": "a", "start_s": 0, "rate": 0}, {"file": "a", "start_s": float("nan")}])
def test_a_track_that_cannot_be(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="video"):
        parse_videos([bad])


def test_a_curve_does_not_depend_on_the_blocks() -> None:
    x = np.random.default_rng(1).normal(size=(10_000, 2))
    whole = curve([x], 16_000)
    parts = curve(np.split(x, [1, 2, 500, 511, 8000]), 16_000)
    assert whole.rate_hz == 500
    np.testing.assert_allclose(parts.values, whole.values)


def test_a_gap_is_no_clap() -> None:
    x = np.ones(2000)
    x[500:700] = np.nan
    assert curve([x], 100).values.max() == 0


def test_finds_claps_where_they_are() -> None:
    times = [2.0, 5.504, 9.3]
    found = claps(curve([noise_with_claps(times, 12, 44_100, 3)], 44_100), most=3)
    assert [c.time_s for c in found] == pytest.approx(times, abs=0.003)


def test_steady_noise_has_no_clap() -> None:
    assert claps(curve([np.random.default_rng(0).normal(size=60_000)], 8000)) == ()
    assert claps(Curve(np.zeros(100), 100.0)) == ()


@pytest.mark.parametrize("seed", range(4))
def test_one_clap_in_sound_and_sound(seed: int) -> None:
    video = curve([noise_with_claps([3.21], 20, 48_000, seed)], 48_000)
    heard = curve([noise_with_claps([11.73], 30, 16_000, seed + 50, 0.3)], 16_000)
    found = align_claps(video, heard)
    assert found.start_s == pytest.approx(11.73 - 3.21, abs=0.005)
    assert found.rate == 1.0


@pytest.mark.parametrize(("seed", "rate_hz"), [(0, 100.0), (1, 208.0), (2, 1600.0)])
def test_a_clap_heard_and_felt(seed: int, rate_hz: float) -> None:
    """The sound track of the video against an accelerometer, three claps among other noises."""
    at = [4.0, 4.8, 6.1]
    video = curve([noise_with_claps([*[t + 2.345 for t in at], 15.0], 25, 48_000, seed)], 48_000)
    felt = curve([jolts([*at, 9.0], 20, rate_hz, seed)], rate_hz)
    found = align_claps(video, felt)
    assert found.start_s == pytest.approx(-2.345, abs=0.010)
    assert found.found >= 3


def test_claps_far_apart_tell_the_drift() -> None:
    rate = 1 + 80e-6
    at = [5.0, 300.0, 595.0]
    heard = curve([noise_with_claps(at, 600, 8000, 1)], 8000)
    video = curve([noise_with_claps([(t - 1.5) * rate for t in at], 605, 8000, 2)], 8000)
    found = align_claps(video, heard)
    track = VideoTrack("", found.start_s, found.rate)
    for t in (0.0, 300.0, 600.0):
        assert track.video_s(t) == pytest.approx((t - 1.5) * rate, abs=0.010)


def test_claps_an_hour_apart() -> None:
    """By then the clocks are 0.29 s apart, ten times what counts as the same moment."""
    rate, at = 1 - 80e-6, [5.0, 1800.0, 3590.0]
    heard = curve([noise_with_claps([*at, 700.0], 3600, 1000, 1)], 1000)
    video = curve([noise_with_claps([*[(t - 1.5) * rate for t in at], 2500.0], 3605, 1000, 2)], 1000)
    found = align_claps(video, heard)
    track = VideoTrack("", found.start_s, found.rate)
    assert found.found == 3
    for t in (0.0, 1800.0, 3600.0):
        assert track.video_s(t) == pytest.approx((t - 1.5) * rate, abs=0.010)


def test_no_clap_is_said() -> None:
    quiet = Curve(np.ones(1000), 100.0)
    with pytest.raises(DataError, match="the video has no sudden peak"):
        align_claps(quiet, curve([noise_with_claps([3.0], 9, 8000, 1)], 8000))


def sounds(seconds: float, rate_hz: float, seed: int, shift_s: float = 0.0, rate: float = 1.0) -> np.ndarray:
    """Words and steps of a room: noise whose loudness follows one secret curve, taken at (t - shift) * rate."""
    rng = np.random.default_rng(7)
    knots = rng.uniform(-3, 0, 20_000)
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    loud = 10 ** np.interp(t / rate + shift_s, np.arange(20_000) * 0.12, knots)
    return loud * np.random.default_rng(seed).normal(size=len(t))


@pytest.mark.parametrize("shift_s", [0.0, 7.123, -4.567])
def test_likeness_of_sound_and_sound(shift_s: float) -> None:
    """The video begins `shift_s` after the recording; each has its own noise."""
    heard = curve([sounds(60, 16_000, 1, 10.0)], 16_000)
    video = curve([sounds(40, 24_000, 2, 10.0 + shift_s)], 24_000)
    found = align_curves(video, heard)
    assert found.start_s == pytest.approx(shift_s, abs=0.005)
    assert found.rate == pytest.approx(1.0, abs=2e-4)


@pytest.mark.parametrize("ppm", [150, -400])
def test_likeness_finds_the_drift(ppm: int) -> None:
    rate = 1 + ppm * 1e-6
    heard = curve([sounds(600, 4000, 1, 20.0)], 4000)
    video = curve([sounds(500, 4000, 2, 33.3, rate)], 4000)
    found = align_curves(video, heard)
    track = VideoTrack("", found.start_s, found.rate)
    for t in (20.0, 250.0, 500.0):
        assert track.video_s(t) == pytest.approx((t - 13.3) * rate, abs=0.010)


def gestures(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(times, places) of a hand over two minutes: swings of 1 to 3 Hz, with rests between."""
    rng = np.random.default_rng(seed)
    t = np.arange(0, 120, 0.01)
    often = np.interp(t, np.arange(0, 120, 0.8), (rng.random(150) < 0.4) * rng.uniform(0.3, 1, 150))
    return t, often * np.sin(2 * np.pi * rng.uniform(1, 3) * t + np.sin(t))


@pytest.mark.parametrize("how", ["pushed", "tilted"])
@pytest.mark.parametrize("seed", range(3))
def test_motion_of_the_picture_against_acceleration(seed: int, how: str) -> None:
    """30 frames a second, uneven, against 100 Hz: within a frame."""
    rng = np.random.default_rng(seed)
    t, place = gestures(seed)
    push = np.gradient(np.gradient(place, 0.01), 0.01) / 100 if how == "pushed" else np.sin(place / 2)
    felt = np.stack([push, 0 * t, 1 + 0 * t], 1) + rng.normal(0, 0.005, (len(t), 3))
    frames = np.arange(0, 80, 1 / 30) + rng.uniform(0, 0.004, 2400)
    seen = np.abs(np.diff(np.interp(frames + 12.4, t, place), prepend=0)) + 0.005 * rng.random(2400)
    seen[0] = seen[1]
    found = align_curves(even_curve(frames - 0.5 / 30, seen, 30.0), swing([felt], 100.0))
    assert found.start_s == pytest.approx(12.4, abs=0.017)


def test_swing_does_not_depend_on_the_blocks() -> None:
    x = np.random.default_rng(1).normal((0, 0, 9.81), size=(5000, 3))
    whole, parts = swing([x], 400), swing(np.split(x, [3, 500, 501]), 400)
    np.testing.assert_allclose(parts.values, whole.values)
    assert (whole.rate_hz, len(whole.values)) == (100, 1250)
    assert whole.values.max() < 2  # without gravity


def test_strangers_are_not_alike() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="nowhere alike"):
        align_curves(Curve(rng.random(6000), 100.0), Curve(rng.random(9000), 100.0))


def test_too_short_is_said() -> None:
    with pytest.raises(DataError, match="Two seconds"):
        align_curves(Curve(np.ones(30), 30.0), Curve(np.ones(900), 30.0))


def test_by_hand() -> None:
    assert anchored([(3.0, 5.0)]) == (2.0, 1.0)
    start_s, rate = anchored([(0.0, 2.0), (100.01, 102.0)])
    assert (start_s, rate) == (pytest.approx(2.0), pytest.approx(1.0001))
    with pytest.raises(DataError, match="one after the other"):
        anchored([(1.0, 2.0), (0.5, 3.0)])
