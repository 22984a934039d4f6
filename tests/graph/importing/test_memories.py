"""Memories of TensorFlow Lite files, random networks with them against LiteRT, and what is refused with a way out."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.data.stream import Stream
from studio.errors import GraphError
from studio.firmware.native import Native
from studio.graph.importing.tflite_file import graph_of
from studio.graph.op import Array
from studio.graph.ops.recurrent_s8 import SvdfS8
from tests.graph.importing.op_table import RELU, TANH, VALID, Tfl
from tests.graph.importing.test_op_table import litert
from tests.graph.importing.write_tflite import File


def svdf(t: Tfl, x: int, c: int, units: int, rank: int, memory: int) -> int:
    """An SVDF behind tensor `x` with values that fill their types; its output."""
    n, rng = units * rank, t.rng
    y = t.x(units, scale=0.2, zero=-128)
    if t.small:
        time = t.file.tensor(
            (n, memory), "int16", 1e-4, 0, 0, rng.integers(-32767, 32768, (n, memory)).astype(np.int16)
        )
        bias = t.file.tensor((units,), "int32", 3e-8, 0, 0, rng.integers(-(2**22), 2**22, units).astype(np.int32))
        state = t.file.tensor((1, n * memory), "int16", float(rng.uniform(1e-4, 6e-4)), 0)
    else:
        time, bias, state = t.weight((n, memory)), t.bias(units), t.file.tensor((1, n * memory), "float32")
    t.file.variables.add(state)
    given = [x, t.weight((n, c), 0, False), time, bias, state]
    return t.one("SVDF", given, y, "SVDFOptions", Rank=rank, FusedActivationFunction=RELU)


@st.composite
def filters(draw: st.DrawFn) -> tuple[Tfl, int, int]:
    """One to three SVDFs, one behind the other, and perhaps a fully connected layer."""
    t, c = Tfl(draw(st.booleans())), draw(st.integers(1, 9))
    t.rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    first = x = t.x(c, scale=0.05, zero=draw(st.integers(-128, 127)))
    for _ in range(draw(st.integers(1, 3))):
        units = draw(st.integers(1, 5))
        x, c = svdf(t, x, c, units, draw(st.integers(1, 3)), draw(st.integers(1, 6))), units
    return t, first, x


def along(t: Tfl, x: int, y: int, n: int = 9) -> tuple[Any, Array, Array]:
    """(graph, its scores along n samples with the memory going on, LiteRT's values): the last two in steps if int8."""
    data = t.file.bytes([x], [y])
    shape, _, scale, zero, *_ = t.file.tensors[x]
    q = np.random.default_rng(len(data)).integers(-128, 128, (n, *shape)).astype(np.int8)
    real = (
        ((q.astype(np.int32) - int(zero[0])) * scale[0]).astype(np.float32) if t.small else (q / 40).astype(np.float32)
    )
    graph = graph_of(data, "m")
    got = graph.scores(real.reshape(n, *graph.window_shape()), in_order=True)
    if t.small:
        got = np.rint(got / t.file.tensors[y][2][0]) + t.file.tensors[y][3][0]
    return graph, got, litert(data, q if t.small else real, y)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(filters())
def test_random_filters_with_memory_are_litert_s(drawn: tuple[Tfl, int, int]) -> None:
    graph, got, want = along(*drawn)
    assert graph.carries
    if drawn[0].small:
        np.testing.assert_array_equal(got, want)
    else:
        np.testing.assert_allclose(got, want, atol=1e-5 * max(1.0, float(np.abs(want).max())))


@st.composite
def sequences(draw: st.DrawFn) -> tuple[Tfl, int, int]:
    """An LSTM or a plain recurrent layer over a sequence, or over one sample at a time, time first or batch first."""
    t, n, c, units = Tfl(False), draw(st.sampled_from([1, 2, 7])), draw(st.integers(1, 5)), draw(st.integers(1, 6))
    t.rng, major = np.random.default_rng(draw(st.integers(0, 2**32))), draw(st.booleans())
    x, y = (t.file.tensor((n, 1, k) if major else (1, n, k), "float32") for k in (c, units))
    states = [t.file.tensor((1, units), "float32") for _ in "hc"]
    if draw(st.booleans()):
        t.file.variables.add(states[0])
        given = [x, t.weight((units, c)), t.weight((units, units)), t.bias(units), states[0]]
        t.one("UNIDIRECTIONAL_SEQUENCE_RNN", given, y, "SequenceRNNOptions", TimeMajor=major,
              FusedActivationFunction=draw(st.sampled_from([RELU, TANH])))  # fmt: skip
        return t, x, y
    t.file.variables.update(states)
    kernels = [*(t.weight((units, c)) for _ in range(4)), *(t.weight((units, units)) for _ in range(4))]
    given = [x, *kernels, -1, -1, -1, *(t.bias(units) for _ in range(4)), -1, -1, *states, -1, -1, -1, -1]
    t.one("UNIDIRECTIONAL_SEQUENCE_LSTM", given, y, "UnidirectionalSequenceLSTMOptions", TimeMajor=major,
          FusedActivationFunction=TANH, CellClip=draw(st.sampled_from([0.0, 0.5])))  # fmt: skip
    return t, x, y


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(sequences())
def test_random_sequences_are_litert_s(drawn: tuple[Tfl, int, int]) -> None:
    t, x, y = drawn
    n = max(t.file.tensors[x][0][:2])
    graph, got, want = along(t, x, y, 1 if n > 1 else 9)  # a sequence begins with an empty memory, a sample does not
    assert graph.carries == (n == 1)
    np.testing.assert_allclose(got, want, atol=1e-5 * max(1.0, float(np.abs(want).max())))


@st.composite
def spread(draw: st.DrawFn) -> tuple[Tfl, int, int]:
    """A convolution between batches, over one axis or two, with a border and perhaps a cut."""
    t, deep, plane = Tfl(draw(st.booleans())), draw(st.booleans()), draw(st.booleans())
    t.rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    axes = 2 if plane else 1
    steps = [draw(st.integers(1, 3)) for _ in range(axes)]
    taps, sizes = [draw(st.integers(1, 3)) for _ in range(axes)], [draw(st.integers(3, 8)) for _ in range(axes)]
    before = [draw(st.integers(0, 3)) for _ in range(axes)]
    least = [max(k * d - n - b, 0) for k, d, n, b in zip(taps, steps, sizes, before, strict=True)]
    after = [m + (-(n + b + m)) % d for n, b, m, d in zip(sizes, before, least, steps, strict=True)]
    cuts = [draw(st.integers(0, min(a, d - 1))) for a, d in zip(after, steps, strict=True)]
    dealt = [(n + b + a) // d for n, b, a, d in zip(sizes, before, after, steps, strict=True)]
    out = [n - k + 1 for n, k in zip(dealt, taps, strict=True)]
    ends = [n * d - cut for n, d, cut in zip(out, steps, cuts, strict=True)]
    batch, c = int(np.prod(steps)), 3
    n = 3 if deep else 4
    row: list[int] = [] if plane else [1]
    x = t.x(*row, *sizes, c)
    like = ("int8", *t.file.tensors[x][2:4]) if t.small else ("float32",)
    mine = ("int8", 0.2, 3) if t.small else ("float32",)
    wide = [1, *steps] if not plane else steps
    widths = [v for pair in zip(before, after, strict=True) for v in pair]
    pads = ([0, 0] if not plane else []) + widths
    crops = ([0, 0] if not plane else []) + [v for cut in cuts for v in (0, cut)]
    a, b = t.file.tensor((batch, *row, *dealt, c), *like), t.file.tensor((batch, *row, *out, n), *mine)
    y = t.x(*row, *ends, n, scale=0.2, zero=3)
    kernel = (*row, *taps)
    weight = t.weight((1, *kernel, n), 3) if deep else t.weight((n, *kernel, c))
    t.one("SPACE_TO_BATCH_ND", [x, t.whole(*wide), t.whole(*pads, shape=(2, 2))], a)
    extra = {"DepthMultiplier": 1} if deep else {}
    kind, table = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if deep else ("CONV_2D", "Conv2DOptions")
    t.one(kind, [a, weight, t.bias(n)], b, table, Padding=VALID, StrideH=1, StrideW=1, **extra)
    return t, x, t.one("BATCH_TO_SPACE_ND", [b, t.whole(*wide), t.whole(*crops, shape=(2, 2))], y)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(spread())
def test_random_convolutions_between_batches_are_litert_s(drawn: tuple[Tfl, int, int]) -> None:
    graph, got, want = along(*drawn, 2)
    assert sum("Conv" in type(node.op).__name__ for node in graph.nodes) == 1
    if drawn[0].small:
        np.testing.assert_array_equal(got, want)
    else:
        np.testing.assert_allclose(got, want, atol=1e-5)


def test_the_generated_c_holds_and_clears_the_memory() -> None:
    t = Tfl(True)
    x = t.x(5)
    graph, _, _ = along(t, x, svdf(t, x, 5, 3, 2, 4))
    stream: Any = Stream("frames", 100.0, graph.channels, "", "f32", 1.0, "input")
    native, samples = Native(graph, stream), np.random.default_rng(0).normal(0, 3, (9, *graph.window_shape()))
    windows = samples.astype(np.float32)
    assert any(isinstance(node.op, SvdfS8) and node.op.carried for node in graph.nodes)
    for in_order in (True, False):
        np.testing.assert_array_equal(native.scores(windows, in_order), graph.scores(windows, in_order))
    assert not np.array_equal(native.scores(windows, True), native.scores(windows))


def test_several_inputs_and_outputs() -> None:
    """A window holds the inputs end to end, the scores the outputs."""
    t = Tfl(False)
    a, b = t.x(4), t.x(3, 2)
    flat, both = t.x(6), t.x(10)
    t.one("RESHAPE", [b, t.whole(1, 6)], flat)
    t.one("CONCATENATION", [a, flat], both, "ConcatenationOptions", Axis=1)
    y = t.one("FULLY_CONNECTED", [both, t.weight((5, 10)), t.bias(5)], t.x(5), "FullyConnectedOptions")
    z = t.one("TANH", [flat], t.x(6))
    data = t.file.bytes([a, b], [y, z])
    graph, x = graph_of(data, "m"), np.random.default_rng(0).normal(size=10).astype(np.float32)
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    it = interpreter.Interpreter(model_content=data)
    it.allocate_tensors()
    for detail, part in zip(it.get_input_details(), (x[:4].reshape(1, 4), x[4:].reshape(1, 3, 2)), strict=True):
        it.set_tensor(detail["index"], part)
    it.invoke()
    want = np.concatenate([it.get_tensor(i).ravel() for i in (y, z)])
    np.testing.assert_allclose(graph.scores(x.reshape(1, *graph.window_shape()))[0], want, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("WHILE", "Keras writes a GRU.*unroll=True"),
        ("BIDIRECTIONAL_SEQUENCE_LSTM", "forward direction"),
        ("SPACE_TO_BATCH_ND", "dilation_rate"),
        ("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
        ("GELU", "Build the model from these.*CONV_2D"),
    ],
)
def test_what_cannot_be_taken_is_told_with_a_way_out(kind: str, words: str) -> None:
    f = File()
    x, y = f.tensor((1, 4, 4), "float32"), f.tensor((1, 4, 4), "float32")
    f.layer(kind, [x], [y])
    with pytest.raises(GraphError, match=rf"(?s)Layer 0 \({kind}\) of m\.tflite.*{words}"):
        graph_of(f.bytes([x], [y]), "m.tflite")


def test_weights_of_another_type_than_the_values_are_refused() -> None:
    t = Tfl(False)
    x = t.x(6, 3)
    state = t.file.tensor((1, 5), "float32")
    small = t.file.tensor((5, 3), "int8", 0.01, 0, 0, np.ones((5, 3), np.int8))
    y = t.one("UNIDIRECTIONAL_SEQUENCE_RNN", [x, small, t.weight((5, 5)), t.bias(5), state], t.x(6, 5),
              "SequenceRNNOptions", FusedActivationFunction=TANH)  # fmt: skip
    with pytest.raises(GraphError, match="mixes float32 values with float32, int8 weights"):
        graph_of(t.file.bytes([x], [y]), "m.tflite")
