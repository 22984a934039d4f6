"""A network as a list of layers: what torch learns, what the graph holds, and what both agree on.

Every layer works on a plane (h, w, c), time first; a network over time alone has w = 1 and becomes layers over one
axis in the graph. A layer reads the one before it unless it says otherwise, so networks may branch and join.
"""

from dataclasses import dataclass, field
from itertools import count

import numpy as np

from studio.data.stream import Floats
from studio.graph.graph import Node
from studio.graph.op import Op
from studio.graph.ops.conv import Conv1d, DepthwiseConv1d, GlobalAverage, MaxPool1d
from studio.graph.ops.plane import Conv2d, DepthwiseConv2d, MaxPool2d
from studio.graph.ops.pointwise import Add, Reshape
from studio.graph.ops.vector import Dense, Relu, Softmax

Plane = tuple[int, int, int]
Two = tuple[int, int]
INPUT = -1


@dataclass(frozen=True)
class Layer:
    """`kind` is conv, deep (depthwise), pool or add; `sources` are the layers it reads; `pad` is before, after."""

    kind: str
    sources: tuple[int, ...]
    shape: Plane
    taps: Two = (1, 1)
    stride: Two = (1, 1)
    dilation: int = 1
    pad_h: Two = (0, 0)
    pad_w: Two = (0, 0)
    relu: bool = False


