"""Passes: functions from graph to graph. A pass changes no meaning beyond what its docstring admits.

`quantize` follows TensorFlow Lite's int8 scheme, so that imported models and our own share one set of kernels:
activations affine int8 per tensor, weights symmetric int8 per output channel, int32 bias, double rounding.

References: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference, CVPR 2018; TensorFlow Lite 8-bit quantization specification.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import frexp
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Array, Op, Shape
from studio.graph.ops import int8
from studio.graph.ops.conv import AveragePool1d, Conv1d, DepthwiseConv1d, GlobalAverage, MaxPool1d
from studio.graph.ops.vector import Dense, Flatten, Relu, Standardize

KEPT = ("features", "logits", "scores")  # stages that every graph has
SHRINKS = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)  # shares of the seen range that are tried


@dataclass(frozen=True)
class Steps:
    """How a tensor's int8 values are meant: real = scale * (q - zero)."""

    scale: float
    zero: int


def steps(values: Array) -> Steps:
    """The steps that lose least of `values` (in squares): their range with 0 in it, or a part of that."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if not np.isfinite(high - low):
        raise GraphError("Quantization", "a stage gives values that are not finite", "Train again with a lower rate.")
    if high == low:
        return Steps(1.0, 0)
    tried = [_between(low * s, high * s) for s in SHRINKS]
    return min(tried, key=lambda t: _loss(values, t))


def _between(low: float, high: float) -> Steps:
    scale = float(np.float32((high - low) / 255))
    return Steps(scale, int(np.clip(np.rint(-128 - low / scale), -128, 127)))


def _loss(values: Array, t: Steps) -> float:
    q = np.clip(np.rint(values / np.float32(t.scale)) + t.zero, -128, 127)
    return float(np.mean((values - (q - t.zero) * np.float32(t.scale)) ** 2))


def multiplier(ratio: float) -> tuple[int, int]:
    """(mantissa, shift) with ratio = mantissa * 2^(shift - 31) and mantissa in [2^30, 2^31); (0, 0) when too small."""
    mantissa, shift = frexp(ratio)
    m = round(mantissa * 2**31)
    if m == 2**31:
        m, shift = m // 2, shift + 1
    if shift > 30:
        raise GraphError("Quantization", f"a layer scales its sum by {ratio:g}", "Train again with standardized input.")
    return (m, shift) if shift >= -31 else (0, 0)


def _layer(op: Conv1d | DepthwiseConv1d | Dense, x: Steps, y: Steps, rectified: bool, axis: int) -> dict[str, Any]:
    """The arrays and bounds that every int8 layer has; `axis` is that of the weight's output channels."""
    others = tuple(a for a in range(op.weight.ndim) if a != axis)
    greatest = np.abs(op.weight).max(axis=others).astype(np.float64)
    # A channel with hardly a weight still needs steps in which its bias fits int32.
    scale = np.maximum(np.maximum(greatest / 127, np.abs(op.bias) / (x.scale * 2.0**28)), 1e-30)
    wide = scale.reshape([-1 if a == axis else 1 for a in range(op.weight.ndim)])
    weight = np.clip(np.rint(op.weight / wide), -127, 127).astype(np.int8)
    bias = np.rint(op.bias / (x.scale * scale)) - x.zero * weight.sum(axis=others, dtype=np.int64)
    pairs = [multiplier(float(x.scale * s / y.scale)) for s in scale]
    return {
        "weight": weight,
        "bias": bias.astype(np.int32),
        "multiplier": np.array([m for m, _ in pairs], np.int32),
        "shift": np.array([s for _, s in pairs], np.int8),
        "y_zero": y.zero,
        "low": y.zero if rectified else -128,
        "high": 127,
    }


def _conv(op: Any, x: Steps, y: Steps, rectified: bool, shape: Shape) -> Op:
    to, axis = (int8.Conv1dS8, 0) if isinstance(op, Conv1d) else (int8.DepthwiseConv1dS8, 1)
    layer = _layer(op, x, y, rectified, axis)
    return to(**layer, stride=op.stride, pad_before=op.pad_before, pad_after=op.pad_after, x_zero=x.zero)


def _dense(op: Any, x: Steps, y: Steps, rectified: bool, shape: Shape) -> Op:
    return int8.DenseS8(**_layer(op, x, y, rectified, 0))


def _average(op: Any, x: Steps, y: Steps, rectified: bool, shape: Shape) -> Op:
    whole = isinstance(op, GlobalAverage)
    m, shift = multiplier(x.scale / y.scale / (shape[0] if whole else op.size))
    given = {"x_zero": x.zero, "multiplier": m, "shift": shift, "y_zero": y.zero}
    return int8.GlobalAverageS8(**given) if whole else int8.AveragePool1dS8(op.size, op.stride, **given)


def _same(op: Any, x: Steps, y: Steps, rectified: bool, shape: Shape) -> Op:
    if isinstance(op, MaxPool1d):
        return int8.MaxPool1dS8(op.size, op.stride)
    return int8.ReluS8(x.zero) if isinstance(op, Relu) else int8.FlattenS8()


Convert = Callable[[Any, Steps, Steps, bool, Shape], Op]
#: Layers that are worth turning into int8, and ops that follow when their input is int8 already.
LAYERS: dict[type[Op], Convert] = {Conv1d: _conv, DepthwiseConv1d: _conv, Dense: _dense}
FOLLOW: dict[type[Op], Convert] = {
    MaxPool1d: _same,
    Flatten: _same,
    Relu: _same,
    AveragePool1d: _average,
    GlobalAverage: _average,
}


