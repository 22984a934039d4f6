"""Radar with chirps: a frame is (n_chirps, n_samples) of the mixed-down signal.

`RangeSpectrum`, then `RemoveMean` (what stands still), then `Doppler` give a map of power by speed and range; `Cfar`
keeps what stands out in it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Op, Shape
from studio.graph.ops.spectrum import TAPERS, taper, twiddle
from studio.graph.ops.statistics import time_first
from studio.params import param

POWERS = [2**k for k in range(2, 13)]


@dataclass(frozen=True, eq=False)
class RangeSpectrum(Op):
    """The range bins of every chirp: (n_chirps, n_samples) -> (n_chirps, 2 * n_bins), re and im side by side.

    Each chirp under a periodic window, padded with zeros to `n_fft`: `np.fft.rfft(x * hann, n_fft)[:, :n_bins]`.
    """

    used: int = param(64, "Samples of a chirp.", unit="samples", low=2, high=4096)
    n_fft: int = param(64, "Points of the Fourier transform: a power of two.", choices=POWERS)
    n_bins: int = param(32, "Nearest range bins that are kept.", low=1, high=2048)
    taper: str = param("hann", "The window.", choices=TAPERS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_bins > self.n_fft // 2:
            raise GraphError("RangeSpectrum.n_bins", f"{self.n_bins} of {self.n_fft} points", "Keep at most half.")
        if self.used > self.n_fft:
            raise GraphError(
                "RangeSpectrum.n_fft", f"{self.n_fft} for {self.used} samples", "Use a greater power of 2."
            )

    def shape(self, *inputs: Shape) -> Shape:
        n, samples = time_first(self, inputs)
        if samples != self.used:
            raise GraphError("Op RangeSpectrum", f"gets {samples} samples for {self.used}", "Give it whole chirps.")
        return (n, 2 * self.n_bins)

    def args(self) -> dict[str, Any]:
        tables = {"window": taper(self.taper, self.used).astype(np.float32), "twiddle": twiddle(self.n_fft)}
        return {**tables, "n_fft": self.n_fft, "n_bins": self.n_bins}

    def scratch(self, *inputs: Shape) -> int:
        return 4 * self.n_fft


@dataclass(frozen=True, eq=False)
class Doppler(Op):
    """Power by speed and range: (n_chirps, 2 * n_bins) -> (n_fft, n_bins), speed 0 in row n_fft / 2.

    Across the chirps, under a periodic window: `np.fft.fftshift(np.fft.fft(z * hann[:, None], n_fft, axis=0))`.
    """

    n_chirps: int = param(16, "Chirps of a frame.", low=2, high=4096)
    n_fft: int = param(16, "Points of the Fourier transform: a power of two.", choices=POWERS[:-1])
    taper: str = param("hann", "The window.", choices=TAPERS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_chirps > self.n_fft:
            raise GraphError("Doppler.n_fft", f"{self.n_fft} for {self.n_chirps} chirps", "Use a greater power of two.")

    def shape(self, *inputs: Shape) -> Shape:
        n, width = time_first(self, inputs)
        if n != self.n_chirps or width % 2:
            raise GraphError("Op Doppler", f"gets {inputs[0]} for {self.n_chirps} chirps", "Give it a RangeSpectrum.")
        return (self.n_fft, width // 2)

    def args(self) -> dict[str, Any]:
        return {
            "window": taper(self.taper, self.n_chirps).astype(np.float32),
            "twiddle": twiddle(2 * self.n_fft),
            "n_fft": self.n_fft,
        }

    def scratch(self, *inputs: Shape) -> int:
        return 8 * self.n_fft


@dataclass(frozen=True, eq=False)
class Cfar(Op):
    """What stands out along the columns: (h, w) powers -> (h, w), how many times the mean of its neighbours each is.

    The neighbours are `train` cells either side beyond `guard` cells, as far as there are any (cell averaging); what is
    not above `factor` becomes 0. Each row is worked out alone.
    """

    guard: int = param(2, "Cells either side that may belong to the same target.", low=0, high=64)
    train: int = param(8, "Cells either side that tell the noise.", low=1, high=256)
    factor: float = param(8.0, "How far above the noise a target must be.", low=0.0)
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return time_first(self, inputs, least=1)
