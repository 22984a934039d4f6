"""Networks on spectrograms in mel bands, in int8: for sound, and for anything else that hums, rattles or speaks."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from studio.data.stream import Floats
from studio.graph.graph import WINDOW, Node
from studio.graph.ops.sound import LogMel, Mel
from studio.learn.dataset import Dataset
from studio.learn.families.cnn import residual
from studio.learn.families.layers import Stack
from studio.learn.families.net import Network
from studio.learn.split import Ints
from studio.params import param

#: Power that counts as silence, as a share of what a band carries on average.
SILENCE = 1e-4
#: Windows that tell how loud the data is; the others are sounded in parts of so many, to bound memory.
FEW, PART = 64, 256
#: Frames of a window when nobody says, and the shortest and longest time between them.
FRAMES, HOPS_MS = 80, (10.0, 50.0)
#: The lowest band begins here; below is wind and handling.
LOWEST_HZ = 50.0


@dataclass(frozen=True)
class Heard(Network):
    """What networks on log-mel spectrograms share."""

    epochs: int = param(40, "Times through the data at most.", low=1, high=1000)
    batch: int = param(32, "Windows per step.", low=4, high=1024)
    mix: float = param(
        0.5, "Share of the steps in which windows are laid over each other.", low=0.0, high=1.0, search=(0.0, 0.5, 1.0)
    )
    least_steps: int = param(1200, "Steps at least: of little data, more times through it.", low=0, high=100_000)
    patience: int = param(15, "Epochs without a better validation before it stops.", low=1, high=1000)
    mels: int = param(32, "Mel bands.", low=4, high=128, search=(20, 32, 40))
    hop_ms: float = param(
        0.0, "Time from one frame to the next; a frame is twice as long. 0: about 80 frames in a window.",
        unit="ms", low=0.0, high=500.0, search=(0.0, 10.0, 16.0, 24.0, 40.0),
    )  # fmt: skip

    def hears(self, data: Dataset) -> bool:
        """Always."""
        return True

    def front(self, data: Dataset, learned: Ints) -> tuple[tuple[Node, ...], Floats]:
        """The spectrogram: (n, n_frames, n_mels, n_channels)."""
        op = self.op(data, learned)
        x = np.concatenate([op.run(data.x[i : i + PART]) for i in range(0, len(data), PART)])
        n, frames, _ = x.shape
        return (Node(op, (WINDOW,), "log_mel"),), x.reshape(n, frames, self.mels, -1)

    def op(self, data: Dataset, learned: Ints) -> LogMel:
        """The log-mel op for this rate and length; windows that are learned from tell what counts as silence."""
        rate = data.stream.rate_hz
        ms = self.hop_ms or float(np.clip(1000 * data.length / rate / FRAMES, *HOPS_MS))
        hop = fitting(max(1, min(round(ms / 1000 * rate), data.length // 4, 2048)), data.stride)
        frame = max(2, min(2 * hop, data.length, 4096))
        n_fft = max(4, 1 << (frame - 1).bit_length())
        low = min(LOWEST_HZ, rate / 50)
        given = (frame, hop, n_fft, self.mels, low, rate / 2, rate)
        few = learned[np.linspace(0, len(learned) - 1, min(FEW, len(learned))).astype(int)]
        power = float(Mel(*given).run(data.x[few]).mean(dtype=np.float64))
        return LogMel(*given, least=float(np.float32(np.clip(SILENCE * power, 1e-30, 1e6))))


def fitting(hop: int, stride: int) -> int:
    """The divisor of `stride` nearest to `hop`: only then does a board keep rows of the spectrogram and no samples.

    `hop` itself where none lies within half of it.
    """
    near = [d for d in range(max(1, hop // 2 + 1), hop * 3 // 2 + 1) if stride % d == 0]
    return min(near, key=lambda d: abs(d - hop), default=hop)


@dataclass(frozen=True)
class SoundCnn(Heard):
    """Convolutions over time and pitch with pools between them."""

    name: ClassVar[str] = "sound_cnn"

    width: int = param(
        12, "Filters of the first layer; later layers have more.", low=2, high=128, search=(4, 6, 8, 12, 16, 24)
    )
    depth: int = param(4, "Convolutions.", low=1, high=6, search=(3, 4, 5))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """The first layer strides; half as many filters more in every layer."""
        stack.conv(self.width, (5, 5), (2, 2))
        for i in range(1, self.depth):
            stack.conv(round(self.width * (1 + i)), (3, 3))
            h, w, _ = stack.shape(stack.last)
            stack.pool((2 if h > 6 else 1, 2 if w > 3 else 1))

    @classmethod
    def guesses(cls) -> tuple["SoundCnn", ...]:
        """Middling, small, large."""
        return (cls(), cls(width=6, depth=3), cls(width=16), cls(width=24, mels=40))


@dataclass(frozen=True)
class SoundSeparable(Heard):
    """Depthwise and pointwise convolutions over time and pitch (Zhang et al. 2017, DS-CNN): few bytes."""

    name: ClassVar[str] = "ds_cnn"

    width: int = param(32, "Filters.", low=4, high=128, search=(16, 24, 32, 48, 64))
    depth: int = param(4, "Blocks.", low=1, high=6, search=(3, 4, 5))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """One whole convolution that strides, then the blocks."""
        stack.conv(self.width, (7, 5), (2, 2))
        for i in range(self.depth):
            stack.deep((3, 3), (2, 2) if i == 1 else (1, 1))
            stack.conv(self.width, (1, 1))

    @classmethod
    def guesses(cls) -> tuple["SoundSeparable", ...]:
        """Middling, small, large."""
        return (cls(), cls(width=16, depth=3), cls(width=64, depth=4))


@dataclass(frozen=True)
class SoundResNet(Heard):
    """Residual blocks over time and pitch (Tang and Lin 2018): deeper, for more data."""

    name: ClassVar[str] = "sound_resnet"

    width: int = param(12, "Filters of the first block.", low=2, high=128, search=(6, 8, 12, 16, 24))
    depth: int = param(3, "Blocks of two convolutions.", low=1, high=4, search=(2, 3, 4))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """A first layer that strides, then blocks that each halve time and pitch."""
        stack.conv(self.width, (5, 5), (2, 2))
        for i in range(self.depth):
            residual(stack, self.width * (1 + i), (3, 3), (2, 2) if i else (1, 1))

    @classmethod
    def guesses(cls) -> tuple["SoundResNet", ...]:
        """Middling, small, large."""
        return (cls(), cls(width=8, depth=2), cls(width=16, depth=4))


@dataclass(frozen=True)
class LeNet(Heard):
    """LeNet-5 on a spectrogram (LeCun et al. 1998): 6 and 16 filters, then layers of 120 and 84 units."""

    name: ClassVar[str] = "lenet"

    units: int = param(120, "Units of the first whole layer.", low=8, high=256, search=(40, 80, 120))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """The classic order; the window is first brought down to about 32 x 32."""
        h, w, _ = stack.input
        stack.conv(6, (5, 5), (max(1, h // 32), max(1, w // 32)))
        stack.pool((2, 2))
        stack.conv(16, (5, 5))
        stack.pool((2, 2))
        h, w, _ = stack.shape(stack.last)
        stack.conv(self.units, (h, w), whole=True)
        stack.conv(round(0.7 * self.units), (1, 1))


@dataclass(frozen=True)
class BcResNet(Heard):
    """Residual blocks in which time is looked at once for all pitches (Kim et al. 2021, BC-ResNet): very few bytes."""

    name: ClassVar[str] = "bc_resnet"

    width: int = param(16, "Filters of the first stage.", low=4, high=64, search=(8, 12, 16, 24, 32))
    depth: int = param(2, "Blocks of each of the three stages.", low=1, high=4, search=(1, 2, 3))

    def pile(self, stack: Stack, data: Dataset) -> None:
        """A first layer that strides, then three stages that see ever longer stretches of time."""
        stack.conv(self.width, (5, 5), (2, 2))
        for i, share in enumerate((1.0, 1.5, 2.0)):
            width = round(self.width * share)
            stack.conv(width, (1, 1))
            stack.deep((1, 3), (1, 2 if stack.shape(stack.last)[1] > 3 else 1))
            for _ in range(self.depth):
                broadcast(stack, width, 2**i)

    @classmethod
    def guesses(cls) -> tuple["BcResNet", ...]:
        """Middling, small, large."""
        return (cls(), cls(width=8), cls(width=24, depth=3))


def broadcast(stack: Stack, width: int, dilation: int) -> None:
    """x + a convolution over pitch + one over time of the mean over pitch, which every pitch is given."""
    before = stack.last
    w = stack.shape(before)[1]
    pitch = stack.deep((1, 3), relu=False)
    stack.level()
    stack.deep((3, 1), dilation=dilation)
    stack.conv(width, (1, 1), relu=False)
    time = stack.spread(w)
    stack.add(stack.add(before, pitch, relu=False), time)
