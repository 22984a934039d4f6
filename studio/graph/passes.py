"""Passes: functions from graph to graph. A pass changes no meaning beyond what its docstring admits.

`quantize` follows TensorFlow Lite's int8 scheme, so that imported models and our own share one set of kernels:
activations affine int8 per tensor, weights symmetric int8 per output channel, int32 bias, double rounding.

References: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference, CVPR 2018; TensorFlow Lite 8-bit quantization specification.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from studio.errors import GraphError
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.int8_layers import FOLLOW, LAYERS, RECTIFY, Convert, Steps, keeps_steps, steps
from studio.graph.lossless import improved
from studio.graph.op import Array, Op
from studio.graph.ops import int8, wide
from studio.graph.ops.pointwise import Reshape, ReshapeS8
from studio.graph.ops.vector import Relu, Standardize
from studio.graph.recurrent_layers import recurrent, with_reach
from studio.graph.sheet import KEPT
from studio.graph.wide_layers import WIDE_FOLLOW, WIDE_LAYERS, in_planes, keeps_wide, wide_steps


@dataclass(frozen=True)
class Form:
    """What whole numbers a quantized graph works in: the steps of a tensor, the ways in and out, the layers."""

    name: str
    steps: Callable[[Array], Steps]
    enter: Callable[[Steps], Op]
    leave: Callable[[Steps], Op]
    layer: Callable[[Op], Convert | None]
    follow: dict[type[Op], Convert]


#: Bits of a value -> the form. Weights are int8 in both.
FORMS = {
    8: Form(
        "int8",
        steps,
        lambda s: int8.Quantize(s.scale, s.zero),
        lambda s: int8.Dequantize(s.scale, s.zero),
        lambda op: LAYERS.get(type(op)) or recurrent(op),
        FOLLOW,
    ),
    16: Form(
        "int16",
        wide_steps,
        lambda s: wide.QuantizeS16(s.scale),
        lambda s: wide.DequantizeS16(s.scale),
        lambda op: WIDE_LAYERS.get(type(op)),
        WIDE_FOLLOW,
    ),
}


@dataclass
class _Build:
    """The new graph while it grows: where each old node went, and what its values mean there."""

    graph: Graph
    form: Form
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

    def as_whole(self, old: int) -> int:
        """New index of old node's values as whole numbers, with a Quantize when they are float."""
        new = self.at.get(old, WINDOW)
        if new in self.means:
            return new
        if new not in self.turned:
            means = self.form.steps(self.window if old == WINDOW else self.seen[old])
            node = Node(self.form.enter(means), (new,), f"{self.name(new)}_{self.form.name}")
            self.turned[new] = self.add(node, means)
        return self.turned[new]

    def as_float(self, old: int) -> int:
        """New index of old node's values as float, with a Dequantize when they are whole numbers."""
        new = self.at.get(old, WINDOW)
        if new not in self.means:
            return new
        if new not in self.turned:
            op = self.form.leave(self.means[new])
            self.turned[new] = self.add(Node(op, (new,), f"{self.name(new)}_float"), None)
        return self.turned[new]


def quantize(graph: Graph, windows: Array, bits: int = 8) -> Graph:
    """The layers of `graph` in int8; value ranges are those seen on filtered `windows` (n, length, n_channels).

    With 16 `bits` values between layers are int16 and weights int8 (wide_layers.py): twice the memory of values, and a
    result much nearer to float; convolutions, fully connected layers, sums and pools, while all else stays in float.
    A Relu right after a layer becomes the layer's lower bound; then come the PASSES of lossless.py. Stages
    keep their names; new ones are called after the stage they read, with `_int8`, `_int16` or `_float` behind. Raises
    GraphError when nothing was seen.
    """
    if not len(windows):
        raise GraphError("Quantization", "no windows to see ranges on", "Record or label more data.")
    graph = with_reach(graph, windows) if bits == 8 else in_planes(graph)
    build = _Build(graph, FORMS[bits], [y for _, y in graph.stages(windows)], windows)
    fused = _fused(graph)
    for i, node in enumerate(graph.nodes):
        if i not in fused.values():
            _turn(build, i, node, fused.get(i))
    _end_in_float(build)
    return improved(join_standardize(replace(graph, nodes=tuple(build.nodes))))