@dataclass
class Stack:
    """Layers while they are piled up; each call adds one and returns its number."""

    input: Plane
    layers: list[Layer] = field(default_factory=list)

    def shape(self, at: int) -> Plane:
        """(h, w, c) that layer `at` gives."""
        return self.input if at == INPUT else self.layers[at].shape

    @property
    def last(self) -> int:
        """The layer on top, or the input."""
        return len(self.layers) - 1

    def conv(
        self, c_out: int, taps: Two, stride: Two = (1, 1), dilation: int = 1, relu: bool = True,
        source: int | None = None, causal: bool = False, whole: bool = False,
    ) -> int:  # fmt: skip
        """A convolution; `whole` is without padding, `causal` pads before the first row only."""
        return self._slide("conv", c_out, taps, stride, dilation, relu, source, causal, whole)

    def deep(self, taps: Two, stride: Two = (1, 1), dilation: int = 1, source: int | None = None) -> int:
        """Each channel convolved with a kernel of its own."""
        c = self.shape(self.last if source is None else source)[2]
        return self._slide("deep", c, taps, stride, dilation, True, source, False, False)

    def _slide(
        self, kind: str, c_out: int, taps: Two, stride: Two, dilation: int, relu: bool, source: int | None,
        causal: bool, whole: bool,
    ) -> int:  # fmt: skip
        at = self.last if source is None else source
        h, w, _ = self.shape(at)
        taps = (min(taps[0], h), min(taps[1], w)) if whole else (taps[0], taps[1] if w > 1 else 1)
        stride = (stride[0], stride[1] if w > 1 else 1)
        h_out, pad_h = _same(h, taps[0], stride[0], dilation, causal, whole)
        w_out, pad_w = _same(w, taps[1], stride[1], 1 if w == 1 else dilation, False, whole)
        self.layers.append(Layer(kind, (at,), (h_out, w_out, c_out), taps, stride, dilation, pad_h, pad_w, relu))
        return self.last

    def pool(self, size: Two) -> int:
        """The greatest of neighbours; nothing where nothing is left to pool."""
        h, w, c = self.shape(self.last)
        ph, pw = min(size[0], h), min(size[1], w)
        if ph * pw > 1:
            self.layers.append(Layer("pool", (self.last,), (h // ph, w // pw, c), (ph, pw), (ph, pw)))
        return self.last

    def add(self, a: int, b: int) -> int:
        """The sum of two layers of one shape, rectified."""
        self.layers.append(Layer("add", (a, b), self.shape(a), relu=True))
        return self.last


def _same(n: int, taps: int, stride: int, dilation: int, causal: bool, whole: bool) -> tuple[int, Two]:
    """How many outputs, and the padding that makes them ceil(n / stride), or none for `whole`."""
    reach = (taps - 1) * dilation + 1
    if whole:
        return (n - reach) // stride + 1, (0, 0)
    n_out = -(-n // stride)
    missing = max(0, (n_out - 1) * stride + reach - n)
    return n_out, ((missing, 0) if causal else (missing // 2, missing - missing // 2))


@dataclass(frozen=True, eq=False)
class Weights:
    """(weight, bias) of each conv (c_out, kh, kw, c) and deep (kh, kw, c) in turn; the dense layer (n_classes, c)."""

    convolutions: tuple[tuple[Floats, Floats], ...]
    dense: tuple[Floats, Floats]


def random_weights(layers: tuple[Layer, ...], given: Plane, n_classes: int) -> Weights:
    """Weights of the right shapes: for drafts."""
    rng, found = np.random.default_rng(0), []
    for layer in layers:
        c = (given if layer.sources[0] == INPUT else layers[layer.sources[0]].shape)[2]
        size = (*layer.taps, c) if layer.kind == "deep" else (layer.shape[2], *layer.taps, c)
        if layer.kind in ("conv", "deep"):
            weight = rng.normal(0, 1 / np.sqrt(layer.taps[0] * layer.taps[1] * c), size).astype(np.float32)
            found.append((weight, np.zeros(layer.shape[2], np.float32)))
    c = layers[-1].shape[2]
    dense = rng.normal(0, 1, (n_classes, c)).astype(np.float32)
    return Weights(tuple(found), (dense, np.zeros(n_classes, np.float32)))


def nodes_of(front: tuple[Node, ...], given: Plane, layers: tuple[Layer, ...], weights: Weights) -> tuple[Node, ...]:
    """The graph's nodes: those of the front, the layers, the mean, one dense layer, and the scores."""
    nodes, at = list(front), {INPUT: len(front) - 1}
    learned, flat = iter(weights.convolutions), given[1] == 1

    def add(op: Op, inputs: tuple[int, ...], name: str) -> int:
        nodes.append(Node(op, inputs, name))
        return len(nodes) - 1

    if not flat:
        at[INPUT] = add(Reshape(given), (at[INPUT],), "plane")
    numbers = {kind: count(1) for kind in NAMES}
    for i, layer in enumerate(layers):
        name = f"{NAMES[layer.kind]}_{next(numbers[layer.kind])}"
        op = _op(layer, flat, next(learned) if layer.kind in ("conv", "deep") else None)
        at[i] = add(op, tuple(at[s] for s in layer.sources), name)
        if layer.relu:
            at[i] = add(Relu(), (at[i],), f"{name}_relu")
    h, w, c = layers[-1].shape
    last = at[len(layers) - 1]
    if not flat:
        last = add(Reshape((h * w, c)), (last,), "places")
    last = add(GlobalAverage(), (last,), "features")
    last = add(Dense(*weights.dense), (last,), "logits")
    add(Softmax(), (last,), "scores")
    return tuple(nodes)


NAMES = {"conv": "convolution", "deep": "depthwise", "pool": "pool", "add": "sum"}


def _op(layer: Layer, flat: bool, learned: tuple[Floats, Floats] | None) -> Op:
    """The op of one layer, over one axis when `flat`."""
    if layer.kind == "add":
        return Add()
    if layer.kind == "pool":
        (ph, pw), pool = layer.taps, MaxPool2d
        return MaxPool1d(ph, ph) if flat else pool(stride_h=ph, stride_w=pw, kh=ph, kw=pw)
    assert learned is not None
    weight, bias = learned
    if flat:
        one, axis = (Conv1d, 2) if layer.kind == "conv" else (DepthwiseConv1d, 1)
        return one(np.ascontiguousarray(weight.squeeze(axis)), bias, layer.stride[0], *layer.pad_h, layer.dilation)
    two = Conv2d if layer.kind == "conv" else DepthwiseConv2d
    (top, bottom), (left, right) = layer.pad_h, layer.pad_w
    return two(
        weight=weight, bias=bias, stride_h=layer.stride[0], stride_w=layer.stride[1], dilation_h=layer.dilation,
        dilation_w=layer.dilation, pad_top=top, pad_bottom=bottom, pad_left=left, pad_right=right,
    )  # fmt: skip
