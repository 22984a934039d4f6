"""Weights, biases and scales of TensorFlow Lite's layers, as our layers take them."""

from typing import Any

import numpy as np

from studio.graph.importing.build import Builder, Layer
from studio.graph.int8_layers import multiplier
from studio.graph.op import Array
from studio.graph.ops import plane_s8


def scaled(build: Builder, layer: Layer, weight: Array, axis: int) -> dict[str, Any]:
    """Bias with the input's zero point folded in, multipliers and shifts per output; `axis` is that of the outputs."""
    x, w, y = build.tensor(layer, 0), build.tensor(layer, 1), build.output(layer)
    n = weight.shape[axis]
    if len(w.scales) not in (1, n) or np.any(w.zeros != 0) or not np.all(np.isfinite(w.scales)) or w.scales.min() < 0:
        build.refuse(layer, "has weights that are not symmetric", "Quantize weights symmetrically, as TFLite does.")
    scales = np.resize(w.scales, n).astype(np.float64)
    products = np.float32(x.scale) * w.scales if layer.kind == "FULLY_CONNECTED" else x.scale * scales
    pairs = [multiplier(float(p) / y.scale) for p in np.resize(products, n)]  # the reference's own precisions
    others = tuple(a for a in range(weight.ndim) if a != axis)
    bias = build.constant(layer, 2).astype(np.int64).ravel() if build.has(layer, 2) else np.zeros(n, np.int64)
    kind = build.tensor(layer, 2).dtype if build.has(layer, 2) else "int32"
    if len(bias) != n or kind not in ("int32", "int64"):
        build.refuse(
            layer, f"has {len(bias)} biases of {kind} for {n} outputs", "Export the model again; it is broken."
        )
    bias = bias - x.zero * weight.sum(axis=others, dtype=np.int64)
    if np.abs(bias).max(initial=0) >= plane_s8.LARGEST_SUM:
        build.refuse(layer, f"has a bias of {np.abs(bias).max()} steps", "Train it with normalized inputs.")
    return {
        "weight": np.ascontiguousarray(weight),
        "bias": bias.astype(np.int32),
        "multiplier": np.array([m for m, _ in pairs], np.int32),
        "shift": np.array([s for _, s in pairs], np.int8),
    }


def plain(build: Builder, layer: Layer, weight: Array, n: int) -> dict[str, Any]:
    """Weights and bias of a float layer."""
    bias = build.constant(layer, 2).ravel() if build.has(layer, 2) else np.zeros(n)
    if len(bias) != n or weight.dtype not in (np.float32, np.float16):
        build.refuse(layer, f"has {weight.dtype} weights and {len(bias)} biases", "Export it in float32 or full int8.")
    return {"weight": np.ascontiguousarray(weight, np.float32), "bias": bias.astype(np.float32)}
