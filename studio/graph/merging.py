"""Passes on scales: what only changes the steps of int8 values is done once, inside a layer, or not at all.

All of them are lossless, and each rewrite is proven where it is made: a function of one int8 value is tried on all 256.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from studio.graph.graph import WINDOW, Graph
from studio.graph.op import Array, Op
from studio.graph.ops.int8 import Conv1dS8, DenseS8, DepthwiseConv1dS8, Dequantize, Quantize, ReluS8
from studio.graph.ops.plane_s8 import Conv2dS8, DepthwiseConv2dS8
from studio.graph.ops.pointwise import (
    AddS8,
    Clip,
    HardSwish,
    LookupS8,
    MultiplyS8,
    Sigmoid,
    TablesS8,
    Tanh,
)
from studio.graph.ops.transposed import TransposedConv2dS8
from studio.graph.ops.vector import Relu
from studio.graph.ops.wide import DequantizeS16, QuantizeS16
from studio.graph.sheet import Sheet, rewritten

EVERY: Array = np.arange(-128, 128, dtype=np.int8)
EVERY_WIDE: Array = np.arange(-(2**15), 2**15, dtype=np.int16)
#: Functions of one float value.
CURVES = (Relu, Clip, Sigmoid, Tanh, HardSwish)
#: Layers whose sums end in "+ y_zero, within low and high".
BOUNDED = (
    Conv1dS8,
    DepthwiseConv1dS8,
    DenseS8,
    Conv2dS8,
    DepthwiseConv2dS8,
    TransposedConv2dS8,
    AddS8,
    MultiplyS8,
)


def table_of(op: Op | None) -> Array | None:
    """The 256 answers of an op that is a function of one int8 value, from -128 on; None for other ops."""
    if type(op) is LookupS8:
        return op.table
    return np.maximum(EVERY, np.int8(op.zero)) if type(op) is ReluS8 else None


def with_common_scales(graph: Graph) -> Graph:
    """`graph` where values that were dequantized, and quantized again, go through one table, or through nothing."""
    return rewritten(graph, _quantized_again, _composed, _nothing)


def with_fused_bounds(graph: Graph) -> Graph:
    """`graph` where a rectifier, or another zero point, behind a layer is part of how the layer ends."""
    return rewritten(graph, _bounded)


def _quantized_again(sheet: Sheet, i: int) -> bool:
    """Quantize behind Dequantize, with curves between or without: the 256 values are tried."""
    end = sheet.op(i)
    if not isinstance(end, Quantize | QuantizeS16):
        return False
    path: list[Op] = [end]
    j = sheet.nodes[i].inputs[0]
    while isinstance(op := sheet.op(j), CURVES):
        path, j = [op, *path], sheet.nodes[j].inputs[0]
    if type(op) is not (Dequantize if isinstance(end, Quantize) else DequantizeS16):
        return False
    assert op is not None
    every = EVERY if isinstance(end, Quantize) else EVERY_WIDE
    values = every[:, None]
    for step in (op, *path):
        values = step.run(values)
    if isinstance(end, QuantizeS16):
        return np.array_equal(values[:, 0], every) and sheet.drop(i, sheet.nodes[j].inputs[0])
    sheet.put(i, LookupS8(np.ascontiguousarray(values[:, 0])), sheet.nodes[j].inputs[0])
    return True


def _composed(sheet: Sheet, i: int) -> bool:
    """A table behind a table is one table."""
    op, j = sheet.op(i), sheet.nodes[i].inputs[0]
    before = sheet.op(j)
    if isinstance(before, TablesS8) and (table := table_of(op)) is not None:
        sheet.put(i, TablesS8(table[before.table.astype(np.int64) + 128]), sheet.nodes[j].inputs[0])
        return True
    first = table_of(before)
    if first is None or not isinstance(op, LookupS8 | ReluS8 | TablesS8):
        return False
    places = first.astype(np.int64) + 128
    if isinstance(op, TablesS8):
        sheet.put(i, TablesS8(np.ascontiguousarray(op.table[:, places])), sheet.nodes[j].inputs[0])
        return True
    table = table_of(op)
    assert table is not None
    sheet.put(i, LookupS8(table[places]), sheet.nodes[j].inputs[0])
    return True


def _nothing(sheet: Sheet, i: int) -> bool:
    """A table that answers every value with itself."""
    table = table_of(sheet.op(i))
    return table is not None and sheet.nodes[i].inputs[0] != WINDOW and np.array_equal(table, EVERY) and sheet.drop(i)


def _bounded(sheet: Sheet, i: int) -> bool:
    """A table that only one layer feeds, and that on its values is a step up or down and two bounds."""
    table, j = table_of(sheet.op(i)), sheet.nodes[i].inputs[0]
    if table is None or not isinstance(sheet.op(j), BOUNDED) or not sheet.is_free(j):
        return False
    ending = _ending(sheet.op(j), table.astype(np.int64))
    if ending is None or not sheet.drop(i):
        return False
    node = sheet.nodes[j]
    sheet.nodes[j] = replace(node, op=replace(node.op, **ending))
    return True


def _ending(layer: Any, table: Array) -> dict[str, int] | None:
    """y_zero, low and high of a layer that gives table[what it gave]; None where no such layer is.

    With v the value before its bounds, clip(clip(v, low, high) + k, a, b) is clip(v + k, a, b) for a = table[low] and
    b = table[high], as long as the table is that clip for all values from low to high.
    """
    low, high = int(layer.low), int(layer.high)
    q = np.arange(low, high + 1, dtype=np.int64)
    answers = table[q + 128]
    a, b = int(answers[0]), int(answers[-1])
    inside = (answers > a) & (answers < b)
    known = answers[inside] - q[inside] if inside.any() else answers - q
    for k in sorted({int(known[0]), int(known[-1])}):
        if -128 <= layer.y_zero + k <= 127 and a <= b and np.array_equal(np.clip(q + k, a, b), answers):
            return {"y_zero": int(layer.y_zero + k), "low": a, "high": b}
    return None
