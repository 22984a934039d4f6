"""What virtual sensors feel and hear: a hand that holds an accelerometer, and a room with a microphone.

The hand moves by physics: a gesture is a path of the hand and a turn of the wrist; the sensor feels the second
derivative of the path minus gravity, in its own axes, so at rest it reads 1 g upwards. Every seed is another person
with an own grip, tempo, strength and tremor, and no two repetitions are equal.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels, Segment
from studio.data.stream import Array

Floats = npt.NDArray[np.float64]
Samples = npt.NDArray[np.int16]
Schedule = Sequence[tuple[str, float]]

GESTURES = ("idle", "wave", "shake", "circle", "tap")
#: g per count: +-8 g in 16 bits.
SCALE_G = 1 / 4096
STANDARD_GRAVITY = 9.80665
_NOISE_G = 0.004


@dataclass(frozen=True)
class Person:
    """How somebody moves: grip in radians, tempo and strength as factors, tremor in g."""

    grip: tuple[float, float, float]
    tempo: float
    strength: float
    tremor_g: float
    slant: float


@dataclass(frozen=True, eq=False)
class Movement:
    """Acceleration of the hand (n, 3) in g, world axes; turns of the wrist (n, 3) in radians: roll, pitch, yaw."""

    acceleration: Floats
    turn: Floats


def motion(
    seconds: float, rate_hz: float = 100.0, seed: int = 0, schedule: Schedule | None = None
) -> tuple[Samples, Labels]:
    """An accelerometer in somebody's hand: (raw (n, 3) int16 in counts of SCALE_G, what was done when).

    `schedule` is (gesture, seconds) in order; without it, gestures of 2 to 4 s with idle between.
    The labels lie exactly on borders of samples.
    """
    rng = np.random.default_rng([seed, 1])
    person = _person(rng)
    n = round(seconds * rate_hz)
    pieces, segments, at = [], [], 0
    for label, duration_s in schedule or _schedule(seconds, rng):
        count = min(round(duration_s * rate_hz), n - at)
        if count > 0:
            pieces.append(_felt(label, count, rate_hz, person, rng))
            segments.append(Segment(at / rate_hz, (at + count) / rate_hz, label))
            at += count
    felt = np.concatenate([*pieces, np.zeros((0, 3))])
    felt += rng.normal(0, _NOISE_G, felt.shape)
    raw = np.clip(np.rint(felt / SCALE_G), -32768, 32767).astype(np.int16)
    return raw, Labels(tuple(segments))


def sound(seconds: float, rate_hz: float = 16000.0, seed: int = 0) -> Samples:
    """A microphone in a room: noise, tones and claps, (n, 1) int16."""
    return sound_and_truth(seconds, rate_hz, seed)[0]


def sound_and_truth(seconds: float, rate_hz: float = 16000.0, seed: int = 0) -> tuple[Samples, Labels]:
    """The same with what was to be heard when: "noise", "tone" or "clap"."""
    rng = np.random.default_rng([seed, 2])
    n = round(seconds * rate_hz)
    heard = rng.normal(0, 0.004, n) + 0.01 * _slow(rng, n, 40.0, rate_hz)
    segments, at, turn = [], 0, 0
    while at < n:
        label = "noise" if turn % 2 == 0 else ("tone", "clap")[turn // 2 % 2]
        count = min(round(rng.uniform(0.8, 1.6) * rate_hz), n - at)
        if label == "tone":
            heard[at : at + count] += _tone(count, rate_hz, rng)
        elif label == "clap":
            heard[at : at + count] += _claps(count, rate_hz, rng)
        segments.append(Segment(at / rate_hz, (at + count) / rate_hz, label))
        at, turn = at + count, turn + 1
    raw = np.clip(np.rint(heard * 32767), -32768, 32767).astype(np.int16)[:, None]
    return raw, Labels(tuple(segments))


def write_rows(path: Path, raw: Array) -> None:
    """Rows (n, n_channels) as little-endian values, the file that virtual sensors read; replaced in one step."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(raw.astype(raw.dtype.newbyteorder("<")).tobytes())
    os.replace(part, path)


