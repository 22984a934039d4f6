"""Examples of layers with int16 values, with oracles in Python's whole numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from studio.graph.int8_layers import Steps
from studio.graph.op import Array
from studio.graph.ops import wide
from studio.graph.wide_layers import sum_of
from tests.graph.arithmetic import Example, requantized, rounded


def narrowed(total: int, multiplier: int, right: int, low: int, high: int) -> int:
    """One rounding, halves up."""
    return min(max((2 * total * multiplier + 2**right) // 2 ** (right + 1), low), high)


def scaling(rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Mantissas and shifts from far too small to far too great, and powers of two, which make ties."""
    m = rng.integers(2**14, 2**15, n, dtype=np.int64)
    m[::2] = 2**14
    right = np.resize(np.array([21, 24, 20, 26, 30, 8, 46, 22], np.int8), n)
    return {"bias": rng.integers(-(2**30), 2**30, n).astype(np.int32), "multiplier": m.astype(np.int32), "right": right}


def _s8(rng: np.random.Generator, *shape: int) -> Array:
    return rng.integers(-127, 128, shape, dtype=np.int8)


def slid(op: Any, deep: bool) -> Callable[[Array], Array]:
    """Convolutions by sums over a padded map."""

    def oracle(x: Array) -> Array:
        kh, kw = op.taps()
        padded = np.pad(x.astype(object), ((op.pad_top, op.pad_bottom), (op.pad_left, op.pad_right), (0, 0)))
        h, w, n = op.shape(x.shape)
        found = np.zeros((h, w, n), np.int64)
        for i, j, o in np.ndindex(h, w, n):
            total = int(op.bias[o])
            for a, b in np.ndindex(kh, kw):
                pixel = padded[i * op.stride_h + a * op.dilation_h, j * op.stride_w + b * op.dilation_w]
                if deep:
                    total += int(pixel[o // op.times]) * int(op.weight[a, b, o])
                else:
                    total += sum(int(p) * int(v) for p, v in zip(pixel, op.weight[o, a, b], strict=True))
            found[i, j, o] = narrowed(total, int(op.multiplier[o]), int(op.right[o]), op.low, op.high)
        return found

    return oracle


def pooled(op: Any, work: Callable[[list[int]], int]) -> Callable[[Array], Array]:
    def oracle(x: Array) -> Array:
        h, w, n = op.shape(x.shape)
        found = np.zeros((h, w, n), np.int64)
        for i, j, o in np.ndindex(h, w, n):
            top, left = i * op.stride_h - op.pad_top, j * op.stride_w - op.pad_left
            part = x[max(top, 0) : top + op.kh, max(left, 0) : left + op.kw, o]
            found[i, j, o] = min(max(work([int(v) for v in part.ravel()]), op.low), op.high)
        return found

    return oracle


def added(op: wide.AddS16) -> Callable[[Array, Array], Array]:
    def oracle(a: Array, b: Array) -> Array:
        free = (0, -(2**31), 2**31 - 1)
        return np.array([
            requantized(requantized(int(u) << 15, op.a_multiplier, op.a_shift, *free)
                        + requantized(int(v) << 15, op.b_multiplier, op.b_shift, *free),
                        op.multiplier, op.shift, 0, op.low, op.high)
            for u, v in zip(a, b, strict=True)
        ])  # fmt: skip

    return oracle


def dense(op: wide.DenseS16) -> Callable[[Array], Array]:
    def oracle(x: Array) -> Array:
        sums = [
            int(b) + sum(int(v) * int(w) for v, w in zip(x, row, strict=True))
            for row, b in zip(op.weight, op.bias, strict=True)
        ]
        return np.array([
            narrowed(s, int(m), int(r), op.low, op.high) for s, m, r in zip(sums, op.multiplier, op.right, strict=True)
        ])  # fmt: skip

    return oracle


def wide_examples() -> dict[str, Example]:
    """One example of every op."""
    rng = np.random.default_rng(31)
    sides = {"stride_h": 2, "dilation_w": 2, "pad_top": 1, "pad_left": 2, "pad_bottom": 1}
    conv = wide.Conv2dS16(weight=_s8(rng, 8, 3, 2, 3), **scaling(rng, 8), **sides, low=-30000)
    deep = wide.DepthwiseConv2dS16(
        weight=_s8(rng, 2, 3, 8), **scaling(rng, 8), times=2, stride_w=2, pad_left=1, high=9000
    )
    full = wide.DenseS16(weight=_s8(rng, 8, 700), **scaling(rng, 8), low=-30000)
    most = wide.MaxPool2dS16(2, 1, 1, 0, 1, 1, 3, 2, low=0)
    mean = wide.AveragePool2dS16(2, 1, 1, 0, 1, 1, 3, 2, high=20000)
    total = sum_of(Steps(0.003, 0), Steps(0.001, 0), Steps(0.0035, 0), -1, low=-32000)
    assert isinstance(total, wide.AddS16)
    return {
        "Conv2dS16": Example(conv, ((7, 6, 3),), slid(conv, False), 0),
        "DepthwiseConv2dS16": Example(deep, ((5, 6, 4),), slid(deep, True), 0),
        "DenseS16": Example(full, ((700,),), dense(full), 0),
        "MaxPool2dS16": Example(most, ((6, 5, 2),), pooled(most, max), 0),
        "AveragePool2dS16": Example(mean, ((6, 5, 2),), pooled(mean, lambda v: rounded(sum(v), len(v))), 0),
        "AddS16": Example(total, ((30,), (30,)), added(total), 0),
        "QuantizeS16": Example(
            wide.QuantizeS16(2.0**-10),
            ((7,),),
            lambda x: np.clip([rounded(int(v * 2**24), 2**14) for v in x.astype(float)], -32768, 32767),
            0,
        ),
        "DequantizeS16": Example(
            wide.DequantizeS16(0.03), ((7,),), lambda x: np.float32(0.03) * x.astype(np.float32), 0
        ),
        "ReluS16": Example(wide.ReluS16(), ((7,),), lambda x: np.maximum(x, 0), 0),
        "FlattenS16": Example(wide.FlattenS16(), ((2, 3),), np.ravel, 0),
        "ReshapeS16": Example(wide.ReshapeS16((3, 2)), ((2, 3),), lambda x: x.reshape(3, 2), 0),
    }
