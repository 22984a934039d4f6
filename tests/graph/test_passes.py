"""Quantization: the int8 graph means what the float graph means, in TensorFlow Lite's arithmetic."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import GraphError
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.int8_layers import multiplier, steps
from studio.graph.ops.conv import Conv1d, DepthwiseConv1d, GlobalAverage
from studio.graph.ops.int8 import (
    Conv1dS8,
    DenseS8,
    Dequantize,
    FlattenS8,
    GlobalAverageS8,
    Quantize,
    QuantizeChannels,
)
from studio.graph.ops.vector import Concat, Dense, Flatten, Relu, Softmax
from studio.graph.passes import quantize
from tests.graph.nets import cnn_graph, forest_graph, motion, plane_graph


@pytest.mark.parametrize(("flatten", "depthwise"), [(False, False), (True, False), (False, True), (True, True)])
def test_the_int8_graph_stays_near_the_float_graph(flatten: bool, depthwise: bool) -> None:
    graph = cnn_graph(3, flatten, depthwise)
    small = quantize(graph, motion(200))
    x = motion(300, seed=9)
    off = np.abs(small.scores(x) - graph.scores(x))
    assert off.max() < 0.12 and off.mean() < 0.01
    assert (small.scores(x).argmax(1) == graph.scores(x).argmax(1)).mean() > 0.95


def test_planes_and_sums_turn_int8() -> None:
    graph, x = plane_graph(), motion(200, 384, 1)
    small = quantize(graph, x)
    kinds = {node.name: type(node.op).__name__ for node in small.nodes}
    assert kinds["standardized"] == "QuantizeChannels" and "plane" not in kinds and kinds["plane_int8"] == "ReshapeS8"
    names = (
        "conv",
        "deep",
        "sum",
        "pool",
        "pad",
        "average",
        "rows",
        "causal",
        "gate",
        "gated",
        "slow",
        "features",
        "logits",
    )
    assert all(kinds[name].endswith("S8") for name in names)
    assert "relu" not in kinds and "sum_relu" not in kinds
    new = motion(200, 384, 1, seed=5)
    off = np.abs(small.scores(new) - graph.scores(new))
    assert off.max() < 0.1 and off.mean() < 0.01


def test_a_dilated_layer_over_time_is_that_of_torch() -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(5, 3, 4)).astype(np.float32), rng.normal(size=5).astype(np.float32)
    x = rng.normal(size=(2, 20, 4)).astype(np.float32)
    padded = torch.nn.functional.pad(torch.from_numpy(x).permute(0, 2, 1), (6, 0))
    taps = torch.from_numpy(weight).permute(0, 2, 1)
    want = torch.nn.functional.conv1d(padded, taps, torch.from_numpy(bias), dilation=3).permute(0, 2, 1)
    np.testing.assert_allclose(Conv1d(weight, bias, 1, 6, 0, 3).run(x), want, atol=1e-5)
    deep = DepthwiseConv1d(weight[0], bias[:4], 1, 6, 0, 3)
    taps = torch.from_numpy(weight[:1]).permute(2, 0, 1)
    want = torch.nn.functional.conv1d(padded, taps, torch.from_numpy(bias[:4]), dilation=3, groups=4).permute(0, 2, 1)
    np.testing.assert_allclose(deep.run(x), want, atol=1e-5)


def test_stages_keep_their_names_and_layers_turn_int8() -> None:
    small = quantize(cnn_graph(), motion(50))
    kinds = {node.name: type(node.op) for node in small.nodes}
    assert kinds["conv1"] is Conv1dS8 and kinds["features"] is GlobalAverageS8 and kinds["logits"] is DenseS8
    assert kinds["input_int8"] is QuantizeChannels and "input" not in kinds and kinds["logits_float"] is Dequantize
    assert "relu1" not in kinds and "after" not in kinds  # a rectifier of what is at least its zero point: nothing
    assert [n.name for n in small.nodes][-1] == "scores" and len(kinds) == len(small.nodes)
    assert {type(n.op) for n in quantize(cnn_graph(flatten=True), motion(50)).nodes} >= {FlattenS8}


def test_a_relu_that_shares_its_layer_is_not_taken_in() -> None:
    graph = cnn_graph()
    nodes = list(graph.nodes)
    nodes[4] = Node(nodes[4].op, (3,), "conv2")
    nodes[3] = Node(nodes[3].op, (1,), "pool1")  # reads conv1 past its relu
    small = quantize(replace(graph, nodes=tuple(nodes)), motion(50))
    conv = next(n.op for n in small.nodes if n.name == "conv1")
    assert isinstance(conv, Conv1dS8) and conv.low == -128
    assert all(n.name != "relu1" for n in small.nodes)  # nothing reads it


def test_a_standardize_with_another_reader_stays() -> None:
    graph = cnn_graph()
    nodes = list(graph.nodes)
    parts = [Node(GlobalAverage(), (0,), "mean"), Node(Concat(), (9, 10), "both")]
    weight = np.eye(3, 6, dtype=np.float32)
    nodes = [
        *nodes[:10],
        *parts,
        Node(Dense(weight, np.zeros(3, np.float32)), (11,), "last"),
        Node(Softmax(), (12,), "scores"),
    ]
    small = quantize(replace(graph, nodes=tuple(nodes)), motion(50))
    small.shapes()
    assert [n.name for n in small.nodes][:2] == ["input", "input_int8"] and type(small.nodes[1].op) is Quantize
    x = motion(50, seed=4)
    assert np.abs(small.scores(x) - replace(graph, nodes=tuple(nodes)).scores(x)).mean() < 0.01


def test_a_forest_graph_has_nothing_to_quantize() -> None:
    graph = forest_graph()
    assert [n.op for n in quantize(graph, motion(5)).nodes] == [n.op for n in graph.nodes]


def test_a_graph_that_ends_in_a_layer_still_gives_float_scores() -> None:
    graph = cnn_graph()
    nodes = (*graph.nodes[:9], Node(graph.nodes[9].op, (8,), "scores"))
    small = quantize(replace(graph, nodes=nodes), motion(50))
    small.shapes()
    assert small.nodes[-1].name == "scores" and small.scores(motion(2)).dtype == np.float32


def test_bias_of_a_dead_channel_survives() -> None:
    """A channel whose weights are all but gone still gives its bias."""
    weight = np.array([[1e-12, 0], [0.5, 0.5]], np.float32)
    nodes = (Node(Dense(weight, np.array([1.0, 0.0], np.float32)), (0,), "scores"),)
    pooled = (Node(Conv1d(np.eye(2, dtype=np.float32)[:, None], np.zeros(2, np.float32), 64), (WINDOW,), "c"),)
    graph = Graph(
        ("a", "b"), 1.0, 64, 64, (*pooled, Node(Flatten(), (0,), "f"), Node(nodes[0].op, (1,), "scores")), ("p", "q")
    )
    x = motion(50, channels=2)
    np.testing.assert_allclose(quantize(graph, x).scores(x)[:, 0], 1.0, atol=0.02)


def test_a_layer_that_was_silent_stays_rectified() -> None:
    """Nothing but zeros was seen behind the Relu; what comes later must still not fall below zero."""
    conv = Node(Conv1d(np.ones((1, 1, 1), np.float32), np.array([-50.0], np.float32), 64), (WINDOW,), "conv")
    rest = (Node(Relu(), (0,), "relu"), Node(Flatten(), (1,), "scores"))
    graph = Graph(("a",), 1.0, 64, 64, (conv, *rest), ("p",))
    small = quantize(graph, motion(50, channels=1))
    assert small.scores(np.full((1, 64, 1), -9, np.float32)) == 0


def test_nothing_seen_is_an_error() -> None:
    with pytest.raises(GraphError, match="no windows"):
        quantize(cnn_graph(), motion(0))


def test_values_that_ran_away_are_an_error() -> None:
    x = motion(3)
    x[0, 0, 0] = np.inf
    with pytest.raises(GraphError, match="not finite"):
        quantize(cnn_graph(), x)


@given(st.floats(1e-9, 1e6))
def test_the_multiplier_is_the_ratio(ratio: float) -> None:
    m, shift = multiplier(ratio)
    assert 2**30 <= m < 2**31 and abs(m * 2.0 ** (shift - 31) / ratio - 1) < 2.0**-30


def test_the_multiplier_at_its_edges() -> None:
    assert multiplier(1 - 2.0**-40) == (2**30, 1)
    assert multiplier(2.0**-40) == (0, 0)
    with pytest.raises(GraphError):
        multiplier(2.0**31)


@given(st.floats(-100, 0), st.floats(0.001, 100))
def test_zero_is_a_step_of_its_own(low: float, high: float) -> None:
    made = steps(np.array([low, high]))
    assert -128 <= made.zero <= 127
    q = np.rint(np.array([low, high]) / made.scale) + made.zero
    assert q[0] >= -130 and q[1] <= 300
