"""Training of networks in torch. Only this file, `modules` and `augment` know torch; it gives plain arrays back.

One thread and a seed for every epoch: the same data and seed give the same weights, bit for bit, whatever else the
process draws in between. Where torch finds a CUDA device it is used; there the sums may be ordered otherwise.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.stream import Floats
from studio.learn.families.augment import Disturbance, disturbed, dropped, mixed, turned
from studio.learn.families.layers import Layer, Plane, Weights
from studio.learn.families.losses import LOSSES, OF_TASK, optimizer
from studio.learn.families.modules import Net
from studio.learn.meaning import tasks
from studio.learn.metrics import macro_f1
from studio.learn.split import Ints
from studio.progress import Progress, Work

#: Longest gradient of a network with a memory.
STEEPEST = 1.0


@dataclass(frozen=True)
class Course:
    """How to learn."""

    epochs: int
    batch: int
    rate: float
    dropout: float
    patience: int
    disturbance: Disturbance = field(default_factory=Disturbance)
    loss: str = "cross_entropy"
    optimizer: str = "adamw"


@dataclass(frozen=True, eq=False)
class Lessons:
    """Planes x (n, h, w, c), classes y (n,), weight per class, and what is held out to judge by.

    Where the `task` is not classes, y are values (n, n_outputs) and there is a weight per output.

    `mean` and `std` (w * c) are those of the windows that are learned from; `heard` says that x are logarithms of
    spectra.
    """

    x: Floats
    y: Ints | Floats
    weight: npt.NDArray[np.float64]
    held_x: Floats
    held_y: Ints | Floats
    mean: Floats
    std: Floats
    heard: bool = False
    task: str = tasks.CLASSES

    @property
    def plane(self) -> Plane:
        """(h, w, c) of one window."""
        _, h, w, c = self.x.shape
        return h, w, c


def train(lessons: Lessons, layers: tuple[Layer, ...], course: Course, seed: int) -> Work[Weights]:
    """Yield loss and score on the held-out windows after each epoch; the weights of the best epoch are the result.

    Without held-out windows every epoch is run and the last one counts.
    """
    import torch

    with quiet(torch, seed):
        net = Net(torch, lessons.plane, len(lessons.weight), layers, course.dropout)
        task = _Task(torch, net, lessons, course, seed)
    best, kept, since = (-1.0, 0.0), net.state(), 0
    for epoch in range(course.epochs):
        with quiet(torch, seed * 10_007 + epoch + 1):
            loss = task.epoch()
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
def quiet(torch: Any, seed: int) -> Iterator[None]:
    """One thread and a random state of our own, and both as they were afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed % 2**63)
            yield
    finally:
        torch.set_num_threads(threads)


class _Task:
    """One network, its data and its optimizer."""

    def __init__(self, torch: Any, net: Net, lessons: Lessons, course: Course, seed: int) -> None:
        self.torch, self.net, self.course, self.heard = torch, net, course, lessons.heard
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        net.all.to(self.device)
        _, w, c = lessons.plane
        self.mean, self.std = (self._place(v.reshape(1, 1, w, c)) for v in (lessons.mean, lessons.std))
        self.x, self.held_x = self._place(lessons.x), self._place(lessons.held_x)
        self.y = torch.from_numpy(lessons.y).to(self.device)
        self.held_y, self.task = lessons.held_y, lessons.task
        self.weight = torch.tensor(lessons.weight, dtype=torch.float32, device=self.device)
        self.loss = OF_TASK.get(lessons.task, LOSSES[course.loss])(torch, self.weight)
        self.optimizer = optimizer(torch, course.optimizer, net.all.parameters(), course.rate)
        steps = course.epochs * self.n_batches
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, course.rate, total_steps=steps, pct_start=0.2
        )
        self.rng = np.random.default_rng([seed, 1])

    def _place(self, x: Floats) -> Any:
        """(n, h, w, c) as torch likes it: (n, c, h, w), on the device."""
        return self.torch.from_numpy(np.ascontiguousarray(x)).permute(0, 3, 1, 2).contiguous().to(self.device)

    @property
    def n_batches(self) -> int:
        """Batches in one epoch; what is left over waits for the next epoch, so that no batch is tiny."""
        return max(1, len(self.y) // self.course.batch)

    def epoch(self) -> float:
        """Once through the data in a new order; the mean loss."""
        self.net.all.train()
        order = self.torch.from_numpy(self.rng.permutation(len(self.y))).to(self.device)
        total = 0.0
        for i in range(self.n_batches):
            at = order[i * self.course.batch : (i + 1) * self.course.batch]
            x, y = self._batch(at)
            self.optimizer.zero_grad()
            loss = self.loss(self.net(x), y)
            loss.backward()
            if self.net.remembers:
                self.torch.nn.utils.clip_grad_norm_(self.net.all.parameters(), STEEPEST)
            self.optimizer.step()
            self.schedule.step()
            total += float(loss.detach())
        return total / self.n_batches

    def _batch(self, at: Any) -> tuple[Any, Any]:
        """Disturbed, standardized windows, and their classes: numbers, or parts where windows were mixed."""
        d = self.course.disturbance
        x = dropped(self.torch, turned(self.torch, self.x[at], d.turn_deg), d.drop)
        x = (x - self.mean) / self.std
        x = disturbed(self.torch, x, d.strength, self.heard)
        if d.mix == 0:
            return x, self.y[at]
        y = self.y[at]
        one_hot = self.torch.nn.functional.one_hot(y, len(self.weight)).float() if y.ndim == 1 else y
        return mixed(self.torch, x, one_hot, d.mix)

    def judge(self) -> tuple[float, float] | None:
        """(macro-F1 or what the task is worth, minus the loss) on what is held out; None when nothing is."""
        if not len(self.held_y):
            return None
        self.net.all.eval()
        with self.torch.no_grad():
            parts = [self.net((x - self.mean) / self.std) for x in self.held_x.split(256)]
        logits = self.torch.cat(parts)
        loss = float(self.loss(logits, self.torch.from_numpy(self.held_y).to(self.device)))
        return self._worth(logits), -loss

    def _worth(self, logits: Any) -> float:
        if self.task == tasks.CLASSES:
            return macro_f1(self.held_y, logits.cpu().numpy(), [str(i) for i in range(logits.shape[1])])
        said = logits if self.task == tasks.NUMBER else logits.sigmoid()
        truth = np.asarray(self.held_y, np.float32)
        return tasks.worth(self.task, tasks.tally(self.task, truth, said.cpu().numpy()).sum(axis=0))
