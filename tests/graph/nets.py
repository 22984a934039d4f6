"""Small whole graphs for the tests."""

import numpy as np

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Array
from studio.graph.ops.conv import AveragePool1d, Conv1d, DepthwiseConv1d, GlobalAverage, MaxPool1d
from studio.graph.ops.filter import Biquad
from studio.graph.ops.forest import Tree, pack
from studio.graph.ops.plane import AveragePool2d, Conv2d, DepthwiseConv2d, MaxPool2d, Pad
from studio.graph.ops.pointwise import Add, Multiply, Reshape, Sigmoid
from studio.graph.ops.sound import LogMel
from studio.graph.ops.spectrum import BandPower, SpectralShape, Spectrum, log_bands
from studio.graph.ops.statistics import ChannelCorrelation, Magnitude, Quantiles, Statistics
from studio.graph.ops.vector import Concat, Dense, Flatten, Normalize, Relu, Softmax, Standardize

CLASSES = ('say "hi"', "two\nlines \\ and */", "größer??/")


def motion(n: int, length: int = 64, channels: int = 3, seed: int = 0) -> Array:
    """Windows (n, length, channels) float32 of tones in noise."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 6, (n, 1, channels)) + np.arange(length)[None, :, None] * rng.uniform(0.1, 1.5, (n, 1, 1))
    return (np.sin(phase) * rng.uniform(0.1, 2, (n, 1, 1)) + rng.normal(0, 0.1, phase.shape)).astype(np.float32)


def random_tree(rng: np.random.Generator, n_features: int, n_classes: int, depth: int) -> Tree:
    """A full tree, breadth first."""
    n = 2 ** (depth + 1) - 1
    inner = np.arange(n) < 2**depth - 1
    children = [np.where(inner, 2 * np.arange(n) + k, -1) for k in (1, 2)]
    feature = rng.integers(0, n_features, n)
    return Tree(feature, rng.normal(size=n), *children, rng.dirichlet(np.ones(n_classes), n))


def forest_graph(seed: int = 0, threshold: float = 0.0) -> Graph:
    """Filter, features of three kinds, a random forest."""
    rng = np.random.default_rng(seed)
    nodes = (
        Node(Magnitude(), (WINDOW,), "magnitude"),
        Node(Statistics(), (0,), "statistics"),
        Node(Quantiles(), (WINDOW,), "1st quantiles"),
        Node(ChannelCorrelation(), (WINDOW,), "1st_quantiles"),
        Node(Spectrum(64, 64), (0,), "spectrum"),
        Node(BandPower(log_bands(64, 6)), (4,), "int"),
        Node(SpectralShape(50 / 64), (4,), ""),
        Node(Concat(), (1, 2, 3, 5, 6), "features"),
        Node(pack([random_tree(rng, 102, 3, d) for d in (0, 1, 5, 6)]), (7,), "logits"),
        Node(Normalize(), (8,), "scores"),
    )
    return Graph(("x", "y", "z"), 50.0, 64, 24, nodes, CLASSES, (Biquad("highpass", 0.5, 50.0),), threshold)


def cnn_graph(seed: int = 0, flatten: bool = False, depthwise: bool = False) -> Graph:
    """A float network as training leaves it."""
    rng = np.random.default_rng(seed)

    def weight(*shape: int) -> Array:
        return (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    def bias(n: int) -> Array:
        return rng.normal(0, 0.3, n).astype(np.float32)

    second = DepthwiseConv1d(weight(5, 8), bias(8)) if depthwise else Conv1d(weight(8, 5, 8), bias(8), 1, 2, 2)
    n = 8 * (5 if depthwise else 6)
    nodes = (
        Node(
            Standardize(np.array([0.1, -0.2, 0], np.float32), np.array([1.5, 0.8, 1], np.float32)), (WINDOW,), "input"
        ),
        Node(Conv1d(weight(8, 7, 3), bias(8), 2, 3, 3), (0,), "conv1"),
        Node(Relu(), (1,), "relu1"),
        Node(MaxPool1d(2, 2), (2,), "pool1"),
        Node(second, (3,), "conv2"),
        Node(Relu(), (4,), "relu2"),
        Node(AveragePool1d(2, 2) if flatten else MaxPool1d(2, 2), (5,), "pool2"),
        Node(MaxPool1d(2, 2) if not depthwise and flatten else Relu(), (6,), "after"),
        Node(Flatten() if flatten else GlobalAverage(), (7,), "features"),
        Node(Dense(weight(3, (8 * (4 if not depthwise else 6)) if flatten else 8), bias(3)), (8,), "logits"),
        Node(Softmax(), (9,), "scores"),
    )
    del n
    return Graph(("x", "y", "z"), 50.0, 64, 64, nodes, CLASSES)


def plane_graph(seed: int = 0) -> Graph:
    """A keyword spotter's kind of network: log-mel rows, planes, a residual sum, dilated layers over time."""
    rng = np.random.default_rng(seed)

    def weight(*shape: int) -> Array:
        return (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    def bias(n: int) -> Array:
        return rng.normal(0, 0.3, n).astype(np.float32)

    same = {"pad_top": 1, "pad_bottom": 1, "pad_left": 1, "pad_right": 1}
    deep = DepthwiseConv2d(weight=weight(3, 3, 8), bias=bias(8), **same)
    nodes = (
        Node(LogMel(64, 32, 64, 12, 0.0, 500.0, 1000.0), (WINDOW,), "mel"),
        Node(Standardize(bias(12) + 1, np.abs(bias(12)) + 1), (0,), "standardized"),
        Node(Reshape((11, 12, 1)), (1,), "plane"),
        Node(Conv2d(weight=weight(8, 3, 3, 1), bias=bias(8), **same, stride_w=2), (2,), "conv"),
        Node(Relu(), (3,), "relu"),
        Node(deep, (4,), "deep"),
        Node(Add(), (5, 4), "sum"),
        Node(Relu(), (6,), "sum_relu"),
        Node(MaxPool2d(2, 2, kh=2, kw=2), (7,), "pool"),
        Node(Pad(top=1, bottom=1, left=1), (8,), "pad"),
        Node(AveragePool2d(1, 2, kh=1, kw=2), (9,), "average"),
        Node(Reshape((14, 8)), (10,), "rows"),
        Node(Conv1d(weight(8, 3, 8), bias(8), 1, 4, 0, 2), (11,), "causal"),
        Node(Sigmoid(), (12,), "gate"),
        Node(Multiply(), (12, 13), "gated"),
        Node(DepthwiseConv1d(weight(3, 8), bias(8), 1, 0, 0, 3), (14,), "slow"),
        Node(GlobalAverage(), (15,), "features"),
        Node(Dense(weight(3, 8), bias(3)), (16,), "logits"),
        Node(Softmax(), (17,), "scores"),
    )
    return Graph(("sound",), 1000.0, 384, 192, nodes, CLASSES)


def rows_graph(seed: int = 0) -> Graph:
    """A network whose window on a board holds rows: bands of three axes, then layers over time."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> Array:
        return (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    nodes = (
        Node(LogMel(16, 8, 16, 4, 0.0, 25.0, 50.0, "htk", 0.01), (WINDOW,), "bands"),
        Node(Standardize(normal(12), np.abs(normal(12)) + 1), (0,), "standardized"),
        Node(Conv1d(normal(6, 3, 12), normal(6)), (1,), "conv"),
        Node(Relu(), (2,), "relu"),
        Node(GlobalAverage(), (3,), "features"),
        Node(Dense(normal(3, 6), normal(3)), (4,), "logits"),
        Node(Softmax(), (5,), "scores"),
    )
    return Graph(("x", "y", "z"), 50.0, 64, 24, nodes, CLASSES)
