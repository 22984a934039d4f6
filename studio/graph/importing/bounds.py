"""Fused activations of TensorFlow Lite: bounds of an int8 layer, a node behind a float one."""

from typing import Any

import numpy as np

from studio.graph.importing.build import Builder, Layer, Tensor
from studio.graph.op import Op
from studio.graph.ops import pointwise, vector

NO_ACTIVATION, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
BOUNDS: dict[int, tuple[float, float]] = {RELU: (0.0, np.inf), RELU_N1_TO_1: (-1.0, 1.0), RELU6: (0.0, 6.0)}


def activation(build: Builder, layer: Layer, given: Any) -> int:
    """The fused activation's number; GraphError for those that no kernel fuses."""
    number = given.FusedActivationFunction() if given is not None else NO_ACTIVATION
    if number not in (NO_ACTIVATION, *BOUNDS):
        build.refuse(layer, f"has the fused activation number {number}", "Use no activation, RELU or RELU6 there.")
    return int(number)


def bounds(y: Tensor, number: int) -> dict[str, int]:
    """{"low", "high"} in int8 of a fused activation."""
    low, high = BOUNDS.get(number, (-np.inf, np.inf))
    return {
        "low": -128 if np.isinf(low) else min(max(-128, _quantized(low, y)), 127),
        "high": 127 if np.isinf(high) else max(min(127, _quantized(high, y)), -128),
    }


def _quantized(value: float, y: Tensor) -> int:
    steps = np.float32(value) / np.float32(y.scale)
    return y.zero + int(np.trunc(steps + np.copysign(np.float32(0.5), steps)))


def activated(build: Builder, layer: Layer, op: Op, inputs: tuple[int, ...], name: str, number: int) -> None:
    """A float layer, and its fused activation as a node of its own."""
    if number == NO_ACTIVATION:
        build.put(layer, op, inputs, name)
        return
    made = build.add(op, inputs, name)
    build.put(layer, vector.Relu() if number == RELU else pointwise.Clip(*BOUNDS[number]), (made,), "relu")
