"""Removing constant channels and unread nodes changes no score."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.graph.constant import channel_ranges, channels, without_constant_channels, without_unread
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Array
from studio.graph.ops.int8 import DenseS8, Dequantize, FlattenS8, Quantize
from studio.graph.ops.plane_s8 import Conv2dS8, DepthwiseConv2dS8, MaxPool2dS8
from studio.graph.ops.pointwise import Reshape
from studio.graph.passes import quantize
from tests.graph.nets import cnn_graph, motion


def numbers(rng: np.random.Generator, n: int, dead: float) -> dict[str, Any]:
    """Scales behind a rectifier, some outputs so far below zero that nothing lifts them."""
    bias = rng.integers(-3000, 3000, n)
    bias[rng.random(n) < dead] = -400_000
    multiplier = rng.integers(2**30, 2**31, n).astype(np.int32)
    return {"bias": bias.astype(np.int32), "multiplier": multiplier, "shift": np.full(n, -8, np.int8)}


def conv(rng: np.random.Generator, c: int, n: int, k: int, pad: int, dead: float, x_zero: int) -> Conv2dS8:
    weight = rng.integers(-127, 128, (n, k, k, c)).astype(np.int8)
    sides = {"pad_top": pad, "pad_left": pad, "pad_right": pad, "pad_bottom": pad}
    return Conv2dS8(weight=weight, **numbers(rng, n, dead), **sides, x_zero=x_zero, y_zero=-128)


@st.composite
def nets(draw: st.DrawFn) -> Graph:
    """Two to four layers with dead channels: convolutions, depthwise ones and pools, with padding or without."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pad = draw(st.integers(0, 1))
    nodes = [Node(Reshape((12, 8, 2)), (WINDOW,), "plane"), Node(Quantize(0.02, 3), (0,), "int8")]
    nodes.append(Node(conv(rng, 2, 7, 3, pad, 0.5, 3), (1,), "first"))
    c = 7
    for i in range(draw(st.integers(1, 3))):
        kind, last = draw(st.sampled_from(["deep", "pool", "conv"])), len(nodes) - 1
        if kind == "deep":
            weight = rng.integers(-127, 128, (3, 3, c)).astype(np.int8)
            sides = {"pad_top": 1, "pad_left": 1, "pad_right": 1, "pad_bottom": 1}
            op: Any = DepthwiseConv2dS8(weight=weight, **numbers(rng, c, 0.3), **sides, x_zero=-128, y_zero=-128)
        elif kind == "pool":
            op = MaxPool2dS8(1, 1, 0, 0, 0, 0, 2, 2)
        else:
            op, c = conv(rng, c, 5, 3, 1, 0.4, draw(st.sampled_from([-128, 5]))), 5
        nodes.append(Node(op, (last,), f"layer{i}"))
    nodes.append(Node(conv(rng, c, 4, 1, 0, 0.0, -128), (len(nodes) - 1,), "last"))
    return ended(rng, nodes)


def ended(rng: np.random.Generator, nodes: list[Node]) -> Graph:
    nodes = [*nodes, Node(FlattenS8(), (len(nodes) - 1,), "features")]
    found: list[tuple[int, ...]] = []
    graph = Graph(("a", "b"), 1.0, 96, 96, tuple(nodes), ())
    for node, inputs, _ in graph.edges_into(found):
        found.append(node.op.shape(*inputs))
    weight = rng.integers(-127, 128, (3, found[-1][0])).astype(np.int8)
    scale = {"multiplier": np.full(3, 2**30, np.int32), "shift": np.full(3, -9, np.int8)}
    dense = DenseS8(weight=weight, bias=np.zeros(3, np.int32), **scale)
    n = len(nodes)
    nodes += [Node(dense, (n - 1,), "logits"), Node(Dequantize(0.1, 0), (n,), "scores")]
    return Graph(("a", "b"), 1.0, 96, 96, tuple(nodes), ("x", "y", "z"))


def windows(seed: int) -> Array:
    return np.random.default_rng(seed).uniform(-3, 3, (4, 96, 2)).astype(np.float32)


@given(nets(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_scores_stay_and_every_value_lies_in_its_range(graph: Graph, seed: int) -> None:
    fewer = without_constant_channels(graph)
    assert np.array_equal(fewer.scores(windows(seed)), graph.scores(windows(seed)))
    ranges = channel_ranges(graph)
    for i, (_, values) in enumerate(graph.stages(windows(seed))):
        if values.dtype == np.int8:
            flat = values.reshape(-1, values.shape[-1]).astype(int)
            assert np.all(flat.min(0) >= ranges[i].low) and np.all(flat.max(0) <= ranges[i].high)


def test_dead_channels_are_gone_with_all_that_reads_them() -> None:
    rng = np.random.default_rng(3)
    deep = DepthwiseConv2dS8(weight=np.ones((1, 1, 6), np.int8), **numbers(rng, 6, 0.0), x_zero=-128, y_zero=-128)
    first = conv(rng, 2, 6, 3, 1, 0.0, 3)
    first.bias[[1, 4]] = -400_000
    deep.bias[:] = 128
    nodes = [Node(Reshape((12, 8, 2)), (WINDOW,), "plane"), Node(Quantize(0.02, 3), (0,), "int8")]
    nodes += [Node(first, (1,), "first"), Node(deep, (2,), "deep")]
    nodes.append(Node(conv(rng, 6, 4, 3, 1, 0.0, -128), (3,), "last"))
    graph = ended(rng, nodes)
    fewer = without_constant_channels(graph)
    assert channels(graph) == {"first": 6, "deep": 6, "last": 4}
    assert channels(fewer) == {"first": 4, "deep": 4, "last": 4}
    assert fewer.nodes[4].op.weight.shape == (4, 3, 3, 4)
    assert np.array_equal(fewer.scores(windows(0)), graph.scores(windows(0)))


def test_what_nothing_reads_is_gone() -> None:
    graph = quantize(cnn_graph(), motion(8))
    spare = Graph(
        graph.channels,
        graph.rate_hz,
        graph.length,
        graph.stride,
        (*graph.nodes[:-1], Node(Dequantize(0.1, 0), (len(graph.nodes) - 3,), "spare"), graph.nodes[-1]),
        graph.classes,
    )
    found = without_unread(spare)
    assert [n.name for n in found.nodes] == [n.name for n in graph.nodes]
    assert np.array_equal(found.scores(motion(5)), graph.scores(motion(5)))
