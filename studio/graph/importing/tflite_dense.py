"""Fully connected layers of TensorFlow Lite, on one vector or on every row of a sequence; means and greatest values."""

from math import prod
from typing import Any

import numpy as np

from studio.graph.importing.bounds import activated, activation, bounds
from studio.graph.importing.build import Builder, Layer, cube, is_int8, same_scale
from studio.graph.importing.options import options
from studio.graph.importing.weights import plain, scaled
from studio.graph.int8_layers import multiplier
from studio.graph.op import Array, Op
from studio.graph.ops import conv, int8, plane, plane_s8, vector


def dense(build: Builder, layer: Layer) -> None:
    """FULLY_CONNECTED."""
    given, weight = options(layer, "FullyConnectedOptions"), build.constant(layer, 1)
    node = build.node(layer)
    if (given is not None and given.WeightsFormat() != 0) or weight.ndim != 2 or not weight.size:
        build.refuse(layer, f"has weights of shape {weight.shape}, shuffled or not flat", "Export it without that.")
    n, rest = divmod(prod(build.shape_at(node)), weight.shape[1])
    if rest or (n != 1 and build.shape_at(node)[-1] != weight.shape[1]):
        seen = f"gets {build.shape_at(node)} for {weight.shape[1]} inputs"
        build.refuse(layer, seen, "Flatten before it; it must see one item at a time.")
    node = build.shaped(node, (weight.shape[1],) if n == 1 else (n, weight.shape[1]))
    number = activation(build, layer, given)
    op = _op(build, layer, weight, n, number)
    if is_int8(build, layer):
        build.put(layer, op, (node,), "dense")
    else:
        activated(build, layer, op, (node,), "dense", number)


def _op(build: Builder, layer: Layer, weight: Array, n: int, number: int) -> Op:
    """Of one vector, or of n rows: that is a convolution of one tap."""
    if not is_int8(build, layer):
        arrays = plain(build, layer, weight, len(weight))
        taps = np.ascontiguousarray(arrays["weight"][:, None])
        return vector.Dense(**arrays) if n == 1 else conv.Conv1d(taps, arrays["bias"])
    x, y = build.tensor(layer, 0), build.output(layer)
    rest: dict[str, Any] = {"y_zero": y.zero, **bounds(y, number)}
    arrays = scaled(build, layer, weight, 0)
    if n == 1:
        return int8.DenseS8(**arrays, **rest)
    return int8.Conv1dS8(**{**arrays, "weight": weight[:, None]}, **rest, x_zero=x.zero)


def _over_all(build: Builder, layer: Layer, what: str) -> int:
    """The input as (h, w, c), when the layer works along time, or along rows and columns."""
    axes, rank = {int(a) for a in build.constant(layer, 1).ravel()}, len(build.tensor(layer, 0).shape)
    if not 3 <= rank <= 4 or {a % rank for a in axes} != set(range(1, rank - 1)):
        build.refuse(layer, f"works along axes {sorted(axes)}", f"{what} over time, or over rows and columns.")
    return cube(build, layer, build.node(layer))


def mean(build: Builder, layer: Layer) -> None:
    """MEAN over all places of each channel."""
    node = _over_all(build, layer, "Average")
    h, w, _ = build.shape_at(node)
    if not is_int8(build, layer):
        build.put(layer, plane.AveragePool2d(kh=h, kw=w), (node,), "mean")
        return
    x, y = build.tensor(layer, 0), build.output(layer)
    m, shift = multiplier(x.scale / y.scale)
    up = min((h * w).bit_length() - 1, 32, 31 + shift)  # the division by h * w, folded into the multiplier
    op = plane_s8.Mean2dS8(x.zero, (m << up) // (h * w), shift - up, y.zero)
    build.put(layer, op, (node,), "mean")


def greatest(build: Builder, layer: Layer) -> None:
    """REDUCE_MAX over all places of each channel."""
    node, quantized = _over_all(build, layer, "Take the greatest"), is_int8(build, layer)
    h, w, _ = build.shape_at(node)
    if quantized:
        same_scale(build, layer)
    kind = plane_s8.MaxPool2dS8 if quantized else plane.MaxPool2d
    build.put(layer, kind(kh=h, kw=w), (node,), "greatest")
