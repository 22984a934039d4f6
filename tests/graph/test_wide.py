"""Graphs with int16 values and int8 weights: between float and int8 in what they lose, and the same in C."""

from typing import Any

import numpy as np
import pytest

from studio.data.stream import Stream
from studio.errors import GraphError, StudioError
from studio.firmware.native import Native
from studio.graph.ops.wide import Conv2dS16, DenseS16
from studio.graph.passes import quantize
from studio.graph.wide_layers import in_planes, narrow, wide_steps
from tests.graph.nets import cnn_graph, motion, plane_graph

SHAPES = [(False, False), (True, False), (False, True), (True, True)]


@pytest.mark.parametrize(("flatten", "depthwise"), SHAPES)
def test_int16_values_lose_less_than_int8_ones(flatten: bool, depthwise: bool) -> None:
    graph, x, new = cnn_graph(3, flatten, depthwise), motion(200), motion(300, seed=9)
    want = graph.scores(new)
    lost = {bits: np.abs(quantize(graph, x, bits).scores(new) - want).mean() for bits in (8, 16)}
    assert lost[16] < lost[8] < 0.01
    kinds = [type(node.op).__name__ for node in quantize(graph, x, 16).nodes]
    assert kinds.count("QuantizeS16") == kinds.count("DequantizeS16") == 1 and "Relu" not in kinds[1:]


def test_the_c_of_an_int16_graph_is_the_graph() -> None:
    graph, x = quantize(plane_graph(), motion(100, 384, 1), 16), motion(50, 384, 1, seed=5)
    stream: Any = Stream("motion", graph.rate_hz, graph.channels, "g", "f32", 1.0, "motion")
    np.testing.assert_array_equal(Native(graph, stream).scores(x), graph.scores(x))
    assert {"AddS16", "MaxPool2dS16", "AveragePool2dS16", "DepthwiseConv2dS16"} <= {
        type(n.op).__name__ for n in graph.nodes
    }


@pytest.mark.parametrize(("flatten", "depthwise"), SHAPES)
def test_layers_over_time_are_those_over_planes(flatten: bool, depthwise: bool) -> None:
    graph, x = cnn_graph(2, flatten, depthwise), motion(20)
    turned = in_planes(graph)
    np.testing.assert_allclose(turned.scores(x), graph.scores(x), atol=1e-6)
    names = [node.name for node in turned.nodes]
    assert {"features", "logits", "scores"} <= set(names) and len(set(names)) == len(names)


def test_a_mantissa_of_15_bits_is_the_ratio() -> None:
    for ratio in (1e-6, 0.003, 0.5, 1 - 2.0**-40, 1.0, 90.0):
        m, right = narrow(ratio)
        assert 2**14 <= m < 2**15 and abs(m * 2.0**-right / ratio - 1) < 2.0**-14
    assert narrow(2.0**-40) == (0, 1)
    with pytest.raises(GraphError, match="scales its sum"):
        narrow(300.0)


def test_what_no_kernel_takes_is_refused() -> None:
    weight, one = np.ones((2, 3), np.int8), np.ones(2, np.int32)
    with pytest.raises(GraphError, match="15 bits"):
        DenseS16(weight=weight, bias=one, multiplier=one, right=np.zeros(2, np.int8))
    with pytest.raises(StudioError, match="must be int8"):
        DenseS16(weight=weight.astype(np.int16), bias=one, multiplier=one, right=np.ones(2, np.int8))
    with pytest.raises(GraphError, match="not finite"):
        wide_steps(np.array([1.0, np.inf]))
    conv = Conv2dS16(weight=np.ones((2, 1, 1, 3), np.int8), bias=one, multiplier=one, right=np.ones(2, np.int8))
    with pytest.raises(GraphError, match="Conv2dS16"):
        conv.shape((2, 2, 4))
