"""Passes on the order of values: what only moves them is put where it costs least, joined, or undone.

A Reshape is free on a board, a Pick (transpose, slice) writes every value anew. So shapes behind shapes become one, a
Pick behind a Pick becomes one or none, a Pick goes through ops on single values to meet another one or to work on int8
in place of float, and int8 begins before values are moved and joined. No value changes, so the bits stay.
"""

from math import prod
from typing import Any

import numpy as np

from studio.graph.graph import WINDOW, Graph
from studio.graph.merging import CURVES
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.int8 import Dequantize, FlattenS8, Quantize, ReluS8
from studio.graph.ops.pointwise import (
    Add,
    AddS8,
    Join,
    JoinS8,
    LookupS8,
    Maximum,
    MaximumS8,
    Minimum,
    MinimumS8,
    Multiply,
    MultiplyS8,
    Pick,
    PickS8,
    Reshape,
    ReshapeS8,
)
from studio.graph.ops.vector import Concat, Flatten
from studio.graph.ops.wide import FlattenS16, ReshapeS16
from studio.graph.sheet import Sheet, rewritten

LARGEST_TURN = 1 << 20  # values of a tensor for which turns are followed one by one
RESHAPES: dict[type, type[Reshape]] = {np.float32: Reshape, np.int8: ReshapeS8, np.int16: ReshapeS16}
PICKS: dict[type, type[Pick]] = {np.float32: Pick, np.int8: PickS8}
SHAPES = (Reshape, ReshapeS8, ReshapeS16, Flatten, FlattenS8, FlattenS16)
#: Functions of one value, and of two at the same place.
ALONE = (*CURVES, ReluS8, LookupS8, Quantize, Dequantize)
PAIRED = (Add, AddS8, Multiply, MultiplyS8, Maximum, MaximumS8, Minimum, MinimumS8)


def places(to: Shape, steps: Shape, start: int) -> Array:
    """Where each value of a Pick comes from: whole numbers of shape `to`."""
    found: Array = np.full(to, start, np.int64)
    for axis, (n, step) in enumerate(zip(to, steps, strict=True)):
        found += (np.arange(n) * step).reshape([-1 if a == axis else 1 for a in range(len(to))])
    return found


def regular(found: Array) -> tuple[Shape, int] | None:
    """(steps, start) of a Pick that reads these places, if there is one."""
    start = int(found.flat[0])
    steps = tuple(int(np.take(found, 1, axis).flat[0]) - start if n > 1 else 1 for axis, n in enumerate(found.shape))
    same = np.array_equal(places(found.shape, steps, start), found)
    return (steps, start) if same else None


def with_least_moves(graph: Graph) -> Graph:
    """`graph` with the same scores, in which fewer values are moved, and those in their smallest type."""
    return rewritten(graph, _one_shape, _no_shape, _no_pick, _one_pick, _through, _through_pair, _int8_first)


def _pick(sheet: Sheet, i: int) -> Any:
    op = sheet.op(i)
    return op if type(op) in PICKS.values() and prod(sheet.shapes[i]) <= LARGEST_TURN else None


def _behind_shapes(sheet: Sheet, i: int) -> int:
    """What node `i` is, but for its shape."""
    while type(sheet.op(i)) in SHAPES:
        i = sheet.nodes[i].inputs[0]
    return i


def _one_shape(sheet: Sheet, i: int) -> bool:
    """A shape behind a shape: the last one is what counts."""
    op, j = sheet.op(i), sheet.nodes[i].inputs[0]
    if type(op) not in SHAPES or type(sheet.op(j)) not in SHAPES:
        return False
    assert op is not None
    sheet.put(i, op, sheet.nodes[j].inputs[0])
    return True


def _no_shape(sheet: Sheet, i: int) -> bool:
    """A shape that the values have already."""
    same = type(sheet.op(i)) in SHAPES and sheet.shapes[i] == sheet.shapes[sheet.nodes[i].inputs[0]]
    return same and sheet.drop(i)


def _no_pick(sheet: Sheet, i: int) -> bool:
    """A Pick that takes all values in the order in which they lie is a shape."""
    op, j = _pick(sheet, i), sheet.nodes[i].inputs[0]
    if op is None or prod(op.to) != prod(sheet.shapes[j]) or i == sheet.order[-1]:
        return False
    if not np.array_equal(places(op.to, op.steps, op.start).ravel(), np.arange(prod(op.to))):
        return False
    sheet.put(i, RESHAPES[op.gives](op.to), j)
    return True


