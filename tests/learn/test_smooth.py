"""The curve of false alarms against misses, and the point that is taken."""

from pathlib import Path

import numpy as np
import pytest

from studio.data.labels import Labels, Segment
from studio.errors import DataError
from studio.graph.ops.decide import even
from studio.learn.evidence import load, save
from studio.learn.matching import Evidence, Track, lay
from studio.learn.smooth import curve, judged, tune, tuned, with_threshold

CLASSES = ("knock", "idle")


def scores(*first: float) -> np.ndarray:
    """Two classes: the score of the first, the rest for the other, which is the background."""
    return np.array([[p, 1 - p] for p in first], np.float32)


def noisy_track(seed: int, n: int = 1200) -> Track:
    """A knock of eight windows every hundred, and single windows of nonsense in between."""
    rng = np.random.default_rng(seed)
    first = np.clip(rng.normal(0.15, 0.08, n), 0, 1)
    segments = []
    for at in range(50, n, 100):
        first[at : at + 8] = np.clip(rng.normal(0.8, 0.1, 8), 0, 1)
        segments.append(Segment(at * 0.5, (at + 8) * 0.5, "knock"))
    first[rng.integers(0, n, 40)] = rng.uniform(0.6, 0.95, 40)
    return Track(scores(*first), np.arange(n) * 0.5 + 0.5, Labels(tuple(segments)))


def evidence(*seeds: int) -> Evidence:
    return lay([noisy_track(s) for s in seeds], CLASSES, "idle", 0.5)


def test_the_curve_falls_and_tuning_removes_false_alarms_without_missing_events() -> None:
    seen, new = evidence(0, 1), evidence(7)
    raw, points = judged(even(2), seen), curve(seen)
    assert raw is not None and raw.false_alarms_per_hour > 100 and raw.missed == 0
    rates = [p.false_alarms_per_hour for p in points]
    assert rates == sorted(rates) and len(points) > 1
    for i, p in enumerate(points):
        assert not any(q.missed <= p.missed and q.latency_s <= p.latency_s for q in points[:i]), (
            "beaten by a stricter one"
        )
    best = tuned(points, 5.0)
    assert best is not None and best.false_alarms_per_hour <= 5 and best.missed < 0.1
    told, steady = judged(best.decide, new), tune(seen)[1]
    assert told is not None and told.false_alarms_per_hour < 0.2 * raw.false_alarms_per_hour and told.missed < 0.1
    assert steady is not None and steady.errors <= min(p.errors for p in points) + 3
    for by in (-0.05, 0.05):
        on = max(0.0, steady.decide.on[0] + by)
        beside = judged(even(2, steady.decide.average, on, max(0.0, on - 0.15), steady.decide.least), seen)
        assert beside is not None and beside.errors <= 0.2 * raw.errors, "not at an edge"
    row = best.as_dict()
    assert row["precision"] >= 0.9 and row["latency_s_p90"] >= row["latency_s_p50"] > 0 and row["n_events"] == 24


def test_a_class_that_is_noisier_gets_a_threshold_of_its_own() -> None:
    """One class alarms by itself with a score that the other needs to be heard at all."""
    rng, n = np.random.default_rng(3), 900
    values = np.full((n, 3), 0.05, np.float32)
    values[:, 2] = 0.9
    segments = []
    for k, at in enumerate(range(30, n - 20, 60)):
        of = k % 2
        values[at : at + 6, of] = (0.93, 0.62)[of]
        values[at : at + 6, 2] = 0.3
        segments.append(Segment(at * 0.5, (at + 6) * 0.5, ("loud", "soft")[of]))
    for at in rng.integers(0, n - 5, 30):
        if not any(s.start_s <= (at + d) * 0.5 <= s.stop_s for s in segments for d in range(-2, 7)):
            values[at : at + 5] = (0.7, 0.05, 0.25)
    seen = lay([Track(values, np.arange(n) * 0.5, Labels(tuple(segments)))], ("loud", "soft", "idle"), "idle", 0.5)
    best = tune(seen)[1]
    assert best is not None and best.errors == 0
    assert best.decide.on[0] > best.decide.on[1], "no common threshold parts 0.7 from 0.62"


def test_where_tuning_gains_nothing_each_window_decides_alone() -> None:
    clean = np.full(400, 0.05)
    clean[100:120] = 0.95
    track = Track(scores(*clean), np.arange(400) * 0.5, Labels((Segment(50, 60, "knock"),)))
    seen = lay([track], CLASSES, "idle", 0.5)
    best = tune(seen)[1]
    assert best is not None and best.errors == 0 and best.decide.plain


def test_without_events_or_points_there_is_nothing_to_tune() -> None:
    empty = lay([Track(scores(*[0.1] * 5), np.arange(5.0), Labels())], CLASSES, "idle", 0.5)
    assert tune(empty) == ((), None) and tuned((), 1.0) is None and judged(even(2), empty) is None
    assert curve(lay([], CLASSES, "idle", 0.5)) == ()
    strict = judged(even(2), evidence(0))
    assert strict is not None and tuned([strict], 1.0) is strict


def test_memory_ends_with_each_recording_and_what_was_learned_from_is_not_judged_by() -> None:
    first = Track(scores(0.9, 0.9), np.array([1.0, 2.0]), Labels((Segment(0, 3, "knock"),)))
    second = Track(scores(0.9, 0.9, 0.9), np.array([1.0, 2.0, 3.0]), Labels((Segment(2.5, 3, "knock"),)))
    both = lay([first, second], CLASSES, "idle")
    op = even(2, least=2, on=0.5, off=0.5)
    assert op.along(both.scores).tolist() == [-1, 0, -1, -1, 0, 0, -1]
    assert both.hours == pytest.approx(5 / 3600)
    hidden = Track(second.scores, second.times_s, second.truth, np.array([False, True, False]))
    kept = lay([hidden], CLASSES, "idle")
    assert kept.hours == pytest.approx(2 / 3600) and len(kept.label) == 1
    gone = Track(second.scores, second.times_s, second.truth, np.array([False, False, True]))
    assert not len(lay([gone], CLASSES, "idle").label), "the event touches a row that was learned from"


def test_thresholds_of_one_class_change_alone() -> None:
    found = with_threshold(even(3, on=0.5, off=0.4), 1, 0.8)
    assert found.on == (0.5, 0.8, 0.5) and found.off == pytest.approx((0.4, 0.65, 0.4))
    assert with_threshold(found, 1, 0.2).off[1] == pytest.approx(0.05)
    assert with_threshold(found, 2, 0.3, 0.9).off[2] == 0.3, "never above the first"


def test_evidence_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    seen, path = evidence(0, 1), tmp_path / "validation.npz"
    assert load(path) is None
    save(seen, path)
    back = load(path)
    assert back is not None and (back.classes, back.background) == (seen.classes, seen.background)
    assert [p.as_dict() for p in curve(back)] == [p.as_dict() for p in curve(seen)]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError):
        load(path)
