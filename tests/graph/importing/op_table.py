"""One small network for every operator of TensorFlow Lite: name -> what makes the file, float32 or int8."""

from collections.abc import Callable
from typing import Any

import numpy as np

from studio.graph.op import Shape
from tests.graph.importing.write_tflite import File

SAME, VALID, RELU, TANH = 0, 1, 1, 4


class Tfl:
    """A TensorFlow Lite file of one operator in one type; values are drawn from `rng`."""

    def __init__(self, small: bool) -> None:
        self.small, self.file, self.rng = small, File(), np.random.default_rng(5)

    def x(self, *shape: int, like: int | None = None, scale: float = 0.05, zero: int = -7) -> int:
        given = (scale, zero) if like is None else self.file.tensors[like][2:4]
        return self.file.tensor((1, *shape), *(("int8", *given) if self.small else ("float32",)))

    def weight(self, shape: Shape, axis: int = 0, per_channel: bool = True) -> int:
        if not self.small:
            return self.file.tensor(shape, "float32", data=(self.rng.normal(size=shape) / 2).astype(np.float32))
        scales = self.rng.uniform(0.002, 0.01, shape[axis] if per_channel else 1)
        values = self.rng.integers(-127, 128, shape, dtype=np.int8)
        return self.file.tensor(shape, "int8", scales, np.zeros(len(scales)), axis, values)

    def bias(self, n: int) -> int:
        if not self.small:
            return self.weight((n,))
        return self.file.tensor((n,), "int32", 1e-4, 0, 0, self.rng.integers(-2000, 2000, n).astype(np.int32))

    def constant(self, *shape: int) -> int:
        """A tensor of the file in the type of activations."""
        if not self.small:
            return self.weight(shape)
        return self.file.tensor(shape, "int8", 0.03, 4, 0, self.rng.integers(-128, 128, shape, dtype=np.int8))

    def whole(self, *values: int, shape: Shape | None = None) -> int:
        data = np.array(values, np.int32).reshape(shape or (len(values),))
        return self.file.tensor(data.shape, "int32", data=data)

    def one(self, kind: str, inputs: list[int], y: int, table: str = "", **options: Any) -> int:
        self.file.layer(kind, inputs, [y], table, **options)
        return y


def _sliding(
    kind: str, table: str, weight: Shape, out: int, axis: int, **options: Any
) -> Callable[[Tfl], tuple[int, int]]:
    def make(t: Tfl) -> tuple[int, int]:
        x = t.x(6, 5, 4)
        y = t.one(kind, [x, t.weight(weight, axis), t.bias(out)], t.x(6, 5, out, scale=0.2), table,
                  Padding=SAME, StrideH=1, StrideW=1, FusedActivationFunction=RELU, **options)  # fmt: skip
        return x, y

    return make


def _transposed(t: Tfl) -> tuple[int, int]:
    x = t.x(3, 4, 4)
    y = t.one("TRANSPOSE_CONV", [t.whole(1, 6, 8, 2), t.weight((2, 3, 3, 4)), x], t.x(6, 8, 2, scale=0.2),
              "TransposeConvOptions", Padding=SAME, StrideH=2, StrideW=2)  # fmt: skip
    return x, y


def _dense(t: Tfl) -> tuple[int, int]:
    x = t.x(12)
    return x, t.one(
        "FULLY_CONNECTED", [x, t.weight((5, 12), 0, False), t.bias(5)], t.x(5, scale=0.1), "FullyConnectedOptions"
    )


def _dense_rows(t: Tfl) -> tuple[int, int]:
    x = t.x(7, 4)
    given = [x, t.weight((5, 4), 0, False), t.bias(5)]
    return x, t.one("FULLY_CONNECTED", given, t.x(7, 5, scale=0.1), "FullyConnectedOptions", KeepNumDims=True)


def _pool(kind: str) -> Callable[[Tfl], tuple[int, int]]:
    def make(t: Tfl) -> tuple[int, int]:
        x = t.x(6, 5, 4)
        return x, t.one(kind, [x], t.x(3, 3, 4, like=x), "Pool2DOptions", FilterHeight=3, FilterWidth=2, StrideH=2,
                        StrideW=2, Padding=SAME)  # fmt: skip

    return make


