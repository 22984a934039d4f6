"""A graph while an importer builds it: tensors of the file become nodes, shapes lose their batch axis."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, NoReturn

import numpy as np

from studio.errors import DataError, GraphError
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Array, Op, Shape
from studio.graph.ops import int8, pointwise, wide
from studio.graph.ops.plane import Pad
from studio.graph.ops.vector import Flatten, Softmax

#: Type of values -> what gives them another shape.
RESHAPES: dict[type, type[pointwise.Reshape]] = {
    np.float32: pointwise.Reshape,
    np.int8: pointwise.ReshapeS8,
    np.int16: wide.ReshapeS16,
}
LARGEST_TENSOR = 1 << 24  # values; no board holds as many, and a broken file must not fill this computer's memory
MOST_LAYERS = 4096
MOST_CLASSES = 4096


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the file. `shape` is the file's; `scales` and `zeros` are empty without quantization."""

    name: str
    shape: Shape
    dtype: str
    scales: Array
    zeros: Array
    axis: int = 0
    data: Array | None = None

    @property
    def item(self) -> Shape:
        """The shape without the batch axis."""
        if len(self.shape) > 1 and self.shape[0] == 1:
            return self.shape[1:]
        return self.shape or (1,)

    @property
    def scale(self) -> float:
        """The one scale of the whole tensor; GraphError when there is none."""
        if len(self.scales) != 1 or len(self.zeros) != 1 or not 0 < float(self.scales[0]) < np.inf:
            seen = f"has {len(self.scales)} scales for the whole tensor"
            raise GraphError(f"Tensor {self.name!r}", seen, "Export it with full integer quantization.")
        return float(self.scales[0])

    @property
    def zero(self) -> int:
        """The zero point."""
        return int(self.zeros[0]) if self.scale else 0  # asking for the scale checks both


@dataclass(frozen=True)
class Spread:
    """Of a convolution that a file writes with batches: steps from tap to tap and the border along one or two axes."""

    steps: tuple[int, ...]
    border: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Layer:
    """One operator of the file; `options` is whatever its reader needs."""

    kind: str
    place: int
    inputs: tuple[int, ...]  # -1: left out
    outputs: tuple[int, ...]
    options: Any = None
    spread: Spread | None = None

    @property
    def title(self) -> str:
        """For messages."""
        return f"Layer {self.place} ({self.kind})"


