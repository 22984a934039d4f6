"""Agreement against published worked examples, by hand, and on tracks; adjudication keeps every rule of a track."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.agreement import (
    NOTHING,
    agreed,
    agreement,
    cohen,
    cut_out,
    differences,
    krippendorff,
    pieces,
    sampled,
    settled,
)
from studio.data.labels import Labels, Segment
from studio.errors import DataError


def track(*rows: tuple[float, float, str]) -> Labels:
    return Labels(tuple(Segment(*row) for row in rows))


def codes(*rows: str) -> np.ndarray:
    """One letter or digit a unit; a dot where the judge said nothing."""
    return np.array([[-1 if c == "." else ord(c) - ord("0") for c in row] for row in rows])


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        # Cohen 1960, table 1: proportions .44 .20 .06 / .05 .20 .05 ... of two judges; kappa is printed as .492.
        ([[88, 14, 18], [10, 40, 10], [2, 6, 12]], 0.492),
        # The example of grant proposals (20 yes-yes, 5, 10, 15 no-no): observed .7, expected .5.
        ([[20, 5], [10, 15]], 0.4),
        # Two tables of equal observed agreement .6, and what chance leaves of it.
        ([[45, 15], [25, 15]], 0.1304),
        ([[25, 35], [5, 35]], 0.2593),
    ],
)
def test_cohen_as_published(table: list[list[int]], kappa: float) -> None:
    assert cohen(table) == pytest.approx(kappa, abs=6e-4)


@pytest.mark.parametrize(
    ("rows", "alpha"),
    [
        # Krippendorff 2011, A: binary data, two observers, no missing data: .095
        (("0100000010", "1110010000"), 0.095),
        # B: nominal data, two observers: .692
        (("aabbdcccedda", "babbbccceddd"), 0.692),
        # C: nominal data, any number of observers, missing data: .743
        (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743),
    ],
)
def test_krippendorff_as_published(rows: tuple[str, ...], alpha: float) -> None:
    assert krippendorff(codes(*rows)) == pytest.approx(alpha, abs=5e-4)


def test_a_judge_alone_counts_nothing() -> None:
    both = codes("0101", "0110")
    with_more = codes("0101..11", "0110....")
    assert krippendorff(both) == krippendorff(with_more)


def test_ends_of_the_scale() -> None:
    assert cohen([[5, 0], [0, 5]]) == 1 and krippendorff(codes("0101", "0101")) == 1
    assert cohen([[0, 5], [5, 0]]) == -1 and krippendorff(codes("01", "10")) < 0
    assert cohen([[7]]) == 1 and krippendorff(codes("00", "00")) == 1 and krippendorff(np.zeros((2, 0))) == 1


def test_time_is_what_counts() -> None:
    a, b = track((0, 4, "wave"), (6, 8, "tap")), track((0, 3, "wave"), (6, 8, "wave"))
    found = agreement(a, b, 10.0, 0.01)
    assert found.names == ("tap", "wave", NOTHING)
    assert found.seconds == pytest.approx(np.array([[0, 2, 0], [0, 3, 1], [0, 0, 4]]), abs=0.011)
    assert found.share == pytest.approx(0.7, abs=0.002)
    assert found.kappa == pytest.approx(cohen([[0, 2, 0], [0, 3, 1], [0, 0, 4]]), abs=0.003)
    only = agreement(a, b, 10.0, 0.01, nothing_counts=False)
    assert only.names == ("tap", "wave") and only.seconds.sum() == pytest.approx(5.0, abs=0.02)


def test_points_have_no_length() -> None:
    a = track((1, 1, "tap"), (2, 3, "wave"))
    assert agreement(a, track((2, 3, "wave")), 5.0).share == 1.0


def test_a_step_must_be_one() -> None:
    with pytest.raises(DataError, match="above zero"):
        sampled([Labels()], 5.0, 0.0)


def test_differences_and_their_tolerance() -> None:
    a, b = track((1, 3, "wave"), (5, 6, "tap")), track((1.05, 3, "wave"), (5, 6, "wave"))
    assert [(p.start_s, p.stop_s, p.a, p.b) for p in differences(a, b, 10.0)] == [
        (1, 1.05, "wave", NOTHING),
        (5, 6, "tap", "wave"),
    ]
    assert len(differences(a, b, 10.0, 0.05)) == 1
    assert agreed(a, b, 10.0, 0.05) == track((1, 3, "wave")), "a border that is a little off goes to the first"


def test_settling_joins_what_belongs_together() -> None:
    a, b = track((1, 4, "wave")), track((2, 4, "wave"))
    first = agreed(a, b, 10.0)
    assert first == track((2, 4, "wave"))
    (piece,) = differences(a, b, 10.0)
    assert settled(first, piece, "wave", a, b) == a
    assert settled(first, piece, NOTHING, a, b) == b
    assert settled(first, piece, "tap", a, b) == track((1, 2, "tap"), (2, 4, "wave"))
    assert settled(settled(first, piece, "tap", a, b), piece, NOTHING, a, b) == b, "a choice may be changed"


def test_two_labels_side_by_side_stay_two() -> None:
    a = track((1, 2, "tap"), (2, 3, "tap"))
    assert agreed(a, a, 10.0) == a


def test_cutting_keeps_what_is_outside() -> None:
    assert cut_out(track((1, 5, "wave")), 2, 3) == track((1, 2, "wave"), (3, 5, "wave"))


ROWS = st.lists(st.tuples(st.integers(0, 19), st.integers(1, 6), st.sampled_from("abc")), max_size=6)


def made(rows: list[tuple[int, int, str]]) -> Labels:
    found = Labels()
    for start, length, label in rows:
        found = found.add(Segment(float(start), float(min(start + length, 20)), label))
    return found


@given(ROWS, ROWS)
def test_choosing_one_side_throughout_gives_that_side(first: list, second: list) -> None:
    a, b = made(first), made(second)
    cut = pieces(a, b, 20.0)
    assert cut[0].start_s == 0 and cut[-1].stop_s == 20
    assert all(p.stop_s == q.start_s for p, q in pairwise(cut))
    for side, wanted in (("a", a), ("b", b)):
        done = agreed(a, b, 20.0)
        for piece in differences(a, b, 20.0):
            done = settled(done, piece, getattr(piece, side), a, b)
        done.check(20.0)
        assert (sampled([done, wanted], 20.0, 0.5)[1] == sampled([wanted, wanted], 20.0, 0.5)[1]).all()
