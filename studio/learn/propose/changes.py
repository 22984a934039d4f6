"""Stretches between the moments at which a recording changes its ways: kernel change point detection by `ruptures`.

Each step of the stream is described by where it is and how much it moves, per channel, standardised; a change point
is where the distribution of these changes (KernelCPD with a Gaussian kernel: Arlot, Celisse, Harchaoui, A kernel
multiple change-point algorithm via model selection, JMLR 2019). The time of that grows with the square of the length,
so a long recording is read in blocks that overlap, and what lies near a block's end is left to the next.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels
from studio.data.stream import Floats
from studio.learn.propose.energy import Energy
from studio.learn.propose.frames import Reals, Source, frame_hz, frames, n_frames
from studio.learn.propose.proposer import Curve, Ints, labelled
from studio.params import check, param
from studio.progress import Progress, Work

#: Steps that are looked at together, and how many of them two blocks share.
BLOCK, SHARED = 1200, 200
#: How lively a stretch must be: what `tune` tries.
LIVELY = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
#: A description of more channels than this says little more and takes long.
MOST_CHANNELS = 12


@dataclass(frozen=True)
class Changes:
    """The calm or lively stretches between change points."""

    name: ClassVar[str] = "changes"
    title: ClassVar[str] = "Change points"
    live: ClassVar[tuple[str, ...]] = ("least", "join", "shortest_s", "longest_s")

    penalty: float = param(
        1.0,
        "What one more change point must be worth: higher finds fewer.",
        low=0.1,
        high=1000.0,
        search=(1.0, 2.0, 4.0),
    )
    step_s: float = param(0.125, "Changes are looked for at this step.", unit="s", low=0.02, high=60.0)
    least: float = param(
        0.5, "A stretch must be this lively, 0 quiet to 1 loud; 0 takes all.", low=0.0, high=1.0, search=LIVELY
    )
    join: bool = param(True, "Lively stretches side by side become one.", search=(False, True))
    shortest_s: float = param(
        0.6, "Shorter stretches are left out.", unit="s", low=0.0, high=600.0, search=(0.3, 0.6, 1.0)
    )
    longest_s: float = param(3600.0, "Longer stretches are left out.", unit="s", low=0.1, high=86400.0)
    adapt_s: float = param(60.0, "Rest may change this fast.", unit="s", low=2.0, high=3600.0)

    def __post_init__(self) -> None:
        check(self)

    def measure(self, recording: Source, stream: str) -> Work[Curve]:
        """The energy curve, and the change points as its cuts."""
        curve = yield from Energy(smooth_s=0.0, adapt_s=self.adapt_s).measure(recording, stream)
        described, step = yield from _described(recording, stream, self.step_s)
        cuts = yield from _cuts(described, self.penalty)
        return Curve(curve.rate_hz, curve.level, (cuts * step).astype(np.int64))

    def pick(self, curve: Curve) -> Labels:
        """The stretches between two cuts that are lively, long and short enough."""
        edges = np.unique(np.concatenate([[0], curve.cuts, [len(curve.level)]])).astype(np.int64)
        rows = np.stack([edges[:-1], edges[1:]], axis=1)
        lively = (_means(curve.level, rows) >= self.least) | (self.least == 0)
        rows = rows[lively & _complete(curve.level, rows)]
        if self.join and len(rows):
            rows = _joined(rows)
        seconds = (rows[:, 1] - rows[:, 0]) / curve.rate_hz
        rows = rows[(seconds >= self.shortest_s) & (seconds <= self.longest_s)]
        return labelled(rows, curve, max(self.least, 0.5))


def _joined(rows: Ints) -> Ints:
    """Rows that meet made one."""
    first = np.flatnonzero(np.append(True, rows[1:, 0] > rows[:-1, 1]))
    return np.stack([rows[first, 0], rows[np.append(first[1:], len(rows)) - 1, 1]], axis=1)


def _means(level: Floats, rows: Ints) -> Reals:
    total = np.append(0.0, np.cumsum(np.nan_to_num(level.astype(np.float64))))
    found: Reals = (total[rows[:, 1]] - total[rows[:, 0]]) / np.maximum(rows[:, 1] - rows[:, 0], 1)
    return found


def _complete(level: Floats, rows: Ints) -> npt.NDArray[np.bool_]:
    lost = np.append(0, np.cumsum(~np.isfinite(level)))
    found: npt.NDArray[np.bool_] = lost[rows[:, 1]] == lost[rows[:, 0]]
    return found


def _described(recording: Source, stream: str, step_s: float) -> Work[tuple[Reals, int]]:
    """(n_steps, n_features) standardised: mean and log spread of each channel; and frames per step."""
    found = recording.stream(stream)
    step = max(1, round(step_s * frame_hz(found)))
    n, parts, many = n_frames(recording, stream), [], 1000 * step
    channels = np.linspace(0, len(found.channels) - 1, min(len(found.channels), MOST_CHANNELS)).astype(int)
    for start in range(0, n, many):
        yield Progress(start, n, "describing")
        block = frames(recording, stream, start, min(start + many, n))
        mean, square = (_per_step(v[:, channels], step) for v in (block.mean, block.square))
        parts.append(np.concatenate([mean, np.sqrt(np.maximum(square - mean**2, 0.0))], axis=1))
    x = np.nan_to_num(np.concatenate(parts)) if parts else np.zeros((0, 2))
    half = x.shape[1] // 2
    x[:, half:] = np.log(x[:, half:] + 0.02 * np.maximum(x[:, half:].mean(axis=0), 1e-9))
    spread = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0), step


def _per_step(values: Reals, step: int) -> Reals:
    cut: Reals = values[: len(values) // step * step].reshape(-1, step, values.shape[1])
    mean: Reals = cut.mean(axis=1)
    return mean


def _cuts(x: Reals, penalty: float) -> Work[Ints]:
    """Change points of the described steps, block by block."""
    import ruptures

    found: list[int] = []
    for start in range(0, max(len(x) - SHARED, 1), BLOCK - SHARED):
        yield Progress(start, len(x), "looking for changes")
        block = x[start : start + BLOCK]
        if len(block) < 4:
            break
        last = start + BLOCK >= len(x)
        cuts = ruptures.KernelCPD(kernel="rbf", min_size=2).fit(block).predict(pen=penalty)[:-1]
        low, high = (0 if start == 0 else SHARED // 2), (len(block) if last else BLOCK - SHARED // 2)
        found.extend(start + int(c) for c in cuts if low <= c < high)
    return np.array(found, np.int64)