def _one_pick(sheet: Sheet, i: int) -> bool:
    """A Pick behind a Pick, where one can do both."""
    op, j = _pick(sheet, i), _behind_shapes(sheet, sheet.nodes[i].inputs[0])
    found = _both(op, _pick(sheet, j)) if op is not None else None
    if found is None:
        return False
    sheet.put(i, found, sheet.nodes[j].inputs[0])
    return True


def _both(op: Any, before: Any) -> Op | None:
    """One Pick in place of two."""
    if before is None:
        return None
    given = places(before.to, before.steps, before.start).ravel()
    found = regular(given[places(op.to, op.steps, op.start)])
    return None if found is None else type(op)(op.to, *found)


def _through(sheet: Sheet, i: int) -> bool:
    """A Pick behind an op on single values comes before it: to meet another one, to move int8, or to leave more out."""
    op, j = _pick(sheet, i), sheet.nodes[i].inputs[0]
    while type(sheet.op(j)) in SHAPES and sheet.is_free(j):
        j = sheet.nodes[j].inputs[0]
    alone = sheet.op(j)
    if op is None or not isinstance(alone, ALONE) or not sheet.is_free(j) or prod(op.to) > prod(sheet.shapes[j]):
        return False
    x = sheet.nodes[j].inputs[0]
    meets = _both(op, _pick(sheet, _behind_shapes(sheet, x))) is not None
    fewer = prod(op.to) < prod(sheet.shapes[j]) and not isinstance(alone, Quantize)
    if alone.takes not in PICKS or not (meets or fewer or isinstance(alone, Dequantize)):
        return False
    moved = sheet.before(i, PICKS[alone.takes](op.to, op.steps, op.start), (x,), f"{sheet.nodes[i].name}_order")
    sheet.put(i, alone, moved)
    return True


def _through_pair(sheet: Sheet, i: int) -> bool:
    """Two equal Picks before an op on pairs of values become one behind it."""
    op, inputs = sheet.op(i), sheet.nodes[i].inputs
    if type(op) not in PAIRED or len(set(inputs)) != 2 or not all(sheet.is_free(j) for j in inputs):
        return False
    assert op is not None
    a, b = (_pick(sheet, j) for j in inputs)
    if a is None or b is None or (a.to, a.steps, a.start) != (b.to, b.steps, b.start):
        return False
    x, y = (sheet.nodes[j].inputs[0] for j in inputs)
    if sheet.shapes[x] != sheet.shapes[y] or prod(a.to) != prod(sheet.shapes[x]):
        return False
    sheet.put(i, a, sheet.before(i, op, (x, y), f"{sheet.nodes[i].name}_order"))
    return True


def _int8_first(sheet: Sheet, i: int) -> bool:
    """What moves values between Dequantize and Quantize moves int8; so does a transpose before Quantize."""
    op, j = sheet.op(i), sheet.nodes[i].inputs[0]
    move = sheet.op(j)
    if not isinstance(op, Quantize) or j == WINDOW or not sheet.is_free(j):
        return False
    given, name = sheet.nodes[j].inputs, sheet.nodes[i].name
    turns = type(move) is Pick and prod(sheet.shapes[j]) == prod(sheet.shapes[given[0]])
    if not turns and not (isinstance(move, MOVES) and all(_was_int8(sheet, k) for k in given)):
        return False
    small = [sheet.before(i, op, (k,), f"{name}_part") for k in given]
    while len(small) > 1 and type(move) is Concat:
        first, second, *rest = small
        joined = sheet.before(i, JoinS8(0), (first, second), f"{name}_joined") if rest else i
        if not rest:
            sheet.put(i, JoinS8(0), first, second)
        small = [joined, *rest]
    if type(move) is not Concat:
        sheet.put(i, _small(move), *small)
    return True


MOVES = (Pick, Join, Reshape, Flatten, Concat)


def _small(move: Any) -> Op:
    """The same move in int8."""
    if type(move) is Pick:
        return PickS8(move.to, move.steps, move.start)
    if type(move) is Join:
        return JoinS8(move.axis)
    return ReshapeS8(move.to) if type(move) is Reshape else FlattenS8()


def _was_int8(sheet: Sheet, i: int) -> bool:
    """Whether these values come from int8, at most moved since, or through a curve."""
    op = sheet.op(i)
    if type(op) is Dequantize:
        return True
    return isinstance(op, (*MOVES, *CURVES)) and all(_was_int8(sheet, j) for j in sheet.nodes[i].inputs)
