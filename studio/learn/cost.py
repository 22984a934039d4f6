"""What a model costs on a board: guessed in a moment before anything is compiled, read from the linked image after.

The guess counts constants, the arena plan and the steps of each kernel; the rest (runtime, wire, stack) is a constant
of the firmware. It serves to reject what cannot fit; the figures shown for a finished model come from the linker and
from the emulator or board.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import log2, prod
from typing import Any

import numpy as np

from studio.graph.call import Table, arguments
from studio.graph.graph import Graph
from studio.graph.op import Op, Shape
from studio.graph.ops.fir import fir_steps
from studio.graph.rows import arena_bytes, window_bytes

#: Flash and RAM of the firmware without its model's constants and arena (measured: 10.4 to 12.3 kB and 15.3 kB on a
#: Cortex-M4F), and the stack that is set aside.
RUNTIME_FLASH_BYTES = 12_500
RUNTIME_RAM_BYTES = 15_300
STACK_BYTES = 2_048


@dataclass(frozen=True)
class Cost:
    """COST of the contract. A figure that nobody has measured or guessed is None."""

    flash_bytes: int
    ram_bytes: int
    stack_bytes: int | None = None
    instructions_per_inference: int | None = None
    latency_ms: float | None = None
    source: str = "estimate"

    def as_dict(self) -> dict[str, Any]:
        """As the command line prints it."""
        return asdict(self)


def estimate(graph: Graph, clock_hz: float = 64e6, fpu: bool = True, ram_bytes: int = RUNTIME_RAM_BYTES) -> Cost:
    """The cost of a graph without compiling it, for a core that does one instruction per tick of `clock_hz`.

    `fpu` is whether the core computes with floats itself; `ram_bytes` what the firmware needs beside model and stack.
    """
    shapes, found, constants = graph.shapes(), 0.0, 0
    for node, inputs, _ in graph.edges_into(shapes):
        tables = [a for a in arguments(node.op, *inputs) if isinstance(a, Table)]
        constants += sum(t.values.nbytes for t in tables)
        found += instructions(node.op, inputs) * (1.0 if fpu else _without_fpu(node.op))
    return Cost(
        flash_bytes=RUNTIME_FLASH_BYTES + constants,
        ram_bytes=ram_bytes + STACK_BYTES + arena_bytes(graph) + window_bytes(graph),
        stack_bytes=STACK_BYTES,
        instructions_per_inference=round(found),
        latency_ms=1000 * found / clock_hz,
    )


def _without_fpu(op: Op) -> float:
    """How many times longer an op takes on a core like the Cortex-M0+ (measured: forest 32, int8 network 2.6)."""
    return 2.5 if np.int8 in (op.takes, op.gives) else 33.0


def instructions(op: Op, inputs: list[Shape]) -> float:
    """Instructions of one call of the op's kernel on a Cortex-M4F, to about a quarter."""
    steps = STEPS.get(type(op).__name__)
    y = op.shape(*inputs)
    return steps(op, inputs[0], y) if steps else 8.0 * (prod(y) + sum(prod(x) for x in inputs))


def _convolution(per_output: float, per_product: float) -> Callable[[Any, Shape, Shape], float]:
    return lambda op, x, y: prod(y) * (per_output + per_product * int(op.weight[0].size))


def _depthwise(op: Any, x: Shape, y: Shape) -> float:
    return prod(y) * (40.0 + 9 * int(op.weight.shape[0]))


def _dense(per_product: float) -> Callable[[Any, Shape, Shape], float]:
    return lambda op, x, y: prod(y) * 40 + per_product * int(op.weight.size)


def _spectrum(op: Any, x: Shape, y: Shape) -> float:
    n, used = int(op.n_fft), int(op.used)
    return x[1] * (30.0 * used + 13 * n * log2(n))


def _mel(op: Any, x: Shape, y: Shape) -> float:
    n = int(op.n_fft)
    return x[1] * y[0] * (8.0 * n * log2(n) + 90 * int(op.n_mels))


def _forest(op: Any, x: Shape, y: Shape) -> float:
    decisions = max(1.0, log2(max(2.0, len(op.feature) / max(1, len(op.roots)))))
    return len(op.roots) * (14 * 1.4 * decisions + 12 * y[0])


