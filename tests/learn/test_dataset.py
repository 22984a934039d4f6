"""Windows at the edges: gaps, borders of segments, the last sample."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.labels import Labels, Segment
from studio.errors import DataError
from studio.learn.dataset import check_classes, data_sha256, stretches, windows
from tests.learn.toys import STREAM, Tape, counting, toy, track


def cut(length: int, stride: int, n: int, *pieces: tuple[int, int, str], gaps: tuple[tuple[int, int], ...] = ()):
    tape = Tape("r", counting(n), track(*pieces), gaps={STREAM.name: gaps})
    return windows([tape], STREAM.name, length, stride)


def test_the_grid_starts_at_the_first_sample_of_the_segment_and_reaches_its_last() -> None:
    data = cut(4, 2, 100, (7, 15, "a"))
    assert data.start.tolist() == [7, 9, 11]
    assert data.raw[-1, :, 0].tolist() == [11, 12, 13, 14]
    assert data.x.dtype == np.float32 and data.raw.dtype == np.dtype("<i2")
    assert np.array_equal(data.x, STREAM.to_unit(data.raw))


def test_a_label_on_the_last_samples_of_the_recording_is_used_whole() -> None:
    assert cut(5, 1, 20, (15, 20, "a")).start.tolist() == [15]


def test_a_label_past_the_end_gives_only_what_was_recorded() -> None:
    assert cut(5, 1, 20, (14, 400, "a")).start.tolist() == [14, 15]


def test_a_segment_one_sample_short_of_a_window_gives_none() -> None:
    assert cut(5, 1, 40, (0, 4, "short"), (10, 15, "long")).classes == ("long",)


def test_a_segment_between_two_samples_is_empty() -> None:
    assert stretches(Segment(0.101, 0.119, "a"), 50.0, 100, ()) == []


@pytest.mark.parametrize("rate_hz", [50.0, 52.5, 16000.0, 44100.0])
def test_borders_survive_the_way_to_seconds_and_back(rate_hz: float) -> None:
    for first, stop in [(0, 1), (249, 1232), (123_457, 987_654)]:
        found = stretches(Segment(first / rate_hz, stop / rate_hz, "a"), rate_hz, 10**6, ())
        assert found == [(first, stop)]


def test_windows_never_touch_a_gap() -> None:
    data = cut(4, 1, 40, (0, 40, "a"), gaps=((20, 3), (10, 1)))
    assert data.start.tolist() == [*range(7), *range(11, 17), *range(23, 37)]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=5),
    st.integers(1, 8),
    st.integers(1, 8),
    st.integers(0, 20),
    st.integers(30, 70),
)
def test_no_window_holds_a_lost_sample_and_none_that_fits_is_missing(gaps, length, stride, first, stop) -> None:
    parts = stretches(Segment(first / 50, stop / 50, "a"), 50.0, 60, gaps)
    good = np.zeros(60, bool)
    good[first:stop] = True
    for start, count in gaps:
        good[start : start + count] = False
    covered = np.zeros(60, bool)
    for a, b in parts:
        covered[a:b] = True
    assert np.array_equal(good, covered) and all(a < b for a, b in parts)
    assert all(b == 60 or not good[b] for _, b in parts)


def test_a_window_with_a_missing_value_is_left_out() -> None:
    stream = dataclasses.replace(STREAM, dtype="f32", scale=1.0)
    samples = counting(20, stream)
    samples[9, 1] = np.nan
    tape = Tape("r", samples, track((0, 20, "a")), streams=(stream,))
    assert windows([tape], stream.name, 5, 5).start.tolist() == [0, 10, 15]


def test_two_segments_of_one_class_that_touch_share_no_window() -> None:
    assert cut(4, 2, 20, (0, 6, "a"), (6, 12, "a")).start.tolist() == [0, 2, 6, 8]


def test_another_track_and_given_classes() -> None:
    labels = {**track((0, 20, "a")), "board": Labels((Segment(0, 0.2, "b"), Segment(0.2, 0.4, "c")))}
    tape = Tape("r", counting(20), labels)
    data = windows([tape], STREAM.name, 5, 5, track="board", classes=("c", "d", "b"))
    assert data.classes == ("c", "d", "b") and data.y.tolist() == [2, 2, 0, 0]
    assert windows([tape], STREAM.name, 5, 5, track="board", classes=("c",)).start.tolist() == [10, 15]


def test_origin_of_every_window() -> None:
    tapes = [
        Tape("one", counting(10), track((0, 10, "a")), "ann", "train"),
        Tape("two", counting(5), track((0, 5, "b"))),
    ]
    data = windows(tapes, STREAM.name, 5, 5)
    assert data.recording.tolist() == ["one", "one", "two"]
    assert data.subject.tolist() == ["ann", "ann", ""] and data.split.tolist() == ["train", "train", ""]
    assert data.take(np.array([2, 0])).start.tolist() == [0, 0]
    assert data.take(np.array([2, 0])).recording.tolist() == ["two", "one"]


def test_renumbered_for_a_model_that_knows_other_classes() -> None:
    data = toy()  # rest, shake, swing
    other = data.renumbered(("swing", "jump", "rest"))
    assert other.classes == ("swing", "jump", "rest") and other.counts()["swing"] == data.counts()["swing"]
    names = np.array(data.classes)[data.y]
    kept = names != "shake"
    assert np.array(other.classes)[other.y].tolist() == names[kept].tolist()
    assert np.array_equal(other.x, data.x[kept])


def test_no_window_at_all_says_what_to_do() -> None:
    with pytest.raises(DataError, match=r"no labelled stretch holds 50 samples \(1 s\).*shorten the window"):
        cut(50, 1, 40, (0, 40, "a"))
    with pytest.raises(DataError, match="not in any recording"):
        windows([Tape("r", counting(9), {})], "microphone", 3, 1)


def test_recordings_at_two_rates_are_not_mixed() -> None:
    slow = dataclasses.replace(STREAM, rate_hz=25.0)
    tapes = [Tape("a", counting(9), track((0, 9, "a"))), Tape("b", counting(9), track((0, 4, "b")), streams=(slow,))]
    with pytest.raises(DataError, match=r"recording 'b': rate_hz 25\.0 and not 50\.0"):
        windows(tapes, STREAM.name, 3, 1)


def test_windows_that_would_not_fit_in_memory_are_refused_before_they_are_cut(monkeypatch) -> None:
    monkeypatch.setattr("studio.learn.dataset.MAX_BYTES", 1000)
    with pytest.raises(DataError, match="greater stride"):
        cut(10, 1, 100, (0, 100, "a"))


def test_classes_that_cannot_be_learned_are_named() -> None:
    with pytest.raises(DataError, match="only one class, 'a'"):
        check_classes(cut(4, 1, 60, (0, 60, "a")))
    with pytest.raises(DataError, match="Class 'b': 1 window of"):
        check_classes(cut(4, 1, 60, (0, 50, "a"), (50, 54, "b")))
    check_classes(toy())


def test_the_hash_sees_every_part_and_nothing_else() -> None:
    data = toy()
    first = data_sha256(data)
    assert first == data_sha256(toy()) and len(first) == 64
    for field, index in [("raw", (0, 0, 0)), ("y", 3), ("start", 3)]:
        changed = getattr(data, field).copy()
        changed[index] += 1
        assert data_sha256(dataclasses.replace(data, **{field: changed})) != first
    for field in ("recording", "subject", "split"):
        changed = getattr(data, field).astype("<U9")
        changed[-1] = "other"
        assert data_sha256(dataclasses.replace(data, **{field: changed})) != first
    assert data_sha256(dataclasses.replace(data, classes=("rest", "shake", "wave"))) != first
