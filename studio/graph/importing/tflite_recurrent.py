"""Operators of TensorFlow Lite with a memory: LSTM, plain recurrent layers, SVDF.

A TensorFlow Lite file keeps such a memory in variable tensors and does not say when it is emptied. Here a layer that
gets a sequence of more than one sample begins each window with an empty memory; one that gets a single sample, as an
SVDF always does, could do nothing with that: its memory goes on from window to window (`carried`).
"""

from typing import Any

import numpy as np

from studio.graph.importing.bounds import NO_ACTIVATION, RELU, activated, activation
from studio.graph.importing.build import Builder, Layer, is_int8
from studio.graph.importing.options import options
from studio.graph.int8_layers import multiplier
from studio.graph.op import Array, Op
from studio.graph.ops.lstm_s8 import LstmS8
from studio.graph.ops.recurrent import Lstm, Rnn, Svdf
from studio.graph.ops.recurrent_s8 import SvdfS8

TANH = 4
#: Inputs of an LSTM: for the gates input, forget, cell, output.
WEIGHTS, RECURRENT, BIASES = (1, 2, 3, 4), (5, 6, 7, 8), (12, 13, 14, 15)
STATE, CELL = 18, 19
EXTRAS = {"peepholes": (9, 10, 11), "a projection": (16, 17), "layer normalization": (20, 21, 22, 23)}
MOST_MEMORY = 1 << 20  # values that an SVDF remembers


def _sequence(build: Builder, layer: Layer, time_major: bool) -> tuple[int, bool]:
    """The node with the sequence as (n, c), and whether its memory goes on."""
    shape = build.tensor(layer, 0).shape
    n, batch, c = (
        (1, *shape)[-3:] if time_major else ((1, *shape)[-2], (1, *shape)[-3] if len(shape) > 2 else 1, shape[-1])
    )
    if len(shape) == 2:  # one sample of a batch
        n, batch = 1, shape[0]
    if batch != 1 or not 2 <= len(shape) <= 3:
        build.refuse(layer, f"gets {shape}", "Export it with a batch of 1.")
    return build.shaped(build.node(layer), (n, c)), n == 1


