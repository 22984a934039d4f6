"""A network as a list of layers: what torch learns, what the graph holds, and what both agree on.

Every layer works on a plane (h, w, c), time first; a network over time alone has w = 1 and becomes layers over one
axis in the graph. A layer reads the one before it unless it says otherwise, so networks may branch and join.
"""

from dataclasses import dataclass, field
from math import prod

import numpy as np

from studio.data.stream import Floats

Plane = tuple[int, int, int]
Two = tuple[int, int]
INPUT = -1


@dataclass(frozen=True)
class Layer:
    """`sources` are the layers it reads; `pad` is before, after.

    `kind` is conv, deep (depthwise), pool, add; part (of the channels, from `first` on), fold (pitch into the
    channels), level (the mean over pitch), spread (the same at every pitch); rnn, gru, lstm; attention; end (the
    last step).
    """

    kind: str
    sources: tuple[int, ...]
    shape: Plane
    taps: Two = (1, 1)
    stride: Two = (1, 1)
    dilation: int = 1
    pad_h: Two = (0, 0)
    pad_w: Two = (0, 0)
    relu: bool = False
    last: bool = False  # what it ends with, and not every step
    first: int = 0
    heads: int = 1


#: Blocks of rows in a recurrent layer's weights.
GATES = {"rnn": 1, "gru": 3, "lstm": 4}


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

    def deep(self, taps: Two, stride: Two = (1, 1), dilation: int = 1, relu: bool = True) -> int:
        """Each channel convolved with a kernel of its own."""
        c = self.shape(self.last)[2]
        return self._slide("deep", c, taps, stride, dilation, relu, None, False, False)

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

    def add(self, a: int, b: int, relu: bool = True) -> int:
        """The sum of two layers of one shape, rectified."""
        self.layers.append(Layer("add", (a, b), self.shape(a), relu=relu))
        return self.last

    def part(self, first: int, n: int) -> int:
        """`n` channels of the input, from `first` on."""
        h, w, _ = self.input
        self.layers.append(Layer("part", (INPUT,), (h, w, n), first=first))
        return self.last

    def fold(self) -> int:
        """(h, w, c) as a sequence of h rows of w * c values; nothing where it is one already."""
        h, w, c = self.shape(self.last)
        if w > 1:
            self.layers.append(Layer("fold", (self.last,), (h, 1, w * c)))
        return self.last

    def level(self) -> int:
        """The mean over pitch: (h, 1, c)."""
        h, w, c = self.shape(self.last)
        self.layers.append(Layer("level", (self.last,), (h, 1, c), taps=(1, w)))
        return self.last

    def spread(self, w: int) -> int:
        """A row (h, 1, c) at each of w pitches."""
        h, _, c = self.shape(self.last)
        self.layers.append(Layer("spread", (self.last,), (h, w, c)))
        return self.last

    def recurrent(self, kind: str, units: int, last: bool) -> int:
        """A layer with a memory over a sequence; with `last` only what it knows at the end."""
        h = self.shape(self.last)[0]
        self.layers.append(Layer(kind, (self.last,), (1 if last else h, 1, units), last=last))
        return self.last

    def end(self) -> int:
        """The last step of a sequence."""
        self.layers.append(Layer("end", (self.last,), (1, 1, self.shape(self.last)[2]), last=True))
        return self.last

    def attention(self, queries: int, keys: int, values: int, heads: int) -> int:
        """Each step as a mixture of all steps' values, weighed by how its query suits their keys."""
        self.layers.append(Layer("attention", (queries, keys, values), self.shape(values), heads=heads))
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
    """What was learned: the arrays of each layer by its number, and those of the dense layer (n_classes, c).

    (weight (c_out, kh, kw, c), bias) of a conv, (weight (kh, kw, c), bias) of a deep one; (weight, recurrent, bias,
    recurrent bias) of a recurrent one, as in torch.
    """

    layers: dict[int, tuple[Floats, ...]]
    dense: tuple[Floats, Floats]


def random_weights(layers: tuple[Layer, ...], given: Plane, n_classes: int) -> Weights:
    """Weights of the right shapes: for drafts."""
    rng, found = np.random.default_rng(0), {}
    for i, layer in enumerate(layers):
        c = (given if layer.sources[0] == INPUT else layers[layer.sources[0]].shape)[2]
        sizes = _sizes(layer, c)
        if sizes:
            found[i] = tuple(rng.normal(0, prod(s[1:]) ** -0.5, s).astype(np.float32) for s in sizes)
    c = layers[-1].shape[2]
    dense = rng.normal(0, 1, (n_classes, c)).astype(np.float32)
    return Weights(found, (dense, np.zeros(n_classes, np.float32)))


def _sizes(layer: Layer, c: int) -> tuple[tuple[int, ...], ...]:
    """Shapes of what a layer on `c` channels learns."""
    units = layer.shape[2]
    if layer.kind in ("conv", "deep"):
        return ((*layer.taps, c) if layer.kind == "deep" else (units, *layer.taps, c), (units,))
    rows = GATES.get(layer.kind, 0) * units
    return ((rows, c), (rows, units), (rows,), (rows,)) if rows else ()
