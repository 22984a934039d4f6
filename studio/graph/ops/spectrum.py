"""Power spectra and features of them. Frequency first: (n_bins, n_channels)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.statistics import time_first
from studio.params import param


@dataclass(frozen=True, eq=False)
class Spectrum(Op):
    """Power spectrum of each channel: (n_samples, n_channels) -> (n_fft / 2 + 1, n_channels).

    The first `used` samples, less their mean, under a periodic Hann window, padded with zeros to `n_fft`; one-sided,
    scaled so that the bins sum to the mean square of the windowed signal. Tables are computed in double here and
    stored as float32, so every machine has the same.

    References: `scipy.signal.periodogram(x[:used], fs=n_fft, window="hann", nfft=n_fft, detrend="constant")`.
    """

    used: int = param(128, "Samples taken from the start of the window.", unit="samples", low=2, high=4096)
    n_fft: int = param(128, "Points of the Fourier transform: a power of two.", choices=[2**k for k in range(2, 13)])

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.used > self.n_fft:
            raise GraphError("Spectrum.n_fft", f"{self.n_fft} for {self.used} samples", "Use a greater power of two.")

    def shape(self, *inputs: Shape) -> Shape:
        _, c = time_first(self, inputs, least=self.used)
        return (self.n_fft // 2 + 1, c)

    def args(self) -> dict[str, Any]:
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.used) / self.used)
        angle = -2j * np.pi * np.arange(self.n_fft // 2) / self.n_fft
        twiddle = np.exp(angle).astype(np.complex64).view(np.float32)
        gain = 1.0 / (self.n_fft * float(np.sum(window**2)))
        return {
            "window": window.astype(np.float32),
            "twiddle": twiddle,
            "used": self.used,
            "n_fft": self.n_fft,
            "gain": gain,
        }

    def scratch(self, *inputs: Shape) -> int:
        return 4 * self.n_fft


@dataclass(frozen=True, eq=False)
class BandPower(Op):
    """Natural logarithm of the power in bands: (n_bins, n_channels) -> (n_bands * n_channels,), channel by channel.

    Band b holds the bins from edges[b] up to, not including, edges[b + 1]; `least` is added to each power.
    """

    edges: Array  # (n_bands + 1,) int32, ascending
    least: float = param(1e-9, "Power added to every band, so that silence has a logarithm.", low=1e-30, high=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.edges.dtype != np.int32 or len(self.edges) < 2 or (np.diff(self.edges) <= 0).any() or self.edges[0] < 0:
            raise GraphError("BandPower.edges", str(self.edges), "Give ascending int32 bins.")

    def shape(self, *inputs: Shape) -> Shape:
        _, c = time_first(self, inputs, least=int(self.edges[-1]))
        return ((len(self.edges) - 1) * c,)

    def args(self) -> dict[str, Any]:
        return {"edges": self.edges, "n_bands": len(self.edges) - 1, "least": self.least}


def log_bands(n_fft: int, n_bands: int, first: int = 1) -> Array:
    """Edges for BandPower from bin `first` to the last: equal ratios as near as whole bins allow."""
    last = n_fft // 2 + 1
    n_bands = max(1, min(n_bands, last - first))
    edges = [first]
    for b in range(n_bands):
        left = n_bands - b
        wide = edges[-1] * (last / edges[-1]) ** (1 / left)
        edges.append(min(max(round(wide), edges[-1] + 1), last - left + 1))
    edges[-1] = last
    return np.array(edges, np.int32)


@dataclass(frozen=True, eq=False)
class SpectralShape(Op):
    """Five numbers per channel: (n_bins, n_channels) -> (5 * n_channels,), channel by channel; bin 0 is left out.

    Centroid in Hz, spread in Hz, frequency of the greatest bin in Hz, that bin's share of the power, entropy
    (0: one tone, 1: white noise). All 0 when the power is not above `least`.
    """

    bin_hz: float = param(1.0, "Distance of two bins.", unit="Hz", low=1e-9)
    least: float = param(1e-9, "Power below which a channel counts as silent.", low=1e-30, high=1.0)

    def shape(self, *inputs: Shape) -> Shape:
        return (5 * time_first(self, inputs, least=2)[1],)
