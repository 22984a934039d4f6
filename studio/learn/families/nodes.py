"""A learned network as the graph's nodes: each layer as the op that computes it, over one axis or over two."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from studio.data.stream import Floats
from studio.graph.graph import Node
from studio.graph.op import Op
from studio.graph.ops.attention import Attention
from studio.graph.ops.conv import Conv1d, DepthwiseConv1d, GlobalAverage, MaxPool1d
from studio.graph.ops.plane import AveragePool2d, Conv2d, DepthwiseConv2d, MaxPool2d
from studio.graph.ops.pointwise import Add, Pick, Reshape
from studio.graph.ops.recurrent import Gru, Lstm, Rnn
from studio.graph.ops.vector import Dense, Relu, Softmax
from studio.learn.families.layers import INPUT, Layer, Plane, Weights

NAMES = {"conv": "convolution", "deep": "depthwise", "add": "sum", "part": "sensor", "fold": "sequence"}


def nodes_of(
    front: tuple[Node, ...], given: Plane, layers: tuple[Layer, ...], weights: Weights, scored: bool = True
) -> tuple[Node, ...]:
    """The graph's nodes: those of the front, the layers, the mean, one dense layer, and, if `scored`, the scores."""
    body = _Body(list(front), given, layers, weights)
    for i in range(len(layers)):
        body.layer(i)
    h, w, c = layers[-1].shape
    if layers[-1].last:
        body.nodes[-1] = replace(body.nodes[-1], name="features")
    else:
        if not body.flat[len(layers) - 1]:
            body.add(Reshape((h * w, c)), (len(body.nodes) - 1,), "places")
        body.add(GlobalAverage(), (len(body.nodes) - 1,), "features")
    body.add(Dense(*weights.dense), (len(body.nodes) - 1,), "logits")
    if scored:
        body.add(Softmax(), (len(body.nodes) - 1,), "scores")
    return tuple(body.nodes)


class _Body:
    """The nodes while they grow: where each layer's output is, and whether that is a sequence (h, c)."""

    def __init__(self, nodes: list[Node], given: Plane, layers: tuple[Layer, ...], weights: Weights) -> None:
        self.nodes, self.given, self.layers, self.weights = nodes, given, layers, weights
        self.numbers = {layer.kind: count(1) for layer in layers}
        self.at = {INPUT: len(nodes) - 1}
        self.flat = {INPUT: given[1] == 1}
        if not self.flat[INPUT]:
            self.at[INPUT] = self.add(Reshape(given), (self.at[INPUT],), "plane")

    def add(self, op: Op, inputs: tuple[int, ...], name: str) -> int:
        self.nodes.append(Node(op, inputs, name))
        return len(self.nodes) - 1

    def layer(self, i: int) -> None:
        """Layer `i` and, where it is rectified, that."""
        layer = self.layers[i]
        flat = all(self.flat[s] for s in layer.sources)
        self.flat[i] = flat or layer.kind == "fold"
        before = self.given if layer.sources[0] == INPUT else self.layers[layer.sources[0]].shape
        op = OPS[layer.kind](layer, flat, before, self.weights.layers.get(i, ()))
        name = f"{NAMES.get(layer.kind, layer.kind)}_{next(self.numbers[layer.kind])}"
        self.at[i] = self.add(op, tuple(self.at[s] for s in layer.sources), name)
        if layer.relu:
            self.at[i] = self.add(Relu(), (self.at[i],), f"{name}_relu")


Arrays = tuple[Floats, ...]


def _conv(layer: Layer, flat: bool, before: Plane, learned: Arrays) -> Op:
    weight, bias = learned
    whole = layer.kind == "conv"
    if flat:
        one, axis = (Conv1d, 2) if whole else (DepthwiseConv1d, 1)
        return one(np.ascontiguousarray(weight.squeeze(axis)), bias, layer.stride[0], *layer.pad_h, layer.dilation)
    (top, bottom), (left, right) = layer.pad_h, layer.pad_w
    return (Conv2d if whole else DepthwiseConv2d)(
        weight=weight, bias=bias, stride_h=layer.stride[0], stride_w=layer.stride[1], dilation_h=layer.dilation,
        dilation_w=layer.dilation, pad_top=top, pad_bottom=bottom, pad_left=left, pad_right=right,
    )  # fmt: skip


def _pool(layer: Layer, flat: bool, before: Plane, learned: Arrays) -> Op:
    ph, pw = layer.taps
    return MaxPool1d(ph, ph) if flat else MaxPool2d(stride_h=ph, stride_w=pw, kh=ph, kw=pw)


def _recurrent(layer: Layer, flat: bool, before: Plane, learned: Arrays) -> Op:
    weight, recurrent, bias, recurrent_bias = learned
    if layer.kind == "gru":
        return Gru(weight, recurrent, bias, recurrent_bias, last=layer.last)
    return (Lstm if layer.kind == "lstm" else Rnn)(weight, recurrent, bias + recurrent_bias, last=layer.last)


def _part(layer: Layer, flat: bool, before: Plane, learned: Arrays) -> Op:
    h, w, n = layer.shape
    c = before[2]
    to, steps = ((h, n), (c, 1)) if flat else ((h, w, n), (w * c, c, 1))
    return Pick(to, steps, layer.first)


def _level(layer: Layer, flat: bool, before: Plane, learned: Arrays) -> Op:
    w = layer.taps[1]
    return AveragePool2d(stride_h=1, stride_w=w, kh=1, kw=w)


def _end(layer: Layer, flat: bool, before: Plane, learned: Arrays) -> Op:
    h, _, c = before
    return Pick((c,), (1,), (h - 1) * c)


def _spread(layer: Layer, flat: bool, before: Plane, learned: Arrays) -> Op:
    return Pick(layer.shape, (before[2], 0, 1))


def _plain(op: Callable[[Layer], Op]) -> Callable[[Layer, bool, Plane, Arrays], Op]:
    return lambda layer, flat, before, learned: op(layer)


OPS: dict[str, Callable[[Layer, bool, Plane, Arrays], Any]] = {
    "conv": _conv,
    "deep": _conv,
    "pool": _pool,
    "add": _plain(lambda layer: Add()),
    "part": _part,
    "fold": _plain(lambda layer: Reshape((layer.shape[0], layer.shape[2]))),
    "level": _level,
    "spread": _spread,
    "end": _end,
    "rnn": _recurrent,
    "gru": _recurrent,
    "lstm": _recurrent,
    "attention": _plain(lambda layer: Attention(layer.heads)),
}
