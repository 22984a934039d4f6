"""Examples of the ops over two axes and of the pointwise ones, with oracles in Python's whole numbers or numpy."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from studio.graph.op import Array
from studio.graph.ops import int8, plane, plane_s8, pointwise
from tests.graph.arithmetic import Example, requantized, rounded, softmax_s8
from tests.graph.classic_examples import classic_variants
from tests.graph.gated_examples import gated_variants


def patches(op: Any, x: Array, value: Any) -> list[list[Array]]:
    """What each output (i, j) of a sliding op looks at: (kh, kw, c), padding holding `value`."""
    (kh, kw), dh, dw = op.taps(), op.dilation_h, op.dilation_w
    edges = ((op.pad_top, op.pad_bottom), (op.pad_left, op.pad_right), (0, 0))
    padded = np.pad(x, edges, constant_values=value)
    rows, columns = op.slid(*x.shape[:2])
    return [
        [
            padded[i * op.stride_h :: dh, j * op.stride_w :: dw][:kh, :kw]  # the first kh x kw taps from there on
            for j in range(columns)
        ]
        for i in range(rows)
    ]


def layer_s8(op: Any) -> Any:
    """Oracle of Conv2dS8 and DepthwiseConv2dS8. The bias has the zero point folded in, so plain sums of q * w do."""
    deep = isinstance(op, plane.DepthwiseConv2d)

    def oracle(x: Array) -> Array:
        n_out = op.weight.shape[2] if deep else op.weight.shape[0]

        def value(patch: Array, o: int) -> int:
            w = op.weight[:, :, o] if deep else op.weight[o]
            v = patch[:, :, o // op.times] if deep else patch
            total = int(op.bias[o]) + int((v.astype(np.int64) * w.astype(np.int64)).sum())
            return requantized(total, int(op.multiplier[o]), int(op.shift[o]), op.y_zero, op.low, op.high)

        rows = patches(op, x, op.x_zero)
        return np.array([[[value(p, o) for o in range(n_out)] for p in row] for row in rows], np.int8)

    return oracle


def layer(op: Any) -> Any:
    """Oracle of the float layers."""
    deep = isinstance(op, plane.DepthwiseConv2d)

    def oracle(x: Array) -> Array:
        rows = patches(op, x.astype(float), 0.0)
        w = op.weight.astype(float)
        channel = np.arange(w.shape[2]) // op.times if deep else None
        found = [
            [(p[:, :, channel] * w).sum((0, 1)) if deep else np.tensordot(w, p, 3) for p in row] + [] for row in rows
        ]
        return np.array(found) + op.bias

    return oracle


def pool(op: Any, reduce: Any) -> Any:
    """Oracle of a pool: `reduce` gets the values that are inside, (n, c)."""

    def oracle(x: Array) -> Array:
        rows, columns = op.slid(*x.shape[:2])
        found = []
        for i in range(rows):
            for j in range(columns):
                top, left = i * op.stride_h - op.pad_top, j * op.stride_w - op.pad_left
                inside = x[max(top, 0) : top + op.kh, max(left, 0) : left + op.kw]
                found.append(reduce(inside.reshape(-1, x.shape[2])))
        return np.array(found).reshape(rows, columns, x.shape[2])

    return oracle


def mean_s8(low: int, high: int) -> Any:
    return lambda v: [min(max(rounded(int(s), len(v)), low), high) for s in v.astype(int).sum(0)]


def scaling(rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Scales from far too small to far too great, and exact powers of two, which make ties."""
    m = rng.integers(2**30, 2**31, n, dtype=np.int64)
    m[::2] = 2**30
    shift = rng.permutation(np.resize(np.array([-7, -6, -8, -5, -12, -4, 0, 1, -25, -31], np.int8), n))
    return {"bias": rng.integers(-5000, 5000, n, dtype=np.int32), "multiplier": m.astype(np.int32), "shift": shift}


