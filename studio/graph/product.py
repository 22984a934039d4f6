"""How a product of two int8 values becomes int8 with one multiplication and one addition, proven over all pairs.

With p = (a - a_zero) * (b - b_zero), TensorFlow Lite rounds p * scale twice (`firmware_stubs/kernels/requantize.h`).
What comes out only rises with p; so for every step the products right below and right at it are known, and

    q = (floor(p * gain / 2^15) + (p < 0 ? below : above)) >> n

is searched for that rises between the same two. What is found is then tried on every product that there is.
"""

import numpy as np

from studio.graph.op import Array

PAIRS = np.arange(-128, 128, dtype=np.int64)
GAIN_BITS = 28  # p * 2^14 times 8 * gain fits 64 bits, and the parts of gain times p fit 32
MOST_SHIFT = 22
TRIED = np.arange(-400, 401, dtype=np.int64)  # gains around the nearest

Line = tuple[int, int, int, int]


def products(a_zero: int, b_zero: int) -> Array:
    """Every product there is, in order."""
    return np.unique(np.multiply.outer(PAIRS - a_zero, PAIRS - b_zero))


def line_through(p: Array, want: Array, ratio: float, bounds: tuple[int, int]) -> Line | None:
    """(gain, above, below, n) that gives want[i], within the bounds, for every product p[i]; None: not found."""
    if not ratio > 0 or np.any(np.diff(want) < 0):
        return None
    n = min(int(np.floor(GAIN_BITS - np.log2(ratio))) - 15, MOST_SHIFT)
    if n < 1:
        return None
    gains = round(ratio * 2.0 ** (15 + n)) + TRIED
    gains = gains[(gains > 0) & (gains < 1 << GAIN_BITS)]
    if not len(gains):
        return None
    sides = [_room(p[side], want[side], gains, n, bounds) for side in (p >= 0, p < 0)]
    best = int(np.argmax(np.minimum(sides[0][1] - sides[0][0], sides[1][1] - sides[1][0])))
    above, below = ((int(low[best]) + int(high[best])) // 2 for low, high in sides)
    found = (int(gains[best]), above, below, n)
    return found if np.array_equal(np.clip(run(p, found), *bounds), want) else None


def run(p: Array, line: Line) -> Array:
    """What the line gives for products p; numbers past 32 bits count as wrong."""
    gain, above, below, n = line
    sums = (p * gain >> 15) + np.where(p < 0, below, above)
    found: Array = np.where(np.abs(sums) < 2**31, sums >> n, 2**31)
    return found


def _room(p: Array, want: Array, gains: Array, n: int, bounds: tuple[int, int]) -> tuple[Array, Array]:
    """Least and greatest offset for each of the gains, from the products p of one sign."""
    low, high = np.full(len(gains), -(1 << 29)), np.full(len(gains), 1 << 29)
    if not len(p):
        return low, high
    steps = np.arange(max(bounds[0] + 1, int(want.min())), min(bounds[1], int(want.max()) + 1) + 1)
    first = np.searchsorted(want, steps)  # the first product that reaches the step
    reached, not_yet = first < len(p), first > 0
    at, before = p[first[reached]], p[first[not_yet] - 1]
    if reached.any():
        low = np.maximum(low, ((steps[reached] << n) - (gains[:, None] * at >> 15)).max(axis=1))
    if not_yet.any():
        high = np.minimum(high, ((steps[not_yet] << n) - 1 - (gains[:, None] * before >> 15)).min(axis=1))
    return low, high