@dataclass
class Builder:
    """`at` tells where each tensor's values are: the index of a node."""

    tensors: list[Tensor]
    file: str
    nodes: list[Node] = field(default_factory=list)
    at: dict[int, int] = field(default_factory=dict)
    shapes: dict[int, Shape] = field(default_factory=dict)  # of nodes
    names: dict[str, int] = field(default_factory=dict)
    window: Shape = ()

    def refuse(self, layer: Layer, seen: str, next_step: str) -> NoReturn:
        """GraphError about a layer."""
        raise GraphError(f"{layer.title} of {self.file}", seen, next_step)

    def constant(self, layer: Layer, i: int) -> Array:
        """Input `i` of the layer, whose values must stand in the file."""
        tensor = self.tensor(layer, i)
        if tensor.data is None:
            self.refuse(layer, f"input {i} is worked out at run time", "Export it with that input as a constant.")
        return tensor.data

    def tensor(self, layer: Layer, i: int) -> Tensor:
        """Input `i` of the layer."""
        if not self.has(layer, i):
            self.refuse(layer, f"has no input {i}", "Export the model again.")
        return self.tensors[layer.inputs[i]]

    def has(self, layer: Layer, i: int) -> bool:
        """Whether the layer has an input `i`."""
        return i < len(layer.inputs) and layer.inputs[i] >= 0

    def output(self, layer: Layer) -> Tensor:
        """The only output of the layer."""
        return self.tensors[layer.outputs[0]]

    def node(self, layer: Layer, i: int = 0) -> int:
        """The node that gives input `i`."""
        found = self.at.get(layer.inputs[i] if self.has(layer, i) else -1)
        if found is None:
            self.refuse(layer, f"input {i} comes from nowhere", "Export the model again; its order is broken.")
        return found

    def add(self, op: Op, inputs: tuple[int, ...], name: str) -> int:
        """A new node; its index."""
        shape = op.shape(*(self.shape_at(j) for j in inputs))
        if prod(shape) > LARGEST_TENSOR or min(shape, default=0) < 1:
            raise GraphError(f"Op {type(op).__name__}", f"gives {shape}", "No board holds as many values.")
        for j in inputs:
            given = np.float32 if j == WINDOW else self.nodes[j].op.gives
            if given is not op.takes:
                seen = f"takes {op.takes.__name__} and gets {given.__name__}"
                raise GraphError(f"Op {type(op).__name__}", seen, "Quantize the whole network, or nothing of it.")
        n = self.names[name] = self.names.get(name, 0) + 1
        self.nodes.append(Node(op, inputs, name if n == 1 else f"{name}_{n}"))
        self.shapes[len(self.nodes) - 1] = shape
        return len(self.nodes) - 1

    def shape_at(self, node: int) -> Shape:
        """Shape of what a node (or the window) gives."""
        return self.window if node == WINDOW else self.shapes[node]

    def shaped(self, node: int, shape: Shape) -> int:
        """`node` with its values under another shape, when it is another."""
        if self.shape_at(node) == shape:
            return node
        kind = np.float32 if node == WINDOW else self.nodes[node].op.gives
        return self.add(RESHAPES[kind](shape), (node,), "reshape")

    def put(self, layer: Layer, op: Op, inputs: tuple[int, ...], name: str, index: int = 0) -> None:
        """A node that gives output `index` of the layer, under the shape that the file says."""
        try:
            made = self.add(op, inputs, name)
            self.at[layer.outputs[index]] = self.shaped(made, self.tensors[layer.outputs[index]].item)
        except GraphError as e:
            raise GraphError(f"{layer.title} of {self.file}: {e.thing}", e.seen, e.next_step) from e

    def begin(self, inputs: list[int]) -> None:
        """The window, and the nodes that cut the network's inputs out of it."""
        items = [self.item(i) for i in inputs]
        sizes = [prod(item) for item in items]
        if not inputs or min(sizes) < 1 or sum(sizes) > LARGEST_TENSOR:
            raise DataError(self.file, f"inputs of shapes {items}", "Export the model again, with a fixed batch of 1.")
        self.window = window_of(items[0]) if len(items) == 1 else (sum(sizes), 1)
        for k, i in enumerate(inputs):
            node, tensor = WINDOW, self.tensors[i]
            if len(items) > 1:
                node = self.add(pointwise.Pick((sizes[k],), (1,), sum(sizes[:k])), (WINDOW,), "input")
            if tensor.dtype == "int8":
                node = self.add(int8.Quantize(tensor.scale, tensor.zero), (node,), "quantize")
            elif tensor.dtype == "int16":
                node = self.add(wide.QuantizeS16(centred(tensor)), (node,), "quantize")
            elif tensor.dtype != "float32":
                seen = f"is {tensor.dtype}"
                raise GraphError(f"Input {tensor.name!r}", seen, "Export it with int8, int16 or float32 input.")
            self.settle(i, self.shaped(node, items[k]))

    def item(self, i: int) -> Shape:
        """Shape under which input tensor `i` enters the graph."""
        return self.tensors[i].item

    def settle(self, i: int, node: int) -> None:
        """`node` gives tensor `i`."""
        self.at[i] = node

    def given(self, i: int) -> int | None:
        """The node that gives tensor `i`, in the order in which the file lays its values out."""
        return self.at.get(i)

    def end(self, outputs: list[int], turned: Callable[[Graph], list[Node]] | None = None) -> Graph:
        """The graph whose scores are the network's outputs, flat and in float; its nodes go through `turned`."""
        found = [(self.given(i), self.tensors[i]) for i in outputs]
        if not outputs or any(node is None for node, _ in found):
            raise DataError(self.file, "an output comes from nowhere", "Export the model again; it is broken.")
        flat = []
        for node, tensor in found:
            assert node is not None
            if node != WINDOW and self.nodes[node].op.gives is np.int8:
                node = self.add(int8.Dequantize(tensor.scale, tensor.zero), (node,), "output")
            elif node != WINDOW and self.nodes[node].op.gives is np.int16:
                node = self.add(wide.DequantizeS16(centred(tensor)), (node,), "output")
            flat.append(self.shaped(node, (prod(self.shape_at(node)),)))
        last = flat[0]
        for node in flat[1:]:
            last = self.add(pointwise.Join(0), (last, node), "outputs")
        if last == WINDOW or isinstance(self.nodes[last].op, pointwise.Reshape):
            last = self.add(Flatten(), (last,), "output")  # the scores are the caller's: something must fill them
        return self._graph(last, turned)

    def _graph(self, last: int, turned: Callable[[Graph], list[Node]] | None) -> Graph:
        n = self.shape_at(last)[0]
        if n > MOST_CLASSES:
            raise GraphError(self.file, f"gives {n} values", f"At most {MOST_CLASSES} scores can be followed.")
        nodes = alive(self.nodes[: last + 1], last)
        graph = Graph(
            channels=tuple(str(i) for i in range(self.window[1])),
            rate_hz=100.0,
            length=self.window[0],
            stride=self.window[0],
            nodes=tuple(nodes),
            classes=tuple(str(i) for i in range(n)),
        )
        graph = replace(graph, nodes=_named(turned(graph) if turned else nodes))
        graph.shapes()
        return graph


