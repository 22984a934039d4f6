"""Networks that ONNX writes as float between QuantizeLinear and DequantizeLinear, as the int8 networks that they mean.

A layer whose inputs come out of a DequantizeLinear and whose output goes into a QuantizeLinear becomes its int8 kind,
with the scales that stand there. What is left without such a pair stays in float. Results may differ by one step from
an evaluation in float: sums are scaled in whole numbers, as everywhere here.
"""

from collections import Counter
from dataclasses import dataclass, field

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.importing.build import alive
from studio.graph.int8_layers import FOLLOW, LAYERS, RECTIFY, Steps, keeps_steps
from studio.graph.op import Shape
from studio.graph.ops.int8 import Dequantize, Quantize
from studio.graph.ops.plane import AveragePool2d
from studio.graph.ops.pointwise import Reshape, ReshapeS8
from studio.graph.ops.vector import Relu
from studio.graph.recurrent_layers import recurrent


@dataclass
class _Turned:
    """Old node -> new node in float, and -> (new node in int8, what its values mean)."""

    old: Graph
    shapes: list[Shape]
    readers: Counter[int]
    nodes: list[Node] = field(default_factory=list)
    real: dict[int, int] = field(default_factory=lambda: {WINDOW: WINDOW})
    small: dict[int, tuple[int, Steps]] = field(default_factory=dict)

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def as_float(self, i: int) -> int:
        """The new node with old node i's values in float."""
        if i not in self.real:
            at, means = self.small[i]
            name = f"{self.old.nodes[i].name}_float"
            self.real[i] = self.add(Node(Dequantize(means.scale, means.zero), (at,), name))
        return self.real[i]

    def only_reader(self, i: int) -> int | None:
        """The one node that reads i."""
        found = [k for k, node in enumerate(self.old.nodes) if i in node.inputs]
        return found[0] if len(found) == 1 and self.readers[i] == 1 else None


def in_int8(graph: Graph) -> list[Node]:
    """The nodes of `graph` with int8 layers where it says so, the last one giving the same scores in float."""
    readers = Counter(j for node in graph.nodes for j in node.inputs)
    turned = _Turned(graph, graph.shapes(), readers)
    for i, node in enumerate(graph.nodes):
        if i not in turned.real and i not in turned.small:
            _turn(turned, i, node)
    last = turned.as_float(len(graph.nodes) - 1)
    return alive(turned.nodes[: last + 1], last)


def _turn(turned: _Turned, i: int, node: Node) -> None:
    op = node.op
    if isinstance(op, Dequantize):
        turned.small[i] = (turned.real[node.inputs[0]], Steps(op.scale, op.zero))
    elif isinstance(op, Quantize):
        given = turned.small.get(node.inputs[0])
        known = given is not None and given[1] == Steps(op.scale, op.zero)
        turned.real[i] = (
            given[0] if known and given else turned.add(Node(op, (turned.as_float(node.inputs[0]),), node.name))
        )
    elif not _shrunk(turned, i, node):
        turned.real[i] = turned.add(Node(op, tuple(turned.as_float(j) for j in node.inputs), node.name))


def _shrunk(turned: _Turned, i: int, node: Node) -> bool:
    """Whether node i has become an int8 node, together with a Relu behind it."""
    convert = LAYERS.get(type(node.op)) or recurrent(node.op) or FOLLOW.get(type(node.op))
    given = [turned.small[j] for j in node.inputs if j in turned.small]
    if convert is None or len(given) < len(node.inputs):
        return False
    path, means = [i], given[0][1]
    if convert is not keeps_steps or isinstance(node.op, AveragePool2d):
        path, goal = _way(turned, i)
        if goal is None or (convert is keeps_steps and goal != means):
            return False  # an average in int8 keeps the scale
        means = goal
    rectified = any(isinstance(turned.old.nodes[k].op, Relu) for k in path[1:])
    shape = turned.shapes[node.inputs[0]] if node.inputs[0] != WINDOW else turned.old.window_shape()
    op = convert(node.op, tuple(steps for _, steps in given), means, rectified, shape)
    at = turned.add(Node(op, tuple(j for j, _ in given), node.name))
    for k in path:
        behind = turned.old.nodes[k]
        if k != i and isinstance(behind.op, Reshape):
            at = turned.add(Node(ReshapeS8(behind.op.to), (at,), behind.name))
        turned.small[k] = (at, means)
    return True


def _way(turned: _Turned, i: int) -> tuple[list[int], Steps | None]:
    """From node i through shapes, and a Relu where the op can take it in, to a Quantize: the nodes, and its steps."""
    path, may_rectify = [i], isinstance(turned.old.nodes[i].op, RECTIFY)
    while (reader := turned.only_reader(path[-1])) is not None:
        op = turned.old.nodes[reader].op
        if isinstance(op, Quantize):
            return path, Steps(op.scale, op.zero)
        if not isinstance(op, Reshape | Relu) or (isinstance(op, Relu) and not may_rectify):
            break
        path.append(reader)
    return path, None
