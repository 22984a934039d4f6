"""Passes that remove what cannot matter: channels that are the same for every input, and nodes that nothing reads.

Both are lossless. What a channel may hold is followed as an interval through the integer graph: a layer's sum lies
between the sums of its least and greatest products, and what a sum becomes rises with it, so its two ends bound it.
A constant channel is left out of the layer that makes it; the layers that read it take its part into their biases.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Array
from studio.graph.ops.int8 import Conv1dS8, DepthwiseConv1dS8, MaxPool1dS8
from studio.graph.ops.plane_s8 import AveragePool2dS8, Conv2dS8, DepthwiseConv2dS8, MaxPool2dS8
from studio.graph.sheet import KEPT

FEWEST = 2  # channels that a layer keeps
POOLS = (MaxPool1dS8, MaxPool2dS8, AveragePool2dS8)
MIXES = (Conv1dS8, Conv2dS8)  # each output reads all channels
APART = (DepthwiseConv1dS8, DepthwiseConv2dS8)  # each output reads its own


@dataclass(frozen=True, eq=False)
class Range:
    """Least and greatest value of each channel, int64 (n_channels,)."""

    low: Array
    high: Array


def without_constant_channels(graph: Graph) -> Graph:
    """`graph` without channels that are proven constant, where every reader can do without them; the same scores."""
    ranges, nodes, fewer = channel_ranges(graph), list(graph.nodes), False
    for root in range(len(nodes) - 1):
        members = _members(graph, root)
        if members:
            drop = np.logical_and.reduce([ranges[i].low == ranges[i].high for i in members])
            drop &= np.logical_and.reduce([_foldable(graph, i, ranges[i].low) for i in members])
            drop[: max(0, FEWEST - int((~drop).sum()))] = False
            if drop.any():
                fewer = True
                _drop(nodes, graph, members, ~drop, ranges)
    if not fewer:
        return graph
    found = replace(graph, nodes=tuple(nodes))
    found.shapes()
    return found


def without_unread(graph: Graph) -> Graph:
    """`graph` without nodes that its scores do not depend on, now or by way of a memory, and that nobody asks for."""
    ends = (i for i, node in enumerate(graph.nodes) if node.op.remembers or node.name in KEPT)
    alive = {len(graph.nodes) - 1, *ends}
    for i in range(len(graph.nodes) - 1, -1, -1):
        if i in alive:
            alive |= {j for j in graph.nodes[i].inputs if j != WINDOW}
    kept = sorted(alive)
    if len(kept) == len(graph.nodes):
        return graph
    new = {old: i for i, old in enumerate(kept)} | {WINDOW: WINDOW}
    nodes = tuple(replace(graph.nodes[i], inputs=tuple(new[j] for j in graph.nodes[i].inputs)) for i in kept)
    found = replace(graph, nodes=nodes)
    found.shapes()
    return found


def channel_ranges(graph: Graph) -> dict[int, Range]:
    """What the channels of each node's output may hold; nodes of which nothing is known hold any int8."""
    found: dict[int, Range] = {}
    for i, (node, shape) in enumerate(zip(graph.nodes, graph.shapes(), strict=True)):
        given = found.get(node.inputs[0])
        n = shape[-1] if shape else 1
        if given is not None and type(node.op) in (*MIXES, *APART) and getattr(node.op, "times", 1) == 1:
            found[i] = _layer_range(node.op, given)
        elif given is not None and type(node.op) in POOLS:
            found[i] = _clamped(given, getattr(node.op, "low", -128), getattr(node.op, "high", 127))
        else:
            found[i] = Range(np.full(n, -128), np.full(n, 127))
    return found


def _clamped(given: Range, low: int, high: int) -> Range:
    return Range(np.clip(given.low, low, high), np.clip(given.high, low, high))


