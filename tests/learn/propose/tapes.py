"""Recordings without a disk, with events whose place is known."""

from dataclasses import dataclass, field

import numpy as np

from studio.data.labels import Labels, Segment
from studio.data.stream import Floats, Stream

MOTION = Stream("acc", 50.0, ("x", "y", "z"), "g", "f32", 1.0, "accelerometer")
SOUND = Stream("mic", 8000.0, ("sound",), "FS", "f32", 1.0, "microphone")
RADAR = Stream("radar", 30.0, ("0.2 m", "0.4 m", "0.6 m", "0.8 m"), "", "f32", 1.0, "radar")


@dataclass
class Tape:
    """What proposers read of a recording; `reads` are the stretches that were asked for."""

    x: Floats
    of: Stream
    id: str = "tape"
    reads: list[tuple[int, int]] = field(default_factory=list)

    @property
    def n_samples(self) -> dict[str, int]:
        return {self.of.name: len(self.x)}

    def stream(self, name: str) -> Stream:
        assert name == self.of.name
        return self.of

    def values(self, name: str, start: int = 0, stop: int | None = None) -> Floats:
        self.reads.append((start, len(self.x) if stop is None else stop))
        return self.x[start:stop]


def truth(n: int = 12, first_s: float = 5.0, every_s: float = 6.0, length_s: float = 2.0) -> Labels:
    """n events, one after the other."""
    starts = [first_s + every_s * i for i in range(n)]
    return Labels(tuple(Segment(a, a + length_s, "wave") for a in starts))


def tape(of: Stream, labels: Labels, seed: int = 0, loud: float = 1.0, seconds: float = 80.0) -> Tape:
    """Quiet noise around a posture of its own; in each event a swing (motion, radar) or a hiss (sound)."""
    rng = np.random.default_rng(seed)
    n, c = round(seconds * of.rate_hz), len(of.channels)
    rest = np.zeros(c) if of.kind == "microphone" else rng.uniform(-1, 1, c)
    x = rest + rng.normal(0, 0.01, (n, c))
    for s in labels.segments:
        a, b = round(s.start_s * of.rate_hz), round(s.stop_s * of.rate_hz)
        t = np.arange(b - a)[:, None] / of.rate_hz
        swing = np.sin(2 * np.pi * 2 * t + rng.uniform(0, 6, c)) if of.rate_hz < 1000 else rng.normal(0, 1, (b - a, c))
        x[a:b] += loud * 0.5 * swing
    return Tape(x.astype(np.float32), of)
