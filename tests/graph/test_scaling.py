"""One multiplication and one addition give what two roundings give, for every sum there can be."""

import numpy as np
import pytest

from studio.graph.op import Array
from studio.graph.scaling import MOST_SUM, lines
from tests.graph.arithmetic import requantized


def twice_rounded(sums: Array, m: int, shift: int, zero: int) -> Array:
    """TensorFlow Lite's two roundings of many sums, above `zero` only."""
    high = (sums * m + 2**30) >> 31
    q = np.sign(high) * ((np.abs(high) + (1 << (-shift - 1))) >> -shift)
    found: Array = np.clip(q + zero, zero, 127)
    return found


def test_the_arithmetic_here_is_the_definition() -> None:
    rng = np.random.default_rng(0)
    sums = rng.integers(-(2**18), 2**18, 500)
    got = twice_rounded(sums, 1518500250, -7, -128)
    assert got.tolist() == [requantized(int(s), 1518500250, -7, -128, -128, 127) for s in sums]


@pytest.mark.parametrize("zero", [-128, -5, 100])
def test_every_sum_becomes_the_same(zero: int) -> None:
    rng = np.random.default_rng(zero + 500)
    n, most = 12, 70_000
    m = rng.integers(2**30, 2**31, n)
    m[0], m[1] = 2**30, 0  # ties at every step; an output that is always zero
    shift = rng.integers(-9, -5, n).astype(np.int8)
    found = lines(m.astype(np.int32), shift, zero, np.full(n, most))
    assert found is not None
    sums = np.arange(-most, most + 1, dtype=np.int64)
    for i in range(n):
        high = ((256 * sums + found.offset[i]) * int(found.multiplier[i])) >> 32
        q = np.clip((high + (2 * zero + 1) * 2 ** (found.n - 1)) >> found.n, zero, 127)
        assert np.array_equal(q, twice_rounded(sums, int(m[i]), int(shift[i]), zero)), i
        assert np.abs((256 * most + abs(int(found.offset[i]))) * 1.0) < 2**31


def test_what_does_not_fit_is_refused() -> None:
    one = np.array([2**30], np.int32)
    assert lines(one, np.array([1], np.int8), -128, np.array([100])) is None  # a left shift
    assert lines(one, np.array([-8], np.int8), -128, np.array([MOST_SUM + 1])) is None
    assert lines(one, np.array([-8], np.int8), -128, np.array([MOST_SUM])) is not None
