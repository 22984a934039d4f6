"""Whole graphs: shapes that do not fit, windows, decisions."""

from dataclasses import replace

import numpy as np
import pytest

from studio.errors import GraphError
from studio.graph.graph import Node
from studio.graph.ops.conv import GlobalAverage
from studio.graph.ops.int8 import Quantize
from tests.graph.nets import cnn_graph, forest_graph, motion


def test_a_shape_error_names_the_stage() -> None:
    graph = cnn_graph()
    with pytest.raises(GraphError, match=r"Stage 'conv1' .*Conv1d.*4 channels for 3"):
        nodes = list(graph.nodes)
        nodes[0] = Node(replace(nodes[0].op, mean=np.zeros(4, np.float32), std=np.ones(4, np.float32)), (-1,), "input")
        replace(graph, channels=("a", "b", "c", "d"), nodes=tuple(nodes)).shapes()


def test_a_type_error_names_the_stage() -> None:
    graph = cnn_graph()
    nodes = list(graph.nodes)
    nodes[6] = Node(Quantize(0.1), (5,), "pool2")
    with pytest.raises(GraphError, match="Stage 'after'"):
        replace(graph, nodes=tuple(nodes)).shapes()


def test_scores_must_fit_the_classes() -> None:
    with pytest.raises(GraphError, match="2 classes"):
        replace(cnn_graph(), classes=("a", "b")).shapes()


def test_a_batch_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(GraphError):
        cnn_graph().scores(motion(2, channels=4))
    with pytest.raises(GraphError):
        GlobalAverage().run(np.zeros((4, 3), np.float32))


def test_windows_start_every_stride_and_are_whole() -> None:
    graph = forest_graph()
    samples = motion(1, length=64 + 3 * 24 - 1)[0]
    windows, filtered = graph.windows(samples), graph.filtered(samples)
    assert len(windows) == 3
    np.testing.assert_array_equal(windows[2], filtered[48:112])
    assert len(graph.windows(samples[:63])) == 0 and len(graph.windows(samples[:64])) == 1


def test_the_decision_is_the_first_greatest_or_none() -> None:
    graph = forest_graph(threshold=0.5)
    scores = np.array([[0.5, 0.5, 0], [0.2, 0.3, 0.49], [0, 0, 1]], np.float32)
    np.testing.assert_array_equal(graph.decide(scores), [0, -1, 2])
