"""Convolutions that squeeze a window through a narrow layer and build it up again (Masci et al. 2011). In torch."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.data.stream import Floats
from studio.graph.graph import Node
from studio.graph.op import Op
from studio.graph.ops.conv import Conv1d, GlobalAverage
from studio.graph.ops.pointwise import Add, Multiply, Reshape
from studio.graph.ops.transposed import TransposedConv2d
from studio.graph.ops.vector import Concat, Relu
from studio.learn.families.augment import moved
from studio.learn.families.modules import array
from studio.learn.families.network import quiet
from studio.progress import Progress, Work

#: Rows that are left before the narrow layer, and how many of those it takes at a time.
ROWS, LAST = 32, 2
BATCH, RATE = 32, 0.005
#: Spread of what is added to every value, and of the factor of a window, while learning.
NOISE, LOUDER = 0.1, 0.2


@dataclass(frozen=True)
class Squeeze:
    """How rows become fewer and then as many again: two layers down, two up, with these strides."""

    length: int
    channels: int
    width: int
    narrow: int

    @property
    def strides(self) -> tuple[int, int]:
        """Of the first layer and of the narrow one; the way up takes them in turn."""
        return max(1, self.length // ROWS), LAST

    @property
    def lengths(self) -> tuple[int, int]:
        """Rows behind the first layer and behind the narrow one."""
        first = -(-self.length // self.strides[0])
        return first, -(-first // LAST)


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """(weight, bias) of the four layers: down (c_out, taps, c), up (c_out, taps, c)."""

    shape: Squeeze
    down: tuple[tuple[Floats, Floats], ...]
    up: tuple[tuple[Floats, Floats], ...]

    def nodes(self, before: tuple[Node, ...]) -> tuple[Node, ...]:
        """Behind standardized rows: what is given back, and as "features" the mean squared difference of every channel
        and the mean of every unit of the narrow layer."""
        nodes, s = list(before), self.shape

        def add(op: Op, *inputs: int, name: str) -> int:
            nodes.append(Node(op, inputs, name))
            return len(nodes) - 1

        rows = at = len(nodes) - 1
        for i, (layer, stride, n) in enumerate(zip(self.down, s.strides, (s.length, s.lengths[0]), strict=True), 1):
            taps = layer[0].shape[1]
            pad = _missing(n, taps, stride)
            at = add(Conv1d(*layer, stride, pad // 2, pad - pad // 2), at, name=f"down_{i}")
            at = add(Relu(), at, name=f"down_{i}_relu")
        known = add(GlobalAverage(), at, name="narrow")
        at = add(Reshape((s.lengths[1], 1, s.narrow)), at, name="rows")
        for i, (layer, stride, n) in enumerate(zip(self.up, s.strides[::-1], (s.lengths[0], s.length), strict=True), 1):
            sign = np.float32(-1 if i == 2 else 1)  # the last layer gives minus what it gives back: a sum is the rest
            weight = np.ascontiguousarray(sign * layer[0][:, :, None])
            op = TransposedConv2d(weight=weight, bias=sign * layer[1], h_out=n, stride_h=stride, pad_top=stride // 2)
            at = add(op, at, name=f"up_{i}")
            at = add(Relu(), at, name=f"up_{i}_relu") if i == 1 else at
        at = add(Reshape((s.length, s.channels)), at, name="given back")
        at = add(Add(), rows, at, name="difference")
        at = add(Multiply(), at, at, name="squares")
        add(Concat(), add(GlobalAverage(), at, name="errors"), known, name="features")
        return tuple(nodes)


def _missing(n: int, taps: int, stride: int) -> int:
    return max(0, (-(-n // stride) - 1) * stride + taps - n)


def rebuild(x: Floats, width: int, narrow: int, epochs: int, seed: int) -> Work[Rebuilt]:
    """Learn to give standardized windows x (n, length, channels) back; progress after every epoch."""
    import torch

    shape = Squeeze(x.shape[1], x.shape[2], width, narrow)
    with quiet(torch, seed):
        task = _Task(torch, shape, x, epochs, seed)
    for epoch in range(epochs):
        with quiet(torch, seed * 10_007 + epoch + 1):
            error = task.epoch()
        yield Progress(epoch + 1, epochs, f"epoch {epoch + 1}: error {error:.3f}")
    return task.learned()


class _Task:
    """The four layers, the windows and the optimizer."""

    def __init__(self, torch: Any, shape: Squeeze, x: Floats, epochs: int, seed: int) -> None:
        nn, (s1, s2) = torch.nn, shape.strides
        self.torch, self.shape = torch, shape
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.down = nn.ModuleList(
            [nn.Conv1d(shape.channels, shape.width, 2 * s1 + 1, s1), nn.Conv1d(shape.width, shape.narrow, 5, s2)]
        )
        self.up = nn.ModuleList(
            [
                nn.ConvTranspose1d(shape.narrow, shape.width, 2 * s2, s2),
                nn.ConvTranspose1d(shape.width, shape.channels, 2 * s1, s1),
            ]
        )
        self.all = nn.ModuleList([*self.down, *self.up]).to(self.device)
        self.x = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 2, 1))).to(self.device)
        self.n_batches = max(1, len(x) // BATCH)
        self.optimizer = torch.optim.AdamW(self.all.parameters(), lr=RATE)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, RATE, total_steps=epochs * self.n_batches)
        self.rng = np.random.default_rng([seed, 3])

    def epoch(self) -> float:
        """Once through the windows in a new order; the mean squared difference."""
        order, total = self.torch.from_numpy(self.rng.permutation(len(self.x))).to(self.device), 0.0
        for i in range(self.n_batches):
            x = self._varied(self.x[order[i * BATCH : (i + 1) * BATCH]])
            self.optimizer.zero_grad()
            noisy = x + NOISE * self.torch.randn_like(x)
            error = ((self._given_back(noisy) - x) ** 2).mean()
            error.backward()
            self.optimizer.step()
            self.schedule.step()
            total += float(error.detach())
        return total / self.n_batches

    def _varied(self, x: Any) -> Any:
        """A little earlier or later, faster or slower, stronger or weaker: as normal as it was."""
        x = moved(self.torch, x[..., None], 1.0)[..., 0]
        return x * (1 + LOUDER * self.torch.randn(len(x), 1, 1, device=x.device))

    def _given_back(self, x: Any) -> Any:
        f, s = self.torch.nn.functional, self.shape
        for layer, stride, n in zip(self.down, s.strides, (s.length, s.lengths[0]), strict=True):
            pad = _missing(n, layer.kernel_size[0], stride)
            x = f.relu(layer(f.pad(x, (pad // 2, pad - pad // 2))))
        for i, (layer, stride, n) in enumerate(zip(self.up, s.strides[::-1], (s.lengths[0], s.length), strict=True)):
            x = layer(x)[..., stride // 2 : stride // 2 + n]
            x = f.relu(x) if i == 0 else x
        return x

    def learned(self) -> Rebuilt:
        """Plain arrays."""
        down = tuple((array(m.weight.transpose(1, 2)), array(m.bias)) for m in self.down)
        up = tuple((array(m.weight.permute(1, 2, 0)), array(m.bias)) for m in self.up)
        return Rebuilt(self.shape, down, up)
