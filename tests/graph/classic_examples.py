"""Examples of the ops behind the classic models: trees on int8, densities, kernels, neighbours."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special, stats
from sklearn.neighbors import LocalOutlierFactor

from studio.graph.op import Array
from studio.graph.ops.forest import Tree
from studio.graph.ops.linear import linear
from studio.graph.ops.points import (
    Gaussians,
    Greatest,
    LogSumExp,
    NeighboursS8,
    OutlierFactorS8,
    RadialS8,
    Select,
)
from studio.graph.ops.tree import pack_sums, pack_votes
from tests.graph.arithmetic import Example


def tree(value: list[list[float]]) -> Tree:
    """x[2] <= 3.5 ? first : x[0] <= -7 ? second : third; rows 1, 3 and 4 are the leaves."""
    return Tree(
        np.array([2, 0, 0, 0, 0]),
        np.array([3.5, 0, -7.0, 0, 0]),
        np.array([1, -1, 3, -1, -1]),
        np.array([2, -1, 4, -1, -1]),
        np.array(value),
    )


def _votes(x: Array) -> Array:
    first = [255, 0, 0, 0, 0] if x[2] <= 3.5 else ([0, 0, 255, 0, 0] if x[0] <= -7 else [0, 64, 0, 0, 191])
    return np.array(first, np.float32) + np.array([0, 0, 0, 0, 255], np.float32)


def _sums(x: Array) -> Array:
    value = 0.25 if x[2] <= 3.5 else (-1.0 if x[0] <= -7 else 0.5)
    return np.array([7.0, 1.0 + value, 2.0 - 2 * value])


def _neighbours(op: Any, x: Array) -> Array:
    squared = ((op.points.astype(int) - x.astype(int)) ** 2).sum(axis=1)
    nearest = np.argsort(squared, kind="stable")[: op.k]
    return np.bincount(op.label[nearest], minlength=op.n_classes).astype(np.float32)


def _wide(x: Array) -> Array:
    """What `tree` finds where its values lie among 40."""
    return x[[39, 0, 33]]


def classic_variants() -> dict[str, Example]:
    """Trees that ask for more values than words of three bytes can."""
    leaf = Tree(np.zeros(1, int), np.zeros(1), np.array([-1]), np.array([-1]), np.array([[0.0, 0.0, 0.0, 0.0, 1.0]]))
    one = [0.0] * 5
    votes = tree([one, [1.0, 0, 0, 0, 0], one, [0, 0, 1.0, 0, 0], [0, 0.25, 0, 0, 0.75]])
    values = tree([[0.0], [0.25], [0.0], [-1.0], [0.5]])
    votes, values = (replace(t, feature=np.array([33, 0, 39, 0, 0])) for t in (votes, values))
    sums = pack_sums([values], np.array([7.0, 1.0]), 1)
    assert pack_votes([votes]).nodes.shape[1] == sums.nodes.shape[1] == 4

    def summed(x: Array) -> Array:
        steps = np.float32(np.rint((_sums(_wide(x))[1] - 1) / sums.scale))
        return np.array([7, np.float32(1) + np.float32(sums.scale) * steps], np.float32)

    return {
        "TreeVotesS8 of four bytes": Example(pack_votes([votes, leaf]), ((40,),), lambda x: _votes(_wide(x)), 0),
        "TreeSumsS8 of four bytes": Example(sums, ((40,),), summed, 0),
    }


def classic_examples() -> dict[str, Example]:
    rng = np.random.default_rng(11)
    one, zero = [0.0] * 5, [0.0, 0.0, 0.0, 0.0, 1.0]
    votes = [one, [1.0, 0, 0, 0, 0], one, [0, 0, 1.0, 0, 0], [0, 0.25, 0, 0, 0.75]]
    leaf = Tree(np.zeros(1, int), np.zeros(1), np.array([-1]), np.array([-1]), np.array([zero]))
    values = [[0.0], [0.25], [0.0], [-1.0], [0.5]]
    twice = tree([[-2 * v] for (v,) in values])
    mean, std = rng.normal(size=(3, 6)), rng.uniform(0.5, 2, (3, 6))
    offset = -np.log(std * np.sqrt(2 * np.pi)).sum(axis=1)
    f32 = np.float32
    gaussians = Gaussians(mean.astype(f32), (0.5 / std**2).astype(f32), offset.astype(f32))
    points = rng.integers(-128, 128, (40, 7), dtype=np.int8)
    points[20:30] = points[:10]  # ties
    neighbours = NeighboursS8(points, rng.integers(0, 4, 40).astype(np.uint8), 4, 6)
    lof = LocalOutlierFactor(5, novelty=True, algorithm="brute").fit(points.astype(float))
    factor = OutlierFactorS8(points, lof._distances_fit_X_[:, -1].astype(f32), lof._lrd.astype(f32), 5)
    index = np.array([4, 0, 0, 2], np.uint16)
    weight, bias = rng.normal(size=(3, 9)), rng.normal(size=3)
    return {
        "TreeVotesS8": Example(pack_votes([tree(votes), leaf]), ((3,),), _votes, 0),
        "TreeSumsS8": Example(
            pack_sums([tree(values), twice], np.array([7.0, 1.0, 2.0]), 2), ((3,),), _sums, 2 * 0.5 / 32767
        ),
        "LinearS8": Example(linear(weight, bias), ((9,),), lambda x: weight @ x.astype(float) + bias, 3e-4),
        "Select": Example(Select(index), ((5,),), lambda x: x[index], 0),
        "Gaussians": Example(gaussians, ((6,),), lambda x: stats.norm.logpdf(x, mean, std).sum(axis=1), 2e-6),
        "Greatest": Example(Greatest(), ((5,),), lambda x: x.max(keepdims=True), 0),
        "LogSumExp": Example(LogSumExp(), ((5,),), lambda x: special.logsumexp(x.astype(float), keepdims=True), 1e-6),
        "RadialS8": Example(
            RadialS8(points, 1e-5),
            ((7,),),
            lambda x: np.exp(-1e-5 * ((points.astype(float) - x) ** 2).sum(axis=1)),
            1e-5,
        ),
        "NeighboursS8": Example(neighbours, ((7,),), lambda x: _neighbours(neighbours, x), 0),
        "OutlierFactorS8": Example(factor, ((7,),), lambda x: -lof.score_samples(x[None].astype(float)), 2e-5),
    }
