"""TensorFlow Lite Micro's integer arithmetic from its definition, in Python's unbounded integers; and `Example`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.graph.op import Array, Op, Shape


@dataclass(frozen=True)
class Example:
    """`oracle` takes the inputs of one item; `tolerance` is relative to the greatest value, 0 means the same bits."""

    op: Op
    shapes: tuple[Shape, ...]
    oracle: Callable[..., Any]
    tolerance: float
    positive: bool = False  # inputs that are never below 0, as powers and votes are


def rounded(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest whole number, halves away from zero, in Python's unbounded integers."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def doubling_high_multiply(a: int, b: int) -> int:
    """The reference adds 2^30, or 1 - 2^30 below zero, and cuts toward zero: a negative half goes up."""
    product = a * b
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    return min(abs(nudged) // 2**31 * (1 if nudged >= 0 else -1), 2**31 - 1)


def requantized(total: int, multiplier: int, shift: int, zero: int, low: int, high: int) -> int:
    """What TensorFlow Lite Micro makes of a layer's sum, from its definition: two roundings, then the bounds."""
    left, right = max(shift, 0), max(-shift, 0)
    raised = (total * 2**left + 2**31) % 2**32 - 2**31
    return min(max(rounded(doubling_high_multiply(raised, multiplier), 2**right) + zero, low), high)


def saturated(x: int) -> int:
    return min(max(x, -(2**31)), 2**31 - 1)


def exp_of(x: int) -> int:
    """gemmlowp's exp_on_negative_values for 5 integer bits, of one number: 26 fractional bits in, 31 out."""
    if x == 0:
        return 2**31 - 1
    mul = doubling_high_multiply
    fraction = x % 2**24 - 2**24
    t = saturated(fraction * 2**5) + 2**28
    t2 = mul(t, t)
    t3, t4 = mul(t2, t), mul(t2, t2)
    inner = rounded(mul(rounded(t4, 4) + t3, 715827883) + t2, 2)
    y = 1895147668 + mul(1895147668, t + inner)
    rest = fraction - x
    for bit, factor in enumerate((1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242), 24):
        if rest >> bit & 1:
            y = mul(y, factor)
    return y


def softmax_s8(op: Any, x: Array) -> Array:
    """SoftmaxS8 of one vector."""
    differences = [int(v) - int(x.max()) for v in x]
    counted = [d >= op.least for d in differences]
    exps = [
        exp_of(requantized(d, op.multiplier, op.shift, 0, -(2**31), 2**31 - 1)) if c else 0
        for d, c in zip(differences, counted, strict=True)
    ]
    total = sum(rounded(e, 2**12) for e in exps)
    over = 32 - total.bit_length()
    half = (total * 2**over - 2**31 + 2**31 - 1 + 1) // 2
    inverse = 1515870810 + doubling_high_multiply(half, -1010580540)
    for _ in range(3):
        error = 2**29 - doubling_high_multiply(half, inverse)
        inverse += saturated(doubling_high_multiply(inverse, error) * 4)
    inverse = saturated(inverse * 2)
    q = [rounded(doubling_high_multiply(inverse, e), 2 ** (35 - over)) - 128 for e in exps]
    return np.array([min(v, 127) if c else -128 for v, c in zip(q, counted, strict=True)])
