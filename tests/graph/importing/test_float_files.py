"""TensorFlow Lite files in float against LiteRT: close, as float allows."""

import numpy as np
import pytest

from studio.errors import GraphError
from studio.graph.importing.tflite_file import graph_of
from studio.graph.op import Array
from tests.graph.importing.write_tflite import File

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")


def network(rng: np.random.Generator) -> tuple[bytes, tuple[int, ...]]:
    """Two convolutions, sums, products, slices, pools, a dense layer and a softmax."""
    f = File()

    def value(*shape: int) -> int:
        return f.tensor(shape, "float32")

    def weight(*shape: int) -> int:
        return f.tensor(shape, "float32", data=(rng.normal(size=shape) / 3).astype(np.float32))

    def whole(*values: int) -> int:
        return f.tensor((len(values),), "int32", data=np.array(values, np.int32))

    x, a, b, c, d, e, g, h, i, j, k, y = (
        value(1, 8, 7, 3), value(1, 4, 4, 6), value(1, 4, 4, 12), value(1, 4, 4, 12), value(1, 4, 4, 12),
        value(1, 2, 3, 12), value(1, 3, 2, 12), value(1, 3, 2, 6), value(1, 3, 2, 6), value(1, 6),
        value(1, 4), value(1, 4),
    )  # fmt: skip
    step = {"StrideH": 2, "StrideW": 2}
    f.layer("CONV_2D", [x, weight(6, 3, 3, 3), weight(6)], [a], "Conv2DOptions", FusedActivationFunction=3, **step)
    f.layer("DEPTHWISE_CONV_2D", [a, weight(1, 3, 2, 12), weight(12)], [b], "DepthwiseConv2DOptions", StrideH=1,
            StrideW=1, DepthMultiplier=2, FusedActivationFunction=1)  # fmt: skip
    f.layer("MUL", [b, weight(12)], [c], "MulOptions")
    f.layer("ADD", [c, b], [d], "AddOptions")
    f.layer("MAX_POOL_2D", [d], [e], "Pool2DOptions", FilterHeight=3, FilterWidth=2, StrideH=1, StrideW=1, Padding=1)
    f.layer("TRANSPOSE", [e, whole(0, 2, 1, 3)], [g])
    f.layer("SLICE", [g, whole(0, 0, 0, 6), whole(1, 3, 2, 6)], [h])
    f.layer("LOGISTIC", [h], [i])
    f.layer("MEAN", [i, whole(1, 2)], [j], "ReducerOptions")
    f.layer("FULLY_CONNECTED", [j, weight(4, 6), weight(4)], [k], "FullyConnectedOptions")
    f.layer("SOFTMAX", [k], [y], "SoftmaxOptions", Beta=1.0)
    return f.bytes([x], [y]), (1, 8, 7, 3)


def reference(data: bytes, x: Array) -> Array:
    it = litert.Interpreter(model_content=data, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    it.allocate_tensors()
    it.set_tensor(it.get_input_details()[0]["index"], x)
    it.invoke()
    found: Array = it.get_tensor(it.get_output_details()[0]["index"])
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_float_network_is_litert_s(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data, shape = network(rng)
    graph = graph_of(data, "float.tflite")
    x = rng.normal(size=shape).astype(np.float32)
    got = graph.scores(x.reshape(1, *graph.window_shape()))
    np.testing.assert_allclose(got, reference(data, x), atol=1e-5)
    assert np.ptp(got) > 1e-3


def lstm(rng: np.random.Generator, clip: float, extra: bool = False) -> bytes:
    """An LSTM of five over rows of three, then a transposed convolution of what it gives."""
    f = File()

    def weight(*shape: int) -> int:
        return f.tensor(shape, "float32", data=(rng.normal(size=shape) / 2).astype(np.float32))

    x, y, states = (
        f.tensor((1, 7, 3), "float32"),
        f.tensor((1, 7, 5), "float32"),
        [f.tensor((1, 5), "float32") for _ in "hc"],
    )
    f.variables.update(states)
    kernels = [*(weight(5, 3) for _ in range(4)), *(weight(5, 5) for _ in range(4))]
    biases = [weight(5) for _ in range(4)]
    peepholes = [weight(5) for _ in range(3)] if extra else [-1] * 3
    inputs = [x, *kernels, *peepholes, *biases, -1, -1, *states, -1, -1, -1, -1]
    f.layer("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], "UnidirectionalSequenceLSTMOptions",
            FusedActivationFunction=4, CellClip=clip)  # fmt: skip
    row, up = f.tensor((1, 1, 7, 5), "float32"), f.tensor((1, 2, 14, 2), "float32")
    f.layer("RESHAPE", [y, f.tensor((4,), "int32", data=np.array([1, 1, 7, 5], np.int32))], [row])
    sizes = f.tensor((4,), "int32", data=np.array([1, 2, 14, 2], np.int32))
    f.layer("TRANSPOSE_CONV", [sizes, weight(2, 3, 3, 5), row, weight(2)], [up], "TransposeConvOptions", StrideH=2,
            StrideW=2, Padding=0)  # fmt: skip
    z, out = f.tensor((1, 2, 14, 2), "float32"), f.tensor((1, 2, 14, 2), "float32")
    f.layer("SUB", [f.tensor((2,), "float32", data=np.array([0.5, -1], np.float32)), up], [z], "SubOptions")
    f.layer("HARD_SWISH", [z], [out])
    return f.bytes([x], [out])


@pytest.mark.parametrize("clip", [0.0, 0.3])
def test_an_lstm_is_litert_s(clip: float) -> None:
    rng = np.random.default_rng(4)
    data = lstm(rng, clip)
    graph, x = graph_of(data, "lstm.tflite"), rng.normal(size=(3, 7, 3)).astype(np.float32)
    got = graph.scores(x)
    for window, scores in zip(x, got, strict=True):
        np.testing.assert_allclose(scores, reference(data, window[None]).ravel(), atol=3e-6)
    assert np.ptp(got) > 0.5


def test_an_lstm_with_peepholes_is_refused() -> None:
    with pytest.raises(GraphError, match="peepholes"):
        graph_of(lstm(np.random.default_rng(0), 0.0, True), "lstm.tflite")