def _fused(graph: Graph) -> dict[int, int]:
    """Layer or sum -> the Relu that alone reads it."""
    readers = Counter(j for node in graph.nodes for j in set(node.inputs))
    pairs = [(node.inputs[0], i) for i, node in enumerate(graph.nodes) if isinstance(node.op, Relu)]
    return {j: i for j, i in pairs if j != WINDOW and type(graph.nodes[j].op) in RECTIFY and readers[j] == 1}


def _turn(build: _Build, i: int, node: Node, relu: int | None) -> None:
    """Add old node `i` (with the Relu that it takes in) to the new graph, in int8 where that is meant."""
    form = build.form
    ready = all(build.at.get(j, WINDOW) in build.means for j in node.inputs)
    convert = form.layer(node.op) or (form.follow.get(type(node.op)) if ready else None)
    if convert is None:
        build.at[i] = build.add(Node(node.op, tuple(build.as_float(j) for j in node.inputs), node.name), None)
        return
    new = tuple(build.as_whole(j) for j in node.inputs)
    xs, last = tuple(build.means[j] for j in new), i if relu is None else relu
    y = xs[0] if convert in (keeps_steps, keeps_wide) else form.steps(build.seen[last])
    given = build.window if node.inputs[0] == WINDOW else build.seen[node.inputs[0]]
    op = convert(node.op, xs, y, relu is not None, given.shape[1:])
    name = build.graph.nodes[last].name if build.graph.nodes[last].name in KEPT else node.name
    build.at[i] = build.at[last] = build.add(Node(op, new, name), y)


def _end_in_float(build: _Build) -> None:
    """Scores are float: a last layer in whole numbers gives its name to the Dequantize behind it."""
    last = len(build.nodes) - 1
    if last in build.means:
        name = build.nodes[last].name
        build.nodes[last] = replace(build.nodes[last], name=f"{name}_{build.form.name}")
        build.add(Node(build.form.leave(build.means[last]), (last,), name), None)


def join_standardize(graph: Graph) -> Graph:
    """A Standardize that only a Quantize reads becomes one step with it; values may move by one unit of int8.

    A Reshape between the two is done in int8 then.
    """
    readers = Counter(j for node in graph.nodes for j in node.inputs)
    nodes, dead = list(graph.nodes), set()
    for i, node in enumerate(nodes):
        path = _back_to_standardize(nodes, i, readers) if isinstance(node.op, int8.Quantize) else []
        if not path:
            continue
        j = path[-1]
        joined = Node(_joined(nodes[j].op, node.op), nodes[j].inputs, node.name if j == path[0] else nodes[j].name)
        between = nodes[path[0]].op
        if isinstance(between, Reshape):
            nodes[j], nodes[i] = joined, Node(ReshapeS8(between.to), (j,), node.name)
        else:
            nodes[i] = joined
        dead.add(path[0])
    return replace(graph, nodes=_without(nodes, dead))


def _back_to_standardize(nodes: list[Node], i: int, readers: Counter[int]) -> list[int]:
    """The nodes before Quantize `i` up to a Standardize, at most a Reshape between, each with one reader; or none."""
    path: list[int] = []
    while len(path) < 2:
        i = nodes[i].inputs[0]
        if i == WINDOW or readers[i] != 1:
            return []
        path.append(i)
        if isinstance(nodes[i].op, Standardize):
            return path
        if not isinstance(nodes[i].op, Reshape):
            return []
    return []


def _joined(before: Op, quantize: Op) -> Op:
    assert isinstance(before, Standardize) and isinstance(quantize, int8.Quantize)
    gain = (1.0 / (before.std.astype(np.float64) * quantize.scale)).astype(np.float32)
    return int8.QuantizeChannels(before.mean, gain, quantize.zero)


def _without(nodes: list[Node], dead: set[int]) -> tuple[Node, ...]:
    """The nodes but for those that nothing reads any more, with their indices moved up."""
    alive = [i for i in range(len(nodes)) if i not in dead]
    new = {old: i for i, old in enumerate(alive)} | {WINDOW: WINDOW}
    return tuple(replace(nodes[i], inputs=tuple(new[j] for j in nodes[i].inputs)) for i in alive)
