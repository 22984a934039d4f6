"""What each stage of a model costs on a board: for a person who wants to know where the bytes and the time go."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from studio.firmware.board import Board
from studio.graph.call import Table, arguments
from studio.graph.graph import Graph, Node
from studio.graph.loads import loads, lower_bound
from studio.graph.op import Op, Shape
from studio.graph.plan import blocks, plan, roots
from studio.graph.rows import arena_bytes, resident, rows_of, window_bytes


def layers(graph: Graph, board: Board, instructions: Mapping[str, int]) -> list[dict[str, Any]]:
    """A row per stage, in the order they run.

    "flash_bytes" are its constant tables (its code is shared with others), "output_bytes" and "scratch_bytes" what it
    writes to, "arena_bytes" what lives in the arena while it runs, "peak" whether the arena is as full as it gets.
    "instructions" come from the emulated core (None where there is none) and "ms" is that at the board's clock, one per
    tick. "runs" tells a stage that is worked out once per row, while samples come in, from those of a whole window.
    """
    return [_row(row, board, instructions) for row in (*_per_row(graph), *_per_window(graph))]


def memory(graph: Graph) -> dict[str, Any]:
    """The model's own memory: the window it holds, its arena, and the least that any arena for it could be.

    "blocks" is what lies in the arena: {"name", "kind": "result" or "scratch", "first", "last", "offset", "n_bytes"},
    where `first` and `last` count the rows of `layers` while which it lives.
    """
    return {
        "window_bytes": window_bytes(graph),
        "arena_bytes": arena_bytes(graph),
        "arena_least_bytes": lower_bound(resident(graph)),
        "blocks": [*_row_blocks(graph), *_window_blocks(graph)],
    }


def _row_blocks(graph: Graph) -> list[dict[str, Any]]:
    rows = rows_of(graph)
    if rows is None:
        return []
    offsets, end = rows.places()
    kinds = [(i, kind) for i in range(len(rows.nodes)) for kind in ("scratch", "result")][: len(offsets)]
    found = []
    for (i, kind), start, stop in zip(kinds, offsets, [*offsets[1:], end], strict=True):
        last = i + 1 if kind == "result" else i
        found.append(_block(rows.nodes[i], kind, (i, last), start, stop - start))
    return [b for b in found if b["n_bytes"]]


def _window_blocks(graph: Graph) -> list[dict[str, Any]]:
    inside, rows = resident(graph), rows_of(graph)
    made, kept = plan(inside), roots(inside)
    n = len(rows.nodes) if rows else 0
    found = []
    for kind, held, offsets in zip(("result", "scratch"), blocks(inside), (made.offsets, made.scratch), strict=True):
        for i, block in enumerate(held):
            if block.n_bytes and (kind == "scratch" or kept[i] == i):
                lives = block.first + n, block.last + n
                found.append(_block(inside.nodes[i], kind, lives, offsets[i], block.n_bytes))
    return found


def _block(node: Node, kind: str, lives: tuple[int, int], offset: int, n_bytes: int) -> dict[str, Any]:
    return {"name": node.name, "kind": kind, "first": lives[0], "last": lives[1], "offset": offset, "n_bytes": n_bytes}


def _per_row(graph: Graph) -> list[dict[str, Any]]:
    rows = rows_of(graph)
    if rows is None:
        return []
    peak = rows.places()[1] > max(load.live_bytes for load in loads(resident(graph)))
    found = []
    for node, x, y in zip(rows.nodes, rows.shapes[:-1], rows.shapes[1:], strict=True):
        live = {"arena_bytes": rows.places()[1], "peak": peak, "runs": "row"}
        found.append(_figures(node, (x,), y) | live)
    return found


def _per_window(graph: Graph) -> list[dict[str, Any]]:
    inside = resident(graph)
    found, per_row = loads(inside), rows_of(graph)
    rows_bytes = per_row.places()[1] if per_row else 0
    most = max(load.live_bytes for load in found)
    shapes: list[Shape] = inside.shapes()
    rows = []
    for i, (node, inputs, _) in enumerate(inside.edges_into(shapes)):
        live = {"arena_bytes": found[i].live_bytes, "peak": found[i].live_bytes == most >= rows_bytes, "runs": "window"}
        rows.append(_figures(node, tuple(inputs), shapes[i]) | live)
    return rows


def _figures(node: Node, inputs: tuple[Shape, ...], y: Shape) -> dict[str, Any]:
    return {
        "name": node.name,
        "op": type(node.op).__name__,
        "shape": list(y),
        "flash_bytes": table_bytes(node.op, *inputs),
        "output_bytes": 0 if node.op.alias else prod(y) * np.dtype(node.op.gives).itemsize,
        "scratch_bytes": node.op.scratch(*inputs),
    }


def table_bytes(op: Op, *inputs: Shape) -> int:
    """Bytes of the constant tables that the op's kernel reads."""
    return sum(a.values.nbytes for a in arguments(op, *inputs) if isinstance(a, Table))


def _row(row: dict[str, Any], board: Board, instructions: Mapping[str, int]) -> dict[str, Any]:
    n = instructions.get(row["name"])
    return row | {"instructions": n, "ms": None if n is None else round(1000 * n / board.clock_hz, 4)}
