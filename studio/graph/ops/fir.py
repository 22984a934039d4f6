"""Filters with finite response over a window: products where they are short, spectra where that is less work."""

from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.spectrum import twiddle
from studio.graph.ops.statistics import time_first
from studio.params import param

MOST_TAPS = 1024
#: Instructions on a Cortex-M4F, counted: of one product; of a transform per point and pass of radix 2; of all else of
#: a stretch per point.
PRODUCT, PASS, POINT = 4.15, 11.5, 55.0


@dataclass(frozen=True, eq=False)
class Fir(Op):
    """Where all taps have samples: (n, n_channels) -> (n - n_taps + 1, n_channels). Sums of products.

    References: `np.convolve(x, taps, "valid")`.
    """

    taps: Array  # (n_taps,) float32

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.taps.ndim != 1 or not 1 <= len(self.taps) <= MOST_TAPS:
            raise GraphError("Fir.taps", f"shape {self.taps.shape}", f"Give 1 to {MOST_TAPS} numbers.")

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs, least=len(self.taps))
        return (n - len(self.taps) + 1, c)

    def args(self) -> dict[str, Any]:
        return {"taps": self.taps.astype(np.float32), "frame": len(self.taps)}


@dataclass(frozen=True, eq=False)
class FastFir(Fir):
    """`Fir` by spectra: overlap-save in stretches of `n_fft` samples, two of them as one complex signal.

    Float32 rounds otherwise than in `Fir`: by less than one step where samples have 16 bits.

    References: Oppenheim and Schafer, Discrete-Time Signal Processing, section 8.7.
    """

    n_fft: int = param(128, "Points of the transform, more than taps.", choices=[2**k for k in range(3, 12)])

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_fft <= len(self.taps):
            raise GraphError("FastFir.n_fft", f"{self.n_fft} for {len(self.taps)} taps", "Use a greater power of two.")

    def args(self) -> dict[str, Any]:
        """The spectrum is worked out in double, and holds the factor 1 / n_fft of the way back."""
        spectrum = (np.fft.fft(self.taps.astype(np.float64), self.n_fft) / self.n_fft).astype(np.complex64)
        tables = {"spectrum": spectrum.view(np.float32), "twiddle": twiddle(2 * self.n_fft)}
        return {**tables, "frame": len(self.taps), "n_fft": self.n_fft}

    def scratch(self, *inputs: Shape) -> int:
        return 8 * self.n_fft


def fir(taps: Array, n: int) -> Fir:
    """The filter as it needs the fewest instructions on windows of n samples."""
    sizes = [0, *(2**k for k in range(3, 12) if len(taps) < 2**k)]
    best = min(sizes, key=lambda size: fir_steps(len(taps), n, size))
    return FastFir(taps.astype(np.float32), best) if best else Fir(taps.astype(np.float32))


def fir_steps(n_taps: int, n: int, n_fft: int) -> float:
    """What one channel of a window of n samples takes, nearly."""
    n_out = max(1, n - n_taps + 1)
    if not n_fft:
        return PRODUCT * n_out * n_taps
    stretches = ceil(n_out / (2 * (n_fft - n_taps + 1)))
    return stretches * n_fft * (2 * PASS * log2(n_fft) + POINT)