def _person(rng: np.random.Generator) -> Person:
    grip = rng.normal(0, (0.25, 0.25, 0.6))
    return Person(
        (float(grip[0]), float(grip[1]), float(grip[2])),
        tempo=float(rng.uniform(0.82, 1.2)),
        strength=float(rng.uniform(0.75, 1.3)),
        tremor_g=float(rng.uniform(0.004, 0.015)),
        slant=float(rng.normal(0, 0.2)),
    )


def _schedule(seconds: float, rng: np.random.Generator) -> list[tuple[str, float]]:
    found, planned = [], 0.0
    while planned < seconds:
        for gesture in rng.permutation(GESTURES[1:]):
            found += [("idle", float(rng.uniform(1.5, 3.0))), (str(gesture), float(rng.uniform(2.0, 4.0)))]
            planned += found[-1][1] + found[-2][1]
    return found


def _felt(label: str, n: int, rate_hz: float, person: Person, rng: np.random.Generator) -> Floats:
    """Specific force (n, 3) in g, in the sensor's axes."""
    t = np.arange(n) / rate_hz
    moved = _MOVEMENTS[label](t, person, rng)
    tremor = person.tremor_g * np.stack(
        [np.sin(2 * np.pi * rng.uniform(8, 11) * t + p) for p in rng.uniform(0, 6, 3)], 1
    )
    sway = 0.03 * np.stack([_slow(rng, n, 0.5, rate_hz) for _ in range(3)], 1)
    force = moved.acceleration + tremor + np.array([0.0, 0.0, 1.0])
    return _in_sensor_axes(force, moved.turn + sway + np.array(person.grip))


def _in_sensor_axes(force: Floats, turn: Floats) -> Floats:
    """World to sensor for a sensor turned by yaw, then pitch, then roll."""
    (sr, sp, sy), (cr, cp, cy) = np.sin(turn).T, np.cos(turn).T
    x, y, z = force.T
    x, y = cy * x + sy * y, cy * y - sy * x
    x, z = cp * x - sp * z, sp * x + cp * z
    y, z = cr * y + sr * z, cr * z - sr * y
    return np.stack([x, y, z], axis=1)


def _idle(t: Floats, person: Person, rng: np.random.Generator) -> Movement:
    return Movement(np.zeros((len(t), 3)), np.zeros((len(t), 3)))


def _wave(t: Floats, person: Person, rng: np.random.Generator) -> Movement:
    """The raised hand swings from side to side about the elbow."""
    rate_hz = rng.uniform(1.5, 2.1) * person.tempo
    angle = rng.uniform(0.5, 0.75) * person.strength * _fade(t)
    phase = _phase(t, rate_hz, rng)
    reach_m = 0.28
    tilt = angle * np.sin(phase)
    swing = -reach_m * angle * (2 * np.pi * rate_hz) ** 2 * np.sin(phase) / STANDARD_GRAVITY
    zero = np.zeros_like(t)
    inward = -reach_m * (angle * 2 * np.pi * rate_hz * np.cos(phase)) ** 2 / STANDARD_GRAVITY
    acceleration = np.stack([person.slant * swing, swing * np.cos(tilt), inward * np.cos(tilt)], 1)
    return Movement(acceleration, np.stack([tilt, zero, zero], 1))


def _shake(t: Floats, person: Person, rng: np.random.Generator) -> Movement:
    """Fast and straight, to and fro."""
    rate_hz = rng.uniform(4.0, 5.2) * person.tempo
    reach_m = rng.uniform(0.03, 0.045) * person.strength * _fade(t)
    pull = -reach_m * (2 * np.pi * rate_hz) ** 2 * np.sin(_phase(t, rate_hz, rng)) / STANDARD_GRAVITY
    along = np.array([0.9, person.slant, 0.35 + person.slant])
    wrist = np.stack([0 * pull, 0.04 * pull, 0 * pull], 1)
    return Movement(pull[:, None] * along / np.linalg.norm(along), wrist)