@dataclass
class _Build:
    """The new graph while it grows: where each old node went, and what its values mean there."""

    graph: Graph
    seen: list[Array]  # what each old node gave
    window: Array
    nodes: list[Node] = field(default_factory=list)
    at: dict[int, int] = field(default_factory=dict)  # old index -> new index
    means: dict[int, Steps] = field(default_factory=dict)  # new index -> steps, for int8 outputs
    turned: dict[int, int] = field(default_factory=dict)  # new index -> its quantized or dequantized twin

    def add(self, node: Node, means: Steps | None) -> int:
        self.nodes.append(node)
        if means is not None:
            self.means[len(self.nodes) - 1] = means
        return len(self.nodes) - 1

    def name(self, new: int) -> str:
        return "window" if new == WINDOW else self.nodes[new].name

    def as_int8(self, old: int) -> int:
        """New index of old node's values as int8, with a Quantize when they are float."""
        new = self.at.get(old, WINDOW)
        if new in self.means:
            return new
        if new not in self.turned:
            means = steps(self.window if old == WINDOW else self.seen[old])
            op = int8.Quantize(means.scale, means.zero)
            self.turned[new] = self.add(Node(op, (new,), f"{self.name(new)}_int8"), means)
        return self.turned[new]

    def as_float(self, old: int) -> int:
        """New index of old node's values as float, with a Dequantize when they are int8."""
        new = self.at.get(old, WINDOW)
        if new not in self.means:
            return new
        if new not in self.turned:
            op = int8.Dequantize(self.means[new].scale, self.means[new].zero)
            self.turned[new] = self.add(Node(op, (new,), f"{self.name(new)}_float"), None)
        return self.turned[new]


def quantize(graph: Graph, windows: Array) -> Graph:
    """The layers of `graph` in int8; value ranges are those seen on filtered `windows` (n, length, n_channels).

    A Relu right after a layer becomes the layer's lower bound. Stages keep their names; new ones are called after
    the stage they read, with `_int8` or `_float` behind. Raises GraphError when nothing was seen.
    """
    if not len(windows):
        raise GraphError("Quantization", "no windows to see ranges on", "Record or label more data.")
    build = _Build(graph, [y for _, y in graph.stages(windows)], windows)
    fused = _fused(graph)
    for i, node in enumerate(graph.nodes):
        if i not in fused.values():
            _turn(build, i, node, fused.get(i))
    _end_in_float(build)
    return join_standardize(replace(graph, nodes=tuple(build.nodes)))


def _fused(graph: Graph) -> dict[int, int]:
    """Layer -> the Relu that alone reads it."""
    readers = Counter(j for node in graph.nodes for j in set(node.inputs))
    pairs = [(node.inputs[0], i) for i, node in enumerate(graph.nodes) if isinstance(node.op, Relu)]
    return {j: i for j, i in pairs if j != WINDOW and type(graph.nodes[j].op) in LAYERS and readers[j] == 1}


def _turn(build: _Build, i: int, node: Node, relu: int | None) -> None:
    """Add old node `i` (with the Relu that it takes in) to the new graph, in int8 where that is meant."""
    kind = type(node.op)
    ready = all(build.at.get(j, WINDOW) in build.means for j in node.inputs)
    convert = LAYERS.get(kind) or (FOLLOW.get(kind) if ready else None)
    if convert is None:
        build.at[i] = build.add(Node(node.op, tuple(build.as_float(j) for j in node.inputs), node.name), None)
        return
    (new,) = (build.as_int8(j) for j in node.inputs)
    x, last = build.means[new], i if relu is None else relu
    y = x if convert is _same else steps(build.seen[last])
    given = build.window if node.inputs[0] == WINDOW else build.seen[node.inputs[0]]
    op = convert(node.op, x, y, relu is not None, given.shape[1:])
    name = build.graph.nodes[last].name if build.graph.nodes[last].name in KEPT else node.name
    build.at[i] = build.at[last] = build.add(Node(op, (new,), name), y)


def _end_in_float(build: _Build) -> None:
    """Scores are float: a last layer in int8 gives its name to the Dequantize behind it."""
    last = len(build.nodes) - 1
    if last in build.means:
        name = build.nodes[last].name
        build.nodes[last] = replace(build.nodes[last], name=f"{name}_int8")
        means = build.means[last]
        build.add(Node(int8.Dequantize(means.scale, means.zero), (last,), name), None)


def join_standardize(graph: Graph) -> Graph:
    """A Standardize that only a Quantize reads becomes one step with it; values may move by one unit of int8."""
    readers = Counter(j for node in graph.nodes for j in node.inputs)
    nodes, dead = list(graph.nodes), set()
    for i, node in enumerate(nodes):
        j = node.inputs[0] if node.inputs else WINDOW
        before = nodes[j].op if j != WINDOW else None
        if isinstance(node.op, int8.Quantize) and isinstance(before, Standardize) and readers[j] == 1:
            gain = (1.0 / (before.std.astype(np.float64) * node.op.scale)).astype(np.float32)
            nodes[i] = Node(int8.QuantizeChannels(before.mean, gain, node.op.zero), nodes[j].inputs, node.name)
            dead.add(j)
    return replace(graph, nodes=_without(nodes, dead))


def _without(nodes: list[Node], dead: set[int]) -> tuple[Node, ...]:
    """The nodes but for those that nothing reads any more, with their indices moved up."""
    alive = [i for i in range(len(nodes)) if i not in dead]
    new = {old: i for i, old in enumerate(alive)} | {WINDOW: WINDOW}
    return tuple(replace(nodes[i], inputs=tuple(new[j] for j in nodes[i].inputs)) for i in alive)
