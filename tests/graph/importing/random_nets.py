"""Random int8 networks as TensorFlow Lite files, drawn by hypothesis."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from studio.graph.op import Shape
from tests.graph.importing.write_tflite import File

SCALES = st.floats(0.003, 0.5).map(np.float32)
ZEROS = st.integers(-128, 127)
SAME, VALID = 0, 1


class Net:
    """A file that grows by layers; `x` is the tensor that the next one reads."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.file = draw, File()
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.shape: Shape = (
            draw(st.integers(1, 9)),
            draw(st.integers(1, 9)),
            draw(st.sampled_from([1, 2, 3, 4, 5, 8])),
        )
        self.x = self.input = self.tensor(self.shape)

    def tensor(self, shape: Shape, like: int | None = None) -> int:
        given = self.file.tensors[like][2:4] if like is not None else (self.draw(SCALES), self.draw(ZEROS))
        return self.file.tensor((1, *shape), "int8", *given)

    def scale(self, i: int) -> float:
        return float(self.file.tensors[i][2][0])

    def weights(self, shape: Shape, n: int, axis: int, per_channel: bool) -> tuple[int, int]:
        """Weights and bias, in scales that let sums fill the output's range."""
        values = self.rng.integers(-127, 128, shape, dtype=np.int8)
        scales = self.rng.uniform(0.0005, 0.01, n if per_channel else 1).astype(np.float32)
        zeros = np.zeros(len(scales), np.int64)
        w = self.file.tensor(shape, "int8", scales, zeros, axis, values)
        bias = self.rng.integers(-3000, 3000, n, dtype=np.int32)
        return w, self.file.tensor((n,), "int32", scales * np.float32(self.scale(self.x)), zeros, 0, bias)

    def slide(self, taps: tuple[int, int]) -> dict[str, int] | None:
        """Padding, strides and dilation for a kernel, and the shape they give; None where it does not fit."""
        padding, strides = self.draw(st.sampled_from([SAME, VALID])), [self.draw(st.integers(1, 3)) for _ in "hw"]
        dilation = [self.draw(st.sampled_from([1, 1, 1, 2])) for _ in "hw"] if max(strides) == 1 else [1, 1]
        size = [(k - 1) * d + 1 for k, d in zip(taps, dilation, strict=True)]
        if padding == VALID and any(s > n for s, n in zip(size, self.shape[:2], strict=True)):
            return None
        out = [
            -(-n // s) if padding == SAME else (n - k) // s + 1
            for n, s, k in zip(self.shape[:2], strides, size, strict=True)
        ]
        self.out = (out[0], out[1])
        return {
            "Padding": padding,
            "StrideH": strides[0],
            "StrideW": strides[1],
            "DilationHFactor": dilation[0],
            "DilationWFactor": dilation[1],
            "FusedActivationFunction": self.draw(st.sampled_from([0, 0, 1, 3])),
        }

    def become(self, y: int, shape: Shape) -> None:
        self.x, self.shape = y, shape

    def conv(self) -> None:
        kh, kw, n = (self.draw(st.integers(1, m)) for m in (4, 4, 9))
        options = self.slide((kh, kw))
        if options is None:
            return
        w, b = self.weights((n, kh, kw, self.shape[2]), n, 0, True)
        y = self.tensor((*self.out, n))
        self.file.layer("CONV_2D", [self.x, w, b], [y], "Conv2DOptions", **options)
        self.become(y, (*self.out, n))

    def depthwise(self) -> None:
        kh, kw, times = (
            self.draw(st.integers(1, 4)),
            self.draw(st.integers(1, 4)),
            self.draw(st.sampled_from([1, 1, 2])),
        )
        options = self.slide((kh, kw))
        if options is None:
            return
        n = self.shape[2] * times
        w, b = self.weights((1, kh, kw, n), n, 3, True)
        y = self.tensor((*self.out, n))
        options["DepthMultiplier"] = times
        self.file.layer("DEPTHWISE_CONV_2D", [self.x, w, b], [y], "DepthwiseConv2DOptions", **options)
        self.become(y, (*self.out, n))

    def pool(self) -> None:
        kind = self.draw(st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
        kh, kw = self.draw(st.integers(1, 3)), self.draw(st.integers(1, 3))
        options = self.slide((kh, kw))
        if options is None or options["DilationHFactor"] * options["DilationWFactor"] > 1:
            return
        del options["DilationHFactor"], options["DilationWFactor"]
        y = self.tensor((*self.out, self.shape[2]), like=self.x)
        self.file.layer(kind, [self.x], [y], "Pool2DOptions", FilterHeight=kh, FilterWidth=kw, **options)
        self.become(y, (*self.out, self.shape[2]))

    def add(self) -> None:
        """With a maximum of itself, so that two different tensors meet."""
        other = self.tensor(self.shape, like=self.x)
        self.file.layer("MAX_POOL_2D", [self.x], [other], "Pool2DOptions", FilterHeight=2, FilterWidth=2, StrideH=1,
                        StrideW=1, Padding=SAME)  # fmt: skip
        kind, table = self.draw(st.sampled_from([("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")]))
        y = self.tensor(self.shape)
        self.file.layer(kind, [self.x, other], [y], table, FusedActivationFunction=self.draw(st.sampled_from([0, 1])))
        self.become(y, self.shape)

    def transposed(self) -> None:
        kh, kw, n = (self.draw(st.integers(1, m)) for m in (4, 4, 5))
        strides, padding = [self.draw(st.integers(1, 3)) for _ in "hw"], self.draw(st.sampled_from([SAME, VALID]))
        if padding == SAME and (kh < strides[0] or kw < strides[1]):
            return  # the reference leaves gaps there that it does not define
        sizes = [m * s if padding == SAME else (m - 1) * s + k
                 for m, s, k in zip(self.shape[:2], strides, (kh, kw), strict=True)]  # fmt: skip
        w, b = self.weights((n, kh, kw, self.shape[2]), n, 0, True)
        shape = self.file.tensor((4,), "int32", data=np.array([1, *sizes, n], np.int32))
        y = self.tensor((*sizes, n))
        self.file.layer("TRANSPOSE_CONV", [shape, w, self.x, b], [y], "TransposeConvOptions", Padding=padding,
                        StrideH=strides[0], StrideW=strides[1])  # fmt: skip
        self.become(y, (*sizes, n))

    def constant(self) -> None:
        """A sum with one number, or one per channel, on either side."""
        n = self.draw(st.sampled_from([1, self.shape[2]]))
        values = self.rng.integers(-128, 128, n, dtype=np.int8)
        other = self.file.tensor((n,), "int8", self.draw(SCALES), self.draw(ZEROS), 0, values)
        kind, table = self.draw(st.sampled_from([("ADD", "AddOptions"), ("SUB", "SubOptions")]))
        y, both = self.tensor(self.shape), [self.x, other]
        self.file.layer(kind, both[:: self.draw(st.sampled_from([1, -1]))], [y], table)
        self.become(y, self.shape)

    def extreme(self) -> None:
        """With a constant of its own scale, or with a maximum of itself."""
        other = self.tensor(self.shape, like=self.x)
        if self.draw(st.booleans()):
            given = self.file.tensors[self.x][2:4]
            other = self.file.tensor((1,), "int8", *given, 0, self.rng.integers(-128, 128, 1, dtype=np.int8))
        else:
            self.file.layer("MAX_POOL_2D", [self.x], [other], "Pool2DOptions", FilterHeight=3, FilterWidth=1,
                            StrideH=1, StrideW=1, Padding=SAME)  # fmt: skip
        y = self.tensor(self.shape, like=self.x)
        self.file.layer(self.draw(st.sampled_from(["MAXIMUM", "MINIMUM"])), [self.x, other], [y])
        self.become(y, self.shape)

    def pad(self) -> None:
        widths = self.rng.integers(0, 3, (4, 2)).astype(np.int32)
        widths[0] = 0
        w = self.file.tensor((4, 2), "int32", data=widths)
        shape = tuple(int(n + a + b) for n, (a, b) in zip(self.shape, widths[1:], strict=True))
        y = self.tensor(shape, like=self.x)
        self.file.layer("PAD", [self.x, w], [y])
        self.become(y, shape)

    def function(self) -> None:
        y = self.tensor(self.shape)
        self.file.layer(self.draw(st.sampled_from(["RELU", "RELU6", "QUANTIZE"])), [self.x], [y])
        self.become(y, self.shape)

    def mean(self) -> None:
        axes = self.file.tensor((2,), "int32", data=np.array([1, 2], np.int32))
        y = self.tensor((1, 1, self.shape[2]))
        self.file.layer("MEAN", [self.x, axes], [y], "ReducerOptions", KeepDims=True)
        self.become(y, (1, 1, self.shape[2]))

    def join(self) -> None:
        y, other = self.tensor((*self.shape[:2], 2 * self.shape[2]), like=self.x), self.tensor(self.shape, like=self.x)
        self.file.layer("MAX_POOL_2D", [self.x], [other], "Pool2DOptions", FilterHeight=1, FilterWidth=3, StrideH=1,
                        StrideW=1, Padding=SAME)  # fmt: skip
        self.file.layer("CONCATENATION", [other, self.x], [y], "ConcatenationOptions", Axis=3)
        self.become(y, (*self.shape[:2], 2 * self.shape[2]))

    def end(self) -> bytes:
        """A dense layer and a softmax."""
        n_in, n = int(np.prod(self.shape)), self.draw(st.integers(1, 7))
        w, b = self.weights((n, n_in), n, 0, False)
        y, soft = self.tensor((n,)), self.file.tensor((1, n), "int8", 1 / 256, -128)
        self.file.layer("FULLY_CONNECTED", [self.x, w, b], [y], "FullyConnectedOptions", FusedActivationFunction=0)
        self.file.layer("SOFTMAX", [y], [soft], "SoftmaxOptions", Beta=1.0)
        return self.file.bytes([self.input], [soft])


STEPS = ("conv", "depthwise", "pool", "add", "pad", "function", "mean", "join", "transposed", "constant", "extreme")


@st.composite
def nets(draw: st.DrawFn) -> bytes:
    """One to five layers, then a dense one and a softmax."""
    net: Any = Net(draw)
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=5)):
        if np.prod(net.shape) <= 3000:
            getattr(net, step)()
    return net.end()
