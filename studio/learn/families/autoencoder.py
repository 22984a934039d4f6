"""An autoencoder as detector: it learns to give back what is normal through a narrow layer, and fails at the rest."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from studio.graph.graph import Graph, Node
from studio.graph.op import Array, Op
from studio.graph.ops.pointwise import Add, Clip, Multiply
from studio.graph.ops.vector import Dense, Relu
from studio.graph.passes import quantize
from studio.learn.dataset import Dataset
from studio.learn.families.detector import Detector, GaussianMixture
from studio.learn.families.front import Front, run
from studio.learn.families.linear import standardized
from studio.learn.families.net import CALIBRATION, spread, standard
from studio.learn.families.rebuild import rebuild
from studio.learn.families.rocket import up_to_features
from studio.learn.families.sequence import Gru
from studio.params import param
from studio.progress import Work

#: Standard deviations beyond which a feature is no stranger: one wild feature shall not decide alone.
FAR = 8.0


@dataclass(frozen=True)
class Autoencoder(Detector):
    """How badly a window's features are given back by a network with a narrow middle (Hinton et al. 2006)."""

    name: ClassVar[str] = "autoencoder"

    width: int = param(24, "Units on either side of the narrow layer.", low=2, high=128, search=(12, 16, 24, 32, 48))
    narrow: int = param(6, "Units of the narrow layer.", low=1, high=64, search=(2, 3, 4, 6, 8, 12))
    epochs: int = param(60, "Times through the data.", low=1, high=1000)

    def strangeness(self, told: Front, seed: int) -> tuple[Front, int]:
        """Mean of the squared differences between the features and what is given back."""
        from sklearn.neural_network import MLPRegressor

        z = standardized(told).then(Clip(-FAR, FAR), "clipped")
        sizes = (self.width, self.narrow, self.width)
        batch = min(64, len(z.x))
        net = MLPRegressor(
            hidden_layer_sizes=sizes, learning_rate_init=0.003, batch_size=batch, random_state=seed
        )  # fmt: skip
        for _ in range(self.epochs):
            net.partial_fit(z.x, z.x)
        return given_back(z, list(zip(net.coefs_, net.intercepts_, strict=True))), 1


def given_back(z: Front, layers: list[tuple[Any, Any]]) -> Front:
    """The front and, behind it, the network, its difference to what went in, and the mean of the squares."""
    nodes, at, source, x = list(z.nodes), len(z.nodes) - 1, len(z.nodes) - 1, z.x

    def add(op: Op, inputs: tuple[int, ...], name: str, *values: Array) -> Array:
        nodes.append(Node(op, inputs, name))
        return op.run(*values)

    for i, (weight, bias) in enumerate(layers, 1):
        last = i == len(layers)
        sign = -1.0 if last else 1.0  # the last layer gives minus what it gives back: a sum is the difference
        dense = Dense(np.ascontiguousarray(sign * weight.T, np.float32), (sign * bias).astype(np.float32))
        x, at = add(dense, (at,), f"layer {i}", x), len(nodes) - 1
        if not last:
            x, at = add(Relu(), (at,), f"layer {i} rectified", x), len(nodes) - 1
    x = add(Add(), (source, at), "difference", z.x, x)
    at = len(nodes) - 1
    x = add(Multiply(), (at, at), "squares", x, x)
    n = x.shape[1]
    x = add(Dense(np.full((1, n), 1 / n, np.float32), np.zeros(1, np.float32)), (len(nodes) - 1,), "error", x)
    return Front(tuple(nodes), x)


@dataclass(frozen=True)
class ConvAutoencoder(GaussianMixture):
    """How a window is squeezed and given back by convolutions (Masci et al. 2011), beside what is usual.

    Looked at are the error of every channel and the means of the narrow layer: a window that is easy to give back, like
    silence, is no less strange for that.
    """

    name: ClassVar[str] = "conv_autoencoder"

    components: int = param(1, "Normal distributions.", low=1, high=32, search=(1, 2, 4))
    width: int = param(12, "Filters on either side of the narrow layer.", low=2, high=64, search=(8, 12, 16, 24))
    narrow: int = param(6, "Units of the narrow layer.", low=1, high=32, search=(3, 4, 6, 8, 12))
    epochs: int = param(30, "Times through the data.", low=1, high=1000)

    def told(self, data: Dataset, seed: int) -> Work[Front]:
        """Learn to give the windows back, then look at how that goes, in int8."""
        nodes, x = Gru().front(data, np.arange(len(data)))
        rows = x.reshape(len(x), x.shape[1], -1)
        mean, std = spread(rows)
        scaled = (*nodes, standard(nodes, mean, std))
        learned = yield from rebuild((rows - mean) / std, self.width, self.narrow, self.epochs, seed)
        whole = learned.nodes(scaled)
        n = learned.shape.channels + learned.shape.narrow
        end = Node(Dense(np.ones((1, n), np.float32), np.zeros(1, np.float32)), (len(whole) - 1,), "logits")
        s = data.stream
        few = data.x[np.linspace(0, len(data) - 1, min(CALIBRATION, len(data))).astype(int)]
        graph = quantize(Graph(s.channels, s.rate_hz, data.length, data.stride, (*whole, end), ("",)), few)
        kept = up_to_features(graph)
        return Front(kept, run(kept, data.x))