def _trees(per_tree: float) -> Callable[[Any, Shape, Shape], float]:
    def steps(op: Any, x: Shape, y: Shape) -> float:
        n_trees = len(op.crown)
        return n_trees * (8.0 * log2(op.crown.shape[1] / 2 + len(op.nodes) / n_trees) + per_tree)

    return steps


def _points(op: Any, x: Shape, y: Shape) -> float:
    return 3.9 * int(op.points.size) + 40.0 * len(op.points)


def _correlation(op: Any, x: Shape, y: Shape) -> float:
    return 16.0 * prod(y) * x[0]


def _recurrent(per_product: float, per_gate: float) -> Callable[[Any, Shape, Shape], float]:
    return lambda op, x, y: (
        x[0] * (per_product * (int(op.weight.size) + int(op.recurrent.size)) + per_gate * len(op.weight))
    )


def _attention(op: Any, x: Shape, y: Shape) -> float:
    return x[0] * x[0] * (14.0 * x[1] + 115.0 * int(op.heads))


#: Instructions of the kernels that do not simply walk over their values once: f(op, shape of x, shape of y).
STEPS: dict[str, Callable[[Any, Shape, Shape], float]] = {
    "Conv1d": _convolution(60, 5),
    "Conv1dS8": _convolution(120, 2.6),
    "DepthwiseConv1d": _depthwise,
    "DepthwiseConv1dS8": _depthwise,
    "Conv2d": _convolution(60, 5),
    "Conv2dS8": _convolution(120, 2.6),
    "DepthwiseConv2d": lambda op, x, y: prod(y) * (40.0 + 9 * prod(op.taps())),
    "DepthwiseConv2dS8": lambda op, x, y: prod(y) * (40.0 + 5 * prod(op.taps())),
    "Reshape": lambda op, x, y: 0.0,
    "ReshapeS8": lambda op, x, y: 0.0,
    "Dense": _dense(5),
    "DenseS8": _dense(3),
    "Spectrum": _spectrum,
    "SpectrumS16": lambda op, x, y: 15.5 * x[1] * int(op.n_fft) * log2(int(op.n_fft)),
    "Envelope": lambda op, x, y: 30.0 * x[1] * int(op.n_fft) * log2(int(op.n_fft)),
    "Peaks": lambda op, x, y: 16.0 * prod(x) * int(op.n_peaks),
    "Autocorrelation": lambda op, x, y: 13.5 * prod(x) * int(op.n_lags),
    "Wavelet": lambda op, x, y: 26.0 * prod(x) * len(op.args()["low"]),
    "Fir": lambda op, x, y: x[1] * fir_steps(len(op.taps), x[0], 0),
    "FastFir": lambda op, x, y: x[1] * fir_steps(len(op.taps), x[0], int(op.n_fft)),
    "Mel": _mel,
    "LogMel": _mel,
    "Mfcc": lambda op, x, y: 8.0 * prod(y) * int(op.n_mels) / 2,
    "Pcen": lambda op, x, y: 300.0 * prod(y),
    "Forest": _forest,
    "TreeVotesS8": _trees(20),
    "TreeSumsS8": _trees(15),
    "LinearS8": lambda op, x, y: 30 * prod(y) + 6.0 * int(op.weight.size),
    "Gaussians": lambda op, x, y: 30 * prod(y) + 13.0 * int(op.mean.size),
    "RadialS8": _points,
    "NeighboursS8": _points,
    "OutlierFactorS8": _points,
    "QuantizeChannels": lambda op, x, y: 33.0 * prod(x),
    "ChannelCorrelation": _correlation,
    "Statistics": lambda op, x, y: 60.0 * prod(x),
    "Quantiles": lambda op, x, y: x[1] * 12.0 * x[0] * max(1.0, log2(x[0])) * 1.5,
    "BandPower": lambda op, x, y: 6.0 * prod(x) + 60.0 * prod(y),
    "SpectralShape": lambda op, x, y: 70.0 * prod(x),
    "Rnn": _recurrent(7.5, 80),
    "Gru": _recurrent(7.5, 80),
    "Lstm": _recurrent(7.5, 80),
    "RnnS8": _recurrent(2.2, 120),
    "GruS8": _recurrent(2.2, 120),
    "LstmS8": _recurrent(2.2, 120),
    "Attention": _attention,
    "Softmax": lambda op, x, y: 80.0 * prod(y),
}
