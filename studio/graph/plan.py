"""Where each stage's output lives in the one block of memory a model has: the arena.

An output lives from the node that writes it to the last node that reads it; two that live at the same time never
overlap. The window lies outside (the runtime owns it), and so does the last node's output (the caller's scores).
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from studio.graph.graph import Graph

ALIGN = 8  # bytes: enough for every element type, and for double loads


@dataclass(frozen=True)
class Plan:
    """Byte offset in the arena of each node's output and scratch memory (0 for those that have none)."""

    offsets: tuple[int, ...]
    scratch: tuple[int, ...]
    arena_bytes: int


@dataclass(frozen=True)
class Block:
    """Memory that node `first` begins to use and node `last` still needs."""

    n_bytes: int
    first: int
    last: int


def item_bytes(graph: Graph) -> list[int]:
    """Bytes of one item of each node's output."""
    types = [np.dtype(node.op.gives).itemsize for node in graph.nodes]
    return [prod(shape) * size for shape, size in zip(graph.shapes(), types, strict=True)]


def blocks(graph: Graph) -> tuple[list[Block], list[Block]]:
    """The outputs and the scratch memories of all nodes, in node order."""
    last = {j: i for i, node in enumerate(graph.nodes) for j in node.inputs}
    end = len(graph.nodes) - 1
    outputs = [Block(n if i < end else 0, i, last.get(i, i)) for i, n in enumerate(item_bytes(graph))]
    found = graph.shapes()
    scratch = [Block(node.op.scratch(*inputs), i, i) for i, (node, inputs, _) in enumerate(graph.edges_into(found))]
    return outputs, scratch


def plan(graph: Graph) -> Plan:
    """Greatest block first, each at the lowest offset where nothing alive at the same time lies."""
    outputs, scratch = blocks(graph)
    wanted = [*outputs, *scratch]
    offsets = [0] * len(wanted)
    placed: list[int] = []
    for i in sorted(range(len(wanted)), key=lambda i: (-wanted[i].n_bytes, i)):
        if wanted[i].n_bytes:
            offsets[i] = _lowest(wanted[i], [(offsets[j], wanted[j]) for j in placed])
            placed.append(i)
    total = max((offsets[i] + wanted[i].n_bytes for i in placed), default=0)
    n = len(outputs)
    return Plan(tuple(offsets[:n]), tuple(offsets[n:]), _up(total))


def _lowest(block: Block, placed: list[tuple[int, Block]]) -> int:
    """The lowest aligned offset with room for `block` beside those of `placed` that live while it does."""
    offset = 0
    for start, other in sorted(placed, key=lambda p: p[0]):
        if other.first <= block.last and block.first <= other.last:
            if start >= offset + block.n_bytes:
                break
            offset = max(offset, _up(start + other.n_bytes))
    return offset


def _up(n_bytes: int) -> int:
    return -(-n_bytes // ALIGN) * ALIGN
