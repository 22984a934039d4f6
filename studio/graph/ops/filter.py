"""Stream ops: run on every sample before it enters a window."""

from dataclasses import dataclass
from math import cos, pi, sin
from typing import Any

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Shape, StreamOp
from studio.params import param


@dataclass(frozen=True, eq=False)
class Biquad(StreamOp):
    """Second-order filter on each channel: (n_channels,) -> (n_channels,).

    With q = 0.7071 low and high pass are Butterworth: `scipy.signal.butter(2, cutoff_hz, kind, fs=rate_hz)`; the band
    pass is `scipy.signal.iirpeak(cutoff_hz, q, fs=rate_hz)`.

    References: R. Bristow-Johnson, Audio EQ Cookbook (W3C note, 2021).
    """

    kind: str = param("lowpass", "What passes.", choices=("lowpass", "highpass", "bandpass"))
    cutoff_hz: float = param(10.0, "Half-power frequency; the centre of a band.", unit="Hz", low=1e-6)
    rate_hz: float = param(100.0, "Rate of the stream.", unit="Hz", low=1e-3)
    q: float = param(0.7071067811865476, "Sharpness.", low=0.05, high=100.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cutoff_hz >= self.rate_hz / 2:
            seen = f"{self.cutoff_hz} Hz at {self.rate_hz} samples per second"
            raise GraphError("Biquad.cutoff_hz", seen, f"It must lie below {self.rate_hz / 2} Hz.")

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != 1:
            raise GraphError("Op Biquad", f"gets {inputs[0]}", "It takes one sample: (n_channels,).")
        return inputs[0]

    def state(self, x: Shape) -> int:
        return 2 * x[0]

    def args(self) -> dict[str, Any]:
        """b0, b1, b2, a1, a2 with a0 = 1, computed in double."""
        w = 2 * pi * self.cutoff_hz / self.rate_hz
        alpha, a = sin(w) / (2 * self.q), cos(w)
        b = {
            "lowpass": ((1 - a) / 2, 1 - a, (1 - a) / 2),
            "highpass": ((1 + a) / 2, -(1 + a), (1 + a) / 2),
            "bandpass": (alpha, 0.0, -alpha),
        }[self.kind]
        return {"coefficients": np.array([*b, -2 * a, 1 - alpha], np.float64).__truediv__(1 + alpha).astype(np.float32)}
