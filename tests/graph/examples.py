"""One example of every op, with an oracle that shares no code with the kernel: name -> Example."""

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy import signal, special, stats

from studio.graph.op import Array
from studio.graph.ops.conv import AveragePool1d, Conv1d, DepthwiseConv1d, GlobalAverage, MaxPool1d
from studio.graph.ops.decide import Decide
from studio.graph.ops.filter import Biquad
from studio.graph.ops.forest import Tree, pack
from studio.graph.ops.int8 import (
    AveragePool1dS8,
    Conv1dS8,
    DenseS8,
    DepthwiseConv1dS8,
    Dequantize,
    FlattenS8,
    GlobalAverageS8,
    MaxPool1dS8,
    Quantize,
    QuantizeChannels,
    ReluS8,
)
from studio.graph.ops.spectrum import BandPower, SpectralShape, Spectrum, log_bands
from studio.graph.ops.statistics import ChannelCorrelation, Difference, Magnitude, Quantiles, Statistics
from studio.graph.ops.vector import Concat, Dense, Flatten, Normalize, Relu, Softmax, Standardize
from tests.graph.arithmetic import Example, requantized, rounded
from tests.graph.classic_examples import classic_examples
from tests.graph.decide_oracle import decisions
from tests.graph.plane_examples import plane_examples
from tests.graph.recurrent_examples import recurrent_examples
from tests.graph.signal_examples import signal_examples
from tests.graph.sound_examples import sound_examples

TOLD = Decide(average=3, on=(0.3, 0.2, 0.4), off=(0.1, 0.2, 0.0), least=2, quiet=3)


def _statistics(x: Array) -> Array:
    x = x.astype(np.float64)
    d = x - x.mean(0)
    flat = x.std(0) < 1e-6 * np.abs(x.mean(0)) + 1e-12
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        crossings = np.where(flat, 0, (np.diff(d > 0, axis=0) != 0).sum(0) / len(x))
        skew, kurtosis = (np.where(flat, 0, f(x, axis=0)) for f in (stats.skew, stats.kurtosis))
    steps = np.abs(np.diff(x, axis=0)).mean(0)
    rms = np.sqrt((x**2).mean(0))
    rows = [x.mean(0), x.std(0), rms, x.min(0), x.max(0), np.abs(d).mean(0), steps, crossings, skew, kurtosis]
    return np.stack(rows, axis=1).ravel()


def _correlation(x: Array) -> Array:
    with np.errstate(all="ignore"):
        r = np.nan_to_num(np.corrcoef(x.astype(np.float64).T))
    return r[np.triu_indices(x.shape[1], 1)]


def _magnitude(x: Array) -> Array:
    groups = [np.linalg.norm(x[:, i : i + 3], axis=1, keepdims=True) for i in (0, 3)]
    return np.concatenate([x, *groups], axis=1)


def _spectrum(x: Array) -> Array:
    used = x[:50].astype(np.float64)
    return signal.periodogram(used, fs=64, window="hann", nfft=64, detrend="constant", axis=0)[1]


def _band_power(x: Array) -> Array:
    edges = log_bands(64, 5)
    return np.array([[np.log(x[a:b, j].sum() + 1e-9) for a, b in pairwise(edges)] for j in range(2)]).ravel()


def _shape(x: Array) -> Array:
    found = []
    for p in x[1:].astype(np.float64).T:
        if p.sum() <= 1e-9:
            found.append([0.0] * 5)
            continue
        f, share = 0.5 * np.arange(1, len(p) + 1), p / p.sum()
        centroid = (f * share).sum()
        spread = np.sqrt(((f - centroid) ** 2 * share).sum())
        found.append([centroid, spread, f[p.argmax()], share.max(), special.entr(share).sum() / np.log(len(p))])
    return np.array(found).ravel()


def _conv(op: Any, depthwise: bool) -> Callable[[Array], Array]:
    weight = op.weight.T[:, None] if depthwise else op.weight.transpose(0, 2, 1)
    torch_weight = torch.from_numpy(np.ascontiguousarray(weight)).double()
    groups = op.weight.shape[1] if depthwise else 1

    def oracle(x: Array) -> Array:
        padded = torch.nn.functional.pad(torch.from_numpy(x.T[None]).double(), (op.pad_before, op.pad_after))
        bias = torch.from_numpy(op.bias).double()
        y = torch.nn.functional.conv1d(padded, torch_weight, bias, stride=op.stride, groups=groups)
        return y[0].numpy().T

    return oracle


