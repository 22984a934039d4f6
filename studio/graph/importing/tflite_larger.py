"""Operators of TensorFlow Lite that make maps larger: transposed convolution."""

from typing import Any

import numpy as np

from studio.graph.importing.bounds import activated, activation, bounds
from studio.graph.importing.build import Builder, Layer, cube, is_int8
from studio.graph.importing.options import options
from studio.graph.importing.weights import plain, scaled
from studio.graph.ops.transposed import TransposedConv2d, TransposedConv2dS8


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
