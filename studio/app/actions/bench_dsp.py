"""What signal processing costs: instructions of each op on the emulated chips, and its speed here beside NumPy's."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from studio.data.stream import Array
from studio.errors import BuildError
from studio.firmware.bare import bare
from studio.firmware.board import boards
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.op import Op, Shape
from studio.graph.ops.fir import FastFir, Fir
from studio.graph.ops.radar import Cfar, Doppler, RangeSpectrum
from studio.graph.ops.signals import Autocorrelation, Decimate, Goertzel, Rocket, Tilt, Wavelet
from studio.graph.ops.sound import Delta, LogMel, Mfcc, Pcen
from studio.graph.ops.spectrum import BandPower, Envelope, Peaks, Spectrum, SpectrumS16, log_bands
from studio.graph.ops.statistics import ChannelCorrelation, Quantiles, Statistics
from studio.graph.ops.vector import Concat, Flatten
from studio.graph.ops.wide import QuantizeS16
from studio.progress import Progress, Work

BOARDS = ("cortex-m4f", "cortex-m0plus")
ROUNDS, WINDOWS = 5, 32
FULL = Spectrum(used=256, n_fft=256)
#: Op on windows of this shape (samples, channels): motion at 100 Hz for two seconds, a quarter of a second of
#: sound at 16 kHz, a radar frame of 16 chirps.
MOTION, SOUND, RADAR = (200, 3), (4000, 1), (16, 64)


#: Instructions of the same on a Cortex-M4F by CMSIS-DSP 1.10.3 (PyPI's `cmsisdsp`), measured once in this
#: emulator with the board's flags but -O2: mean, window, arm_rfft_fast_f32 and powers; arm_fir_f32 per output.
CMSIS_DSP = {"spectrum": 3 * 15089, "fir_64": 155212 * 937 // 1000, "fast_fir_64": 155212 * 937 // 1000}


def _ops() -> dict[str, tuple[tuple[Op, ...], tuple[int, int]]]:
    """Chains of ops, of which the last is counted, and the window's shape."""
    chirps, sound = RangeSpectrum(), LogMel()
    taps = np.hamming(64) / np.hamming(64).sum()
    channel, biases = np.zeros((1, 84), np.uint8), np.zeros((1, 84, 1), np.float32)
    return {
        "statistics": ((Statistics(),), MOTION),
        "quantiles": ((Quantiles(),), MOTION),
        "spectrum": ((FULL,), (256, 3)),
        "spectrum_s16": ((QuantizeS16(2**-12), SpectrumS16(256, 256, scale=2**-12)), (256, 3)),
        "band_power": ((FULL, BandPower(log_bands(256, 12))), (256, 3)),
        "peaks": ((FULL, Peaks()), (256, 3)),
        "envelope": ((Envelope(256, 1, 128),), (256, 3)),
        "autocorrelation": ((Autocorrelation(),), MOTION),
        "goertzel": ((Goertzel(),), MOTION),
        "wavelet": ((Wavelet(),), (256, 3)),
        "tilt": ((Tilt(),), MOTION),
        "channel_correlation": ((ChannelCorrelation(),), MOTION),
        "fir_64": ((Fir(taps.astype(np.float32)),), (1000, 1)),
        "fast_fir_64": ((FastFir(taps.astype(np.float32), 256),), (1000, 1)),
        "decimate": ((Decimate(32, 4),), (1000, 1)),
        "rocket": ((Rocket(np.array([1], np.int32), channel, biases),), (256, 1)),
        "log_mel": ((sound,), SOUND),
        "mfcc": ((sound, Mfcc()), SOUND),
        "delta": ((sound, Delta()), SOUND),
        "pcen": ((sound, Pcen()), SOUND),
        "range_spectrum": ((chirps,), RADAR),
        "doppler": ((chirps, Doppler()), RADAR),
        "cfar": ((chirps, Doppler(), Cfar()), RADAR),
    }


