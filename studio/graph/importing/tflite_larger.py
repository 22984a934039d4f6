"""Operators of TensorFlow Lite that make maps larger, or remember: transposed convolution, LSTM."""

from typing import Any

import numpy as np

from studio.graph.importing.bounds import activated, activation, bounds
from studio.graph.importing.build import Builder, Layer, cube, is_int8
from studio.graph.importing.options import options
from studio.graph.importing.weights import plain, scaled
from studio.graph.int8_layers import multiplier
from studio.graph.op import Array, Op
from studio.graph.ops.lstm_s8 import LstmS8
from studio.graph.ops.recurrent import Lstm
from studio.graph.ops.transposed import TransposedConv2d, TransposedConv2dS8

TANH = 4
#: Inputs of an LSTM: for the gates input, forget, cell, output.
WEIGHTS, RECURRENT, BIASES = (1, 2, 3, 4), (5, 6, 7, 8), (12, 13, 14, 15)
STATE, CELL = 18, 19
EXTRAS = {"peepholes": (9, 10, 11), "a projection": (16, 17), "layer normalization": (20, 21, 22, 23)}


def transposed(build: Builder, layer: Layer) -> None:
    """TRANSPOSE_CONV: inputs are the output's shape, weights (c_out, kh, kw, c), the map, and perhaps a bias."""
    given, weight = options(layer, "TransposeConvOptions"), build.constant(layer, 1)
    turned = Layer(layer.kind, layer.place, (layer.inputs[2], layer.inputs[1], *layer.inputs[3:]), layer.outputs)
    node, to = cube(build, turned, build.node(turned)), build.output(layer).item
    if given is None or weight.ndim != 4 or len(to) != 3 or min(given.StrideH(), given.StrideW()) < 1:
        build.refuse(layer, f"has weights {weight.shape} and gives {to}", "Export the model again; it is broken.")
    steps = (given.StrideH(), given.StrideW())
    pads = [
        max((n - 1) * step + k - out, 0) // 2
        for n, step, k, out in zip(build.shape_at(node)[:2], steps, weight.shape[1:3], to[:2], strict=True)
    ]
    names = ("h_out", "w_out", "stride_h", "stride_w", "pad_top", "pad_left")
    sizes: dict[str, Any] = dict(zip(names, (*to[:2], *steps, *pads), strict=True))
    number = activation(build, layer, given)
    if not is_int8(build, turned):
        op = TransposedConv2d(**sizes, **plain(build, turned, weight, len(weight)))
        activated(build, turned, op, (node,), "transposed", number)
        return
    x, y = build.tensor(turned, 0), build.output(layer)
    small: dict[str, Any] = {**scaled(build, turned, weight, 0), "x_zero": x.zero, "y_zero": y.zero}
    small |= bounds(y, number)
    small["bias"] = (small["bias"] + x.zero * weight.sum(axis=(1, 2, 3), dtype=np.int64)).astype(np.int32)
    build.put(turned, TransposedConv2dS8(**sizes, **small), (node,), "transposed")


def lstm(build: Builder, layer: Layer) -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM, its memory empty when a window begins."""
    given: Any = options(layer, "UnidirectionalSequenceLSTMOptions")
    for what, inputs in EXTRAS.items():
        if any(build.has(layer, i) for i in inputs):
            build.refuse(layer, f"has {what}", "Build the LSTM without.")
    if given is None or given.FusedActivationFunction() != TANH or given.ProjClip() > 0 or given.TimeMajor():
        build.refuse(layer, "is no plain LSTM", "Use tanh, no bound for the projection, and the batch in front.")
    if not all(build.has(layer, i) for i in (*WEIGHTS, *RECURRENT, *BIASES)):
        build.refuse(layer, "leaves out a gate", "Build the LSTM with all four gates.")
    node = build.node(layer)
    n, c = (1, *build.shape_at(node))[-2:]
    weight, recurrent, bias = (
        np.concatenate([build.constant(layer, i) for i in rows]) for rows in (WEIGHTS, RECURRENT, BIASES)
    )
    if weight.ndim != 2 or recurrent.shape != (len(weight), len(weight) // 4) or len(bias) != len(weight):
        build.refuse(layer, f"has weights {weight.shape} and {recurrent.shape}", "Export the model again.")
    op = (_small if is_int8(build, layer) else _real)(build, layer, weight, recurrent, bias, float(given.CellClip()))
    build.put(layer, op, (build.shaped(node, (n, c)),), "lstm")


def _real(build: Builder, layer: Layer, weight: Array, recurrent: Array, bias: Array, clip: float) -> Op:
    return Lstm(weight.astype(np.float32), recurrent.astype(np.float32), bias.astype(np.float32), clip)


def _small(build: Builder, layer: Layer, weight: Array, recurrent: Array, bias: Array, clip: float) -> Op:
    """Scales as TensorFlow Lite Micro prepares them: gates have 12 fractional bits, their curves 15."""
    x, state, cell = build.tensor(layer, 0), build.tensor(layer, STATE), build.tensor(layer, CELL)
    power = round(float(np.log2(cell.scale)))
    if cell.scale != 2.0**power or weight.dtype != np.int8 or recurrent.dtype != np.int8:
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
    )
