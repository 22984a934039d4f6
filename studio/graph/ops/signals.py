"""Features and preparations of signals over time: (n_samples, n_channels), time first."""

from dataclasses import dataclass
from math import cos, pi
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape, StreamOp
from studio.graph.ops.sound import Framed
from studio.graph.ops.statistics import time_first
from studio.params import param


@dataclass(frozen=True, eq=False)
class Goertzel(Op):
    """Power at chosen frequencies: (n_samples, n_channels) -> (n_tones * n_channels,), channel by channel.

    2 |X(f)|^2 / n^2: half the square of the amplitude of a tone that fits the window.
    """

    tones_hz: tuple[float, ...] = (1.0,)
    rate_hz: float = param(100.0, "Rate of the stream.", unit="Hz", low=1e-3)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.tones_hz or not all(0.0 <= f <= self.rate_hz / 2 for f in self.tones_hz):
            raise GraphError("Goertzel.tones_hz", str(self.tones_hz), f"Give numbers from 0 to {self.rate_hz / 2} Hz.")

    def shape(self, *inputs: Shape) -> Shape:
        return (len(self.tones_hz) * time_first(self, inputs)[1],)

    def args(self) -> dict[str, Any]:
        coefficients = [2 * cos(2 * pi * f / self.rate_hz) for f in self.tones_hz]
        return {"coefficients": np.array(coefficients, np.float32), "n_tones": len(coefficients)}


@dataclass(frozen=True, eq=False)
class Autocorrelation(Op):
    """How a signal agrees with itself some samples earlier: (n, c) -> (n_lags * c,), channel by channel.

    Sums of products of deviations from the mean over the sum of their squares, at lags first, first + step ...; 0 for a
    constant channel.
    """

    n_lags: int = param(8, "How many lags.", low=1, high=256)
    first: int = param(1, "The first lag.", unit="samples", low=1, high=4096)
    step: int = param(1, "From one lag to the next.", unit="samples", low=1, high=4096)

    def shape(self, *inputs: Shape) -> Shape:
        _, c = time_first(self, inputs, least=self.first + (self.n_lags - 1) * self.step + 1)
        return (self.n_lags * c,)

    def args(self) -> dict[str, Any]:
        return {"first": self.first, "step": self.step}