def _over_all(kind: str) -> Callable[[Tfl], tuple[int, int]]:
    def make(t: Tfl) -> tuple[int, int]:
        x = t.x(6, 5, 4)
        y = t.x(4, like=x) if kind == "REDUCE_MAX" else t.x(4, scale=0.03)
        return x, t.one(kind, [x, t.whole(1, 2)], y, "ReducerOptions")

    return make


def _plain(
    kind: str, to: Shape, args: Callable[[Tfl], list[int]], table: str = "", **options: Any
) -> Callable[[Tfl], tuple[int, int]]:
    """An operator that only moves values."""

    def make(t: Tfl) -> tuple[int, int]:
        x = t.x(6, 5, 4)
        return x, t.one(kind, [x, *args(t)], t.x(*to, like=x), table, **options)

    return make


def _split(t: Tfl) -> tuple[int, int]:
    x = t.x(6, 5, 4)
    parts = [t.x(3, 5, 4, like=x) for _ in "ab"]
    t.file.layer("SPLIT", [t.whole(1), x], parts, "SplitOptions", NumSplits=2)
    return x, t.one("CONCATENATION", parts[::-1], t.x(3, 5, 8, like=x), "ConcatenationOptions", Axis=3)


def _split_v(t: Tfl) -> tuple[int, int]:
    x = t.x(6, 5, 4)
    parts = [t.x(n, 5, 4, like=x) for n in (1, 5)]
    t.file.layer("SPLIT_V", [x, t.whole(1, -1), t.whole(1)], parts, "SplitVOptions", NumSplits=2)
    return x, t.one("CONCATENATION", parts[::-1], t.x(6, 5, 4, like=x), "ConcatenationOptions", Axis=1)


def _unpacked(t: Tfl) -> tuple[int, int]:
    x = t.x(3, 4)
    rows = [t.x(4, like=x) for _ in range(3)]
    t.file.layer("UNPACK", [x], rows, "UnpackOptions", Num=3, Axis=1)
    return x, t.one("PACK", rows[::-1], t.x(4, 3, like=x), "PackOptions", ValuesCount=3, Axis=2)


def _pair(kind: str, table: str, constant: bool = False, same: bool = False) -> Callable[[Tfl], tuple[int, int]]:
    def make(t: Tfl) -> tuple[int, int]:
        x = t.x(6, 4)
        other = t.constant(4) if constant else t.x(6, 4, like=x)
        if not constant:
            t.one("RELU" if not same else "MAXIMUM", [x] if not same else [x, x], other)
        return x, t.one(kind, [x, other], t.x(6, 4, like=x) if same else t.x(6, 4, scale=0.08), table)

    return make


def _function(
    kind: str, scale: float = 0.04, zero: int = 3, table: str = "", **options: Any
) -> Callable[[Tfl], tuple[int, int]]:
    def make(t: Tfl) -> tuple[int, int]:
        x = t.x(6, 4)
        return x, t.one(kind, [x], t.x(6, 4, scale=scale, zero=zero), table, **options)

    return make


def _prelu(t: Tfl) -> tuple[int, int]:
    x = t.x(6, 5, 4)
    return x, t.one("PRELU", [x, t.constant(1, 1, 4)], t.x(6, 5, 4, scale=0.04))


def _softmax(t: Tfl) -> tuple[int, int]:
    x = t.x(9)
    return x, t.one("SOFTMAX", [x], t.x(9, scale=1 / 256, zero=-128), "SoftmaxOptions", Beta=1.0)


def _quantize(t: Tfl) -> tuple[int, int]:
    """Float to int8 and back; in int8 to other steps and back."""
    x = t.x(9)
    y = t.file.tensor((1, 9), "int8", 0.1, 4)
    t.one("QUANTIZE", [x], y)
    z = t.x(9)
    return x, t.one("QUANTIZE" if t.small else "DEQUANTIZE", [y], z)


