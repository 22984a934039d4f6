"""The two orders that a tensor's values may lie in while an ONNX file is read.

ONNX writes (n, c, ...), our layers over time and space want (n, ..., c): that is order "last". Recurrent layers,
matrices and everything that only moves values take a tensor as it is written: order "plain". Each tensor is held in the
order in which it was made, and turned when a layer asks for the other; two turns that undo each other vanish.
"""

from dataclasses import dataclass, field, replace
from math import prod

from studio.graph.graph import WINDOW
from studio.graph.importing.build import Builder, Layer, Tensor
from studio.graph.layout import LARGEST_TURN, places, regular
from studio.graph.op import Array, Op, Shape
from studio.graph.ops import pointwise


def channels_last(shape: Shape) -> Shape:
    """(n, c, ...) -> (n, ..., c)."""
    return (shape[0], *shape[2:], shape[1]) if len(shape) > 2 else shape


def written(tensor: Tensor) -> Shape:
    """The tensor's shape as ONNX writes it; `Tensor.shape` has the channels last."""
    shape = tensor.shape
    return (shape[0], shape[-1], *shape[1:-1]) if len(shape) > 2 else shape


def without_batch(shape: Shape) -> Shape:
    """The shape without a leading 1."""
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape or (1,)


def strides(shape: Shape) -> Shape:
    """Values from one place to the next along each axis."""
    return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))


@dataclass
class OnnxBuilder(Builder):
    """`at` has the nodes in order "last", `plain` those in the order in which they are written."""

    plain: dict[int, int] = field(default_factory=dict)
    as_written: frozenset[int] = frozenset()  # inputs of the file that enter in plain order
    used: frozenset[int] = frozenset()  # tensors that a layer reads or the file gives
    carried: frozenset[int] = frozenset()  # layers whose memory goes on from window to window

    def item(self, i: int) -> Shape:
        return without_batch(written(self.tensors[i])) if i in self.as_written else self.tensors[i].item

    def settle(self, i: int, node: int) -> None:
        (self.plain if i in self.as_written else self.at)[i] = node

    def given(self, i: int) -> int | None:
        return self._plain(i) if i in self.plain or i in self.at else None

    def node(self, layer: Layer, i: int = 0) -> int:
        """The node that gives input `i` with the channels last."""
        number = layer.inputs[i] if self.has(layer, i) else -1
        if number not in self.at and number in self.plain:
            shape = written(self.tensors[number])
            order = (0, *range(2, len(shape)), 1) if len(shape) > 2 else tuple(range(len(shape)))
            self.at[number] = self.shaped(self.turned(self.plain[number], shape, order), self.tensors[number].item)
        return super().node(layer, i)

    def node_as_written(self, layer: Layer, i: int = 0) -> int:
        """The node that gives input `i` in plain order."""
        number = layer.inputs[i] if self.has(layer, i) else -1
        if number not in self.plain and number not in self.at:
            self.refuse(layer, f"input {i} comes from nowhere", "Export the model again; its order is broken.")
        return self._plain(number)

    def only_plain(self, layer: Layer, i: int = 0) -> bool:
        """Whether input `i` is there in plain order and in no other."""
        number = layer.inputs[i] if self.has(layer, i) else -1
        return number in self.plain and number not in self.at

    def put_as_written(self, layer: Layer, op: Op | None, inputs: tuple[int, ...], name: str, index: int = 0) -> None:
        """Output `index` in plain order: what `op` gives, or (None) what the input is."""
        number = layer.outputs[index]
        made = inputs[0] if op is None else self.add(op, inputs, name)
        self.plain[number] = self.shaped(made, without_batch(written(self.tensors[number])))

    def turned(self, node: int, shape: Shape, order: Shape) -> int:
        """`node`, whose values have `shape`, with its axes in another order."""
        moving = [axis for axis in order if shape[axis] > 1]
        if moving == sorted(moving):
            return node
        each = strides(shape)
        return self.picked(node, tuple(shape[a] for a in moving), tuple(each[a] for a in moving), 0)

    def picked(self, node: int, to: Shape, steps: Shape, start: int) -> int:
        """Values of `node` at regular places; from where they came, when it only turned them."""
        before = None if node == WINDOW else self.nodes[node]
        if before is not None and type(before.op) is pointwise.Reshape:
            node = before.inputs[0]
            before = None if node == WINDOW else self.nodes[node]
        if before is not None and type(before.op) is pointwise.Pick and prod(before.op.to) <= LARGEST_TURN:
            taken = places(before.op.to, before.op.steps, before.op.start).ravel()[places(to, steps, start)]
            found = regular(taken)
            if found is not None:
                return self._picked(before.inputs[0], to, *found)
        return self._picked(node, to, steps, start)

    def _picked(self, node: int, to: Shape, steps: Shape, start: int) -> int:
        if start == 0 and steps == strides(to) and prod(to) == prod(self.shape_at(node)):
            return node if self.shape_at(node) == to else self.shaped(node, to)
        return self.add(pointwise.Pick(to, steps, start), (node,), "transpose")

    def _plain(self, number: int) -> int:
        if number not in self.plain:
            shape = self.tensors[number].shape
            order = (0, len(shape) - 1, *range(1, len(shape) - 1)) if len(shape) > 2 else tuple(range(len(shape)))
            turned = self.turned(self.at[number], shape, order)
            self.plain[number] = self.shaped(turned, without_batch(written(self.tensors[number])))
        return self.plain[number]


def becomes(build: Builder, number: int, values: Array) -> None:
    """Tensor `number` is a constant after all."""
    old = build.tensors[number]
    shape = old.shape if prod(old.shape) == values.size and old.shape else channels_last(values.shape)
    build.tensors[number] = replace(old, shape=shape, dtype=str(values.dtype), data=values)
