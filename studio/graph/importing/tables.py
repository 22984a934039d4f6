"""int8 functions of one int8 value as tables of 256 answers, with the arithmetic of TensorFlow Lite Micro.

References: tensorflow/lite/kernels/internal/reference/{integer_ops/logistic.h, integer_ops/tanh.h, hard_swish.h,
leaky_relu.h, requantize.h}; gemmlowp/fixedpoint/fixedpoint.h.
"""

from collections.abc import Callable

import numpy as np

from studio.graph.int8_layers import multiplier
from studio.graph.op import Array
from studio.graph.ops.pointwise import rescale, rounding_shift

Q = np.arange(-128, 128, dtype=np.int64)
MOST = 2**31 - 1
#: e^(-1/4), e^(-1/2) ... e^(-16) with 31 fractional bits.
HALVES = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def _int8(values: Array) -> Array:
    found: Array = np.clip(values, -128, 127).astype(np.int8)
    return found


def rescaled(ratio: float, x_zero: int, y_zero: int, low: int = -128, high: int = 127) -> Array:
    """(q - x_zero) * ratio + y_zero within bounds: another scale, and standalone rectifiers."""
    return _int8(np.clip(rescale(Q - x_zero, *multiplier(ratio)) + y_zero, low, high))


def leaky_relu(above: float, below: float, x_zero: int, y_zero: int) -> Array:
    """x * above where x >= 0, x * below elsewhere."""
    v = Q - x_zero
    m, shift = multiplier(abs(below))
    low = rescale(v, -m if below < 0 else m, shift)
    return _int8(np.where(v >= 0, rescale(v, *multiplier(above)), low) + y_zero)


def prelu(above: tuple[int, int], below: tuple[int, int], x_zero: int, slope: int, y_zero: int) -> Array:
    """x where x >= 0, slope * x below; both are (multiplier, shift).

    References: tensorflow/lite/kernels/internal/reference/prelu.h.
    """
    v = Q - x_zero
    return _int8(np.where(v >= 0, rescale(v, *above), rescale(v * slope, *below)) + y_zero)


def exp_on_negatives(x: Array, integer_bits: int) -> Array:
    """e^x of x <= 0 with `integer_bits` integer bits; 31 fractional bits."""
    bits = 31 - integer_bits
    quarter = 1 << (bits - 2)
    fraction = (x & (quarter - 1)) - quarter
    t = np.clip(fraction << integer_bits, -(2**31), MOST) + (1 << 28)
    t2 = _times(t, t)
    inner = _times(rounding_shift(_times(t2, t2), 2) + _times(t2, t), 715827883) + t2
    y = 1895147668 + _times(1895147668, t + rounding_shift(inner, 1))
    for i, factor in enumerate(HALVES[: integer_bits + 2]):
        y = np.where((fraction - x) >> (bits - 2 + i) & 1, _times(y, factor), y)
    found: Array = np.where(x == 0, MOST, y)
    return found


def _times(a: Array | int, b: Array | int) -> Array:
    return np.asarray(np.clip((np.asarray(a, np.int64) * b + (1 << 30)) >> 31, -(2**31), MOST))


def _newton(x: Array) -> tuple[Array, Array]:
    """2 / (1 + x) / 2 for x in [0, 1): the estimate with 29 fractional bits after three steps, and (1 + x) / 2."""
    half = (x + MOST + 1) // 2
    y = 1515870810 + _times(half, -1010580540)
    for _ in range(3):
        y = y + np.clip(_times(y, (1 << 29) - _times(half, y)) << 2, -(2**31), MOST)
    return y, half


def _input(scale: float, x_zero: int) -> tuple[Array, Array]:
    """The values with 4 integer bits, and where they are too great for that: -1, 0 or 1."""
    m, shift = multiplier(scale * 2.0**27)
    radius = int(15 * 2**27 / 2**shift) if shift >= 0 else MOST
    v = Q - x_zero
    outside = np.where(v <= -radius, -1, np.where(v >= radius, 1, 0))
    return rescale(np.where(outside, 0, v), m, shift), outside


def logistic(scale: float, x_zero: int) -> Array:
    """1 / (1 + e^-x); output scale 1/256, zero point -128."""
    x, outside = _input(scale, x_zero)
    y, _ = _newton(exp_on_negatives(-np.abs(x), 4))
    positive = np.clip(y << 1, -(2**31), MOST)
    value = np.where(x > 0, positive, np.where(x < 0, MOST - positive, 1 << 30))
    inside = rounding_shift(value, 23) - 128
    return _int8(np.where(outside < 0, -128, np.where(outside > 0, 127, inside)))


def tanh(scale: float, x_zero: int) -> Array:
    """Hyperbolic tangent; output scale 1/128, zero point 0."""
    x, outside = _input(scale, x_zero)
    y, _ = _newton(exp_on_negatives(-np.abs(x), 5))  # the same bits with 5 integer bits are twice the value
    t = np.clip((y - (1 << 29)) << 2, -(2**31), MOST)
    inside = rounding_shift(np.sign(x) * t, 24)
    return _int8(np.where(outside < 0, -128, np.where(outside > 0, 127, inside)))


def _times16(a: Array, b: int) -> Array:
    product = a * b
    nudge = np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return np.clip(np.trunc((product + nudge) / 2**15).astype(np.int64), -(2**15), 2**15 - 1)


def _int16_multiplier(ratio: float) -> tuple[int, int]:
    m, shift = multiplier(ratio)
    return min((m + (1 << 15)) >> 16, 2**15 - 1), shift


def hard_swish(scale: float, x_zero: int, y_scale: float, y_zero: int) -> Array:
    """x * relu6(x + 3) / 6."""

    def up(v: Array, n: int) -> Array:
        found: Array = np.clip(v << n, -(2**15), 2**15 - 1)
        return found

    hires = (Q - x_zero) << 7
    m, shift = _int16_multiplier(float(np.float32(np.float32(1 / 128) * np.float32(scale)) / np.float32(y_scale)))
    slope, n = _int16_multiplier(float(np.float32(np.float32(1 / 128) * np.float32(scale)) / np.float32(3 / 32768)))
    soft = up(hires, n - 1) if n > 0 else hires
    soft = _times16(soft, slope)
    soft = up(soft, 1) if n > 0 else rounding_shift(soft, -n)
    soft = (soft + (1 << 15)) >> 1
    product = np.trunc(soft * _times16(hires, m) / 2**15).astype(np.int64)
    return _int8((rounding_shift(product, -shift) if shift <= 0 else product << shift) + y_zero)


def from_float(function: Callable[[Array], Array], scale: float, x_zero: int, y_scale: float, y_zero: int) -> Array:
    """Any function, as TensorFlow Lite makes its tables: float32, halves away from zero."""
    y = function((Q - x_zero).astype(np.float32) * np.float32(scale)) / np.float32(y_scale)
    return _int8(np.trunc(y + np.copysign(np.float32(0.5), y)) + y_zero)
