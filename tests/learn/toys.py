"""Recordings and data sets small enough to reason about, and small enough to learn in a second."""

from dataclasses import dataclass, field

import numpy as np

from studio.data.labels import Labels, Segment
from studio.data.stream import Array, Stream
from studio.learn.dataset import Dataset, windows

STREAM = Stream("accelerometer", 50.0, ("x", "y", "z"), unit="g", dtype="i16", scale=1 / 1000)


@dataclass
class Tape:
    """What `windows` reads of a recording, without a disk."""

    id: str
    samples: Array
    labels: dict[str, Labels]
    subject: str = ""
    split: str = ""
    gaps: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    streams: tuple[Stream, ...] = (STREAM,)

    def raw(self, name: str) -> Array:
        assert name == self.streams[0].name
        return self.samples


def counting(n: int, stream: Stream = STREAM) -> Array:
    """Samples whose value is their own index, so every window tells where it came from."""
    column = np.arange(n).astype(stream.numpy_dtype)
    return np.repeat(column[:, None], len(stream.channels), axis=1)


def track(*pieces: tuple[int, int, str], rate_hz: float = 50.0) -> dict[str, Labels]:
    """A track from (first sample, one past the last, label)."""
    return {"labels": Labels(tuple(Segment(a / rate_hz, b / rate_hz, label) for a, b, label in pieces))}


def motion(label: str, n: int, rng: np.random.Generator, stream: Stream = STREAM) -> Array:
    """Rest, a slow swing or a quick shake, in counts, with noise and an orientation of its own."""
    hz, size = {"rest": (0.0, 0.0), "swing": (1.0, 0.6), "shake": (6.0, 0.8)}[label]
    t = np.arange(n) / stream.rate_hz
    phase = rng.uniform(0, 2 * np.pi, len(stream.channels))
    gain = rng.uniform(0.6, 1.0, len(stream.channels)) * size
    wave = gain * np.sin(2 * np.pi * hz * rng.uniform(0.85, 1.15) * t[:, None] + phase)
    return ((wave + rng.normal(0, 0.03, wave.shape)) / stream.scale).astype(stream.numpy_dtype)


def people(n: int = 5, seconds: float = 12.0, stream: Stream = STREAM, seed: int = 0) -> list[Tape]:
    """One recording of each of n people: rest, swing, shake, one after the other."""
    rng = np.random.default_rng(seed)
    each, names = round(seconds * stream.rate_hz), ("rest", "swing", "shake")
    tapes = []
    for person in range(n):
        samples = np.concatenate([motion(name, each, rng, stream) for name in names])
        pieces = [(i * each, (i + 1) * each, name) for i, name in enumerate(names)]
        labels = track(*pieces, rate_hz=stream.rate_hz)
        tapes.append(Tape(f"r{person}", samples, labels, subject=f"p{person}", streams=(stream,)))
    return tapes


def toy(n: int = 5, length: int = 64, stride: int = 32, stream: Stream = STREAM, seconds: float = 12.0) -> Dataset:
    """Windows of `people`."""
    return windows(people(n, seconds, stream), stream.name, length, stride)
