"""A curve that several layers read is written once; networks in 16 bits come out of the families, as C too."""

import numpy as np
import pytest

from studio.firmware.native import Native
from studio.firmware.render import source
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.ops.recurrent import Gru, Lstm
from studio.graph.ops.vector import Dense, Softmax
from studio.graph.passes import quantize
from studio.learn.families.cnn import Cnn
from tests.firmware.test_render import STREAM
from tests.graph.nets import motion
from tests.learn import toys


def f32(*shape: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(sum(shape)).normal(0, 0.3, shape).astype(np.float32)


def test_two_recurrent_layers_share_one_curve() -> None:
    n, c = motion(1).shape[1:]
    gru = Gru(f32(12, 4), f32(12, 4), f32(12), f32(12), last=True)
    nodes = [Node(Lstm(f32(16, c), f32(16, 4), f32(16)), (WINDOW,), "lstm"), Node(gru, (0,), "features")]
    nodes += [Node(Dense(f32(3, 4), f32(3)), (1,), "logits"), Node(Softmax(), (2,), "scores")]
    graph = quantize(Graph(tuple("abc"[:c]), 50.0, n, n, tuple(nodes), ("x", "y", "z")), motion(50))
    text = source(graph)
    assert text.count("_table[") == 1 and text.count("lstm_table") >= 3 and "features_table" not in text
    native = Native(graph, STREAM)
    assert native.scores(motion(20)).tobytes() == graph.scores(motion(20)).tobytes()


@pytest.mark.parametrize(("bits", "kind"), [(8, "S8"), (16, "S16")])
def test_a_familys_network_comes_in_either_width_and_its_c_gives_the_same_bits(bits: int, kind: str) -> None:
    data = toys.toy()
    graph = Cnn(bits=bits).draft(data)
    assert graph is not None
    kinds = {type(node.op).__name__ for node in graph.nodes}
    assert any(name.startswith("Conv") and name.endswith(kind) for name in kinds)
    native = Native(graph, data.stream)
    assert native.scores(data.x[:40]).tobytes() == graph.scores(data.x[:40]).tobytes()