def dsp() -> Work[dict[str, Any]]:
    """Instructions per window of every op on the counted cores, and per value of the window."""
    found: dict[str, Any] = {}
    ops = _ops()
    for i, (name, (chain, shape)) in enumerate(ops.items()):
        yield Progress(i, len(ops), name)
        found[name] = beside(name, _row(chain, shape))
    yield Progress(len(ops), len(ops), "beside NumPy")
    note = "instructions, not cycles; `times_numpy` is how many times as fast the same C runs here as NumPy's way"
    return {"ops": found, "times_numpy": _beside_numpy(), "note": note}


def beside(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row, and how many times ours CMSIS-DSP's instructions are where those are known: below 1 for fewer."""
    ours = row.get("cortex-m4f")
    if name in CMSIS_DSP and isinstance(ours, dict):
        row["cmsis_dsp"] = round(CMSIS_DSP[name] / ours["instructions"], 2)
    return row


def alone(ops: tuple[Op, ...], shape: tuple[int, int]) -> Graph:
    """A graph of these ops on windows of `shape`. The window is kept whole: a second op reads it, too."""
    nodes: list[Node] = []
    held: Shape = shape
    for op in ops:
        nodes.append(Node(op, (len(nodes) - 1,) if nodes else (WINDOW,), f"op{len(nodes)}"))
        held = op.shape(held)
    last = len(nodes) - 1
    nodes += [Node(Flatten(), (last,), "flat"), Node(Statistics(), (WINDOW,), "other")]
    nodes.append(Node(Concat(), (last + 1, last + 2), "scores"))
    n = int(np.prod(held)) + Statistics().shape(shape)[0]
    channels, classes = tuple(f"c{i}" for i in range(shape[1])), tuple(f"v{i}" for i in range(n))
    return Graph(channels, 100.0, shape[0], shape[0], tuple(nodes), classes)


def _row(ops: tuple[Op, ...], shape: tuple[int, int]) -> dict[str, Any]:
    graph = alone(ops, shape)
    x = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    row: dict[str, Any] = {"window": list(shape)}
    for board in BOARDS:
        try:
            made = bare(graph, boards()[board], x)
        except BuildError as e:  # some windows are too long for a small core's counting ground
            row[board] = e.seen[:80]
            continue
        count = dict(made.stages)[f"op{len(ops) - 1}"]
        row[board] = {"instructions": count, "per_value": round(float(count / np.prod(shape)), 2)}
        row["equal_here"] = bool(np.array_equal(made.scores, graph.scores(x), equal_nan=True))
    return row


def _beside_numpy() -> dict[str, float]:
    """The same C on this computer, against the usual lines of NumPy on the same windows."""
    rng = np.random.default_rng(1)
    motion: Any = rng.normal(size=(WINDOWS, 256, 3)).astype(np.float32)
    pairs: dict[str, tuple[Op, Array, Callable[[Array], Any]]] = {
        "statistics": (Statistics(), motion, _numpy_statistics),
        "spectrum": (FULL, motion, _numpy_spectrum),
    }
    return {name: round(_median_s(peer, x) / _median_s(op.run, x), 2) for name, (op, x, peer) in pairs.items()}


def _numpy_spectrum(x: Any) -> Any:
    hann = np.hanning(257)[:-1, None].astype(np.float32)
    return np.abs(np.fft.rfft((x - x.mean(axis=1, keepdims=True)) * hann, axis=1)) ** 2


def _numpy_statistics(x: Any) -> Any:
    step = np.diff(x, axis=1)
    found = [x.mean(1), x.std(1), x.min(1), x.max(1), np.sqrt((x * x).mean(1)), np.abs(step).mean(1)]
    return np.concatenate([*found, (np.diff(np.sign(x), axis=1) != 0).mean(1)], axis=1)


def _median_s(call: Callable[[Array], Any], x: Array) -> float:
    given = np.ascontiguousarray(x, np.float32)
    call(given)
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call(given)
        took.append(time.perf_counter() - started)
    return float(np.median(took))
