"""Windows of a stream, labelled or not, described by the features that models learn on: for maps and for likeness."""

import numpy as np

from studio.data.stream import Floats
from studio.graph.graph import Node
from studio.learn.dataset import Dataset
from studio.learn.families.front import features, run
from studio.learn.propose.frames import Reals, Source
from studio.learn.split import Bools, Ints
from studio.progress import Progress, Work

#: A stretch is looked for at this many places along its own length; shorter ones than this have no features.
SLOTS = 8
#: Frequency bands of the features.
BANDS = 8
#: Windows that go through the kernels together.
AT_ONCE = 512


def grid(n_samples: int, length: int, step: int) -> Ints:
    """Where windows of `length` start, `step` apart."""
    return np.arange(0, max(n_samples - length + 1, 0), step, dtype=np.int64)


def described(recording: Source, stream: str, starts: Ints, length: int, nodes: tuple[Node, ...] = ()) -> Work[Floats]:
    """Features (n, n_features) of the windows that start at `starts`; NaN where samples are missing.

    `nodes` compute them, as `described_by` gave them; without, those that suit the windows themselves.
    """
    found = list[Floats]()
    nodes = nodes or described_by(recording, stream, starts, length)
    for i in range(0, len(starts), AT_ONCE):
        yield Progress(i, len(starts), f"{i} of {len(starts)} windows")
        x, whole = _cut(recording, stream, starts[i : i + AT_ONCE], length)
        y = run(nodes, x).astype(np.float32)
        y[~whole] = np.nan
        found.append(y)
    return np.concatenate(found) if found else np.zeros((0, 1), np.float32)


def described_by(recording: Source, stream: str, starts: Ints, length: int) -> tuple[Node, ...]:
    """The features that suit windows such as the first of these."""
    if not len(starts):
        return ()
    x, whole = _cut(recording, stream, starts[:AT_ONCE], length)
    return features(_bare(x[whole] if whole.any() else x, recording, stream, length), BANDS)


def _cut(recording: Source, stream: str, starts: Ints, length: int) -> tuple[Floats, Bools]:
    """Windows (n, length, n_channels), zero where samples are missing, and whether each is whole."""
    x = np.stack([recording.values(stream, int(a), int(a) + length) for a in starts])
    whole = np.asarray(np.isfinite(x).all(axis=(1, 2)), bool)
    x[~whole] = 0.0
    return x, whole


def standardized(x: Floats) -> Reals:
    """Each feature by the spread of its middle half around its middle, cut off far out: nothing odd rules the rest."""
    whole = x[np.isfinite(x).all(axis=1)].astype(np.float64)
    if not len(whole):
        return np.full(x.shape, np.nan)
    low, middle, high = np.percentile(whole, [25, 50, 75], axis=0)
    spread = np.where(high > low, (high - low) / 1.35, whole.std(axis=0))
    found: Reals = np.clip((x - middle) / np.where(spread > 0, spread, 1.0), -5.0, 5.0)
    return found


def _bare(x: Floats, recording: Source, stream: str, length: int) -> Dataset:
    """Windows as a data set without labels: what the choice of features looks at."""
    n, none = len(x), np.full(len(x), "", dtype="<U1")
    zeros = np.zeros(n, np.int64)
    return Dataset(x, x, zeros, none, none, zeros, none, ("",), recording.stream(stream), length, length)
