"""Examples of features of signals and radar frames; oracles in SciPy, PyWavelets and numpy."""

from itertools import combinations

import numpy as np
import pywt
from scipy import signal
from scipy.spatial.transform import Rotation

from studio.graph.op import Array
from studio.graph.ops.fir import FastFir, Fir
from studio.graph.ops.radar import Cfar, Doppler, RangeSpectrum
from studio.graph.ops.signals import (
    Autocorrelation,
    DcBlock,
    Decimate,
    Goertzel,
    QuaternionAngles,
    RemoveMean,
    Rocket,
    Tilt,
    Wavelet,
)
from studio.graph.ops.spectrum import Envelope, Peaks, SpectrumS16
from tests.graph.arithmetic import Example


def goertzel(x: Array) -> Array:
    t = np.arange(len(x)) / 100
    return np.array(
        [[2 * abs((v * np.exp(-2j * np.pi * f * t)).sum() / len(x)) ** 2 for f in (7.0, 21.5)] for v in x.T]
    ).ravel()


def autocorrelation(x: Array) -> Array:
    found = []
    for v in (x - x.mean(0, dtype=float)).T:
        full = np.correlate(v, v, "full")[len(v) - 1 :]
        found.append(full[[2, 5, 8]] / full[0] if full[0] > 1e-9 else np.zeros(3))
    return np.array(found).ravel()


def wavelet(x: Array) -> Array:
    found = []
    for v in x[:48].astype(float).T:
        coarse, *details = pywt.wavedec(v, "db2", mode="periodization", level=3)
        found.append([np.mean(d**2) for d in (*details[::-1], coarse)])
    return np.array(found).ravel()


def decimated(x: Array) -> Array:
    taps = signal.firwin(15, 1 / 4)
    return np.stack([np.convolve(v, taps, "valid")[::4] for v in x.astype(float).T], axis=1)


def tilt(x: Array) -> Array:
    x = x[:, :3].astype(float)
    a, b, c = m = x.mean(0)
    swing = np.sqrt(((x - m) ** 2).sum(1).mean())
    return np.array([np.arctan2(b, c), np.arctan2(-a, np.hypot(b, c)), np.linalg.norm(m), swing])


def angles(x: Array) -> Array:
    found = []
    for q in x.astype(float):
        turned = Rotation.from_quat(q[[1, 2, 3, 0]]).as_euler("ZYX")[::-1] if np.any(q) else np.zeros(3)
        found.append(np.where(turned < 1e-9 - np.pi, np.pi, turned))
    return np.array(found)


def rocket(op: Rocket, x: Array) -> Array:
    found = []
    for d, dilation in enumerate(op.dilations):
        for k, taps in enumerate(combinations(range(9), 3)):
            weight = np.where(np.isin(np.arange(9), taps), 2.0, -1.0)
            v = np.pad(x[:, op.channel[d, k]].astype(float), 4 * dilation)
            sums = sum(w * v[i * dilation : i * dilation + len(x)] for i, w in enumerate(weight))
            found.append([(sums > b).mean() for b in op.biases[d, k]])
    return np.array(found).ravel()


def doppler(x: Array) -> Array:
    z = x[:, ::2].astype(float) + 1j * x[:, 1::2]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(12) / 12)
    return np.abs(np.fft.fftshift(np.fft.fft(z * window[:, None], 16, axis=0), axes=0)) ** 2


def ranges(x: Array) -> Array:
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(25) / 25)
    z = np.fft.rfft(x * window, 32)[:, :9]
    return np.stack([z.real, z.imag], axis=2).reshape(len(x), -1)


def cfar(x: Array) -> Array:
    y = np.zeros(x.shape)
    for (i, j), v in np.ndenumerate(x.astype(float)):
        near = [k for k in range(j - 4, j + 5) if 0 <= k < x.shape[1] and abs(k - j) > 1]
        floor = x[i, near].astype(float).mean()
        y[i, j] = v / floor if v > 1.5 * floor and floor > 1e-30 else 0
    return y


