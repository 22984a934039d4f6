"""Find all like this: every copy is found where it is, nothing else is, and blocks do not show."""

from dataclasses import replace

import numpy as np
import pytest

from studio.data.labels import Labels, Segment
from studio.errors import DataError
from studio.learn.propose import alike as alike_module
from studio.learn.propose.alike import WAYS, Alike, peaks
from studio.learn.propose.judge import meet
from studio.progress import finish
from tests.learn.propose.tapes import MOTION, Tape, truth

LABELS = truth(n=10, every_s=7.0)


def gestures(seed: int = 0, other: bool = True) -> Tape:
    """The same gesture ten times, some larger, some softer; between them, another of its length."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.02, (80 * 50, 3)) + np.array([0.3, -0.9, 0.1])
    t = np.arange(100)[:, None] / 50
    one = np.sin(2 * np.pi * np.array([1.0, 1.5, 2.0]) * t) * np.hanning(100)[:, None]
    different = np.sin(2 * np.pi * np.array([7.0, 6.0, 9.0]) * t) * np.hanning(100)[:, None]
    for k, s in enumerate(LABELS.segments):
        a = round(s.start_s * 50)
        x[a : a + 100] += one * (0.6 + 0.1 * k)
        if other:
            x[a + 170 : a + 270] += different
    return Tape(x.astype(np.float32), MOTION)


@pytest.mark.parametrize("way", WAYS)
def test_every_copy_is_found_and_nothing_else(way: str) -> None:
    how = Alike(way=way, least=0.6 if way == "profile" else 0.4, apart=1.0)
    likeness = finish(how.measure(gestures(), "acc", LABELS.segments[3:4]))
    found = how.pick(likeness, "wave")
    met = meet(LABELS, found)
    assert met.hits == 10 and met.proposed == 10, (way, met, found)
    found.check(80.0)


def test_a_profile_is_found_to_the_sample() -> None:
    how = Alike()
    found = how.pick(finish(how.measure(gestures(), "acc", LABELS.segments[:1])), "wave")
    assert [round(s.start_s * 50) for s in found.segments] == [round(s.start_s * 50) for s in LABELS.segments]
    assert found.segments[0].score == pytest.approx(0.99)


def test_the_correlation_is_the_textbook_one(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = gestures()
    monkeypatch.setattr(alike_module, "BLOCK", 1024)
    found = finish(Alike().measure(tape, "acc", LABELS.segments[2:3]))
    a = round(LABELS.segments[2].start_s * 50)
    shape = tape.x[a : a + 100].astype(np.float64)
    shape -= shape.mean(axis=0)
    for i in (0, 500, 925, 1023, 1024, len(tape.x) - 100):
        here = tape.x[i : i + 100].astype(np.float64)
        here -= here.mean(axis=0)
        r = (here * shape).sum() / np.sqrt((here**2).sum() * (shape**2).sum())
        assert found.likeness[i] == pytest.approx(r, abs=1e-5)
    assert len(found.likeness) == len(tape.x) - 99


def test_several_examples_find_what_either_does() -> None:
    tape = gestures()
    others = [Segment(LABELS.segments[0].start_s + 3.4, LABELS.segments[0].start_s + 5.4, "shake")]
    how = Alike()
    found = how.pick(finish(how.measure(tape, "acc", [*LABELS.segments[:1], *others])), "any")
    assert len(found) == 20


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_found_in_a_gap(way: str) -> None:
    tape = gestures()
    tape.x[round(LABELS.segments[5].start_s * 50) + 50] = np.nan
    how = Alike(way=way, least=0.6 if way == "profile" else 0.4, apart=1.0)
    found = how.pick(finish(how.measure(tape, "acc", LABELS.segments[4:5])), "wave")
    assert meet(LABELS, found).hits == 9


def test_non_max_suppression() -> None:
    x = np.array([0.1, 0.9, 0.8, 0.95, 0.2, 0.7, 0.7, 0.1], np.float32)
    assert peaks(x, 0.6, 1).tolist() == [1, 3, 5, 6]
    assert peaks(x, 0.6, 3).tolist() == [3, 6]
    assert peaks(x, 0.96, 1).tolist() == []


def test_examples_that_cannot_be_used() -> None:
    tape = gestures()
    with pytest.raises(DataError, match="none of 8 samples"):
        finish(Alike().measure(tape, "acc", [Segment(1.0, 1.0, "point")]))
    flat = replace(tape, x=np.ones_like(tape.x))
    with pytest.raises(DataError, match="nothing moves"):
        finish(Alike().measure(flat, "acc", [Segment(1.0, 2.0, "calm")]))
    holed = gestures()
    holed.x[60] = np.nan
    with pytest.raises(DataError, match="samples are missing"):
        finish(Alike().measure(holed, "acc", [Segment(1.0, 2.0, "wave")]))


def test_no_finds_no_labels() -> None:
    how = Alike(least=1.0)
    likeness = finish(how.measure(gestures(), "acc", LABELS.segments[:1]))
    assert how.pick(replace(likeness, likeness=likeness.likeness * 0.5), "wave") == Labels()


@pytest.mark.parametrize("way", WAYS)
def test_examples_of_one_recording_are_found_in_another(way: str) -> None:
    how = Alike(way=way, least=0.6 if way == "profile" else 0.4, apart=1.0)
    likeness = finish(how.measure(gestures(), "acc", LABELS.segments[4:5], gestures(seed=5)))
    met = meet(LABELS, how.pick(likeness, "wave"))
    assert met.hits >= 9 and met.proposed <= 10, (way, met)


@pytest.mark.parametrize("way", WAYS)
def test_a_recording_that_is_too_short_holds_nothing_alike(way: str) -> None:
    short = Tape(gestures().x[:50], MOTION)
    how = Alike(way=way)
    assert len(how.pick(finish(how.measure(gestures(), "acc", LABELS.segments[:1], short)), "wave")) == 0
