"""From a graph that was trained on windows to one that works on what is new, and remembers the rest.

A graph with recurrent layers does most of its work again in every window that overlaps the one before. Its streaming
form has windows that lie end to end: recurrent layers carry their memory on (`carried`), causal layers over time keep
the rows that they still need (`Past`). Its scores after so many samples are those that the first graph would give for
one window of all samples since "clear", bit for bit; only `stride` samples are worked through for each.

What a board, `Graph.stages(in_order=True)` and `Native.scores(in_order=True)` do then is the same. So a model is
trained on windows, quantized, and turned last of all.
"""

from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np

from studio.errors import GraphError
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Op
from studio.graph.ops.conv import AveragePool1d, Conv1d, MaxPool1d
from studio.graph.ops.int8 import Conv1dS8
from studio.graph.ops.lstm_s8 import LstmS8
from studio.graph.ops.pointwise import Pick
from studio.graph.ops.recurrent import Past, PastS8, Recurrent, Svdf
from studio.graph.ops.recurrent_s8 import RecurrentS8, SvdfS8
from studio.graph.ops.sound import Framed

CARRY = (Recurrent, Svdf, RecurrentS8, SvdfS8, LstmS8)


@dataclass
class _Turned:
    """The streaming graph while it grows; `rows` of each old node: rows that a window gives, 0: one value for it."""

    nodes: list[Node] = field(default_factory=list)
    at: dict[int, int] = field(default_factory=lambda: {WINDOW: WINDOW})
    rows: dict[int, int] = field(default_factory=dict)

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1


def streaming(graph: Graph, stride: int | None = None) -> Graph:
    """`graph` with scores every `stride` samples (its own stride, where none is given), each from all samples so far.

    GraphError where a stage looks at a whole window at once, for the first such stage, with what to use instead.
    """
    stride, first = stride or graph.stride, graph.nodes[0].op
    hop, frame = (first.hop, first.frame) if isinstance(first, Framed) else (1, 1)
    if stride % hop:
        seen = f"{stride} samples from window to window and {hop} from frame to frame"
        raise GraphError("Streaming", seen, "Choose a stride that is a multiple of the hop.")
    turned = _Turned(rows={WINDOW: stride // hop})
    for i, node in enumerate(graph.nodes):
        if _picks_the_last(graph, node, turned):
            _turn_last(turned, i, node)
        else:
            _turn(turned, i, node)
    made = replace(graph, length=frame + stride - hop, stride=stride, nodes=tuple(turned.nodes))
    made.shapes()
    return made


def _turn(turned: _Turned, i: int, node: Node) -> None:
    op: Any = node.op
    rows = [turned.rows[j] for j in node.inputs]
    inputs = tuple(turned.at[j] for j in node.inputs)
    turned.rows[i] = _rows(node, rows)
    if isinstance(op, CARRY) and rows[0]:
        op = _carried(node)
    elif isinstance(op, Conv1d | Conv1dS8) and rows[0] and op.pad_before:
        inputs = (turned.add(Node(_past(op), inputs, f"{node.name}_past")),)
        op = replace(op, pad_before=0)
    turned.at[i] = turned.add(Node(op, inputs, node.name))


def _picks_the_last(graph: Graph, node: Node, turned: _Turned) -> bool:
    """Whether it takes the last row of a sequence, and nothing else."""
    op, j = node.op, node.inputs[0]
    if not isinstance(op, Pick) or j == WINDOW or not turned.rows[j] or len(graph.shapes()[j]) != 2:
        return False
    n, c = graph.shapes()[j]
    return (op.to, op.steps, op.start) == ((c,), (1,), (n - 1) * c)


def _turn_last(turned: _Turned, i: int, node: Node) -> None:
    """The last row of those that a window gives now."""
    op, j = node.op, node.inputs[0]
    assert isinstance(op, Pick)
    start = (turned.rows[j] - 1) * op.to[0]
    turned.rows[i] = 0
    turned.at[i] = turned.add(Node(replace(op, start=start), (turned.at[j],), node.name))


def _rows(node: Node, rows: list[int]) -> int:
    """Rows that the node gives in a window; GraphError when it cannot be worked out bit by bit."""
    op: Any = node.op
    carry = isinstance(op, CARRY)
    if not any(rows):
        return 0
    if carry:
        return 0 if op.last else rows[0]
    if isinstance(op, Framed) or op.rowwise or (op.elementwise and not op.alias and len(set(rows)) == 1):
        return rows[0]
    if isinstance(op, Conv1d | Conv1dS8):
        reach = (op.weight.shape[-2] - 1) * op.dilation + 1
        if op.pad_after or not reach - op.stride <= op.pad_before < reach:
            _refuse(node, "looks ahead of the sample it answers", f"Pad it with {reach - 1} before and 0 after.")
        return _divided(node, rows[0], op.stride)
    if isinstance(op, MaxPool1d | AveragePool1d) and op.size == op.stride:
        return _divided(node, rows[0], op.stride)
    _refuse(node, "looks at the whole window", "Let a recurrent layer's last row be what comes after it.")


def _divided(node: Node, rows: int, stride: int) -> int:
    if rows % stride:
        _refuse(node, f"takes {stride} of {rows} rows at a time", "Choose a stride that its steps divide.")
    return rows // stride


def _refuse(node: Node, seen: str, next_step: str) -> NoReturn:
    raise GraphError(f"Streaming: stage {node.name!r} ({type(node.op).__name__})", seen, next_step)


def _carried(node: Node) -> Op:
    op: Any = node.op
    if not op.remembers:
        _refuse(node, "begins with a memory that is worked out", "Let its memory begin empty.")
    made: Op = replace(op, carried=True)
    return made


def _past(op: Any) -> Op:
    if op.takes is np.int8:
        return PastS8(op.pad_before, value=op.x_zero)
    return Past(op.pad_before)
