"""Networks with int16 values and int8 weights against LiteRT: layer by layer."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.errors import GraphError
from studio.graph.graph import WINDOW
from studio.graph.importing.build import Builder
from studio.graph.importing.tflite_file import built, graph_of
from studio.graph.int8_layers import multiplier
from studio.graph.op import Array, Shape
from studio.graph.ops.wide import DenseS16
from tests.graph.importing.random_nets import SAME, Net
from tests.graph.importing.test_against_litert import Reference
from tests.graph.importing.write_tflite import File

STEPS = ("conv", "depthwise", "pool", "add", "relu")


class WideNet(Net):
    """As `Net`, with int16 values and biases of 64 bits."""

    def tensor(self, shape: Shape, like: int | None = None) -> int:
        scale = self.file.tensors[like][2] if like is not None else self.draw(st.floats(1e-5, 2e-3))
        return self.file.tensor((1, *shape), "int16", scale, 0)

    def weights(self, shape: Shape, n: int, axis: int, per_channel: bool) -> tuple[int, int]:
        values = self.rng.integers(-127, 128, shape, dtype=np.int8)
        scales = self.rng.uniform(0.0005, 0.01, n if per_channel else 1).astype(np.float32)
        zeros = np.zeros(len(scales), np.int64)
        w = self.file.tensor(shape, "int8", scales, zeros, axis, values)
        bias = self.rng.integers(-300000, 300000, n, dtype=np.int64)
        return w, self.file.tensor((n,), "int64", scales * np.float32(self.scale(self.x)), zeros, 0, bias)

    def add(self) -> None:
        other = self.tensor(self.shape, like=self.x)
        self.file.layer("MAX_POOL_2D", [self.x], [other], "Pool2DOptions", FilterHeight=2, FilterWidth=2, StrideH=1,
                        StrideW=1, Padding=SAME)  # fmt: skip
        y = self.tensor(self.shape)
        options = {"FusedActivationFunction": self.draw(st.sampled_from([0, 1])), "PotScaleInt16": False}
        self.file.layer("ADD", [self.x, other], [y], "AddOptions", **options)
        self.become(y, self.shape)

    def relu(self) -> None:
        y = self.tensor(self.shape, like=self.x)
        self.file.layer("RELU", [self.x], [y])
        self.become(y, self.shape)

    def end(self) -> bytes:
        n_in, n = int(np.prod(self.shape)), self.draw(st.integers(1, 7))
        w, b = self.weights((n, n_in), n, 0, False)
        y = self.tensor((n,))
        self.file.layer("FULLY_CONNECTED", [self.x, w, b], [y], "FullyConnectedOptions", FusedActivationFunction=0)
        return self.file.bytes([self.input], [y])


@st.composite
def wide_nets(draw: st.DrawFn) -> tuple[bytes, WideNet]:
    net: Any = WideNet(draw)
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=4)):
        if np.prod(net.shape) <= 3000:
            getattr(net, step)()
    return net.end(), net


def once(build: Builder, op: DenseS16, ends: tuple[int, int, int], x: Array) -> Array:
    """A fully connected layer as LiteRT has it: a mantissa of 31 bits where that of the layers over maps has 15."""
    a, w, y = (build.tensors[i] for i in ends)
    m, shift = multiplier(float(np.float32(a.scale) * np.float32(w.scale)) / y.scale)
    sums = op.bias.astype(object) + op.weight.astype(object) @ x.astype(object)
    q = [(int(s) * m + (1 << (30 - shift))) >> (31 - shift) for s in sums]
    return np.clip(np.array(q, np.int64), op.low, op.high)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(wide_nets())
def test_every_layer_of_random_networks_of_int16_is_litert_s(drawn: tuple[bytes, WideNet]) -> None:
    """Each on LiteRT's own inputs; `tests/graph/wide_examples.py` holds the fully connected layer to its definition."""
    data, net = drawn
    shape, _, scale, *_ = net.file.tensors[net.input]
    x: Array = np.random.default_rng(len(data)).integers(-32768, 32768, shape).astype(np.int16)
    graph, build = built(data, "wide.tflite")
    reference, at = Reference(data), {node: tensor for tensor, node in build.at.items()}
    reference.run(x)
    values: list[Array] = []
    for i, node in enumerate(build.nodes):
        window = (x.astype(np.float64) * float(scale[0])).astype(np.float32).reshape(1, *build.window)
        inputs = [window if j == WINDOW else values[j] for j in node.inputs]
        y = node.op.run(*inputs)
        if isinstance(node.op, DenseS16):
            layer = net.file.layers[-1]
            exact = once(build, node.op, (*layer[1][:2], layer[2][0]), inputs[0][0])
            assert np.abs(exact - y[0]).max() <= 1
            y = exact[None].astype(np.int16)
        if i in at:
            np.testing.assert_array_equal(y.ravel(), reference.tensor(at[i]).ravel(), type(node.op).__name__)
        values.append(y)
    assert "QuantizeS16" in {type(node.op).__name__ for node in graph.nodes}


def test_a_layer_without_such_a_form_is_named() -> None:
    f = File()
    x, y = f.tensor((1, 4), "int16", 0.001, 0), f.tensor((1, 4), "int16", 0.001, 0)
    f.layer("HARD_SWISH", [x], [y])
    with pytest.raises(GraphError, match=r"HARD_SWISH.*int16 values.*CONV_2D.*int8 or float32"):
        graph_of(f.bytes([x], [y]), "wide.tflite")