def _dilated(t: Tfl) -> tuple[int, int]:
    """As TensorFlow writes a dilated convolution over time."""
    x = t.x(11, 3)
    dealt = t.file.tensor((3, 5, 3), *_like(t, x))
    row = t.file.tensor((3, 1, 5, 3), *_like(t, x))
    y = t.file.tensor((3, 1, 3, 4), *(("int8", 0.2, 3) if t.small else ("float32",)))
    flat, out = t.file.tensor((3, 3, 4), *_like(t, y)), t.x(9, 4, like=y)
    t.one("SPACE_TO_BATCH_ND", [x, t.whole(3), t.whole(2, 2, shape=(1, 2))], dealt)
    t.one("EXPAND_DIMS", [dealt, t.whole(1)], row)
    t.one("CONV_2D", [row, t.weight((4, 1, 3, 3)), t.bias(4)], y, "Conv2DOptions", Padding=VALID, StrideH=1, StrideW=1)
    t.one("SQUEEZE", [y], flat, "SqueezeOptions")
    return x, t.one("BATCH_TO_SPACE_ND", [flat, t.whole(3), t.whole(0, 0, shape=(1, 2))], out)


def _dilated_deep(t: Tfl) -> tuple[int, int]:
    x = t.x(6, 5, 4)
    dealt, y = t.file.tensor((4, 5, 4, 4), *_like(t, x)), t.file.tensor((4, 3, 2, 4), *_like(t, x))
    out = t.x(6, 3, 4, like=x)
    t.one("SPACE_TO_BATCH_ND", [x, t.whole(2, 2), t.whole(2, 2, 1, 2, shape=(2, 2))], dealt)
    t.one("DEPTHWISE_CONV_2D", [dealt, t.weight((1, 3, 3, 4), 3), t.bias(4)], y, "DepthwiseConv2DOptions",
          Padding=VALID, StrideH=1, StrideW=1, DepthMultiplier=1)  # fmt: skip
    return x, t.one("BATCH_TO_SPACE_ND", [y, t.whole(2, 2), t.whole(0, 0, 0, 1, shape=(2, 2))], out)


def _like(t: Tfl, i: int) -> tuple[Any, ...]:
    return ("int8", *t.file.tensors[i][2:4]) if t.small else ("float32",)


def _rnn(kind: str, n: int, table: str) -> Callable[[Tfl], tuple[int, int]]:
    def make(t: Tfl) -> tuple[int, int]:
        shape = (n, 3) if kind != "RNN" else (3,)
        x, y, state = t.x(*shape), t.x(*(5,) if kind == "RNN" else (n, 5)), t.file.tensor((1, 5), "float32")
        t.file.variables.add(state)
        given = [x, t.weight((5, 3)), t.weight((5, 5)), t.bias(5), state]
        return x, t.one(kind, given, y, table, FusedActivationFunction=TANH)

    return make


def _lstm(t: Tfl) -> tuple[int, int]:
    x = t.x(7, 3)
    y = t.x(7, 5, scale=1 / 128, zero=0)
    kernels = [t.weight((5, 3), 0, False) for _ in range(4)] + [t.weight((5, 5), 0, False) for _ in range(4)]
    biases = [t.bias(5) for _ in range(4)]
    state = t.file.tensor((1, 5), *_like(t, y))
    cell = t.file.tensor((1, 5), *(("int16", 2.0**-11, 0) if t.small else ("float32",)))
    t.file.variables.update((state, cell))
    if t.small:  # steps of the gates without layer normalization, and of what is shown before a projection
        t.file.intermediates[0] = [t.file.tensor((1, 5), "int16", 2.0**-12, 0) for _ in range(4)] + [t.x(5, like=y)]
    given = [x, *kernels, -1, -1, -1, *biases, -1, -1, state, cell, -1, -1, -1, -1]
    return x, t.one(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", given, y, "UnidirectionalSequenceLSTMOptions", FusedActivationFunction=TANH
    )


def _svdf(t: Tfl) -> tuple[int, int]:
    x, y = t.x(5), t.x(3, scale=0.3, zero=-128)
    if t.small:
        time = t.file.tensor((6, 7), "int16", 1e-4, 0, 0, t.rng.integers(-32767, 32768, (6, 7)).astype(np.int16))
        bias = t.file.tensor((3,), "int32", 3e-8, 0, 0, t.rng.integers(-(2**22), 2**22, 3).astype(np.int32))
        state = t.file.tensor((1, 42), "int16", 3e-4, 0)
    else:
        time, bias, state = t.weight((6, 7)), t.bias(3), t.file.tensor((1, 42), "float32")
    t.file.variables.add(state)
    return x, t.one("SVDF", [x, t.weight((6, 5), 0, False), time, bias, state], y, "SVDFOptions", Rank=2,
                    FusedActivationFunction=RELU)  # fmt: skip


