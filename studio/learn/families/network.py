"""Training of the small 1-D network in torch. The only file that knows torch; it gives plain arrays back.

One thread and a seed for every epoch: the same data and seed give the same weights, bit for bit, whatever else the
process draws in between. Batch normalization is folded into the convolutions before anything leaves this file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.stream import Floats
from studio.learn.families.layout import Block
from studio.learn.metrics import macro_f1
from studio.learn.split import Ints
from studio.progress import Progress, Work


@dataclass(frozen=True, eq=False)
class Weights:
    """Convolutions as (weight (c_out, taps, c), bias (c_out,)) and the dense layer (n_classes, c), (n_classes,)."""

    convolutions: tuple[tuple[Floats, Floats], ...]
    dense: tuple[Floats, Floats]


@dataclass(frozen=True)
class Course:
    """How to learn. `augment` is the strength of the disturbances, 0 for none."""

    epochs: int
    batch: int
    rate: float
    dropout: float
    augment: float
    patience: int


@dataclass(frozen=True, eq=False)
class Lessons:
    """Standardized windows x (n, length, n_channels), classes y, weight per class, and what is held out to judge by."""

    x: Floats
    y: Ints
    weight: npt.NDArray[np.float64]
    held_x: Floats
    held_y: Ints


def train(lessons: Lessons, blocks: tuple[Block, ...], course: Course, seed: int) -> Work[Weights]:
    """Yield loss and score on the held-out windows after each epoch; the weights of the best epoch are the result.

    Without held-out windows every epoch is run and the last one counts.
    """
    import torch

    with _quiet(torch, seed):
        net = _Net(torch, lessons.x.shape[2], len(lessons.weight), blocks, course.dropout)
        task = _Task(torch, net, lessons, course, seed)
    best, kept, since = (-1.0, 0.0), net.state(), 0
    for epoch in range(course.epochs):
        with _quiet(torch, seed * 10_007 + epoch + 1):
            loss = task.epoch(epoch)
            found = task.judge()
        since += 1
        if found is None or found > best:
            best, kept, since = found or best, net.state(), 0
        data = {"epoch": epoch + 1, "loss": loss, "validation": None if found is None else found[0]}
        score = "" if found is None else f", validation {found[0]:.3f}"
        yield Progress(epoch + 1, course.epochs, f"epoch {epoch + 1}: loss {loss:.3f}{score}", data)
        if since > course.patience:
            break
    net.load(kept)
    return net.weights()


@contextmanager
def _quiet(torch: Any, seed: int) -> Iterator[None]:
    """One thread and a random state of our own, and both as they were afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed % 2**63)
            yield
    finally:
        torch.set_num_threads(threads)