def peaks(x: Array) -> Array:
    """SciPy's peaks, plateaus left out; the parabola through three points by polyfit."""
    found = []
    for v in x.astype(float).T:
        at, _ = signal.find_peaks(v, plateau_size=(1, 1))
        at = at[np.argsort(-v[at], kind="stable")][:3]
        rows = [(0.0, np.log(1e-3))] * 3
        for i, k in enumerate(at):
            a, b, _ = np.polyfit([-1, 0, 1], v[k - 1 : k + 2] / v[k], 2)
            rows[i] = (2.5 * (k - b / (2 * a)), np.log(v[k] + 1e-3))
        found.append(rows)
    return np.array(found).ravel()


def envelope(x: Array) -> Array:
    spectrum = np.fft.fft(x[:32] - x[:32].mean(0, dtype=float), axis=0)
    spectrum[:3] = spectrum[11:] = 0
    return np.abs(signal.hilbert(np.fft.ifft(spectrum, axis=0).real * 2, axis=0))


def spectrum_s16(x: Array) -> Array:
    """The kernel takes a whole number for the mean, which the window lets into the lowest bins."""
    v = 0.25 * (x[:50] - np.trunc(x[:50].mean(0, dtype=float)))
    return signal.periodogram(v, 64, "blackman", 64, detrend=False, axis=0)[1]


def convolved(taps: Array, x: Array) -> Array:
    return np.stack([np.convolve(v, taps.astype(float), "valid") for v in x.astype(float).T], axis=1)


#: Of the two filters.
TAPS = signal.firwin(9, 0.3).astype(np.float32)


def signal_examples() -> dict[str, Example]:
    """One example of every op."""
    rng = np.random.default_rng(23)
    channel = rng.integers(0, 2, (2, 84)).astype(np.uint8)
    biases = (rng.normal(size=(2, 84, 2)) * 3).astype(np.float32)
    pieces = Rocket(np.array([1, 3], np.int32), channel, biases)
    return {
        "Peaks": Example(Peaks(2.5, 1e-3, 3), ((14, 2),), peaks, 3e-5, True),
        "Envelope": Example(Envelope(32, 3, 11), ((37, 2),), envelope, 2e-6),
        "SpectrumS16": Example(SpectrumS16(50, 64, "blackman", 0.25), ((53, 2),), spectrum_s16, 2e-3),
        "FastFir": Example(FastFir(TAPS, 16), ((37, 2),), lambda x: convolved(TAPS, x), 2e-6),
        "Fir": Example(Fir(TAPS), ((23, 2),), lambda x: convolved(TAPS, x), 2e-6),
        "Goertzel": Example(Goertzel((7.0, 21.5), 100.0), ((60, 2),), goertzel, 1e-5),
        "Autocorrelation": Example(Autocorrelation(3, 2, 3), ((40, 2),), autocorrelation, 2e-6),
        "Wavelet": Example(Wavelet("db2", 3), ((53, 2),), wavelet, 2e-6),
        "Decimate": Example(Decimate(15, 4), ((50, 2),), decimated, 2e-6),
        "RemoveMean": Example(RemoveMean(), ((20, 3),), lambda x: x - x.mean(0, dtype=float), 1e-6),
        "DcBlock": Example(
            DcBlock(0.9), ((3,),), lambda x: signal.lfilter([1, -1], [1, -0.9], x.astype(float), axis=0), 2e-6
        ),
        "Tilt": Example(Tilt(), ((20, 4),), tilt, 2e-6),
        "QuaternionAngles": Example(QuaternionAngles(), ((6, 4),), angles, 2e-6),
        "Rocket": Example(pieces, ((30, 2),), lambda x: rocket(pieces, x), 1e-6),
        "RangeSpectrum": Example(RangeSpectrum(25, 32, 9), ((5, 25),), ranges, 2e-6),
        "Doppler": Example(Doppler(12, 16), ((12, 10),), doppler, 2e-6),
        "Cfar": Example(Cfar(1, 3, 1.5), ((4, 12),), cfar, 2e-6, True),
    }
