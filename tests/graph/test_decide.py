"""Decisions along time: the kernel, the generated C and plain Python agree for whatever parameters and scores."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.stream import Stream
from studio.errors import GraphError, ParamError
from studio.firmware.native import Native
from studio.firmware.render import header, source
from studio.graph.host import call_stream
from studio.graph.op import Array
from studio.graph.ops.decide import Decide, decide_of, even
from tests.graph.decide_oracle import decisions
from tests.graph.nets import forest_graph

STREAM = Stream("accelerometer", 50.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
MOST_CLASSES = 5


@st.composite
def decides(draw: st.DrawFn) -> Decide:
    n = draw(st.integers(1, MOST_CLASSES))
    on = draw(st.lists(st.floats(0, 1, width=32), min_size=n, max_size=n))
    share = draw(st.lists(st.sampled_from([0.0, 0.3, 0.7, 1.0]), min_size=n, max_size=n))
    off = tuple(min(a, a * b) for a, b in zip(on, share, strict=True))
    mean = draw(st.sampled_from(["moving", "fading"]))
    average, least = draw(st.integers(1, 7)), draw(st.integers(1, 4))
    return Decide(average, mean, tuple(on), off, least, draw(st.integers(0, 6)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Decide, Array]:
    """Scores with plateaus, ties, exact thresholds and gaps."""
    op, rng = draw(decides()), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, classes = draw(st.integers(0, 60)), len(op.on)
    scores = np.repeat(rng.random((n, classes)), rng.integers(1, 4, n), axis=0)[:60].astype(np.float32)
    scores = np.round(scores * 8) / 8 if draw(st.booleans()) else scores
    exact = rng.random(scores.shape) < 0.2
    scores = np.where(exact, np.array(op.on, np.float32), scores)
    if draw(st.booleans()):
        scores[rng.random(len(scores)) < 0.05] = np.nan
    return op, scores.astype(np.float32)


@given(cases())
@settings(max_examples=400, deadline=None)
def test_the_kernel_decides_as_the_rules_say(case: tuple[Decide, Array]) -> None:
    op, scores = case
    np.testing.assert_array_equal(op.along(scores), decisions(op, scores)[:, 0])


@given(cases(), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_memory_is_bounded_and_is_all_that_counts(case: tuple[Decide, Array], cut: int) -> None:
    """What is remembered never grows, stays small numbers, and carries a run over a cut at any place."""
    op, scores = case
    empty = np.zeros(op.state((len(op.on),)), np.float32)
    first, state = call_stream(op, scores[:cut], empty)
    second, end = call_stream(op, scores[cut:], state)
    np.testing.assert_array_equal(np.concatenate([first, second])[:, 0], op.along(scores))
    assert state.size == end.size == empty.size <= 5 + (2 + op.average) * len(op.on)
    assert np.isfinite(end).all() and np.abs(end).max() <= max(op.quiet, op.least + op.quiet, 64, MOST_CLASSES)


@given(st.integers(1, MOST_CLASSES), st.integers(0, 2**32 - 1), st.floats(0, 1, width=32))
@settings(max_examples=100, deadline=None)
def test_with_everything_off_the_bits_are_those_of_the_greatest_score(n: int, seed: int, threshold: float) -> None:
    scores = np.round(np.random.default_rng(seed).random((40, n)) * 16).astype(np.float32) / 16
    graph = replace(forest_graph(), classes=tuple("abcde"[:n]), threshold=threshold)
    assert even(n, on=threshold, off=threshold).plain
    np.testing.assert_array_equal(even(n, on=threshold, off=threshold).along(scores), graph.answer(scores))


@pytest.mark.parametrize("mean", ["moving", "fading"])
def test_the_generated_c_remembers_and_forgets_as_the_kernel_does(mean: str) -> None:
    op = Decide(4, mean, (0.5, 0.45, 0.4), (0.4, 0.45, 0.1), 2, 3)
    graph = replace(forest_graph(), decision=op)
    native, rng = Native(graph, STREAM), np.random.default_rng(0)
    for n in (200, 1, 57):
        scores = np.repeat(rng.dirichlet(np.ones(3), n), 3, axis=0).astype(np.float32)
        np.testing.assert_array_equal(native.decide(scores), graph.decide(scores))
        np.testing.assert_array_equal(native.decide(scores), decisions(op, scores)[:, 0])


def test_only_a_model_that_remembers_carries_the_memory() -> None:
    plain, told = forest_graph(), replace(forest_graph(), decision=even(3, 4, 0.5, 0.4))
    assert "k_decide" not in source(plain) and "decide_state" not in source(plain)
    assert f"static float decide_state[{5 + 6 * 3}];" in source(told)
    clear = source(told).split("void model_clear(void)")[1].split("}")[0]
    assert "decide_state[i] = 0.0f" in clear
    assert "once for every window" in header(told, STREAM) and "once for every window" not in header(plain, STREAM)


def test_it_travels_as_plain_values() -> None:
    op = Decide(3, "fading", (0.5, 0.25), (0.25, 0.25), 2, 1)
    assert decide_of(op.as_dict(), 2).as_dict() == op.as_dict()
    old = {"average": 2, "on": 0.5, "off": 0.35, "least": 1, "quiet": 0}
    assert decide_of(old, 2).as_dict() == even(2, 2, 0.5, 0.35).as_dict()
    assert op.words() == "fading mean of 3, 25% to 50% on, down to 25%, 2 in a row, 1 quiet"
    assert even(2).words() == "each window alone"


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(GraphError, match="second not above the first"):
        Decide(on=(0.4,), off=(0.5,))
    with pytest.raises(GraphError, match="number for each class"):
        Decide(on=(float("nan"),), off=(0.5,))
    with pytest.raises(ParamError):
        even(2, average=0)
    with pytest.raises(GraphError, match="for 2 classes"):
        replace(forest_graph(), decision=even(2)).shapes()
