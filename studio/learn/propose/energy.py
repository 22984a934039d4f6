"""Stretches in which something happens: by energy above rest, or by one channel's value.

"Rest" is where the sensor is when it is calm: zero for a microphone, an empty room's echo for a radar, the hanging
arm's share of gravity for a wrist. It is found along the recording, in the calmest part of every `adapt_s` seconds;
energy is the distance from it, each channel in units of its own spread, so units and sensors may be mixed. The curve
is logarithmic, 0 at the quiet end of the recording and 1 at the loud end, so one threshold suits loud and soft people.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels
from studio.data.stream import Floats
from studio.errors import DataError, ParamError
from studio.learn.propose.frames import Frames, Reals, Source, frame_hz, frames, n_frames, smoothed
from studio.learn.propose.proposer import Curve, labelled, stretches
from studio.params import check, param
from studio.progress import Progress, Work

#: Movement is judged over this time when the calm part of a recording is looked for.
CALM_S = 1.0
#: Energy below this share of a channel's spread is silence.
FLOOR = 0.02
#: Percentiles of the curve that are called quiet and loud.
QUIET, LOUD = 5.0, 95.0
#: Frames that are read at once: some minutes.
BLOCK = 30_000
#: What `tune` tries.
ON, OFF = (0.3, 0.4, 0.5, 0.6, 0.7), (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
LEAST_S, MERGE_S, SMOOTH_S = (0.0, 0.3, 0.6, 1.0, 1.5), (0.0, 0.2, 0.4), (0.1, 0.25, 0.5)
NO_CUTS = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Energy:
    """Stretches whose energy above rest passes a threshold, with hysteresis."""

    name: ClassVar[str] = "energy"
    title: ClassVar[str] = "Energy"
    live: ClassVar[tuple[str, ...]] = ("on_level", "off_level", "shortest_s", "join_s")

    on_level: float = param(
        0.55, "An event must reach this level: 0 is quiet, 1 is loud.", low=0.01, high=1.0, search=ON
    )
    off_level: float = param(0.4, "It lasts while the level stays above this one.", low=0.0, high=1.0, search=OFF)
    shortest_s: float = param(0.2, "Shorter events are left out.", unit="s", low=0.0, high=60.0, search=LEAST_S)
    join_s: float = param(
        0.2, "Events closer together than this become one.", unit="s", low=0.0, high=60.0, search=MERGE_S
    )
    smooth_s: float = param(
        0.25, "The energy is averaged over this time.", unit="s", low=0.0, high=10.0, search=SMOOTH_S
    )
    adapt_s: float = param(60.0, "Rest may change this fast.", unit="s", low=2.0, high=3600.0)
    calm: float = param(0.25, "Share of the time in which the sensor is at rest.", low=0.01, high=0.9)

    def __post_init__(self) -> None:
        check(self)

    def measure(self, recording: Source, stream: str) -> Work[Curve]:
        """Rest first, then the distance from it."""
        rest = yield from find_rest(recording, stream, self.adapt_s, self.calm)
        energy = yield from distance(recording, stream, rest)
        rate = frame_hz(recording.stream(stream))
        curve = np.log(smoothed(energy, round(self.smooth_s * rate)) + FLOOR)
        return Curve(rate, between(curve), NO_CUTS)

    def pick(self, curve: Curve) -> Labels:
        """By the two thresholds."""
        merge, least = round(self.join_s * curve.rate_hz), round(self.shortest_s * curve.rate_hz)
        return labelled(stretches(curve.level, self.on_level, self.off_level, merge, least), curve, self.on_level)


@dataclass(frozen=True)
class Threshold:
    """Stretches in which one channel, or the length of all, passes a value in the stream's own unit."""

    name: ClassVar[str] = "threshold"
    title: ClassVar[str] = "Threshold"
    live: ClassVar[tuple[str, ...]] = ("on_level", "off_level", "shortest_s", "join_s")

    on_level: float = param(1.5, "An event must reach this value, in the stream's unit.", low=-1e9, high=1e9)
    off_level: float = param(1.2, "It lasts while the value stays above this one.", low=-1e9, high=1e9)
    channel: str = param("", "Channel to look at; empty: the length of all channels together.")
    absolute: bool = param(True, "Look at the size of the value and not at its sign.")
    shortest_s: float = param(0.1, "Shorter events are left out.", unit="s", low=0.0, high=60.0, search=LEAST_S)
    join_s: float = param(
        0.1, "Events closer together than this become one.", unit="s", low=0.0, high=60.0, search=MERGE_S
    )
    smooth_s: float = param(0.0, "The value is averaged over this time.", unit="s", low=0.0, high=10.0, search=SMOOTH_S)

    def __post_init__(self) -> None:
        check(self)

    def measure(self, recording: Source, stream: str) -> Work[Curve]:
        """The value of every frame; of the size, the root of its mean square."""
        found, rate = recording.stream(stream), frame_hz(recording.stream(stream))
        if self.channel and self.channel not in found.channels:
            step = f"Choose one of {', '.join(found.channels)}."
            raise ParamError("Channel", f"stream {stream!r} has none named {self.channel!r}", step)
        pick = [found.channels.index(self.channel)] if self.channel else list(range(len(found.channels)))
        parts, n = [], n_frames(recording, stream)
        for start in range(0, n, BLOCK):
            yield Progress(start, n, "reading")
            block = frames(recording, stream, start, min(start + BLOCK, n))
            size = np.sqrt(block.square[:, pick].sum(axis=1))
            parts.append(size if self.absolute or len(pick) > 1 else block.mean[:, pick[0]])
        level = smoothed(np.concatenate(parts), round(self.smooth_s * rate))
        return Curve(rate, level.astype(np.float32), NO_CUTS)

    def pick(self, curve: Curve) -> Labels:
        """By the two thresholds."""
        merge, least = round(self.join_s * curve.rate_hz), max(1, round(self.shortest_s * curve.rate_hz))
        return labelled(stretches(curve.level, self.on_level, self.off_level, merge, least), curve, self.on_level)


