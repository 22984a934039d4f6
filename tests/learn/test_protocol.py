"""What keeps a score honest: events in their windows, twins, and the gap that a careless split makes up."""

from dataclasses import replace

import numpy as np
import pytest

from studio.learn.dataset import Dataset, split, windows
from studio.learn.event import are_events, event_length_s, is_sound
from studio.learn.leak import leak
from studio.learn.twins import twins, without_twins
from studio.progress import finish
from tests.learn.toys import STREAM, Tape, counting, toy, track


def shown(data: Dataset) -> list[tuple[int, int]]:
    """First and last sample number in each window."""
    return [(int(w[0, 0]), int(w[-1, 0])) for w in data.raw]


def joined(a: Dataset, b: Dataset) -> Dataset:
    """The windows of both."""
    names = ("x", "raw", "y", "recording", "subject", "start", "split")
    return replace(a, **{n: np.concatenate([getattr(a, n), getattr(b, n)]) for n in names})


def test_a_short_event_sits_in_the_middle_of_its_window() -> None:
    tape = Tape("a", counting(400), track((100, 120, "knock"), (200, 300, "walk")))
    data = windows([tape], "accelerometer", 64, 32, events=True)
    names = [data.classes[i] for i in data.y]
    assert sorted(zip(names, shown(data), strict=True)) == [
        ("knock", (78, 141)), ("walk", (200, 263)), ("walk", (232, 295)),
    ]  # fmt: skip
    assert windows([tape], "accelerometer", 64, 32).counts() == {"walk": 2}


def test_a_window_around_an_event_ends_at_its_neighbours_and_at_the_recording_s_ends() -> None:
    tape = Tape("a", counting(90), track((4, 24, "a"), (30, 50, "b"), (52, 88, "c")))
    data = windows([tape], "accelerometer", 64, 32, events=True)
    assert len(data) == 3 and data.raw.shape == (3, 64, 3)
    by = {data.classes[y]: w[:, 0] for y, w in zip(data.y, data.raw, strict=True)}
    assert by["a"].min() == 0 and by["a"].max() == 29, "from the start of the recording to the next label"
    assert by["b"].min() == 24 and by["b"].max() == 51 and by["c"].max() == 89
    assert (np.diff(by["b"]) >= 0).all() and (by["b"] == 24).sum() > 5 and (by["b"] == 51).sum() > 5
    middle = np.flatnonzero(np.isin(by["b"], np.arange(30, 50)))
    assert len(middle) == 20 and abs(middle.mean() - 31.5) <= 3


def test_an_event_in_a_gap_gives_no_window_and_a_point_gives_one() -> None:
    gap = {"accelerometer": ((110, 5),)}
    tape = Tape("a", counting(400), track((100, 120, "knock"), (300, 300, "tap")), gaps=gap)
    data = windows([tape], "accelerometer", 64, 32, events=True)
    assert [data.classes[i] for i in data.y] == ["tap"] and shown(data) == [(268, 331)]


def test_what_counts_as_events() -> None:
    assert are_events([0.3, 0.5, 1.0], [False] * 3) and not are_events([8.0, 30.0, 1.0], [False] * 3)
    assert are_events([5.0] * 4, [True] * 4) and not are_events([5.0] * 4, [False] * 4) and not are_events([], [])
    assert event_length_s([0.5] * 99 + [9.0]) == 0.5
    assert is_sound(replace(STREAM, kind="microphone")) and not is_sound(STREAM)
    assert is_sound(replace(STREAM, rate_hz=8000.0))


def test_a_recording_under_two_names_is_found_and_left_out_once() -> None:
    data = toy(4)
    copy = data.take(np.flatnonzero(data.recording == "r1"))
    again = replace(copy, recording=np.full(len(copy), "copy"))
    both = joined(data, again)
    found = twins(both)
    assert found.n == len(copy) and found.near_identical(both) == [("r1", "copy")]
    clean = without_twins(both, found)
    assert len(clean) == len(data) and "copy" not in clean.recording
    louder = joined(data, replace(again, x=again.x * 2 + 1))
    assert twins(louder).n > 0.9 * len(copy) and twins(louder).near_identical(louder) == [("r1", "copy")]
    assert twins(data).n == 0, "people who move alike are no twins"


def test_of_two_twins_the_one_that_is_marked_test_stays() -> None:
    data = toy(3)
    copy = data.take(np.flatnonzero(data.recording == "r0"))
    marked = replace(copy, recording=np.full(len(copy), "copy"), split=np.full(len(copy), "test"))
    both = joined(data, marked)
    clean = without_twins(both, twins(both))
    assert "r0" not in clean.recording and (clean.split == "test").sum() == len(copy)


def test_silence_is_nobody_s_twin() -> None:
    data = toy(3)
    assert twins(replace(data, x=np.zeros_like(data.x))).n == 0


def test_the_leak_gap_shows_what_a_random_split_makes_up() -> None:
    """Every person's class is carried by an offset of his own: windows of the same person give it away."""
    data, rng = toy(8), np.random.default_rng(0)
    who = np.unique(data.subject, return_inverse=True)[1]
    place = rng.normal(0, 3, (8, 3, 3))[who, data.y][:, None, :].astype(np.float32)
    x = place + rng.normal(0, 0.3, data.x.shape).astype(np.float32)
    confounded = replace(data, x=x)
    found = finish(leak(confounded, split(confounded, 0), 0))
    assert found is not None and found.random > 0.95 and found.group < 0.75
    assert found.gap == pytest.approx(found.random - found.group) and found.as_dict()["gap"] == found.gap
    honest = finish(leak(data, split(data, 0), 0))
    assert honest is not None and abs(honest.gap) < 0.05
    alone = data.take(np.flatnonzero(data.recording == "r0"))
    assert finish(leak(alone, split(alone, 0), 0)) is None
