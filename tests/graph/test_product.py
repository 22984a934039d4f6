"""Products of int8 by one line: the kernel gives the definition's bits for all 65536 pairs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.graph.int8_layers import multiplier
from studio.graph.ops.pointwise import MultiplyS8
from studio.graph.product import line_through, products, run
from tests.graph.plane_examples import multiply_s8

EVERY = np.arange(-128, 128).astype(np.int8)
A, B = (np.ascontiguousarray(v).reshape(1, -1) for v in np.meshgrid(EVERY, EVERY))
INT8 = st.integers(-128, 127)


def defined(op: MultiplyS8) -> bytes:
    """The answer to every product, from the definition, taken apart by pair."""
    p = products(op.a_zero, op.b_zero)
    one = multiply_s8(MultiplyS8(0, 0, op.multiplier, op.shift, op.y_zero, op.low, op.high))
    answers = np.asarray(one(p, np.ones_like(p)), np.int8)
    pairs = (A.astype(np.int64) - op.a_zero) * (B.astype(np.int64) - op.b_zero)
    return answers[np.searchsorted(p, pairs)].tobytes()


@given(st.floats(-12, -1), INT8, INT8, INT8, st.tuples(INT8, INT8).map(sorted))
@settings(max_examples=12, deadline=None)
def test_every_pair_gives_the_definitions_bits(power: float, a: int, b: int, y: int, bounds: list[int]) -> None:
    op = MultiplyS8(a, b, *multiplier(2.0**power), y, *bounds)
    assert op.run(A, B).tobytes() == defined(op)


def test_usual_scales_have_a_line() -> None:
    rng = np.random.default_rng(0)
    for ratio in np.exp(rng.uniform(np.log(1 / 600), np.log(1 / 20), 40)):
        a, b, y = (int(v) for v in rng.integers(-128, 128, 3))
        op = MultiplyS8(a, b, *multiplier(float(ratio)), y)
        assert op.line is not None and op.kernel(2) == "k_multiply_line_s8"


def test_what_wraps_around_keeps_the_long_arithmetic() -> None:
    op = MultiplyS8(-128, -128, 2**30, 14, 0)
    assert op.line is None and op.kernel(2) == "k_multiply_s8"
    assert op.run(A, B).tobytes() == defined(op)


def test_a_line_that_is_wrong_for_one_product_is_refused() -> None:
    p = products(0, 0)
    op = MultiplyS8(0, 0, *multiplier(1 / 127))
    want = np.frombuffer(defined(op), np.int8)
    assert op.line is not None and len(want) == 65536
    answers = np.clip(run(p, op.line), -128, 127)
    answers[len(p) // 2 + 1 :] = np.minimum(answers[len(p) // 2 + 1 :] + 40, 127)
    answers[-300:] = 127
    assert line_through(p, answers, 1 / 127, (-128, 127)) is None