def conv(rng: np.random.Generator, c: int, c_out: int, kh: int, kw: int, **given: Any) -> plane_s8.Conv2dS8:
    weight = rng.integers(-127, 128, (c_out, kh, kw, c), dtype=np.int8)
    return plane_s8.Conv2dS8(weight=weight, **scaling(rng, c_out), x_zero=-9, y_zero=11, **given)


def depthwise(
    rng: np.random.Generator, c: int, kh: int, kw: int, times: int = 1, **given: Any
) -> plane_s8.DepthwiseConv2dS8:
    weight = rng.integers(-127, 128, (kh, kw, c * times), dtype=np.int8)
    return plane_s8.DepthwiseConv2dS8(
        weight=weight, times=times, **scaling(rng, c * times), x_zero=5, y_zero=-3, **given
    )


def one_scale(n: int) -> tuple[Array, Array, Array]:
    return np.arange(-n, n, 2, dtype=np.int32) * 99, np.full(n, 1234567890, np.int32), np.full(n, -8, np.int8)


def dense_s8(op: int8.DenseS8) -> Any:
    def oracle(x: Array) -> Array:
        sums = op.bias.astype(int) + op.weight.astype(int) @ x.astype(int)
        steps = zip(sums, op.multiplier, op.shift, strict=True)
        return np.array([requantized(int(t), int(m), int(s), op.y_zero, op.low, op.high) for t, m, s in steps])

    return oracle


def add_s8(op: pointwise.AddS8) -> Any:
    def one(a: int, b: int) -> int:
        u = requantized((a - op.a_zero) * 2**20, op.a_multiplier, op.a_shift, 0, -(2**31), 2**31 - 1)
        v = requantized((b - op.b_zero) * 2**20, op.b_multiplier, op.b_shift, 0, -(2**31), 2**31 - 1)
        return requantized(u + v, op.multiplier, op.shift, op.y_zero, op.low, op.high)

    return lambda x, y: np.vectorize(lambda a, b: one(int(a), int(b)))(x, y)


def multiply_s8(op: pointwise.MultiplyS8) -> Any:
    def one(a: int, b: int) -> int:
        product = (a - op.a_zero) * (b - op.b_zero)
        return requantized(product, op.multiplier, op.shift, op.y_zero, op.low, op.high)

    return lambda x, y: np.vectorize(lambda a, b: one(int(a), int(b)))(x, y)


