"""Sound as it is heard: a spectrogram in mel bands and features of it. Time first.

A row is one frame: (n_frames, n_mels * n_channels), the channels of a band side by side, so that
`Reshape((n_frames, n_mels, n_channels))` makes a plane for Conv2d and costs nothing. A model whose window only a
`Framed` op reads never holds that window on a board: the renderer feeds the op sample by sample, a frame per hop.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape
from studio.graph.ops.statistics import time_first
from studio.params import param


@dataclass(frozen=True, eq=False)
class Framed(Op):
    """An op that gives one row for each frame of a signal: (n_samples, n_channels) -> (n_frames, width).

    Frame t holds the `frame` samples from t * hop on; n_frames = (n_samples - frame) // hop + 1. Rows do not depend
    on each other.
    """

    frame: int = param(400, "Samples in one frame.", unit="samples", low=2, high=4096)
    hop: int = param(160, "Samples from one frame to the next.", unit="samples", low=1, high=4096)

    def width(self, n_channels: int) -> int:
        """Values in a row."""
        raise NotImplementedError

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs, least=self.frame)
        return ((n - self.frame) // self.hop + 1, self.width(c))


@dataclass(frozen=True, eq=False)
class Mel(Framed):
    """Power in mel bands: (n_samples, n_channels) -> (n_frames, n_mels * n_channels).

    Each frame under a periodic Hann window, padded with zeros to `n_fft`; |X|^2 weighed by triangles. Scale "slaney" is
    librosa's own (triangles of equal area), "htk" is 2595 lg(1 + f / 700) with triangles of height 1, as TensorFlow
    has it. A band that no bin falls into is always 0.

    References: `librosa.feature.melspectrogram(y, sr, n_fft, hop_length, win_length, center=False, n_mels, ...)`,
    with `htk=True, norm=None` for "htk"; where frame < n_fft librosa's frames begin (n_fft - frame) / 2 samples later.
    """

    n_fft: int = param(512, "Points of the Fourier transform: a power of two.", choices=[2**k for k in range(2, 13)])
    n_mels: int = param(40, "Bands.", low=1, high=128)
    f_low: float = param(20.0, "Where the first band begins.", unit="Hz", low=0.0)
    f_high: float = param(8000.0, "Where the last band ends: at most half the rate.", unit="Hz", low=1.0)
    rate_hz: float = param(16000.0, "Rate of the stream.", unit="Hz", low=1e-3)
    scale: str = param("slaney", "Which mel scale.", choices=("slaney", "htk"))

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        if self.frame > self.n_fft:
            raise GraphError(f"{name}.n_fft", f"{self.n_fft} for {self.frame} samples", "Use a greater power of two.")
        if not self.f_low < self.f_high <= self.rate_hz / 2:
            seen = f"{self.f_low:g} to {self.f_high:g} Hz at {self.rate_hz:g} samples per second"
            raise GraphError(f"{name}.f_high", seen, f"It must lie above f_low, up to {self.rate_hz / 2:g} Hz.")

    def width(self, n_channels: int) -> int:
        return self.n_mels * n_channels

    def args(self) -> dict[str, Any]:
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.frame) / self.frame)
        angle = -2j * np.pi * np.arange(self.n_fft // 2) / self.n_fft
        edges, rise, gain = mel_bands(self)
        return {
            "window": window.astype(np.float32),
            "twiddle": np.exp(angle).astype(np.complex64).view(np.float32),
            "edges": edges,
            "rise": rise,
            "gain": gain,
            **{name: getattr(self, name) for name in ("frame", "hop", "n_fft", "n_mels")},
        }

    def scratch(self, *inputs: Shape) -> int:
        return 4 * (self.n_fft + 1)


@dataclass(frozen=True, eq=False)
class LogMel(Mel):
    """Natural logarithm of `Mel` plus `least`: (n_samples, n_channels) -> (n_frames, n_mels * n_channels)."""

    least: float = param(1e-6, "Power added to every band, so that silence has a logarithm.", low=1e-30, high=1e6)

    def args(self) -> dict[str, Any]:
        return {**super().args(), "least": self.least}


def mel_bands(op: Mel) -> tuple[Array, Array, Array]:
    """(edges, rise, gain) of the triangles: the first bin of each of the n_mels + 1 segments between their corners (and
    the end), how far each bin has risen in its segment, and what each band is multiplied by.

    The factor 1/4 undoes that the kernel gives four times the power.
    """
    to_mel, to_hz = SCALES[op.scale]
    low, high = to_mel(np.array([op.f_low, op.f_high]))
    corners = to_hz(np.linspace(low, high, op.n_mels + 2))
    bins = np.arange(op.n_fft // 2 + 1) * op.rate_hz / op.n_fft
    edges = np.searchsorted(bins, corners)
    inside = bins[edges[0] : edges[-1]]
    segment = np.searchsorted(corners, inside, side="right") - 1
    rise = (inside - corners[segment]) / (corners[segment + 1] - corners[segment])
    area = 2.0 / (corners[2:] - corners[:-2]) if op.scale == "slaney" else np.ones(op.n_mels)
    return edges.astype(np.int16), rise.astype(np.float32), (area / 4).astype(np.float32)


def _slaney_mel(f: Array) -> Array:
    """Linear to 1 kHz, then 27 steps for a factor of 6.4."""
    return np.where(f < 1000, f * 3 / 200, 15 + 27 * np.log(np.maximum(f, 1000) / 1000) / np.log(6.4))


def _slaney_hz(m: Array) -> Array:
    return np.where(m < 15, m * 200 / 3, 1000 * np.exp(np.log(6.4) * (np.maximum(m, 15) - 15) / 27))


#: Name -> Hz to mel, and back.
SCALES = {
    "slaney": (_slaney_mel, _slaney_hz),
    "htk": (lambda f: 2595 * np.log10(1 + f / 700), lambda m: 700 * (10 ** (m / 2595) - 1)),
}


@dataclass(frozen=True, eq=False)
class Mfcc(Op):
    """Cepstral coefficients of log-mel rows: (n_frames, n_mels * n_channels) -> (n_frames, n_kept * n_channels).

    The orthonormal DCT-II over the bands, the first `n_kept` of it.

    References: `scipy.fft.dct(log_mel, type=2, norm="ortho", axis=1)[:, :n_kept]`.
    """

    n_mels: int = param(40, "Bands of the input.", low=1, high=128)
    n_kept: int = param(13, "Coefficients.", low=1, high=128)
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        n, width = time_first(self, inputs)
        if width % self.n_mels or self.n_kept > self.n_mels:
            seen = f"gets {width} values a row for {self.n_kept} coefficients of {self.n_mels} bands"
            raise GraphError("Op Mfcc", seen, "Give it the rows of a LogMel with as many bands.")
        return (n, width // self.n_mels * self.n_kept)

    def args(self) -> dict[str, Any]:
        k, m = np.arange(self.n_kept)[:, None], np.arange((self.n_mels + 1) // 2)
        cosines = np.sqrt(2 / self.n_mels) * np.cos(np.pi * k * (2 * m + 1) / (2 * self.n_mels))
        cosines[0] = np.sqrt(1 / self.n_mels)
        return {"cosines": cosines.astype(np.float32), "n_mels": self.n_mels, "n_kept": self.n_kept}


@dataclass(frozen=True, eq=False)
class Delta(Op):
    """How fast each value changes, per row: (n, c) -> (n, c); the first and last row go on for ever.

    The slope of the straight line through `reach` rows either side.

    References: `librosa.feature.delta(x, width=2 * reach + 1, mode="nearest", axis=0)`.
    """

    reach: int = param(2, "Rows before and after.", low=1, high=64)

    def shape(self, *inputs: Shape) -> Shape:
        return time_first(self, inputs)


@dataclass(frozen=True, eq=False)
class Pcen(Op):
    """Per-channel energy normalisation of `Mel` rows: (n_frames, n) -> (n_frames, n).

    (x / (least + level)^strength + bias)^root - bias^root, level following x from its first row on.

    References: Wang et al., Trainable Frontend for Robust and Far-Field Keyword Spotting, ICASSP 2017;
    `librosa.pcen(x, b=smooth, gain=strength, bias=bias, power=root, eps=least)`.
    """

    smooth: float = param(0.025, "How fast the level follows.", low=1e-6, high=1.0)
    strength: float = param(0.98, "How much of the level is taken out.", low=0.0, high=1.0)
    bias: float = param(2.0, "Added before the root.", low=0.0, high=1e6)
    root: float = param(0.5, "Exponent of the compression.", low=0.01, high=1.0)
    least: float = param(1e-6, "Added to the level, so that silence can be divided by.", low=1e-30, high=1e6)

    def shape(self, *inputs: Shape) -> Shape:
        return time_first(self, inputs)
