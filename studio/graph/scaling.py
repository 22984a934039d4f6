"""How a layer's sums become int8 with one multiplication and one addition, and the proof that it changes no bit.

TensorFlow Lite rounds twice (`firmware_stubs/kernels/requantize.h`). Where nothing below the zero point can be told
from the zero point, as behind a rectifier, what comes out is a staircase that only rises with the sum. For every step
the least sum that reaches it is worked out exactly; then a multiplier and an offset are searched for a line

    q = (((256 * sum + offset) * multiplier >> 32) + round) >> n,   round = (2 * zero + 1) * 2^(n - 1)

that rises between the same two whole sums at every step, so it is equal for every sum there can be. `n` is the same
for all outputs of the layer. An output for which no such line exists makes the layer fall back on both roundings.
"""

from dataclasses import dataclass

import numpy as np

from studio.graph.op import Array

MOST_SUM = (1 << 23) - 4  # 256 times a sum, and an offset, fit 32 bits
SLOPES = 60  # multipliers that are tried to each side of the nearest
SLOPE_BITS = 27  # by steps of 2^-27 of it: that is some of an offset's steps at the far end
MOST_SHIFT = 22
MOST_OFFSET = 1 << 9


@dataclass(frozen=True, eq=False)
class Lines:
    """A line per output: `multiplier` (n,) int32 and `offset` (n,) int64 in steps of 1/256 of a sum; `n` for all."""

    multiplier: Array
    offset: Array
    n: int


def greatest_sums(weight: Array, bias: Array, axis: int) -> Array:
    """(n,) int64: no sum of the outputs along `axis`, nor any part of one with its bias, is farther from 0."""
    others = tuple(a for a in range(weight.ndim) if a != axis)
    most: Array = 128 * np.abs(weight.astype(np.int64)).sum(axis=others) + np.abs(bias.astype(np.int64))
    return most


def lines(multiplier: Array, shift: Array, zero: int, most: Array) -> Lines | None:
    """Lines for outputs scaled by multiplier * 2^(shift - 31), whose sums stay within -most to most; None if not found.

    Only steps above `zero` are kept: it is for layers whose least output is `zero`.
    """
    m, down = multiplier.astype(np.int64), -shift.astype(np.int64)
    if most.max() > MOST_SUM or down.min() < 0 or down.max() > MOST_SHIFT:
        return None
    ratio = m / 2.0 ** (down + 31)
    n = min(int(np.ceil(7 - np.log2(max(float(ratio.max()), 2.0**-24)))) - 1, MOST_SHIFT)
    if n < 1:
        return None
    found = [_line(int(a), int(d), n, zero, int(b)) for a, d, b in zip(m, down, most, strict=True)]
    if any(f is None for f in found):
        return None
    pairs = np.array(found, np.int64)
    return Lines(pairs[:, 0].astype(np.int32), pairs[:, 1], n)


def _line(m: int, down: int, n: int, zero: int, most: int) -> tuple[int, int] | None:
    """(multiplier, offset) of one output, the pair in the middle of what fits."""
    if m == 0:
        return 0, 0
    step = np.arange(1, 127 - zero + 1, dtype=np.int64)
    first = least_sums(m, down, step)
    reached, below = first <= most, np.minimum(first - 1, most)
    nearest = round(m * 2.0 ** (n - down - 7))
    slope = nearest + np.arange(-SLOPES, SLOPES + 1, dtype=np.int64)[:, None] * max(1, nearest >> SLOPE_BITS)
    slope = np.clip(slope, 1, 2**31 - 1)
    needed = -((1 - 2 * step) * (1 << (n + 31)) // slope)  # the least 256 * sum + offset that reaches the step
    low = np.where(reached, needed - 256 * first, -MOST_OFFSET).max(axis=1)
    high = (needed - 1 - 256 * below).min(axis=1)
    low, high = np.maximum(low, -MOST_OFFSET), np.minimum(high, MOST_OFFSET)
    best = int(np.argmax(high - low))
    return (int(slope[best, 0]), int(low[best] + high[best]) // 2) if low[best] <= high[best] else None


def least_sums(m: int, down: int, step: Array) -> Array:
    """The least sum that both roundings take `step` (> 0) above the zero point.

    The first gives h = floor((sum * m + 2^30) / 2^31), the second reaches the step from h = (2 * step - 1) * 2^(down-1)
    on, or from h = step without a shift.
    """
    h = step if down == 0 else (2 * step - 1) * (1 << (down - 1))
    sums: Array = -((2**30 - h * 2**31) // m)
    return sums
