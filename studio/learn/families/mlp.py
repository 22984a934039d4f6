"""A fully connected network on features, in int8."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from studio.graph.graph import Graph
from studio.graph.op import Array, Op
from studio.graph.ops.pointwise import Clip
from studio.graph.ops.vector import Dense, Relu, Softmax
from studio.graph.passes import quantize
from studio.learn.dataset import Dataset, balance, check_classes
from studio.learn.families.front import Front, band_count, detail_level, extra_features, front, taper_choice
from studio.learn.families.linear import standardized
from studio.params import check, param
from studio.progress import Progress, Work

#: Windows that the ranges of the int8 values are read from.
CALIBRATION = 512
#: Standard deviations beyond which a feature says no more: outliers would cost all others their steps of int8.
FAR = 4.0


@dataclass(frozen=True)
class Mlp:
    """One or two hidden layers of rectified units, then one unit per class."""

    name: ClassVar[str] = "mlp"

    width: int = param(24, "Units of the first hidden layer.", low=2, high=256, search=(8, 12, 16, 24, 32, 48, 64, 96))
    second: int = param(0, "Units of a second hidden layer; 0 for none.", low=0, high=256, search=(0, 8, 16, 32))
    epochs: int = param(40, "Times through the data.", low=1, high=500)
    rate: float = param(
        0.003, "Learning rate.", low=1e-5, high=0.1, search=(0.0006, 0.001, 0.0015, 0.002, 0.003, 0.005)
    )
    decay: float = param(
        0.01, "How much large weights cost.", low=0.0, high=10.0, search=(0.0001, 0.001, 0.01, 0.1, 0.3, 1.0)
    )
    bands: int = band_count()
    detail: int = detail_level()
    extra: str = extra_features()
    taper: str = taper_choice()

    def __post_init__(self) -> None:
        check(self)

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Learn in float through scikit-learn, then quantize with windows that were learned from."""
        check_classes(data, at_least=2)
        yield Progress(0, self.epochs, "features")
        z = _clipped(data, self.bands, self.detail, self.extra, self.taper)
        layers = yield from self.learn(z.x, data, seed)
        return self._quantized(data, z, layers)

    def learn(self, z: Array, data: Dataset, seed: int) -> Work[list[tuple[Array, Array]]]:
        """(weight (n_out, n_in), bias) of each layer."""
        from sklearn.neural_network import MLPClassifier

        net = MLPClassifier(
            self._hidden(), alpha=self.decay, learning_rate_init=self.rate, batch_size=min(64, len(z)),
            random_state=seed,
        )  # fmt: skip
        weight = balance(data.y)[data.y]
        for epoch in range(1, self.epochs + 1):
            net.partial_fit(z, data.y, classes=np.arange(len(data.classes)), sample_weight=weight)
            yield Progress(epoch, self.epochs, f"epoch {epoch}: loss {net.loss_:.3f}")
        layers = list(zip([w.T for w in net.coefs_], net.intercepts_, strict=True))
        return _two_rows(layers) if len(data.classes) == 2 else layers

    def _hidden(self) -> tuple[int, ...]:
        return (self.width, self.second) if self.second else (self.width,)

    def _quantized(self, data: Dataset, z: Front, layers: list[tuple[Array, Array]]) -> Graph:
        few = np.linspace(0, len(data) - 1, min(CALIBRATION, len(data))).astype(int)
        return quantize(_float_graph(data, z, layers), data.x[few])

    def draft(self, data: Dataset) -> Graph | None:
        """The network with random weights: it weighs what the trained one will weigh."""
        few = data.take(np.arange(min(4, len(data))))
        z = _clipped(few, self.bands, self.detail, self.extra, self.taper)
        rng, sizes = np.random.default_rng(0), [z.x.shape[1], *self._hidden(), len(data.classes)]
        layers = [(rng.normal(0, 1 / np.sqrt(n), (m, n)), np.zeros(m)) for n, m in pairwise(sizes)]
        return self._quantized(few, z, layers)

    def final(self) -> "Mlp":
        """Itself."""
        return self

    @classmethod
    def guesses(cls) -> tuple["Mlp", ...]:
        """Sizes from middling to small to large."""
        return (cls(), cls(width=12), cls(width=48), cls(width=32, second=16))


def _clipped(data: Dataset, bands: int, detail: int, extra: str, taper: str) -> Front:
    return standardized(front(data, bands, detail, extra, taper)).then(Clip(-FAR, FAR), "clipped")


def _two_rows(layers: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """For two classes scikit-learn has one output, of the second against the first: half of it speaks for each."""
    weight, bias = layers[-1]
    return [*layers[:-1], (np.concatenate([-weight, weight]) / 2, np.append(-bias, bias) / 2)]


def _float_graph(data: Dataset, z: Front, layers: list[tuple[Array, Array]]) -> Graph:
    ops: list[tuple[Op, str]] = []
    for i, (weight, bias) in enumerate(layers, 1):
        dense: Any = Dense(np.ascontiguousarray(weight, np.float32), np.asarray(bias, np.float32))
        ops += [(dense, f"dense_{i}"), (Relu(), f"relu_{i}")]
    ops[-2:] = [(ops[-2][0], "logits"), (Softmax(), "scores")]
    return z.graph(data, ops)
