"""What scores are worth beyond right and wrong: how well they rank, and whether they can be believed as probabilities.

References: Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 2006; Guo et al., On Calibration of
Modern Neural Networks, ICML 2017.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.stream import Floats
from studio.graph.graph import Graph, Node
from studio.graph.op import Op
from studio.graph.ops.int8 import Dequantize
from studio.graph.ops.linear import LinearS8
from studio.graph.ops.points import Gaussians
from studio.graph.ops.vector import Dense, Softmax
from studio.learn.split import Bools, Ints

Doubles = npt.NDArray[np.float64]

#: Bins of confidence for the calibration error, and points that a curve is thinned to.
BINS, POINTS = 15, 60
#: Temperatures that are tried: from four times as sure to eight times as doubtful.
TEMPERATURES = np.exp(np.linspace(np.log(0.25), np.log(8.0), 61))


def ranking(y: Ints, scores: Floats, classes: Sequence[str]) -> dict[str, Any]:
    """Per class, against all others: area under the ROC curve, average precision, and both curves thinned."""
    return ranked(y[:, None] == np.arange(len(classes)), scores, classes)


def ranked(truth: Bools, scores: Floats, names: Sequence[str]) -> dict[str, Any]:
    """The same for outputs of which several may be true at once: truth (n, n_outputs)."""
    found = {}
    for i, name in enumerate(names):
        if truth[:, i].any() and not truth[:, i].all():
            found[name] = _one(truth[:, i], scores[:, i].astype(np.float64))
    areas = [v["auc"] for v in found.values()]
    return {"macro_auc": float(np.mean(areas)) if areas else None, "per_class": found}


def _one(truth: Bools, score: Doubles) -> dict[str, Any]:
    """Equal scores are one step of the curve."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits, n = np.cumsum(truth[order])[last], last + 1
    recall, false = hits / truth.sum(), (n - hits) / (~truth).sum()
    precision = hits / n
    auc = float(np.trapezoid(np.append(0, recall), np.append(0, false)))
    average = float(np.sum(np.diff(np.append(0, recall)) * precision))
    few = np.unique(np.linspace(0, len(last) - 1, min(POINTS, len(last))).astype(int))
    return {
        "auc": auc,
        "average_precision": average,
        "roc": [[0.0, 0.0], *([float(a), float(b)] for a, b in zip(false[few], recall[few], strict=True))],
        "pr": [[float(a), float(b)] for a, b in zip(recall[few], precision[few], strict=True)],
    }


def calibration(y: Ints, scores: Floats) -> dict[str, Any]:
    """Expected calibration error of the greatest score, and per bin [mean confidence, share right, windows]."""
    sure, right = scores.max(axis=1), scores.argmax(axis=1) == y
    bin_of = np.minimum((sure * BINS).astype(int), BINS - 1)
    bins = []
    for b in range(BINS):
        own = bin_of == b
        if own.any():
            bins.append([float(sure[own].mean()), float(right[own].mean()), int(own.sum())])
    error = sum(abs(c - r) * n for c, r, n in bins) / max(1, len(y))
    return {"ece": float(error), "bins": bins}


def temperature(y: Ints, scores: Floats) -> float:
    """What logits must be divided by so that the scores of windows it has not learned from are most likely right."""
    logits = np.log(np.maximum(scores.astype(np.float64), 1e-12))
    losses = [_loss(y, logits / t) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def _loss(y: Ints, logits: Doubles) -> float:
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]))


def tempered(graph: Graph, t: float) -> Graph:
    """The graph with its logits divided by `t`; as it was where its scores are no softmax. Decisions stay the same."""
    last = graph.nodes[-1]
    if not isinstance(last.op, Softmax) or t == 1.0:
        return graph
    (at,) = last.inputs
    op = _cooled(graph.nodes[at].op, t)
    if op is None or sum(at in n.inputs for n in graph.nodes) != 1:
        return graph
    nodes = list(graph.nodes)
    nodes[at] = Node(op, nodes[at].inputs, nodes[at].name)
    return replace(graph, nodes=tuple(nodes))


def _cooled(op: Op, t: float) -> Op | None:
    one = np.float32(1 / t)
    match op:
        case Dequantize():
            return Dequantize(float(np.float32(op.scale) * one), op.zero)
        case LinearS8() | Dense() | Gaussians():
            scaled = {"scale", "bias", "precision", "offset"} | ({"weight"} if isinstance(op, Dense) else set())
            names = scaled & set(op.__dataclass_fields__)
            return replace(op, **{n: (getattr(op, n) * one).astype(np.float32) for n in names})
        case _:
            return None


def by_group(y: Ints, decided: Ints, groups: npt.NDArray[np.str_]) -> dict[str, dict[str, float]]:
    """{group: {"accuracy", "windows"}}, the worst first."""
    found = {}
    for name in np.unique(groups):
        own = groups == name
        found[str(name)] = {"accuracy": float((y[own] == decided[own]).mean()), "windows": int(own.sum())}
    return dict(sorted(found.items(), key=lambda pair: pair[1]["accuracy"]))


def by_segment(y: Ints, scores: Floats, segment: npt.NDArray[np.str_]) -> dict[str, Any]:
    """Whole recordings or segments judged by the mean of their windows' scores: {"accuracy", "n"}."""
    names, of = np.unique(segment, return_inverse=True)
    total = np.zeros((len(names), scores.shape[1]))
    np.add.at(total, of, scores.astype(np.float64))
    truth = np.zeros(len(names), np.int64)
    truth[of] = y
    return {"accuracy": float((total.argmax(axis=1) == truth).mean()), "n": len(names)}