def _layer_range(op: Any, given: Range) -> Range:
    """From a layer's inputs to its outputs; padding is x_zero."""
    low, high = given.low, given.high
    if _padded(op):
        low, high = np.minimum(low, op.x_zero), np.maximum(high, op.x_zero)
    weight = op.weight.astype(np.int64)
    if type(op) in APART:
        weight = weight.reshape(-1, weight.shape[-1])
        least, most = (np.where(weight > 0, a, b) * weight for a, b in ((low, high), (high, low)))
        sums = least.sum(0) + op.bias, most.sum(0) + op.bias
    else:
        weight = weight.reshape(len(weight), -1, weight.shape[-1])
        least, most = (np.where(weight > 0, a, b) * weight for a, b in ((low, high), (high, low)))
        sums = least.sum((1, 2)) + op.bias, most.sum((1, 2)) + op.bias
    ends = np.array([[_becomes(op, int(s), o) for o, s in enumerate(side)] for side in sums], np.int64)
    wraps = op.shift > 0  # a left shift: what comes out does not rise with the sum
    return Range(np.where(wraps, op.low, ends[0]), np.where(wraps, op.high, ends[1]))


def _becomes(op: Any, total: int, o: int) -> int:
    """What output `o` makes of a sum: both roundings and the bounds of firmware_stubs/kernels/requantize.h."""
    high = (total * int(op.multiplier[o]) + (1 << 30)) >> 31
    down = max(-int(op.shift[o]), 0)
    half = 1 << max(down - 1, 0)
    q = high if down == 0 else (abs(high) + half >> down) * (-1 if high < 0 else 1)
    return int(min(max(q + op.y_zero, op.low), op.high))


def _padded(op: Any) -> bool:
    names = ("pad_top", "pad_bottom", "pad_left", "pad_right", "pad_before", "pad_after")
    return any(getattr(op, name, 0) for name in names)


def _members(graph: Graph, root: int) -> list[int]:
    """`root` and the nodes behind it that keep its channels apart; none where some reader needs all channels."""
    if type(graph.nodes[root].op) not in MIXES:
        return []
    members = [root]
    for i in range(root + 1, len(graph.nodes)):
        node = graph.nodes[i]
        if any(j in members for j in node.inputs):
            if type(node.op) in (*POOLS, *APART) and getattr(node.op, "times", 1) == 1:
                members.append(i)
            elif type(node.op) not in MIXES:
                return []
    return members if members[-1] < len(graph.nodes) - 1 else []


def _foldable(graph: Graph, i: int, value: Array) -> Array:
    """Per channel of node `i`, whether all layers that read it see that value wherever they look, padding too."""
    found = np.ones(len(value), bool)
    for node in graph.nodes:
        if i in node.inputs and type(node.op) in MIXES and _padded(node.op):
            op: Any = node.op
            found &= value == op.x_zero
    return found


def _drop(nodes: list[Node], graph: Graph, members: list[int], keep: Array, ranges: dict[int, Range]) -> None:
    """Write the nodes of a group, and those that read it, without the channels that are not kept."""
    for i in members:
        op: Any = nodes[i].op
        if type(op) in MIXES:
            nodes[i] = replace(nodes[i], op=_fewer(op, keep, lambda w: w[keep]))
        elif type(op) in APART:
            nodes[i] = replace(nodes[i], op=_fewer(op, keep, lambda w: w[..., keep]))
    for k, node in enumerate(graph.nodes):
        if k not in members and any(j in members for j in node.inputs):
            layer: Any = nodes[k].op
            gone = layer.weight[..., ~keep].astype(np.int64) * ranges[node.inputs[0]].low[~keep]
            bias = layer.bias + gone.reshape(len(layer.weight), -1).sum(axis=1)
            given = np.ascontiguousarray(layer.weight[..., keep])
            nodes[k] = replace(nodes[k], op=replace(layer, weight=given, bias=bias.astype(np.int32)))


def _fewer(op: Any, keep: Array, of_weight: Callable[[Array], Array]) -> Any:
    rest = {name: getattr(op, name)[keep] for name in ("bias", "multiplier", "shift")}
    return replace(op, weight=np.ascontiguousarray(of_weight(op.weight)), **rest)


def channels(graph: Graph) -> Counter[str]:
    """Output channels of every layer, by name."""
    layers: list[tuple[str, Any]] = [(n.name, n.op) for n in graph.nodes if type(n.op) in (*MIXES, *APART)]
    return Counter({name: len(op.bias) for name, op in layers})