def _layer_s8(op: Any, outputs: Callable[[Array], list[list[tuple[Array, Array]]]]) -> Callable[[Array], Array]:
    """Rows of (values, weights) per output -> requantized sums, in Python integers."""

    def oracle(x: Array) -> Array:
        return np.array(
            [
                [
                    requantized(
                        int(op.bias[o]) + sum(int(a) * int(b) for a, b in zip(v.ravel(), w.ravel(), strict=True)),
                        int(op.multiplier[o]),
                        int(op.shift[o]),
                        op.y_zero,
                        op.low,
                        op.high,
                    )
                    for o, (v, w) in enumerate(row)
                ]
                for row in outputs(x)
            ],
            np.int8,
        )

    return oracle


def _windows(op: Any, x: Array) -> list[Array]:
    pad = ((op.pad_before, op.pad_after), (0, 0))
    padded = np.pad(x, pad, constant_values=op.x_zero)
    taps = op.weight.shape[-2]
    return [padded[t : t + taps] for t in range(0, len(padded) - taps + 1, op.stride)]


def _tree_votes(x: Array) -> Array:
    """The two trees below, written as the sentences they are."""
    first = [255, 0, 0] if x[2] <= 0.25 else ([0, 255, 0] if x[0] <= -0.5 else [0, 64, 191])
    return np.array(first, np.float32) + np.array([0, 0, 255], np.float32)


def _average_s8(op: Any, size: int, stride: int, x: Array) -> Array:
    starts = range(0, len(x) - size + 1, stride)
    rows = [
        [
            requantized(
                int((x[t : t + size, j].astype(int) - op.x_zero).sum()), op.multiplier, op.shift, op.y_zero, -128, 127
            )
            for j in range(x.shape[1])
        ]
        for t in starts
    ]
    return np.array(rows, np.int8)


def _quantized(exact: Array, zero: int) -> Array:
    """Exact quotients to int8, halves away from zero, in whole numbers."""
    whole = [rounded(int(v * 2**30), 2**30) + zero for v in exact.ravel()]
    return np.clip(whole, -128, 127).astype(np.int8).reshape(exact.shape)