def lstm(build: Builder, layer: Layer) -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM."""
    given: Any = options(layer, "UnidirectionalSequenceLSTMOptions")
    for what, inputs in EXTRAS.items():
        if any(build.has(layer, i) for i in inputs):
            build.refuse(layer, f"has {what}", "Build the LSTM without.")
    if given is None or given.FusedActivationFunction() != TANH or given.ProjClip() > 0:
        build.refuse(layer, "is no plain LSTM", "Use tanh, and no bound for the projection.")
    if not all(build.has(layer, i) for i in (*WEIGHTS, *RECURRENT, *BIASES)):
        build.refuse(layer, "leaves out a gate", "Build the LSTM with all four gates.")
    node, carried = _sequence(build, layer, given.TimeMajor())
    weight, recurrent, bias = (
        np.concatenate([build.constant(layer, i) for i in rows]) for rows in (WEIGHTS, RECURRENT, BIASES)
    )
    if weight.ndim != 2 or recurrent.shape != (len(weight), len(weight) // 4) or len(bias) != len(weight):
        build.refuse(layer, f"has weights {weight.shape} and {recurrent.shape}", "Export the model again.")
    _symmetric(build, layer, (*WEIGHTS, *RECURRENT))
    op = (_small if is_int8(build, layer) else _real)(
        build, layer, weight, recurrent, bias, float(given.CellClip()), carried
    )
    build.put(layer, op, (node,), "lstm")


def _symmetric(build: Builder, layer: Layer, inputs: tuple[int, ...]) -> None:
    """GraphError for int8 weights with a zero point."""
    for i in inputs:
        if len(build.tensor(layer, i).zeros) and np.any(build.tensor(layer, i).zeros != 0):
            build.refuse(layer, "has weights that are not symmetric", "Quantize weights symmetrically, as TFLite does.")


def _floats(build: Builder, layer: Layer, *arrays: Array) -> tuple[Array, Array, Array]:
    """Weights of a float layer; GraphError where they are int8 beside float values."""
    if any(a.dtype not in (np.float32, np.float16) for a in arrays):
        kinds = ", ".join(sorted({str(a.dtype) for a in arrays}))
        build.refuse(layer, f"mixes float32 values with {kinds} weights", "Export it in float32, or in full int8.")
    a, b, c = (np.ascontiguousarray(v, np.float32) for v in arrays)
    return a, b, c


def _real(build: Builder, layer: Layer, weight: Array, recurrent: Array, bias: Array, clip: float, carried: bool) -> Op:
    return Lstm(*_floats(build, layer, weight, recurrent, bias), clip=clip, carried=carried)


def _small(
    build: Builder, layer: Layer, weight: Array, recurrent: Array, bias: Array, clip: float, carried: bool
) -> Op:
    """Scales as TensorFlow Lite Micro prepares them: gates have 12 fractional bits, their curves 15."""
    x, state, cell = build.tensor(layer, 0), build.tensor(layer, STATE), build.tensor(layer, CELL)
    power = round(float(np.log2(cell.scale)))
    small = weight.dtype == recurrent.dtype == np.int8 and bias.dtype == np.int32
    if cell.scale != 2.0**power or not small:
        build.refuse(layer, f"has a cell of scale {cell.scale:g}", "Export it with the TFLite converter, in full int8.")
    scale: list[int] = []
    for i, j in zip(WEIGHTS, RECURRENT, strict=True):
        for tensor, given in ((x, build.tensor(layer, i)), (state, build.tensor(layer, j))):
            scale += multiplier(float(np.float32(tensor.scale) * np.float32(given.scale)) * 2.0**12)
    scale += [*multiplier(2.0**-15), *multiplier(2.0**-30 / cell.scale), *multiplier(2.0**-30 / state.scale)]
    sums = [v.sum(axis=1, dtype=np.int64) for v in (weight, recurrent)]
    return LstmS8(
        weight=weight,
        recurrent=recurrent,
        bias=(bias.astype(np.int64) - x.zero * sums[0]).astype(np.int32),
        recurrent_bias=(-state.zero * sums[1]).astype(np.int32),
        scale=np.array(scale, np.int32),
        cell_power=power,
        clip=min(int(clip / cell.scale), 32767),
        y_zero=state.zero,
        carried=carried,
    )


def rnn(kind: str) -> Any:
    """UNIDIRECTIONAL_SEQUENCE_RNN and RNN; `kind` is the table of their options."""

    def convert(build: Builder, layer: Layer) -> None:
        given = options(layer, kind)
        number = given.FusedActivationFunction() if given is not None else NO_ACTIVATION
        if number not in (TANH, RELU):
            build.refuse(layer, f"has the activation number {number}", "Use TANH or RELU there.")
        if is_int8(build, layer):
            build.refuse(layer, "is quantized", "TensorFlow Lite has no int8 form of it: export it in float32.")
        node, carried = _sequence(build, layer, kind == "SequenceRNNOptions" and given.TimeMajor())
        arrays = _floats(build, layer, *(build.constant(layer, i) for i in (1, 2, 3)))
        n = arrays[2].size
        if arrays[0].ndim != 2 or len(arrays[0]) != n or arrays[1].shape != (n, n):
            build.refuse(layer, f"has weights {arrays[0].shape} for {n} units", "Export the model again.")
        build.put(layer, Rnn(*arrays, rectified=number == RELU, carried=carried), (node,), "rnn")

    return convert


def svdf(build: Builder, layer: Layer) -> None:
    """SVDF: one sample at a time; inputs are the sample, filters over it and over time, bias, and the memory."""
    given, feature, time = options(layer, "SVDFOptions"), build.constant(layer, 1), build.constant(layer, 2)
    rank = given.Rank() if given is not None else 0
    filters = len(feature)
    broken = feature.ndim != 2 or time.ndim != 2 or len(time) != filters or rank < 1 or filters % max(rank, 1)
    if broken or time.size > MOST_MEMORY or not time.size:
        build.refuse(layer, f"has filters {feature.shape} and {time.shape}", "Export the model again; it is broken.")
    node, _ = _sequence(build, layer, False)
    units = filters // rank
    bias = build.constant(layer, 3).ravel() if build.has(layer, 3) else np.zeros(units, np.float32)
    if bias.size != units or build.shape_at(node) != (1, feature.shape[1]):
        build.refuse(layer, f"has {bias.size} biases for {units} units", "Give it one sample at a time.")
    if not is_int8(build, layer):
        number = activation(build, layer, given)
        op = Svdf(*_floats(build, layer, feature, time, bias), carried=True)
        activated(build, layer, op, (node,), "svdf", number)
        return
    build.put(layer, _svdf_s8(build, layer, feature, time, bias), (node,), "svdf")


def _svdf_s8(build: Builder, layer: Layer, feature: Array, time: Array, bias: Array) -> Op:
    x, y, state = build.tensor(layer, 0), build.output(layer), build.tensor(layer, 4)
    whole = bias.dtype == np.int32 or not build.has(layer, 3)
    if time.dtype != np.int16 or feature.dtype != np.int8 or state.dtype != "int16" or not whole:
        seen = f"has {feature.dtype} and {time.dtype} filters and remembers {state.dtype}"
        build.refuse(layer, seen, "Export it in full int8: int8 and int16 filters, an int16 memory.")
    _symmetric(build, layer, (1, 2))
    scales = [np.float32(build.tensor(layer, i).scale) for i in (1, 2)]
    first = multiplier(float(np.float32(x.scale) * scales[0] / np.float32(state.scale)))
    second = multiplier(float(np.float32(state.scale) * scales[1] / np.float32(y.scale)))
    return SvdfS8(
        feature=feature,
        time=time,
        bias=bias.astype(np.int32),
        scale=np.array([*first, *second], np.int32),
        x_zero=x.zero,
        y_zero=y.zero,
        carried=True,
    )
