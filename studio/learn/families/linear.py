"""Models that weigh every feature once: logistic regression, ridge, linear SVM, naive Bayes. They cost little."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from studio.graph.graph import Graph
from studio.graph.op import Array
from studio.graph.ops.linear import linear
from studio.graph.ops.points import Gaussians
from studio.graph.ops.vector import Softmax, Standardize
from studio.learn.dataset import Dataset, check_classes
from studio.learn.families.front import (
    STEPS,
    Front,
    band_count,
    detail_level,
    extra_features,
    front,
    spread,
    taper_choice,
)
from studio.learn.meaning import tasks
from studio.params import check, param
from studio.progress import Progress, Work

#: Logit of a label that a ridge is sure of.
SURE = 4.0
COSTS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class LogisticRegression:
    """One weight per feature and class, learned together; scores are honest probabilities."""

    name: ClassVar[str] = "logistic"

    cost: float = param(0.05, "How much errors cost against large weights.", low=1e-4, high=100.0, search=COSTS)
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Features through the C kernels, weights through scikit-learn."""
        check_classes(data, at_least=2)
        yield Progress(0, 2, "features")
        grid = spread(front(data, self.bands, self.detail, self.extra, self.taper), data.banded().y)
        yield Progress(1, 2, "learning the weights")
        weight, bias = self.rows(grid, data, seed)
        yield Progress(2, 2, "packing")
        return weighing(data, grid, weight, bias)

    def rows(self, grid: Front, data: Dataset, seed: int) -> tuple[Array, Array]:
        """Weights (n_outputs, n_features) and bias (n_outputs,)."""
        return rows_of(self.model(seed).fit(values(grid.x), data.y), len(data.classes))

    def model(self, seed: int) -> Any:
        """scikit-learn's model."""
        from sklearn.linear_model import LogisticRegression as Model

        return Model(C=self.cost, max_iter=200, tol=1e-3, class_weight="balanced", random_state=seed)

    def draft(self, data: Dataset) -> Graph | None:
        """The graph with weights of 1: it weighs what the trained one will weigh."""
        few = data.take(np.arange(min(4, len(data))))
        grid = spread(front(few, self.bands, self.detail, self.extra, self.taper), few.banded().y)
        shape = (len(tasks.outputs(data)), grid.x.shape[1])
        return weighing(data, grid, np.ones(shape), np.zeros(shape[0]))

    def final(self) -> "LogisticRegression":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["LogisticRegression", ...]:
        """The default, then one that trusts the data more."""
        return (cls(), cls(detail=1), cls(cost=10 * cls().cost))


@dataclass(frozen=True)
class LinearSvm(LogisticRegression):
    """As logistic regression, with the widest margin between a class and the others (Fan et al. 2008)."""

    name: ClassVar[str] = "linear_svm"

    cost: float = param(0.01, "How much errors cost against a wide margin.", low=1e-4, high=100.0, search=COSTS)

    def model(self, seed: int) -> Any:
        """scikit-learn's model."""
        from sklearn.svm import LinearSVC

        return LinearSVC(C=self.cost, class_weight="balanced", random_state=seed)


@dataclass(frozen=True)
class Ridge(LogisticRegression):
    """Least squares with a price on large weights (Hoerl and Kennard 1970): classes, a number, or several labels."""

    name: ClassVar[str] = "ridge"
    tells: ClassVar[tuple[str, ...]] = tasks.TASKS

    cost: float = param(0.05, "How much errors cost against large weights.", low=1e-4, high=100.0, search=COSTS)

    def rows(self, grid: Front, data: Dataset, seed: int) -> tuple[Array, Array]:
        """As for classes, or of what the task asks for."""
        return least_squares(grid, data, self.cost)