def centred(tensor: Tensor) -> float:
    """The scale of int16 values; GraphError when 0 is not their zero point."""
    if tensor.zero:
        seen = f"has the zero point {tensor.zero} of int16 values"
        raise GraphError(f"Tensor {tensor.name!r}", seen, "Export it with the TFLite converter, in 16x8.")
    return tensor.scale


def window_of(item: Shape) -> Shape:
    """(length, channels) of an input: its first axis that is more than one is time."""
    while len(item) > 2 and item[0] == 1:
        item = item[1:]
    return (item[0], prod(item[1:])) if len(item) > 1 else (item[0], 1)


def alive(nodes: list[Node], last: int) -> list[Node]:
    """The nodes that the last one needs, in order, with their indices moved up."""
    needed = {last}
    for i in range(last, -1, -1):
        if i in needed:
            needed.update(nodes[i].inputs)
    kept = [i for i in range(len(nodes)) if i in needed]
    new = {old: i for i, old in enumerate(kept)} | {WINDOW: WINDOW}
    return [replace(nodes[i], inputs=tuple(new[j] for j in nodes[i].inputs)) for i in kept]


def _named(nodes: list[Node]) -> tuple[Node, ...]:
    """The last node gives "scores", what it softens "logits", and what the last layer reads "features"."""
    end = len(nodes) - 1
    soft = [i for i in range(end + 1) if isinstance(nodes[i].op, pointwise.SoftmaxS8 | Softmax)]
    logits = nodes[soft[-1]].inputs[0] if soft else end - 1
    names = {end: "scores"}
    if 0 <= logits < end:
        names[logits] = "logits"
        features = nodes[logits].inputs[0] if nodes[logits].inputs else WINDOW
        if features != WINDOW:
            names[features] = "features"
    return tuple(replace(node, name=names.get(i, node.name)) for i, node in enumerate(nodes))


def without_pad(build: Builder, node: int, zero: int | float) -> tuple[int, Any]:
    """What a border of `zero` was put around, and that border (or None): a layer pads more cheaply by itself."""
    op = build.nodes[node].op if node != WINDOW else None
    plain = isinstance(op, Pad) and not (op.front or op.back) and op.value == zero
    return (build.nodes[node].inputs[0], op) if plain else (node, None)


def is_int8(build: Builder, layer: Layer) -> bool:
    """Whether the layer works in int8 (else in float32); GraphError for other types."""
    x, y = build.tensor(layer, 0), build.output(layer)
    if x.dtype == y.dtype == "int8":
        return True
    if x.dtype != "float32" or y.dtype != "float32":
        build.refuse(layer, f"turns {x.dtype} into {y.dtype}", "Export it with full int8 quantization, or in float32.")
    return False


def cube(build: Builder, layer: Layer, node: int) -> int:
    """The node's values as (h, w, c)."""
    shape = build.shape_at(node)
    if len(shape) > 3:
        build.refuse(layer, f"gets an input of shape {shape}", "Use layers of one or two dimensions.")
    full = (*(1,) * (3 - len(shape)), *shape) if node != WINDOW or len(shape) < 3 else shape
    return build.shaped(node, full)


def same_scale(build: Builder, layer: Layer) -> None:
    """GraphError unless all int8 inputs have the output's scale and zero point, as the reference demands."""
    y = build.output(layer)
    for i in range(len(layer.inputs)):
        x = build.tensor(layer, i)
        if x.data is None and (x.scale, x.zero) != (y.scale, y.zero):
            build.refuse(layer, "has input and output of different scales", "Export it with the TFLite converter.")