def _circle(t: Floats, person: Person, rng: np.random.Generator) -> Movement:
    """Round and round in an upright plane."""
    rate_hz = rng.uniform(0.95, 1.35) * person.tempo
    radius_m = rng.uniform(0.14, 0.2) * person.strength * _fade(t)
    phase = _phase(t, rate_hz, rng) * rng.choice([-1.0, 1.0])
    pull = radius_m * (2 * np.pi * rate_hz) ** 2 / STANDARD_GRAVITY
    acceleration = np.stack([-pull * np.cos(phase), person.slant * pull * np.cos(phase), -pull * np.sin(phase)], 1)
    turn = 0.12 * _fade(t)[:, None] * np.stack([np.sin(phase), np.cos(phase), 0 * phase], 1)
    return Movement(acceleration, turn)


def _tap(t: Floats, person: Person, rng: np.random.Generator) -> Movement:
    """A finger knocks on the case: short blows that ring out."""
    along = np.array([0.1, person.slant * 0.5, 1.0])
    acceleration = np.zeros((len(t), 3))
    at_s = rng.uniform(0.05, 0.2)
    while t.size and at_s < t[-1]:
        after = np.clip(t - at_s, 0, None)
        ring = np.exp(-after / 0.035) * np.sin(2 * np.pi * rng.uniform(20, 28) * after)
        acceleration -= rng.uniform(1.6, 2.6) * person.strength * ring[:, None] * along
        at_s += rng.uniform(0.26, 0.42) / person.tempo
    return Movement(acceleration, np.zeros((len(t), 3)))


_MOVEMENTS: dict[str, Callable[[Floats, Person, np.random.Generator], Movement]] = {
    "idle": _idle,
    "wave": _wave,
    "shake": _shake,
    "circle": _circle,
    "tap": _tap,
}


def _fade(t: Floats, seconds: float = 0.25) -> Floats:
    """0 at both ends, 1 between: a movement begins and ends at rest."""
    if not t.size:
        return t
    edge = np.minimum(t, t[-1] - t) / seconds
    rise: Floats = np.sin(np.clip(edge, 0, 1) * np.pi / 2) ** 2
    return rise


def _phase(t: Floats, rate_hz: float, rng: np.random.Generator) -> Floats:
    """Phase of a swing whose tempo wanders a little."""
    wander: Floats = 0.25 * np.sin(2 * np.pi * rng.uniform(0.15, 0.4) * t + rng.uniform(0, 6))
    return 2 * np.pi * rate_hz * t + wander + rng.uniform(0, 2 * np.pi)


def _slow(rng: np.random.Generator, n: int, corner_hz: float, rate_hz: float) -> Floats:
    """Noise (n,) below a corner, of spread 1: random values, a few per cycle, joined by smooth curves."""
    knots = rng.normal(0, 1, int(n / rate_hz * corner_hz * 2) + 4)
    at = np.arange(n) / rate_hz * corner_hz * 2
    left = at.astype(int)
    weight = (1 - np.cos(np.pi * (at - left))) / 2
    joined: Floats = knots[left] * (1 - weight) + knots[left + 1] * weight
    return joined


def _tone(n: int, rate_hz: float, rng: np.random.Generator) -> Floats:
    t = np.arange(n) / rate_hz
    pitch_hz = rng.uniform(300, 1200)
    harmonics = sum(np.sin(2 * np.pi * pitch_hz * k * t) / k**2 for k in (1, 2, 3))
    found: Floats = 0.15 * _fade(t, 0.03) * harmonics
    return found


def _claps(n: int, rate_hz: float, rng: np.random.Generator) -> Floats:
    t, heard = np.arange(n) / rate_hz, np.zeros(n)
    for at_s in np.arange(rng.uniform(0.02, 0.1), n / rate_hz, rng.uniform(0.3, 0.45)):
        after = np.clip(t - at_s, 0, None)
        heard += np.where(t >= at_s, 0.4 * np.exp(-after / 0.02) * rng.normal(0, 1, n), 0)
    return heard
