"""Made-up anomalies, to tell detectors apart where only what is normal was recorded.

A detector that calls everything normal has no false alarms and is worth nothing; without a single anomaly nothing else
can be measured. So windows that it has not learned from are changed in the ways that machines change (louder, quieter,
faster, noisier, turned), and a detector is as good as it ranks those behind the unchanged ones. The figure serves to
choose; it says nothing about real faults.
"""

import numpy as np

from studio.data.stream import Floats
from studio.graph.graph import Graph
from studio.learn.dataset import Dataset
from studio.learn.quality import ranking

#: Windows of each kind.
MOST = 300
#: Channels that get a hum of their own.
MOST_AXES = 6


def changed(x: Floats, seed: int) -> list[Floats]:
    """The windows (n, length, n_channels), each kind of change in turn."""
    rng = np.random.default_rng([seed, 13])
    mean = x.mean(axis=1, keepdims=True)
    still = x - mean
    size = np.sqrt((still**2).mean(axis=(0, 1), keepdims=True))
    noise = rng.normal(0, 0.3, x.shape).astype(np.float32) * size
    kinds = [mean + 1.2 * still, mean + 0.8 * still, x + noise, paced(x, 1.15), x + size * knocks(x.shape, rng)]
    for axis in range(min(x.shape[2], MOST_AXES)):
        one = (np.arange(x.shape[2]) == axis).astype(np.float32)
        kinds.append(x + one * size * hum(x.shape, rng))
    if x.shape[2] > 1:
        kinds.append(mean + np.roll(still, 1, axis=2))
    return [np.ascontiguousarray(k, np.float32) for k in kinds]


def hum(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """A tone of half the usual size, anywhere up to half the band: something is out of balance, or rubs."""
    n, length, _ = shape
    turns = rng.uniform(2, max(3, length / 4), (n, 1, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    found: Floats = (0.7 * np.sin(2 * np.pi * turns * np.arange(length)[:, None] / length + phase)).astype(np.float32)
    return found


def knocks(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """One sample in fifty struck, at three times the usual size: a bearing, something loose."""
    struck = rng.random((shape[0], shape[1], 1)) < 0.02
    found: Floats = (3 * struck * rng.choice([-1.0, 1.0], struck.shape)).astype(np.float32)
    return found


def paced(x: Floats, pace: float) -> Floats:
    """The same, `pace` times as fast; the window's end is mirrored to fill it."""
    n = x.shape[1]
    at = np.arange(n) * pace
    at = np.where(at > n - 1, 2 * (n - 1) - at, at)
    low = np.clip(at.astype(int), 0, n - 2)
    part = (at - low)[None, :, None].astype(np.float32)
    found: Floats = x[:, low] * (1 - part) + x[:, low + 1] * part
    return found


def surrogate_score(graph: Graph, held: Dataset, normal: int, seed: int) -> float:
    """Mean area under the ROC curve, over the kinds of change, of "not normal"."""
    few = np.linspace(0, len(held) - 1, min(MOST, len(held))).astype(int)
    x = held.x[few]
    plain = 1 - graph.scores(x)[:, normal]
    areas = []
    for kind in changed(x, seed):
        strange = np.append(plain, 1 - graph.scores(kind)[:, normal])
        truth = np.append(np.zeros(len(x), np.int64), np.ones(len(x), np.int64))
        found = ranking(truth, np.stack([1 - strange, strange], 1).astype(np.float32), ("normal", "anomaly"))
        areas.append(found["per_class"]["anomaly"]["auc"])
    return float(np.mean(areas))