class _Net:
    """The network: its layers, one pass forward, and its weights as arrays."""

    def __init__(self, torch: Any, channels: int, n_classes: int, blocks: tuple[Block, ...], dropout: float) -> None:
        nn = torch.nn
        self.torch, self.blocks = torch, blocks
        widths = [channels, *(b.c_out for b in blocks)]
        pairs = list(zip(widths, blocks, strict=False))
        self.convolutions = [nn.Conv1d(c, b.c_out, b.taps, stride=b.stride, bias=False) for c, b in pairs]
        self.norms = [nn.BatchNorm1d(b.c_out) for b in blocks]
        self.dropout, self.dense = nn.Dropout(dropout), nn.Linear(widths[-1], n_classes)
        self.all = nn.ModuleList([*self.convolutions, *self.norms, self.dropout, self.dense])

    def __call__(self, x: Any) -> Any:
        """Logits (n, n_classes) of x (n, n_channels, length)."""
        f = self.torch.nn.functional
        for block, convolution, norm in zip(self.blocks, self.convolutions, self.norms, strict=True):
            x = f.relu(norm(convolution(f.pad(x, (block.pad_before, block.pad_after)))))
            x = f.max_pool1d(x, block.pool) if block.pool > 1 else x
        return self.dense(self.dropout(x.mean(dim=2)))

    def state(self) -> dict[str, Any]:
        """A copy of everything learned so far."""
        return {name: value.clone() for name, value in self.all.state_dict().items()}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to a copy."""
        self.all.load_state_dict(state)

    def weights(self) -> Weights:
        """Arrays with batch normalization folded in, computed in double."""
        pairs = tuple(_folded(c, n) for c, n in zip(self.convolutions, self.norms, strict=True))
        return Weights(pairs, (_array(self.dense.weight), _array(self.dense.bias)))


def _array(value: Any) -> Floats:
    return np.ascontiguousarray(value.detach().numpy(), np.float32)


def _folded(convolution: Any, norm: Any) -> tuple[Floats, Floats]:
    """Weight (c_out, taps, c) and bias (c_out,) of a convolution followed by batch normalization."""
    values = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    gamma, beta, mean, variance = (v.detach().numpy().astype(np.float64) for v in values)
    gain = gamma / np.sqrt(variance + norm.eps)
    weight = convolution.weight.detach().numpy().astype(np.float64) * gain[:, None, None]
    return np.ascontiguousarray(weight.transpose(0, 2, 1), np.float32), (beta - mean * gain).astype(np.float32)


class _Task:
    """One network, its data and its optimizer."""

    def __init__(self, torch: Any, net: _Net, lessons: Lessons, course: Course, seed: int) -> None:
        self.torch, self.net, self.course = torch, net, course
        self.x, self.held_x = (torch.from_numpy(v).permute(0, 2, 1).contiguous() for v in (lessons.x, lessons.held_x))
        self.y, self.held_y = torch.from_numpy(lessons.y), lessons.held_y
        weight = torch.tensor(lessons.weight, dtype=torch.float32)
        self.loss = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=0.05)
        self.optimizer = torch.optim.AdamW(net.all.parameters(), lr=course.rate, weight_decay=1e-2)
        steps = course.epochs * self.n_batches
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, course.rate, total_steps=steps, pct_start=0.2
        )
        self.rng = np.random.default_rng([seed, 1])

    @property
    def n_batches(self) -> int:
        """Batches in one epoch; what is left over waits for the next epoch, so that no batch is tiny."""
        return max(1, len(self.y) // self.course.batch)

    def epoch(self, number: int) -> float:
        """Once through the data in a new order; the mean loss."""
        self.net.all.train()
        order = self.torch.from_numpy(self.rng.permutation(len(self.y)))
        total = 0.0
        for i in range(self.n_batches):
            at = order[i * self.course.batch : (i + 1) * self.course.batch]
            self.optimizer.zero_grad()
            loss = self.loss(self.net(disturbed(self.torch, self.x[at], self.course.augment)), self.y[at])
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            total += float(loss.detach())
        return total / self.n_batches

    def judge(self) -> tuple[float, float] | None:
        """(macro-F1, minus the loss) on what is held out; None when nothing is."""
        if not len(self.held_y):
            return None
        self.net.all.eval()
        with self.torch.no_grad():
            parts = [self.net(x) for x in self.held_x.split(1024)]
        logits = self.torch.cat(parts)
        loss = float(self.loss(logits, self.torch.from_numpy(self.held_y)))
        names = [str(i) for i in range(logits.shape[1])]
        return macro_f1(self.held_y, logits.numpy(), names), -loss


def disturbed(torch: Any, x: Any, strength: float) -> Any:
    """Windows (n, n_channels, length) a little louder or softer, a little earlier or later, with a little noise.

    The shift repeats the edge sample, at most a tenth of the window; noise is a fiftieth of a standard deviation.
    """
    if strength == 0:
        return x
    n, channels, length = x.shape
    gain = 1 + 0.1 * strength * torch.randn(n, 1, 1)
    most = max(1, round(0.1 * strength * length))
    shift = torch.randint(-most, most + 1, (n, 1))
    at = (torch.arange(length)[None, :] + shift).clamp(0, length - 1)
    moved = x.gather(2, at[:, None, :].expand(n, channels, length))
    return moved * gain + 0.02 * strength * torch.randn_like(x)