@dataclass(frozen=True)
class NaiveBayes:
    """A normal distribution per class and feature, as if features knew nothing of each other."""

    name: ClassVar[str] = "naive_bayes"

    smoothing: float = param(
        0.01,
        "Added to every variance, as a share of the greatest.",
        low=1e-9,
        high=1.0,
        search=(1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.03, 0.1, 0.3),
    )
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Features through the C kernels, means and variances through scikit-learn; every class is as likely."""
        from sklearn.naive_bayes import GaussianNB

        check_classes(data, at_least=2)
        yield Progress(0, 2, "features")
        z = standardized(front(data, self.bands, self.detail, self.extra, self.taper))
        yield Progress(1, 2, "means and variances")
        n = len(data.classes)
        model = GaussianNB(priors=np.full(n, 1 / n), var_smoothing=self.smoothing).fit(z.x, data.y)
        yield Progress(2, 2, "packing")
        log = gaussians(model.theta_, model.var_, np.full(n, 1 / n))
        return z.graph(data, [(log, "logits"), (Softmax(), "scores")])

    def draft(self, data: Dataset) -> Graph | None:
        """The graph with any means: it weighs what the trained one will weigh."""
        few = data.take(np.arange(min(4, len(data))))
        z = standardized(front(few, self.bands, self.detail, self.extra, self.taper))
        ones = np.ones((len(data.classes), z.x.shape[1]))
        return z.graph(data, [(gaussians(ones, ones, ones[:, 0]), "logits"), (Softmax(), "scores")])

    def final(self) -> "NaiveBayes":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["NaiveBayes", ...]:
        """The default."""
        return (cls(),)


def values(grid: Array) -> Array:
    """What steps on the grid of `spread` mean, in standard deviations: what scikit-learn learns from."""
    found: Array = grid.astype(np.float64) / STEPS
    return found


def weighing(data: Dataset, grid: Front, weight: Array, bias: Array) -> Graph:
    """The graph of a linear model whose weights are per standard deviation."""
    ends = [(linear(weight / STEPS, bias), "logits"), (tasks.last_op(data), "scores")]
    return replace(grid.graph(data, ends, tasks.outputs(data)), threshold=tasks.threshold(data.task))


def least_squares(grid: Front, data: Dataset, cost: float) -> tuple[Array, Array]:
    """Weights and bias of a ridge: one row per class, for the number, or for each of several labels.

    A label that is there is learned as 1, one that is not as -1; the logit is SURE times that.
    """
    from sklearn.linear_model import Ridge as Model
    from sklearn.linear_model import RidgeClassifier

    x = values(grid.x)
    if data.task == tasks.CLASSES:
        model = RidgeClassifier(alpha=1 / cost, class_weight="balanced")
        return rows_of(model.fit(x, data.y), len(data.classes))
    y, gain = tasks.lessons(data).astype(np.float64), 1.0
    if data.task == tasks.SEVERAL:
        y, gain = 2 * y - 1, SURE
    found = Model(alpha=1 / cost).fit(x, y)
    return gain * found.coef_.reshape(y.shape[1], -1), gain * np.reshape(found.intercept_, -1)


def rows_of(model: Any, n_classes: int) -> tuple[Array, Array]:
    """Weights (n_classes, n) and bias (n_classes,) of a linear model; a class that no window had never wins.

    For two classes scikit-learn keeps one row, of the second against the first: half of it speaks for each.
    """
    weight, bias = model.coef_, np.broadcast_to(model.intercept_, len(model.coef_))
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.append(-bias, bias) / 2
    rows = np.zeros((n_classes, weight.shape[1]))
    rows[model.classes_] = weight
    start = np.full(n_classes, -1e6)
    start[model.classes_] = bias
    return rows, start


def standardized(before: Front) -> Front:
    """Features with mean 0 and deviation 1; one that never moves stays at 0."""
    mean, std = before.x.mean(axis=0, dtype=np.float64), before.x.std(axis=0, dtype=np.float64)
    still = std <= 1e-6 * np.abs(mean) + 1e-12
    return before.then(Standardize(mean.astype(np.float32), np.where(still, 1, std).astype(np.float32)), "standardized")


def gaussians(mean: Array, variance: Array, weight: Array) -> Gaussians:
    """Log of weight times density, for k normal distributions (k, n) with diagonal covariance."""
    offset = np.log(weight) - 0.5 * np.log(2 * np.pi * variance).sum(axis=1)
    single = [np.ascontiguousarray(v, np.float32) for v in (mean, 0.5 / variance, offset)]
    return Gaussians(*single)