def _batch_norm(t: Tfl) -> tuple[int, int]:
    """As TensorFlow Lite leaves one that nothing takes in: a product and a sum with a value for each channel."""
    x = t.x(6, 4)
    scaled = t.one("MUL", [x, t.constant(4)], t.x(6, 4, scale=0.03), "MulOptions")
    return x, t.one("ADD", [scaled, t.constant(4)], t.x(6, 4, scale=0.06), "AddOptions")


BOTH, FLOAT = (False, True), (False,)
#: Operator -> (what makes its file, in which types it exists).
TFLITE: dict[str, tuple[Callable[[Tfl], tuple[int, int]], tuple[bool, ...]]] = {
    "conv": (_sliding("CONV_2D", "Conv2DOptions", (7, 3, 2, 4), 7, 0), BOTH),
    "conv dilated": (_dilated, BOTH),
    "depthwise": (_sliding("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", (1, 3, 2, 4), 4, 3, DepthMultiplier=1), BOTH),
    "depthwise times 3": (
        _sliding("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", (1, 3, 2, 12), 12, 3, DepthMultiplier=3), BOTH),
    "depthwise dilated": (_dilated_deep, BOTH),
    "transposed conv": (_transposed, BOTH),
    "fully connected": (_dense, BOTH),
    "fully connected on rows": (_dense_rows, BOTH),
    "lstm": (_lstm, BOTH),
    "rnn": (_rnn("UNIDIRECTIONAL_SEQUENCE_RNN", 6, "SequenceRNNOptions"), FLOAT),
    "rnn of one sample": (_rnn("RNN", 1, "RNNOptions"), FLOAT),
    "svdf": (_svdf, BOTH),
    "average pool": (_pool("AVERAGE_POOL_2D"), BOTH),
    "max pool": (_pool("MAX_POOL_2D"), BOTH),
    "global average": (_over_all("MEAN"), BOTH),
    "global max": (_over_all("REDUCE_MAX"), BOTH),
    "pad": (_plain("PAD", (8, 6, 7), lambda t: [t.whole(0, 0, 1, 1, 0, 1, 1, 2, shape=(4, 2))]), BOTH),
    "reshape": (_plain("RESHAPE", (10, 12), lambda t: [t.whole(1, 10, 12)]), BOTH),
    "transpose": (_plain("TRANSPOSE", (4, 6, 5), lambda t: [t.whole(0, 3, 1, 2)]), BOTH),
    "slice": (_plain("SLICE", (2, 5, 3), lambda t: [t.whole(0, 1, 0, 1), t.whole(1, 2, 5, 3)]), BOTH),
    "strided slice": (
        _plain("STRIDED_SLICE", (3, 5, 2), lambda t: [t.whole(0, 5, 0, 0), t.whole(1, 0, 5, 4), t.whole(1, -2, 1, 2)],
               "StridedSliceOptions"), BOTH),
    "split, concat": (_split, BOTH),
    "split into parts": (_split_v, BOTH),
    "unpack, pack": (_unpacked, BOTH),
    "add": (_pair("ADD", "AddOptions"), BOTH),
    "add a constant": (_pair("ADD", "AddOptions", True), BOTH),
    "sub": (_pair("SUB", "SubOptions"), BOTH),
    "mul": (_pair("MUL", "MulOptions"), BOTH),
    "mul by a constant": (_pair("MUL", "MulOptions", True), BOTH),
    "maximum": (_pair("MAXIMUM", "", same=True), BOTH),
    "minimum": (_pair("MINIMUM", "", same=True), BOTH),
    "relu": (_function("RELU"), BOTH),
    "relu6": (_function("RELU6"), BOTH),
    "relu -1 to 1": (_function("RELU_N1_TO_1"), BOTH),
    "leaky relu": (_function("LEAKY_RELU", table="LeakyReluOptions", Alpha=0.2), BOTH),
    "prelu": (_prelu, BOTH),
    "elu": (_function("ELU"), BOTH),
    "hard swish": (_function("HARD_SWISH"), BOTH),
    "sigmoid": (_function("LOGISTIC", 1 / 256, -128), BOTH),
    "tanh": (_function("TANH", 1 / 128, 0), BOTH),
    "softmax": (_softmax, BOTH),
    "batch norm": (_batch_norm, BOTH),
    "quantize, dequantize": (_quantize, BOTH),
}  # fmt: skip
