"""Decisions that do not flicker: each rule by itself, and the curve that they are tuned on."""

import numpy as np
import pytest

from studio.data.labels import Labels, Segment
from studio.errors import ParamError
from studio.learn.smooth import Point, Smoothing, Track, curve, judged, tuned


def scores(*first: float) -> np.ndarray:
    """Two classes: the score of the first, the rest for the other, which is the background."""
    return np.array([[p, 1 - p] for p in first], np.float32)


def test_with_nothing_set_the_greatest_score_decides() -> None:
    assert Smoothing().decide(scores(0.9, 0.2, 0.6)).tolist() == [0, 1, 0]


def test_averaging_takes_out_one_wrong_window_and_never_looks_ahead() -> None:
    s = scores(0.9, 0.9, 0.1, 0.9, 0.9)
    assert Smoothing(average=3).decide(s).tolist() == [0, 0, 0, 0, 0]
    for n in range(1, 6):
        assert Smoothing(average=3).decide(s[:n]).tolist() == Smoothing(average=3).decide(s)[:n].tolist()


def test_two_thresholds_hold_what_has_begun() -> None:
    s = scores(0.65, 0.8, 0.62, 0.56, 0.45)
    assert Smoothing(on=0.7, off=0.5).decide(s).tolist() == [-1, 0, 0, 0, -1]


def test_a_class_must_last_before_it_is_told() -> None:
    s = scores(0.9, 0.1, 0.9, 0.9, 0.9, 0.1)
    assert Smoothing(on=0.6, off=0.6, least=2).decide(s).tolist() == [-1, -1, -1, 0, 0, -1]


def test_the_same_class_is_not_told_anew_too_soon() -> None:
    s = scores(0.9, 0.5, 0.9, 0.5, 0.5, 0.9)
    assert Smoothing(on=0.8, off=0.8).decide(s).tolist() == [0, -1, 0, -1, -1, 0]
    assert Smoothing(on=0.8, off=0.8, quiet=3).decide(s).tolist() == [0, -1, -1, -1, -1, 0]


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ParamError):
        Smoothing(average=0)


def noisy_track(seed: int, n: int = 1200) -> Track:
    """A knock of eight windows every hundred, and single windows of nonsense in between."""
    rng = np.random.default_rng(seed)
    first = np.clip(rng.normal(0.15, 0.08, n), 0, 1)
    segments = []
    for at in range(50, n, 100):
        first[at : at + 8] = np.clip(rng.normal(0.8, 0.1, 8), 0, 1)
        segments.append(Segment(at * 0.5, (at + 8) * 0.5, "knock"))
    first[rng.integers(0, n, 40)] = 0.75
    return Track(scores(*first), np.arange(n) * 0.5 + 0.5, Labels(tuple(segments)))


def test_the_curve_falls_and_tuning_removes_false_alarms_without_missing_events() -> None:
    tracks, classes = [noisy_track(0), noisy_track(1)], ("knock", "idle")
    raw = judged(Smoothing(), tracks, classes, "idle", 0.5, True)
    points = curve(tracks, classes, "idle", 0.5, True)
    assert raw is not None and raw.false_alarms_per_hour > 100 and raw.missed == 0
    rates = [p.false_alarms_per_hour for p in points]
    missed = [p.missed for p in points]
    assert rates == sorted(rates) and missed == sorted(missed, reverse=True)
    best = tuned(points, 5.0)
    assert best is not None and best.false_alarms_per_hour <= 5 and best.missed < 0.1
    told = judged(best.smoothing, [noisy_track(7)], classes, "idle", 0.5, True)
    assert tuned(points) is not None and tuned(points).errors == min(p.errors for p in points)
    assert told is not None and told.false_alarms_per_hour < 0.2 * raw.false_alarms_per_hour and told.missed < 0.1


def test_without_events_or_points_there_is_nothing_to_tune() -> None:
    empty = Track(scores(*[0.1] * 5), np.arange(5.0), Labels())
    assert curve([empty], ("knock", "idle"), "idle", 0.5) == () and tuned((), 1.0) is None
    strict = Point(Smoothing(), 9.0, 0.1, None)
    assert tuned([strict], 1.0) is strict