def plane_examples() -> dict[str, Example]:
    """One example of every op."""
    rng = np.random.default_rng(11)

    def f32(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    sides = {"pad_top": 1, "pad_left": 2, "pad_right": 1}
    conv_f = plane.Conv2d(2, 1, 1, 0, 2, 1, weight=f32(5, 3, 2, 3), bias=f32(5), dilation_w=2)
    deep_f = plane.DepthwiseConv2d(1, 2, 1, 1, 1, 1, weight=f32(3, 3, 6), bias=f32(6), times=2)
    conv_q, deep_q = (
        conv(rng, 3, 5, 3, 2, stride_h=2, dilation_w=2, **sides, low=-100),
        depthwise(rng, 6, 3, 3, **sides),
    )
    most, mean = plane.MaxPool2d(2, 1, 1, 0, 0, 1, 3, 2), plane.AveragePool2d(2, 1, 1, 0, 0, 1, 3, 2)
    most_q = plane_s8.MaxPool2dS8(2, 1, 1, 0, 0, 1, 3, 2, low=-90)
    mean_q = plane_s8.AveragePool2dS8(1, 1, 1, 1, 1, 1, 3, 3, high=100)
    whole = plane_s8.Mean2dS8(-7, 2**30 + 12345, -3, -5)
    add = pointwise.AddS8(3, 2**30, 0, -7, 1518500250, -1, 1300000000, -18, -4, low=-100)
    times = pointwise.MultiplyS8(3, -7, 1300000000, -6, -4, high=99)
    table = rng.integers(-128, 128, 256).astype(np.int8)
    soft = pointwise.SoftmaxS8(1476395008, 23, -248)
    return {
        "Conv2d": Example(conv_f, ((7, 6, 3),), layer(conv_f), 1e-6),
        "DepthwiseConv2d": Example(deep_f, ((5, 6, 3),), layer(deep_f), 1e-6),
        "MaxPool2d": Example(most, ((6, 5, 3),), pool(most, lambda v: v.max(0)), 0),
        "AveragePool2d": Example(mean, ((6, 5, 3),), pool(mean, lambda v: v.mean(0)), 1e-6),
        "Pad": Example(
            plane.Pad(1, 0, 2, 1, 0, 1, 0.5),
            ((2, 3, 2),),
            lambda x: np.pad(x, ((1, 0), (2, 1), (0, 1)), constant_values=0.5),
            0,
        ),
        "Conv2dS8": Example(conv_q, ((7, 6, 3),), layer_s8(conv_q), 0),
        "DepthwiseConv2dS8": Example(deep_q, ((11, 5, 6),), layer_s8(deep_q), 0),
        "MaxPool2dS8": Example(most_q, ((6, 5, 3),), pool(most_q, lambda v: np.maximum(v.max(0), np.int8(-90))), 0),
        "AveragePool2dS8": Example(mean_q, ((6, 5, 6),), pool(mean_q, mean_s8(-128, 100)), 0),
        "Mean2dS8": Example(
            whole,
            ((3, 5, 2),),
            lambda x: np.array(
                [requantized(int(v), whole.multiplier, -3, -5, -128, 127) for v in (x.astype(int) + 7).sum((0, 1))]
            ),
            0,
        ),
        "PadS8": Example(
            plane_s8.PadS8(0, 1, 1, 0, 2, 0, 9),
            ((2, 3, 2),),
            lambda x: np.pad(x, ((0, 1), (1, 0), (2, 0)), constant_values=9),
            0,
        ),
        "Add": Example(pointwise.Add(), ((3, 4), (3, 4)), np.add, 0),
        "AddS8": Example(add, ((3, 4), (3, 4)), add_s8(add), 0),
        "Multiply": Example(pointwise.Multiply(), ((3, 4), (3, 4)), np.multiply, 0),
        "MultiplyS8": Example(times, ((3, 4), (3, 4)), multiply_s8(times), 0),
        "LookupS8": Example(pointwise.LookupS8(table), ((3, 4),), lambda x: table[x.astype(int) + 128], 0),
        "Clip": Example(pointwise.Clip(-0.5, 1.5), ((3, 4),), lambda x: np.clip(x, -0.5, 1.5), 0),
        "Sigmoid": Example(pointwise.Sigmoid(), ((3, 4),), lambda x: special.expit(x.astype(float)), 1e-6),
        "Tanh": Example(pointwise.Tanh(), ((3, 4),), lambda x: np.tanh(x.astype(float)), 1e-6),
        "Reshape": Example(pointwise.Reshape((2, 6)), ((3, 4),), lambda x: x.reshape(2, 6), 0),
        "ReshapeS8": Example(pointwise.ReshapeS8((2, 6)), ((3, 4),), lambda x: x.reshape(2, 6), 0),
        "Pick": Example(pointwise.Pick((4, 2), (1, 8), 0), ((3, 4),), lambda x: x.T[:, ::2], 0),
        "PickS8": Example(pointwise.PickS8((2, 4), (-4, 1), 8), ((3, 4),), lambda x: x[:0:-1], 0),
        "Join": Example(pointwise.Join(1), ((2, 3, 2), (2, 1, 2)), lambda a, b: np.concatenate([a, b], 1), 0),
        "JoinS8": Example(pointwise.JoinS8(2), ((2, 3, 2), (2, 3, 1)), lambda a, b: np.concatenate([a, b], 2), 0),
        "SoftmaxS8": Example(soft, ((2, 5),), lambda x: np.array([softmax_s8(soft, row) for row in x]), 0),
    }


def variants() -> dict[str, Example]:
    """Further ways through the same ops' kernels."""
    rng = np.random.default_rng(12)
    found: dict[str, Any] = {
        "1x1": (conv(rng, 8, 7, 1, 1), (5, 3, 8)),
        "one output": (conv(rng, 4, 1, 2, 2), (2, 2, 4)),
        "3x3 of four": (conv(rng, 4, 6, 3, 3, pad_top=1, pad_bottom=1, pad_left=1, pad_right=1), (4, 5, 4)),
        "dilated": (conv(rng, 4, 6, 3, 3, dilation_h=2, dilation_w=3, pad_left=3, pad_right=3), (6, 5, 4)),
        "long": (conv(rng, 1, 3, 1, 71, stride_w=3, pad_left=9), (1, 100, 1)),
        "deep stride 2": (depthwise(rng, 5, 3, 3, stride_h=2, stride_w=2, pad_top=1, pad_bottom=1), (21, 7, 5)),
        "deep stride 3": (depthwise(rng, 4, 2, 4, stride_h=3, stride_w=3, pad_left=3, high=60), (30, 11, 4)),
        "deep 5x4": (depthwise(rng, 9, 5, 4, pad_left=2, pad_right=1, pad_top=2, pad_bottom=2), (19, 6, 9)),
        "deep over time": (depthwise(rng, 4, 7, 1, pad_top=3, pad_bottom=3), (40, 1, 4)),
        "deep over columns": (depthwise(rng, 4, 1, 5, stride_w=2), (1, 40, 4)),
        "deep doubled": (depthwise(rng, 3, 3, 2, times=2, stride_w=2, pad_left=1), (6, 5, 3)),
        "deep dilated": (depthwise(rng, 4, 3, 2, dilation_h=2), (7, 5, 4)),
    }
    examples = {name: Example(op, (shape,), layer_s8(op), 0) for name, (op, shape) in found.items()}
    ordinary = {"multiplier": rng.integers(2**30, 2**31, 9).astype(np.int32), "shift": np.full(9, -9, np.int8)}
    for name, op, shape in (
        ("ordinary 3x3", conv(rng, 3, 9, 3, 3, pad_top=1, pad_left=1, stride_w=2), (6, 7, 3)),
        ("ordinary 1x1", conv(rng, 20, 9, 1, 1), (3, 3, 20)),
        (
            "ordinary rows",
            conv(rng, 1, 9, 10, 4, stride_h=2, stride_w=2, pad_top=4, pad_left=1, pad_right=1),
            (49, 10, 1),
        ),
        ("ordinary deep 3x3", depthwise(rng, 9, 3, 3, pad_top=1, pad_left=1, pad_right=1, pad_bottom=1), (19, 5, 9)),
        ("ordinary deep even", depthwise(rng, 9, 3, 3), (12, 8, 9)),
        ("ordinary deep thin", depthwise(rng, 9, 3, 3), (12, 3, 9)),
        ("ordinary deep 5x4", depthwise(rng, 9, 5, 4, pad_left=2, stride_w=2), (19, 6, 9)),
    ):
        op = replace(op, **ordinary)
        examples[name] = Example(op, (shape,), layer_s8(op), 0)
    for name, op, shape in (
        ("up 3x3", conv(rng, 3, 9, 3, 3, pad_top=1, pad_left=1, stride_w=2), (6, 7, 3)),
        ("up 3x3 of four", conv(rng, 4, 8, 3, 3, pad_top=1, pad_left=1, pad_right=1), (9, 14, 4)),
        ("up 1x1", conv(rng, 20, 9, 1, 1), (3, 5, 20)),
        ("up two outputs", conv(rng, 8, 2, 1, 1), (1, 6, 8)),
        ("up three outputs", conv(rng, 12, 3, 1, 1), (3, 3, 12)),
        ("up wide", conv(rng, 40, 3, 3, 3, pad_left=1, pad_right=1, pad_top=1, pad_bottom=1), (5, 9, 40)),
        ("up dilated", conv(rng, 4, 6, 3, 3, dilation_h=2, dilation_w=3, pad_left=3, pad_right=3), (7, 9, 4)),
        ("up rows", conv(rng, 1, 9, 10, 8, stride_h=2, stride_w=2, pad_top=4, pad_left=3, pad_right=3), (49, 40, 1)),
        ("up deep 3x3", depthwise(rng, 9, 3, 3, pad_top=1, pad_left=1, pad_right=1, pad_bottom=1), (25, 5, 9)),
        ("up deep wide", depthwise(rng, 3, 3, 3, pad_top=1, pad_left=1, pad_right=1, pad_bottom=1), (40, 33, 3)),
        ("up deep even", depthwise(rng, 5, 3, 3), (12, 8, 5)),
        ("up deep thin", depthwise(rng, 2, 3, 3), (12, 3, 2)),
        ("up deep low", depthwise(rng, 6, 3, 3, pad_left=2), (3, 9, 6)),
        ("up deep 5x4", depthwise(rng, 3, 5, 4, pad_left=2, stride_w=2), (60, 16, 3)),
        ("up deep stride", depthwise(rng, 3, 3, 3, pad_left=1, stride_w=2, stride_h=2), (21, 7, 3)),
        ("up deep time", depthwise(rng, 4, 7, 1, pad_top=3, pad_bottom=3), (40, 1, 4)),
        ("up deep columns", depthwise(rng, 4, 1, 5, stride_w=2), (1, 40, 4)),
        ("up tall", conv(rng, 2, 5, 4, 2, stride_h=3, dilation_h=2, pad_top=2), (20, 7, 2)),
    ):
        n = len(op.bias)
        up = {"multiplier": rng.integers(2**30, 2**31, n).astype(np.int32), "y_zero": -128}
        op = replace(op, **up, shift=rng.integers(-9, -6, n).astype(np.int8), low=-128 + 3 * (n % 2), high=120)
        assert op.kernel(1) in ("k_conv2d_up_s8", "k_depthwise_up_s8", "k_depthwise_3x3_s8")
        examples[name] = Example(op, (shape,), layer_s8(op), 0)
    dense = int8.DenseS8(rng.integers(-127, 128, (6, 21), dtype=np.int8), *one_scale(6), -3, -100, 100)
    add = pointwise.AddS8(-128, 1659400000, -1, 4, 2**30, 0, 1098000000, -18, -128)
    line = pointwise.AddS8(0, 2**30, 0, 0, 2**30, 0, 2**30, -18, 0)  # a tie at every odd sum
    coarse = pointwise.AddS8(0, 2**30, -22, 5, 3 * 2**29, -22, 2**30, 4, 0)  # rounds on the way: no line does that
    wrapping = pointwise.MultiplyS8(3, -7, 2**30 + 1, 14, -4)  # a left shift past 32 bits: no line either
    product = pointwise.MultiplyS8(-128, -9, 1300000000, -6, -128, low=-100)
    assert coarse.line is None and wrapping.line is None and product.line is not None
    mean = plane_s8.AveragePool2dS8(20, 20, 0, 0, 0, 0, 20, 20)
    raised = replace(examples["up wide"].op, tiles=2)
    both = replace(raised, y_zero=3, low=-128)
    return {
        **examples,
        "up in tiles": Example(raised, ((5, 9, 40),), layer_s8(raised), 0),
        "in tiles": Example(both, ((5, 9, 40),), layer_s8(both), 0),
        "dense of one scale": Example(dense, ((21,),), dense_s8(dense), 0),
        "add of a line": Example(add, ((50,), (50,)), add_s8(add), 0),
        "add with ties": Example(line, ((50,), (50,)), add_s8(line), 0),
        "add without a line": Example(coarse, ((50,), (50,)), add_s8(coarse), 0),
        "product of a line": Example(product, ((50,), (50,)), multiply_s8(product), 0),
        "product without a line": Example(wrapping, ((50,), (50,)), multiply_s8(wrapping), 0),
        "large mean": Example(mean, ((20, 20, 5),), pool(mean, mean_s8(-128, 127)), 0),
    }


VARIANTS = variants() | gated_variants() | classic_variants()