#: Low-pass filters of the decomposition; the high-pass ones are their mirror images.
WAVELETS: dict[str, tuple[float, ...]] = {
    "haar": (0.7071067811865476, 0.7071067811865476),
    "db2": (-0.12940952255126037, 0.2241438680420134, 0.8365163037378079, 0.48296291314453416),
    "db4": (
        -0.010597401785069032, 0.0328830116668852, 0.030841381835560764, -0.18703481171909309,
        -0.027983769416859854, 0.6308807679298589, 0.7148465705529157, 0.2303778133088965,
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Wavelet(Op):
    """Mean squares of wavelet coefficients: (n, c) -> ((levels + 1) * c,), channel by channel.

    Details from the finest level on, then the approximation; of the first samples that halve evenly so often.

    References: `pywt.wavedec(x, kind, mode="periodization", level=levels)`.
    """

    kind: str = param("db2", "Which wavelet.", choices=tuple(WAVELETS))
    levels: int = param(4, "How often the signal is halved.", low=1, high=10)

    def shape(self, *inputs: Shape) -> Shape:
        _, c = time_first(self, inputs, least=len(WAVELETS[self.kind]) << self.levels)
        return ((self.levels + 1) * c,)

    def args(self) -> dict[str, Any]:
        low = np.array(WAVELETS[self.kind], np.float32)
        return {"low": low, "taps": len(low), "levels": self.levels}

    def scratch(self, *inputs: Shape) -> int:
        return 6 * inputs[0][0]


@dataclass(frozen=True, eq=False)
class Decimate(Framed):
    """A lower rate, after a low-pass filter: (n, c) -> ((n - frame) // hop + 1, c).

    `hop` samples become one; `frame` is the number of taps of a windowed sinc (Hamming) that ends at half the new rate.

    References: `scipy.signal.firwin(frame, 1 / hop)`.
    """

    def width(self, n_channels: int) -> int:
        return n_channels

    def args(self) -> dict[str, Any]:
        t = np.arange(self.frame) - (self.frame - 1) / 2
        taps = np.sinc(t / self.hop) * np.hamming(self.frame)
        return {"taps": (taps / taps.sum()).astype(np.float32), "frame": self.frame, "hop": self.hop}


@dataclass(frozen=True, eq=False)
class RemoveMean(Op):
    """Each channel less its mean over the window: (n, c) -> (n, c). On radar chirps this removes what stands still."""

    def shape(self, *inputs: Shape) -> Shape:
        return time_first(self, inputs)


@dataclass(frozen=True, eq=False)
class DcBlock(StreamOp):
    """Takes a slow offset out of every sample: (n_channels,) -> (n_channels,); y = x - x' + pole * y'.

    References: `scipy.signal.lfilter([1, -1], [1, -pole], x)`.
    """

    pole: float = param(0.995, "How slowly: the corner lies near (1 - pole) * rate / 6.28.", low=0.0, high=0.99999)

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != 1:
            raise GraphError("Op DcBlock", f"gets {inputs[0]}", "It takes one sample: (n_channels,).")
        return inputs[0]

    def state(self, x: Shape) -> int:
        return 2 * x[0]


@dataclass(frozen=True, eq=False)
class Tilt(Op):
    """How a device is held: (n, 3 or more) -> (4,), of the first three channels, an accelerometer's x, y, z.

    Roll and pitch of the mean vector in radians, its length, and the root mean square of what swings about it.
    """

    def shape(self, *inputs: Shape) -> Shape:
        _, c = time_first(self, inputs)
        if c < 3:
            raise GraphError("Op Tilt", f"gets {c} channels", "It needs the three axes of an accelerometer.")
        return (4,)


@dataclass(frozen=True, eq=False)
class QuaternionAngles(Op):
    """Orientation as angles: (n, 4) quaternions w, x, y, z -> (n, 3) roll, pitch, yaw in radians.

    References: `scipy.spatial.transform.Rotation.from_quat(q, scalar_first=True).as_euler("ZYX")`, in reverse order.
    """

    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        n, c = time_first(self, inputs)
        if c != 4:
            raise GraphError("Op QuaternionAngles", f"gets {c} channels", "It takes quaternions: w, x, y, z.")
        return (n, 3)


N_KERNELS = 84


@dataclass(frozen=True, eq=False)
class Rocket(Op):
    """MiniRocket: (n, c) -> (n_dilations * 84 * n_biases,), shares of samples at which a fixed kernel exceeds a bias.

    Kernels are all choices of three taps of nine that weigh 2 where the others weigh -1, in lexical order; the
    signal is surrounded by zeros. `channel[d, k]` is what kernel k at dilation d looks at.

    References: Dempster, Schmidt, Webb, MiniRocket, KDD 2021.
    """

    dilations: Array  # (n_dilations,) int32
    channel: Array  # (n_dilations, 84) uint8
    biases: Array  # (n_dilations, 84, n_biases) float32

    def __post_init__(self) -> None:
        super().__post_init__()
        n = len(self.dilations)
        if self.channel.shape != (n, N_KERNELS) or self.biases.shape[:2] != (n, N_KERNELS) or self.dilations.min() < 1:
            raise GraphError("Op Rocket", f"biases of shape {self.biases.shape}", "Give a row for each of 84 kernels.")

    def shape(self, *inputs: Shape) -> Shape:
        _, c = time_first(self, inputs)
        if int(self.channel.max()) >= c:
            raise GraphError("Op Rocket", f"gets {c} channels", "Train again after changing the channels.")
        return (self.biases.size,)

    def args(self) -> dict[str, Any]:
        tables = {"dilations": self.dilations, "n_dilations": len(self.dilations)}
        return {**tables, "channel": self.channel, "biases": self.biases, "n_biases": self.biases.shape[2]}
