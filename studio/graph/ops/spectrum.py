"""Power spectra and features of them. Frequency first: (n_bins, n_channels)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.statistics import time_first
from studio.params import param

#: Coefficients of the windows that are sums of cosines.
COSINES: dict[str, tuple[float, ...]] = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "flat top": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
    "rectangular": (1.0,),
}
#: What a stretch is multiplied by before its transform. "kaiser" has beta = 8.6.
TAPERS = (*COSINES, "kaiser")


def taper(kind: str, n: int) -> Array:
    """A periodic window of n samples: `scipy.signal.get_window(kind, n)`. References: Harris, Proc. IEEE 66, 1978."""
    if kind == "kaiser":
        return np.kaiser(n + 1, 8.6)[:-1]
    turn = 2 * np.pi * np.arange(n) / n
    found: Array = sum(((-1) ** k * a * np.cos(k * turn) for k, a in enumerate(COSINES[kind])), np.zeros(n))
    return found


def twiddle(n_fft: int) -> Array:
    """cos, -sin of 2 pi k / n_fft for the first half turn."""
    turned: Array = np.exp(-2j * np.pi * np.arange(n_fft // 2) / n_fft).astype(np.complex64).view(np.float32)
    return turned


@dataclass(frozen=True, eq=False)
class Spectrum(Op):
    """Power spectrum of each channel: (n_samples, n_channels) -> (n_fft / 2 + 1, n_channels).

    The first `used` samples, less their mean, under a periodic window, padded with zeros to `n_fft`; one-sided,
    scaled so that the bins sum to the mean square of the windowed signal. Tables are computed in double here and
    stored as float32, so every machine has the same.

    References: `scipy.signal.periodogram(x[:used], fs=n_fft, window="hann", nfft=n_fft, detrend="constant")`.
    """

    used: int = param(128, "Samples taken from the start of the window.", unit="samples", low=2, high=4096)
    n_fft: int = param(128, "Points of the Fourier transform: a power of two.", choices=[2**k for k in range(2, 13)])
    taper: str = param("hann", "The window: flat top for heights, Kaiser or Blackman for far tones.", choices=TAPERS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.used > self.n_fft:
            raise GraphError("Spectrum.n_fft", f"{self.n_fft} for {self.used} samples", "Use a greater power of two.")

    def shape(self, *inputs: Shape) -> Shape:
        _, c = time_first(self, inputs, least=self.used)
        return (self.n_fft // 2 + 1, c)

    def args(self) -> dict[str, Any]:
        window = taper(self.taper, self.used)
        gain = 1.0 / (self.n_fft * float(np.sum(window**2)))
        return {
            "window": window.astype(np.float32),
            "twiddle": twiddle(self.n_fft),
            "used": self.used,
            "n_fft": self.n_fft,
            "gain": gain,
        }

    def scratch(self, *inputs: Shape) -> int:
        return 4 * self.n_fft


@dataclass(frozen=True, eq=False)
class SpectrumS16(Spectrum):
    """`Spectrum` of 16-bit samples in whole numbers: (n_samples, n_channels) int16 -> (n_fft / 2 + 1, n_channels).

    Amplitudes are right to about a thousandth of the greatest. For cores without a floating point unit.
    """

    scale: float = param(1.0, "Value of one step of a sample.", low=1e-15)
    takes = np.int16

    def args(self) -> dict[str, Any]:
        """Window and twiddles with 15 fractional bits; the window's gain is that of the rounded one."""
        window = to_q15(taper(self.taper, self.used))
        power = float(np.sum((window / 32768.0) ** 2))
        return {
            "window": window,
            "twiddle": to_q15(twiddle(self.n_fft)),
            "used": self.used,
            "n_fft": self.n_fft,
            "gain": 4.0 * self.scale**2 / (self.n_fft * power),
        }

    def scratch(self, *inputs: Shape) -> int:
        return 2 * self.n_fft


def to_q15(x: Array) -> Array:
    """Numbers from -1 to 1 in steps of 2^-15; 1 itself becomes the step below."""
    return np.clip(np.rint(x.astype(np.float64) * 32768), -32767, 32767).astype(np.int16)


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


@dataclass(frozen=True, eq=False)
class Peaks(Op):
    """The highest peaks of a spectrum: (n_bins, n_channels) -> (2 * n_peaks * n_channels,), channel by channel.

    Frequency in Hz (the top of the parabola through three bins) and natural logarithm of the power plus `least`, the
    highest first; a peak is above both neighbours. Where there are fewer: 0 Hz and the logarithm of `least`.
    """

    bin_hz: float = param(1.0, "Distance of two bins.", unit="Hz", low=1e-9)
    least: float = param(1e-9, "Power added to every peak.", low=1e-30, high=1.0)
    n_peaks: int = param(3, "How many peaks.", low=1, high=16)

    def shape(self, *inputs: Shape) -> Shape:
        return (2 * self.n_peaks * time_first(self, inputs, least=3)[1],)


@dataclass(frozen=True, eq=False)
class Envelope(Op):
    """How strong a band is from moment to moment: (n_samples, n_channels) -> (n_fft, n_channels).

    Length of the analytic signal of the first `n_fft` samples, of the bins from `first` up to, not including, `last`:
    what a fault of a bearing or a gear modulates. Its `Spectrum` is the envelope spectrum.

    References: `abs(scipy.signal.hilbert(x))` for the whole band; Randall and Antoni, Mech. Syst. Signal Process. 25,
    2011.
    """

    n_fft: int = param(128, "Samples: a power of two.", choices=[2**k for k in range(2, 12)])
    first: int = param(1, "The lowest bin.", low=1, high=1024)
    last: int = param(64, "The bin behind the highest: n_fft / 2 at most.", low=2, high=1024)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.first < self.last <= self.n_fft // 2:
            seen = f"bins {self.first} to {self.last} of {self.n_fft // 2}"
            raise GraphError("Envelope.last", seen, "Give a band inside the spectrum.")

    def shape(self, *inputs: Shape) -> Shape:
        return (self.n_fft, time_first(self, inputs, least=self.n_fft)[1])

    def args(self) -> dict[str, Any]:
        return {"twiddle": twiddle(2 * self.n_fft), "first": self.first, "last": self.last}

    def scratch(self, *inputs: Shape) -> int:
        return 8 * self.n_fft
