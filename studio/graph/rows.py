"""What a board works out while samples come in, so that its window holds rows of features and not the samples.

A graph whose window only a `Framed` op reads needs each sample for a frame or two. The op, and the ops behind it that
treat each row alone, run once per hop on the newest frame; their rows are the window. The kernels and the bits are
those of the whole window, so this is nothing that a graph or its training has to know.
"""

from collections import Counter
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Shape
from studio.graph.ops.sound import Framed
from studio.graph.plan import plan


@dataclass(frozen=True, eq=False)
class Rows:
    """`nodes` turn a frame of samples into a row: the first nodes of the graph, each reading the one before.

    A window is `length` rows, a new one comes every `stride`; its last row is complete `late` samples before the
    window's last sample. `shapes` are what goes into the nodes and comes out: (frame, n_channels), (1, width)...
    """

    nodes: tuple[Node, ...]
    shapes: tuple[Shape, ...]
    frame: int
    hop: int
    length: int
    stride: int
    late: int

    @property
    def width(self) -> int:
        """Values in a row."""
        return self.shapes[-1][1]

    @property
    def gives(self) -> type:
        """Their type."""
        return self.nodes[-1].op.gives

    def places(self) -> tuple[list[int], int]:
        """Where each node's scratch memory and then its output lie, in bytes, and the end; the last output is not here.

        This memory is the arena, which is free between two windows.
        """
        offsets, end = list[int](), 0
        for node, x, y in zip(self.nodes, self.shapes[:-1], self.shapes[1:], strict=True):
            for n_bytes in (node.op.scratch(x), prod(y) * np.dtype(node.op.gives).itemsize):
                offsets.append(end)
                end += -(-n_bytes // 8) * 8
        return offsets[:-1], offsets[-1]


def rows_of(graph: Graph) -> Rows | None:
    """The rows that a board's window holds for `graph`; None when it holds the samples."""
    readers = Counter(j for node in graph.nodes for j in set(node.inputs))
    first = graph.nodes[0].op
    if not isinstance(first, Framed) or readers[WINDOW] > 1 or graph.stride % first.hop:
        return None
    n = 1
    while n < len(graph.nodes) and _goes_on(graph.nodes[n], n) and readers[n - 1] == 1:
        n += 1
    n = min(n, len(graph.nodes) - 1)
    if n < 1:
        return None
    shapes: list[Shape] = [(first.frame, *graph.window_shape()[1:])]
    for node in graph.nodes[:n]:
        shapes.append(node.op.shape(shapes[-1]))
    length = graph.shapes()[0][0]
    late = graph.length - first.frame - (length - 1) * first.hop
    return Rows(graph.nodes[:n], tuple(shapes), first.frame, first.hop, length, graph.stride // first.hop, late)


def _goes_on(node: Node, n: int) -> bool:
    return node.op.rowwise and node.inputs == (n - 1,)


def resident(graph: Graph) -> Graph:
    """What a board runs once per window: `graph` itself, or the part of it that reads its rows."""
    rows = rows_of(graph)
    if rows is None:
        return graph
    n = len(rows.nodes)
    nodes = tuple(replace(node, inputs=tuple(max(j - n, WINDOW) for j in node.inputs)) for node in graph.nodes[n:])
    inside = replace(graph, channels=("",) * rows.width, length=rows.length, stride=rows.stride)
    return replace(inside, stream_ops=(), nodes=nodes, holds=rows.gives)


def stages_on_board(graph: Graph) -> tuple[str, ...]:
    """Names of the stages that a board can show: all, or the rows in its window and those behind them."""
    rows = rows_of(graph)
    return tuple(node.name for node in graph.nodes[len(rows.nodes) - 1 if rows else 0 :])


def window_bytes(graph: Graph) -> int:
    """What a board keeps of the past: the window, what nodes remember, and with rows the newest frame and one row."""
    inside, rows = resident(graph), rows_of(graph)
    shape = inside.window_shape()
    remembered = sum(node.op.memory(*inputs) for node, inputs, _ in inside.edges_into(inside.shapes()))
    size = np.dtype(rows.gives).itemsize if rows else 4
    held = size * rows.width + 4 * prod(rows.shapes[0]) if rows else 0
    return size * prod(shape) + held + remembered


def arena_bytes(graph: Graph) -> int:
    """Bytes of the arena on a board: what a window needs, and what a row does."""
    rows = rows_of(graph)
    return max(plan(resident(graph)).arena_bytes, rows.places()[1] if rows else 0)