@dataclass(frozen=True, eq=False)
class Rest:
    """Where the sensor is at rest: anchors (n,) in frames, posture (n, n_channels); spread (n_channels,) of each."""

    anchors: Reals
    posture: Reals
    spread: Reals

    def at(self, frames: Reals) -> Reals:
        """The posture at some frames, (n, n_channels), straight between the anchors."""
        return np.stack([np.interp(frames, self.anchors, column) for column in self.posture.T], axis=1)


def find_rest(recording: Source, stream: str, adapt_s: float, calm: float) -> Work[Rest]:
    """Rest of every `adapt_s` seconds (half overlapping): the middle of where movement is least."""
    n, rate = n_frames(recording, stream), frame_hz(recording.stream(stream))
    width = max(4, round(adapt_s * rate))
    anchors, postures, sums = [], [], []
    for start in range(0, n, max(1, width // 2)):
        yield Progress(start, 2 * n, "looking for rest")
        block = frames(recording, stream, start, min(start + width, n))
        there = np.isfinite(block.mean).all(axis=1)
        if there.sum() < 4:
            continue
        anchors.append(start + len(block.mean) / 2)
        postures.append(np.median(block.mean[_calm(block, round(CALM_S * rate), calm) & there], axis=0))
        sums.append(np.stack([np.nanmean(block.mean, axis=0), np.nanmean(block.square, axis=0)]))
    if not anchors:
        raise DataError(f"Stream {stream!r} of {recording.id!r}", "has no complete stretch", "Choose another stream.")
    mean, square = np.mean(sums, axis=0)
    spread = np.sqrt(np.maximum(square - mean**2, 0.0))
    return Rest(np.array(anchors), np.array(postures), np.where(spread > 0, spread, 1.0))


def _calm(block: Frames, n: int, share: float) -> npt.NDArray[np.bool_]:
    """Where a block moves least: the spread around the local mean, over n frames, each channel by its own size."""
    local = smoothed(block.mean, n)
    spread = np.maximum(smoothed(block.square, n) - local**2, 0.0)
    whole = np.nanmean(spread, axis=0)
    movement = smoothed((spread / np.where(whole > 0, whole, 1.0)).mean(axis=1), n)
    return movement <= np.nanpercentile(movement, 100 * share)


def distance(recording: Source, stream: str, rest: Rest) -> Work[Reals]:
    """How far each frame is from rest, in spreads: the root of the mean square over samples and channels."""
    n, parts = n_frames(recording, stream), []
    for start in range(0, n, BLOCK):
        yield Progress(n + start, 2 * n, "measuring energy")
        block = frames(recording, stream, start, min(start + BLOCK, n))
        posture = rest.at(np.arange(start, start + len(block.mean), dtype=np.float64))
        apart = block.square - 2 * posture * block.mean + posture**2
        parts.append(np.sqrt(np.maximum(apart / rest.spread**2, 0.0).mean(axis=1)))
    return np.concatenate(parts)


def between(curve: Reals) -> Floats:
    """The curve with its quiet end at 0 and its loud end at 1."""
    low, high = np.nanpercentile(curve, [QUIET, LOUD])
    level: Floats = ((curve - low) / max(high - low, 1e-9)).astype(np.float32)
    return level
