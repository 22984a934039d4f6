"""Imported networks against LiteRT's reference kernels, layer by layer: every layer is given LiteRT's own inputs.

LiteRT's fully connected layer rounds once where TensorFlow Lite Micro rounds twice. So ours is held to the definition
in whole numbers; and that definition with one rounding must give LiteRT's bits, which proves all but the rounding.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from studio.data.stream import Stream
from studio.firmware.native import Native
from studio.graph.graph import WINDOW
from studio.graph.importing.build import Builder
from studio.graph.importing.tflite_file import built
from studio.graph.int8_layers import multiplier
from studio.graph.op import Array
from studio.graph.ops.int8 import DenseS8
from studio.graph.ops.pointwise import MultiplyS8, doubling_high_multiply, rescale
from tests.graph.importing.random_nets import nets

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
MODELS = ("kws_ref_model", "ad01_int8", "pretrainedResnet_quant", "micro_speech_quantized", "hello_world_int8")


class Reference:
    """LiteRT on the file, all tensors kept."""

    def __init__(self, data: bytes) -> None:
        resolver = litert.OpResolverType.BUILTIN_REF
        self.it = litert.Interpreter(
            model_content=data, experimental_op_resolver_type=resolver, experimental_preserve_all_tensors=True
        )
        self.it.allocate_tensors()
        self.input = self.it.get_input_details()[0]

    def run(self, x: Array) -> None:
        self.it.set_tensor(self.input["index"], x.reshape(self.input["shape"]))
        self.it.invoke()

    def tensor(self, i: int) -> Array:
        found: Array = self.it.get_tensor(i)
        return found


def single_rounding(op: DenseS8, x: Array) -> Array:
    sums = op.bias.astype(np.int64) + op.weight.astype(np.int64) @ x.astype(np.int64)
    right = 31 - op.shift.astype(np.int64)
    q = ((sums * op.multiplier.astype(np.int64) + (1 << (right - 1))) >> right) + op.y_zero
    return np.clip(q, op.low, op.high)


def double_rounding(op: DenseS8, x: Array) -> Array:
    sums = op.bias.astype(np.int64) + op.weight.astype(np.int64) @ x.astype(np.int64)
    assert doubling_high_multiply(np.array([1 << 30]), 1 << 30)[0] == 1 << 29
    q = [int(rescale(np.array([t]), int(m), int(s))[0]) for t, m, s in zip(sums, op.multiplier, op.shift, strict=True)]
    return np.clip(np.array(q) + op.y_zero, op.low, op.high)


def tensor_of(build: Builder) -> dict[int, int]:
    """Node -> the tensor of the file that it gives."""
    return {node: tensor for tensor, node in build.at.items()}


def compare(data: bytes, x: Array) -> int:
    """Every node whose inputs are tensors of the file, and the nodes between; the number of layers compared."""
    _, build = built(data, "test")
    reference, given = Reference(data), tensor_of(build)
    reference.run(x)
    q = build.nodes[0].op
    window = ((x.astype(np.int32) - q.zero) * np.float32(q.scale)).astype(np.float32)  # type: ignore[attr-defined]
    values: list[Array] = []
    for i, node in enumerate(build.nodes):
        inputs = [window.reshape(1, *build.window) if j == WINDOW else values[j] for j in node.inputs]
        y = node.op.run(*inputs)
        if isinstance(node.op, DenseS8):
            np.testing.assert_array_equal(y[0], double_rounding(node.op, inputs[0][0]))
            y = single_rounding(node.op, inputs[0][0])[None].astype(np.int8)
        if isinstance(node.op, MultiplyS8):  # LiteRT works out the scale of a product in float32, TFLM in double
            a, b, c = (np.float32(build.tensors[given[j]].scale) for j in (*node.inputs, i))
            m, shift = multiplier(float(a * b / c))
            y = replace(node.op, multiplier=m, shift=shift).run(*inputs)
        if i in given and given[i] < len(build.tensors):
            want = reference.tensor(given[i])
            np.testing.assert_array_equal(y.ravel(), want.ravel(), f"{node.name}: {type(node.op).__name__}")
        values.append(y)
    return len(given)


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_of_the_public_models_is_litert_s(name: str, shared: Path) -> None:
    data = (shared / "models" / f"{name}.tflite").read_bytes()
    shape = Reference(data).input["shape"]
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.integers(-2, 3, int(np.prod(shape)))) % 256 - 128  # smooth, as real inputs are
    for x in (rng.integers(-128, 128, shape), np.full(shape, 127), np.full(shape, -128), steps):
        assert compare(data, x.astype(np.int8)) >= 4


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(nets())
def test_every_layer_of_random_networks_is_litert_s(data: bytes) -> None:
    details = Reference(data).input
    compare(data, np.random.default_rng(len(data)).integers(-128, 128, details["shape"]).astype(np.int8))


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(nets())
def test_the_generated_c_of_random_networks_is_the_graph(data: bytes) -> None:
    """Also with outputs in the place of inputs."""
    graph, _ = built(data, "test")
    x = np.random.default_rng(1).normal(0, 8, (20, *graph.window_shape())).astype(np.float32)
    stream: Any = Stream("input", 100.0, graph.channels, "", "f32", 1.0, "input")
    assert Native(graph, stream).scores(x).tobytes() == graph.scores(x).tobytes()
