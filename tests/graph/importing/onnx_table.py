"""One small network for every operator of ONNX: name -> what makes the file, float32 or int8.

In int8 the operator has QuantizeLinear and DequantizeLinear around it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from studio.graph.op import Array, Shape


class Onx:
    """Nodes of an ONNX file; in int8 every value that goes into or out of the one operator has steps."""

    def __init__(self, small: bool) -> None:
        self.small, self.rng = small, np.random.default_rng(6)
        self.nodes: list[tuple[str, str, str, dict[str, Any]]] = []
        self.constants: dict[str, Array] = {}

    def steps(self, name: str, scale: float, zero: int = 0) -> str:
        """`name` through a QuantizeLinear and a DequantizeLinear, in int8."""
        if not self.small:
            return name
        self.constants |= {f"{name}_s": np.float32(scale).reshape(()), f"{name}_z": np.int8(zero).reshape(())}
        self.nodes.append(("QuantizeLinear", f"{name} {name}_s {name}_z", f"{name}_q", {}))
        self.nodes.append(("DequantizeLinear", f"{name}_q {name}_s {name}_z", f"{name}_d", {}))
        return f"{name}_d"

    def weight(self, name: str, *shape: int, axis: int = 0) -> str:
        if not self.small:
            self.constants[name] = (self.rng.normal(size=shape) / 2).astype(np.float32)
            return name
        n = shape[axis]
        self.constants |= {f"{name}_q": self.rng.integers(-127, 128, shape, np.int8), f"{name}_z": np.zeros(n, np.int8)}
        self.constants[f"{name}_s"] = self.rng.uniform(0.002, 0.01, n).astype(np.float32)
        self.nodes.append(("DequantizeLinear", f"{name}_q {name}_s {name}_z", name, {"axis": axis}))
        return name

    def whole(self, name: str, *values: int) -> str:
        self.constants[name] = np.array(values, np.int64)
        return name

    def real(self, name: str, *shape: int) -> str:
        self.constants[name] = (self.rng.normal(size=shape) / 2).astype(np.float32)
        return name


Made = tuple[Shape, Shape]  # of the file's input and output


def _o(kind: str, x: Shape, y: Shape, args: Callable[[Onx], list[str]] = lambda o: [], scale: float = 0.08,
       zero: int = 5, **options: Any) -> Callable[[Onx], Made]:  # fmt: skip
    """One operator on the input and what `args` declares."""

    def make(o: Onx) -> Made:
        given = [o.steps("x", 0.05, -7), *args(o)]
        o.nodes.append((kind, " ".join(given), "out", options))
        o.nodes.append(("Identity", o.steps("out", scale, zero), "y", {}))
        return x, y

    return make


def _o_dense(o: Onx) -> Made:
    o.nodes.append(("Gemm", f"{o.steps('x', 0.05, -7)} {o.weight('w', 5, 12)} {o.real('b', 5)}", "out", {"transB": 1}))
    o.nodes.append(("Identity", o.steps("out", 0.08, 5), "y", {}))
    return (1, 12), (1, 5)


def _o_split(o: Onx) -> Made:
    o.nodes.append(("Split", f"{o.steps('x', 0.05, -7)} {o.whole('parts', 2, 4)}", "a b", {"axis": 2}))
    o.nodes.append(("Concat", "b a", "out", {"axis": 2}))
    o.nodes.append(("Identity", o.steps("out", 0.05, -7), "y", {}))
    return (1, 4, 6), (1, 4, 6)


def _o_pair(kind: str) -> Callable[[Onx], Made]:
    def make(o: Onx) -> Made:
        x = o.steps("x", 0.05, -7)
        o.nodes.append(("Sigmoid", x, "gate", {}))
        o.nodes.append((kind, f"{x} {o.steps('gate', 1 / 256, -128)}", "out", {}))
        o.nodes.append(("Identity", o.steps("out", 0.06, 3), "y", {}))
        return (1, 4, 6), (1, 4, 6)

    return make


def _o_norm(o: Onx) -> Made:
    names = [o.real(n, 4) for n in ("g", "o", "m", "v")]
    o.constants["v"] = o.constants["v"] ** 2 + 0.2
    o.constants["g"] = np.sign(o.constants["g"]) * (np.abs(o.constants["g"]) + 0.2)
    o.nodes.append(("BatchNormalization", f"{o.steps('x', 0.05, -7)} {' '.join(names)}", "out", {}))
    o.nodes.append(("Identity", o.steps("out", 0.08, 5), "y", {}))
    return (1, 4, 6), (1, 4, 6)


def _o_recurrent(kind: str, gates: int, **options: Any) -> Callable[[Onx], Made]:
    def make(o: Onx) -> Made:
        x = o.steps("x", 0.05, -7)
        for name, n in (("w", 3), ("r", 5)):
            o.weight(name, 1, gates * 5, n)
        o.nodes.append((kind, f"{x} w r {o.real('b', 1, gates * 10)}", "out", {"hidden_size": 5, **options}))
        o.nodes.append(("Identity", o.steps("out", 1 / 128, 0), "y", {}))
        return (7, 1, 3), (7, 1, 1, 5)

    return make


CUBE, SEQUENCE = (1, 4, 6, 5), (1, 4, 6)
#: Operator -> what makes its file.
ONNX: dict[str, Callable[[Onx], Made]] = {
    "conv": _o("Conv", CUBE, (1, 7, 6, 4), lambda o: [o.weight("w", 7, 4, 3, 2), o.real("b", 7)], pads=[1, 0, 1, 0]),
    "conv over time, dilated": _o(
        "Conv", SEQUENCE, (1, 7, 6), lambda o: [o.weight("w", 7, 4, 3)], pads=[4, 0], dilations=[2]),
    "depthwise": _o("Conv", SEQUENCE, (1, 4, 4), lambda o: [o.weight("w", 4, 1, 3)], group=4),
    "depthwise times 3": _o("Conv", SEQUENCE, (1, 12, 4), lambda o: [o.weight("w", 12, 1, 3)], group=4),
    "transposed conv": _o(
        "ConvTranspose", SEQUENCE, (1, 3, 13), lambda o: [o.weight("w", 4, 3, 3, axis=1)], strides=[2]),
    "fully connected": _o_dense,
    "fully connected on rows": _o("MatMul", (1, 6, 4), (1, 6, 5), lambda o: [o.weight("w", 4, 5, axis=1)]),
    "lstm": _o_recurrent("LSTM", 4),
    "gru": _o_recurrent("GRU", 3),
    "gru, reset after": _o_recurrent("GRU", 3, linear_before_reset=1),
    "rnn": _o_recurrent("RNN", 1),
    "average pool": _o("AveragePool", CUBE, (1, 4, 3, 2), scale=0.05, zero=-7, kernel_shape=[2, 2], strides=[2, 2]),
    "max pool": _o("MaxPool", CUBE, (1, 4, 3, 2), scale=0.05, zero=-7, kernel_shape=[2, 2], strides=[2, 2]),
    "global average": _o("GlobalAveragePool", CUBE, (1, 4, 1, 1), scale=0.02),
    "global max": _o("GlobalMaxPool", CUBE, (1, 4, 1, 1), scale=0.05, zero=-7),
    "mean": _o("ReduceMean", CUBE, (1, 4), lambda o: [o.whole("a", 2, 3)], scale=0.02, keepdims=0),
    "max over time": _o("ReduceMax", SEQUENCE, (1, 4, 1), lambda o: [o.whole("a", 2)], scale=0.05, zero=-7),
    "pad": _o("Pad", SEQUENCE, (1, 5, 9), lambda o: [o.whole("p", 0, 1, 2, 0, 0, 1)], scale=0.05, zero=-7),
    "reshape": _o("Reshape", SEQUENCE, (1, 3, 8), lambda o: [o.whole("to", 1, 3, 8)], scale=0.05, zero=-7),
    "transpose": _o("Transpose", CUBE, (1, 6, 5, 4), scale=0.05, zero=-7, perm=[0, 2, 3, 1]),
    "slice": _o("Slice", CUBE, (1, 4, 2, 2), lambda o: [o.whole("s", 5, 1), o.whole("e", 0, 4), o.whole("a", 2, 3),
                                                          o.whole("by", -3, 2)], scale=0.05, zero=-7),
    "one place": _o("Gather", SEQUENCE, (1, 4, 1), lambda o: [o.whole("i", -1)], scale=0.05, zero=-7, axis=2),
    "split, concat": _o_split,
    "add": _o_pair("Add"),
    "sub": _o_pair("Sub"),
    "mul": _o_pair("Mul"),
    "max": _o_pair("Max"),
    "min": _o_pair("Min"),
    "add a constant": _o("Add", SEQUENCE, SEQUENCE, lambda o: [o.real("c", 4, 1)]),
    "mul by a constant": _o("Mul", SEQUENCE, SEQUENCE, lambda o: [o.real("c", 4, 1)]),
    "divide by a constant": _o("Div", SEQUENCE, SEQUENCE, lambda o: [o.real("c", 1)], scale=0.2),
    "relu": _o("Relu", SEQUENCE, SEQUENCE),
    "clip": _o("Clip", SEQUENCE, SEQUENCE, lambda o: [o.real("low"), o.real("high")]),
    "leaky relu": _o("LeakyRelu", SEQUENCE, SEQUENCE, alpha=0.2),
    "prelu": _o("PRelu", SEQUENCE, SEQUENCE, lambda o: [o.real("slope", 4, 1)]),
    "elu": _o("Elu", SEQUENCE, SEQUENCE, alpha=0.7),
    "hard sigmoid": _o("HardSigmoid", SEQUENCE, SEQUENCE, scale=1 / 256, zero=-128, alpha=1 / 6),
    "hard swish": _o("HardSwish", SEQUENCE, SEQUENCE),
    "sigmoid": _o("Sigmoid", SEQUENCE, SEQUENCE, scale=1 / 256, zero=-128),
    "tanh": _o("Tanh", SEQUENCE, SEQUENCE, scale=1 / 128, zero=0),
    "softmax": _o("Softmax", (1, 9), (1, 9), scale=1 / 256, zero=-128, axis=1),
    "batch norm": _o_norm,
}  # fmt: skip