def _examples() -> dict[str, Example]:
    rng = np.random.default_rng(7)

    def f32(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    def s8(*shape: int) -> Array:
        return rng.integers(-127, 128, shape, dtype=np.int8)

    def scaling(n: int) -> dict[str, Array]:
        """Scales from far too small to far too great, and exact powers of two, which make ties."""
        m = rng.integers(2**30, 2**31, n, dtype=np.int64)
        m[::2] = 2**30
        shift = np.resize(np.array([-7, -6, -8, -5, -12, -4, 1, -30], np.int8), n)
        bias = rng.integers(-5000, 5000, n, dtype=np.int32)
        return {"bias": bias, "multiplier": m.astype(np.int32), "shift": shift}

    tree = Tree(
        np.array([2, 0, 0, 0, 0]),
        np.array([0.25, 0, -0.5, 0, 0]),
        np.array([1, -1, 3, -1, -1]),
        np.array([2, -1, 4, -1, -1]),
        np.array([[1, 1, 1], [1, 0, 0], [1, 1, 1], [0, 1, 0], [0, 0.25, 0.75]]),
    )
    leaf = Tree(np.zeros(1, int), np.zeros(1), np.array([-1]), np.array([-1]), np.array([[0.0, 0.0, 1.0]]))
    mean, std = f32(4), np.abs(f32(4)) + 0.1
    weight, bias = f32(5, 9), f32(5)
    conv = Conv1d(f32(6, 5, 3), f32(6), 2, 2, 3)
    depthwise = DepthwiseConv1d(f32(4, 3), f32(3), 2, 1, 2)
    conv_s8 = Conv1dS8(s8(8, 5, 3), **scaling(8), stride=2, pad_before=2, pad_after=3, x_zero=-9, y_zero=11, low=-100)
    depthwise_s8 = DepthwiseConv1dS8(s8(4, 8), **scaling(8), stride=2, pad_before=3, pad_after=1, x_zero=5, high=90)
    dense_s8 = DenseS8(s8(8, 13), **scaling(8), y_zero=-128, low=-128)
    average_s8 = AveragePool1dS8(3, 2, x_zero=-7, multiplier=2**32 // 3, shift=-1, y_zero=4)
    global_s8 = GlobalAverageS8(x_zero=-7, multiplier=2**30, shift=-2, y_zero=-5)
    quantize, dequantize = Quantize(0.25, -3), Dequantize(0.03, -3)
    return {
        "Statistics": Example(Statistics(), ((50, 3),), _statistics, 3e-6),
        "Quantiles": Example(
            Quantiles(), ((50, 2),), lambda x: np.quantile(x, (0.1, 0.25, 0.5, 0.75, 0.9), axis=0).T.ravel(), 1e-6
        ),
        "ChannelCorrelation": Example(ChannelCorrelation(), ((50, 4),), _correlation, 2e-6),
        "Magnitude": Example(Magnitude(3), ((20, 7),), _magnitude, 1e-6),
        "Difference": Example(Difference(), ((20, 3),), lambda x: np.diff(x, axis=0), 0),
        "Spectrum": Example(Spectrum(50, 64), ((55, 2),), _spectrum, 2e-6),
        "BandPower": Example(BandPower(log_bands(64, 5)), ((33, 2),), _band_power, 1e-6, True),
        "SpectralShape": Example(SpectralShape(0.5), ((33, 2),), _shape, 2e-6, True),
        "Forest": Example(pack([tree, leaf]), ((3,),), _tree_votes, 0),
        "Concat": Example(Concat(), ((3,), (1,), (4,)), lambda *x: np.concatenate(x), 0),
        "Standardize": Example(Standardize(mean, std), ((6, 4),), lambda x: (x - mean) / std, 1e-6),
        "Dense": Example(Dense(weight, bias), ((9,),), lambda x: x @ weight.T.astype(float) + bias, 1e-6),
        "Flatten": Example(Flatten(), ((3, 4),), np.ravel, 0),
        "Relu": Example(Relu(), ((3, 4),), lambda x: np.maximum(x, 0), 0),
        "Softmax": Example(Softmax(), ((5,),), lambda x: special.softmax(x.astype(float)), 1e-6),
        "Normalize": Example(
            Normalize(), ((5,),), lambda x: x / x.sum() if x.sum() else np.full(5, np.float32(0.2)), 1e-6, True
        ),
        "Conv1d": Example(conv, ((21, 3),), _conv(conv, False), 1e-6),
        "DepthwiseConv1d": Example(depthwise, ((21, 3),), _conv(depthwise, True), 1e-6),
        "MaxPool1d": Example(
            MaxPool1d(3, 2), ((10, 2),), lambda x: np.stack([x[t : t + 3].max(0) for t in range(0, 8, 2)]), 0
        ),
        "AveragePool1d": Example(
            AveragePool1d(3, 2), ((10, 2),), lambda x: np.stack([x[t : t + 3].mean(0) for t in range(0, 8, 2)]), 1e-6
        ),
        "GlobalAverage": Example(GlobalAverage(), ((10, 2),), lambda x: x.mean(0), 1e-6),
        "Quantize": Example(
            quantize,
            ((7,),),
            lambda x: _quantized(x.astype(float) / 0.25, -3),
            0,
        ),
        "QuantizeChannels": Example(
            QuantizeChannels(np.array([0.5, -0.25], np.float32), np.array([4.0, 32.0], np.float32), 7),
            ((6, 2),),
            lambda x: _quantized((x.astype(float) - [0.5, -0.25]) * [4.0, 32.0], 7),
            0,
        ),
        "Dequantize": Example(
            dequantize, ((7,),), lambda x: np.float32(0.03) * (x.astype(np.int32) + 3).astype(np.float32), 0
        ),
        "Conv1dS8": Example(
            conv_s8,
            ((21, 3),),
            _layer_s8(conv_s8, lambda x: [[(v, w) for w in conv_s8.weight] for v in _windows(conv_s8, x)]),
            0,
        ),
        "DepthwiseConv1dS8": Example(
            depthwise_s8,
            ((21, 8),),
            _layer_s8(
                depthwise_s8,
                lambda x: [list(zip(v.T, depthwise_s8.weight.T, strict=True)) for v in _windows(depthwise_s8, x)],
            ),
            0,
        ),
        "DenseS8": Example(
            dense_s8, ((13,),), lambda x: _layer_s8(dense_s8, lambda x: [[(x, w) for w in dense_s8.weight]])(x)[0], 0
        ),
        "MaxPool1dS8": Example(
            MaxPool1dS8(3, 2), ((10, 2),), lambda x: np.stack([x[t : t + 3].max(0) for t in range(0, 8, 2)]), 0
        ),
        "AveragePool1dS8": Example(average_s8, ((10, 2),), lambda x: _average_s8(average_s8, 3, 2, x), 0),
        "GlobalAverageS8": Example(global_s8, ((10, 2),), lambda x: _average_s8(global_s8, 10, 10, x)[0], 0),
        "FlattenS8": Example(FlattenS8(), ((3, 4),), np.ravel, 0),
        "ReluS8": Example(ReluS8(-20), ((3, 4),), lambda x: np.maximum(x, np.int8(-20)), 0),
        "Biquad": Example(
            Biquad("lowpass", 12.0, 100.0),
            ((3,),),
            lambda x: signal.sosfilt(signal.butter(2, 12.0, fs=100.0, output="sos"), x.astype(float), axis=0),
            2e-6,
        ),
        "Decide": Example(TOLD, ((3,),), lambda x: decisions(TOLD, x), 0),
    }


EXAMPLES = (
    _examples() | plane_examples() | classic_examples() | sound_examples() | recurrent_examples() | signal_examples()
)
