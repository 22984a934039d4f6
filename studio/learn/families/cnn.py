"""Small 1-D convolutional networks on the samples themselves, in int8: for patterns that statistics do not catch."""

from dataclasses import dataclass
from typing import ClassVar

from studio.learn.dataset import Dataset
from studio.learn.families.layers import INPUT, Stack
from studio.learn.families.layout import layout
from studio.learn.families.net import Network
from studio.params import param

WIDTHS = (4, 6, 8, 12, 16, 24, 32, 48)


@dataclass(frozen=True)
class Cnn(Network):
    """Convolutions with pools between them, the mean over time, one dense layer."""

    name: ClassVar[str] = "cnn"

    width: int = param(
        16, "Filters of the first layer; later layers have twice as many.", low=2, high=128, search=WIDTHS
    )
    depth: int = param(3, "Convolutions.", low=1, high=6, search=(2, 3, 4, 5))
    taps: int = param(5, "Samples that one filter sees.", unit="samples", low=3, high=15, search=(3, 5, 7, 9))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """As `layout` says for windows of this length."""
        for block in layout(data.length, self.width, self.depth, self.taps):
            stack.conv(block.c_out, (block.taps, 1), (block.stride, 1))
            stack.pool((block.pool, 1))

    @classmethod
    def guesses(cls) -> tuple["Cnn", ...]:
        """Sizes from middling to small to large."""
        return (cls(), cls(width=6), cls(width=24), cls(width=12, depth=4), cls(width=8, depth=2))


@dataclass(frozen=True)
class ResNet(Network):
    """Residual blocks over time (Wang et al. 2017, ResNet-1D): deeper, for longer windows and more data."""

    name: ClassVar[str] = "resnet"

    width: int = param(
        12, "Filters of the first block; each block has half as many more.", low=2, high=128, search=WIDTHS
    )
    depth: int = param(3, "Blocks of two convolutions.", low=1, high=5, search=(2, 3, 4))
    taps: int = param(5, "Samples that one filter sees.", unit="samples", low=3, high=15, search=(3, 5, 7, 9))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """A first layer that strides where the window is long, then blocks that each halve the time."""
        first = layout(data.length, self.width, self.depth, self.taps)[0]
        stack.conv(self.width, (first.taps, 1), (max(first.stride, 2 if data.length >= 64 else 1), 1))
        for i in range(self.depth):
            residual(stack, round(self.width * (1 + 0.5 * i)), (self.taps, 1), (2 if i else 1, 1))

    @classmethod
    def guesses(cls) -> tuple["ResNet", ...]:
        """Middling, then small."""
        return (cls(), cls(width=6, depth=2), cls(width=24))


@dataclass(frozen=True)
class Tcn(Network):
    """Causal convolutions, each looking twice as far back (Bai et al. 2018): for what unfolds over the whole window."""

    name: ClassVar[str] = "tcn"

    width: int = param(16, "Filters of every layer.", low=2, high=128, search=WIDTHS)
    depth: int = param(4, "Layers; each doubles how far back is seen.", low=1, high=8, search=(3, 4, 5, 6))
    taps: int = param(3, "Samples that one filter sees.", unit="samples", low=2, high=9, search=(3, 5))
    read: str = param(
        "mean", "What is judged: the mean of all steps, or what is seen at the end.", choices=("last", "mean")
    )

    def pile(self, stack: Stack, data: Dataset) -> None:
        """A first layer that makes time coarser, then dilated layers with a way around each."""
        first, last = layout(data.length, self.width, 3, self.taps)[0], self.read == "last"
        stride = max(first.stride, 2 if data.length >= 64 else 1)
        stack.conv(self.width, (max(first.taps, 5), 1), (stride, 1), causal=last)
        for i in range(self.depth):
            before = stack.last
            stack.conv(self.width, (self.taps, 1), dilation=2**i, relu=False, causal=True)
            stack.add(stack.last, before)
        if last:
            stack.end()

    @classmethod
    def guesses(cls) -> tuple["Tcn", ...]:
        """Middling, then small."""
        return (cls(), cls(width=8), cls(width=32, depth=5))


@dataclass(frozen=True)
class Separable(Network):
    """Depthwise and pointwise convolutions in turn (Howard et al. 2017): many filters for few bytes."""

    name: ClassVar[str] = "separable"

    width: int = param(24, "Filters.", low=2, high=128, search=(8, 12, 16, 24, 32, 48))
    depth: int = param(3, "Blocks.", low=1, high=6, search=(2, 3, 4, 5))
    taps: int = param(5, "Samples that one filter sees.", unit="samples", low=3, high=15, search=(3, 5, 7, 9))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """One whole convolution, then the blocks, with pools as `layout` has them."""
        for i, block in enumerate(layout(data.length, self.width, self.depth + 1, self.taps)):
            if i:
                stack.deep((block.taps, 1))
            stack.conv(self.width, (block.taps if i == 0 else 1, 1), (block.stride, 1))
            stack.pool((block.pool, 1))

    @classmethod
    def guesses(cls) -> tuple["Separable", ...]:
        """Middling, then small."""
        return (cls(), cls(width=12, depth=2), cls(width=48))


def residual(stack: Stack, width: int, taps: tuple[int, int], stride: tuple[int, int]) -> None:
    """Two convolutions and a way around them; the way has a convolution of its own where the shape changes."""
    before = stack.last
    stack.conv(width, taps, stride)
    body = stack.conv(width, taps, relu=False)
    around = before
    if before == INPUT or stack.shape(before) != stack.shape(body):
        around = stack.conv(width, (1, 1), stride, relu=False, source=before)
    stack.add(body, around)
