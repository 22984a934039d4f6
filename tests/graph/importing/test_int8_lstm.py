"""A quantized LSTM of a file: TensorFlow Lite Micro's arithmetic on the scales that it prepares.

LiteRT's own kernel works its curves out in another way, so there is the definition to hold to.
"""

import numpy as np
import pytest

from studio.errors import GraphError
from studio.graph.importing.tflite_file import graph_of
from studio.graph.ops.int8 import Quantize
from studio.graph.ops.lstm_s8 import LstmS8
from tests.graph.importing.write_tflite import File
from tests.graph.lstm_oracle import lstm_s8

SCALES = {"x": 0.04, "w": (0.011, 0.012, 0.013, 0.014), "r": (0.021, 0.022, 0.023, 0.024), "h": 0.0078}


def file(cell_scale: float = 2.0**-11, clip: float = 10.0) -> tuple[bytes, list[np.ndarray]]:
    f, rng = File(), np.random.default_rng(2)
    values = [rng.integers(-127, 128, (5, n), dtype=np.int8) for n in (3, 3, 3, 3, 5, 5, 5, 5)]
    biases = [rng.integers(-900, 900, 5).astype(np.int32) for _ in range(4)]
    x, y = f.tensor((1, 6, 3), "int8", SCALES["x"], 11), f.tensor((1, 6, 5), "int8", SCALES["h"], -4)
    scales = (*SCALES["w"], *SCALES["r"])  # type: ignore[misc]
    kernels = [f.tensor(v.shape, "int8", s, 0, 0, v) for v, s in zip(values, scales, strict=True)]
    bias = [f.tensor((5,), "int32", 0.0005, 0, 0, v) for v in biases]
    state, cell = f.tensor((1, 5), "int8", SCALES["h"], -4), f.tensor((1, 5), "int16", cell_scale, 0)
    f.variables.update((state, cell))
    inputs = [x, *kernels, -1, -1, -1, *bias, -1, -1, state, cell, -1, -1, -1, -1]
    f.layer("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], "UnidirectionalSequenceLSTMOptions",
            FusedActivationFunction=4, CellClip=clip)  # fmt: skip
    return f.bytes([x], [y]), [*values, *biases]


def test_an_int8_lstm_has_the_scales_of_the_file() -> None:
    data, values = file()
    graph = graph_of(data, "lstm")
    op = next(node.op for node in graph.nodes if isinstance(node.op, LstmS8))
    real = op.scale[::2] * 2.0 ** (op.scale[1::2] - 31.0)
    pairs = [s * v * 4096 for w, r in zip(SCALES["w"], SCALES["r"], strict=True) for s, v in ((0.04, w), (0.0078, r))]  # type: ignore[call-overload]
    np.testing.assert_allclose(real, [*pairs, 2.0**-15, 2.0**-19, 2.0**-30 / 0.0078], rtol=1e-6)
    np.testing.assert_array_equal(op.weight, np.concatenate(values[:4]))
    np.testing.assert_array_equal(op.bias, np.concatenate(values[8:]) - 11 * op.weight.astype(np.int32).sum(1))
    assert (op.cell_power, op.clip, op.y_zero) == (-11, 20480, -4)


def test_a_network_with_it_gives_the_definition_s_rows() -> None:
    graph = graph_of(file()[0], "lstm")
    x = np.random.default_rng(3).normal(0, 2, (8, 6, 3)).astype(np.float32)
    lstm = next(node.op for node in graph.nodes if isinstance(node.op, LstmS8))
    quantized = next(node.op for node in graph.nodes if isinstance(node.op, Quantize)).run(x)
    for q, scores in zip(quantized, graph.scores(x), strict=True):
        want = np.float32(0.0078) * (lstm_s8(lstm, q).astype(np.int32) + 4).astype(np.float32)
        np.testing.assert_array_equal(scores, want.ravel())


def test_a_cell_of_another_scale_is_refused() -> None:
    with pytest.raises(GraphError, match="cell of scale"):
        graph_of(file(0.001)[0], "lstm")
