"""A trigger, as on an oscilloscope: the sample at which a channel crosses a level, found once and exactly.

Noise on the level would fire many times: the channel must first have been clear of it, by a share of what it spans.
"""

from dataclasses import dataclass

import numpy as np

from studio.data.stream import Floats, Ring
from studio.params import param

EDGES, MODES = ("rising", "falling"), ("normal", "single")
CLEAR = 0.08


@dataclass(frozen=True)
class Trigger:
    """When to fire. "normal" fires again and again, "single" once."""

    level: float = param(0.5, "Level to cross, in the unit of the channel")
    edge: str = param("rising", "Direction of the crossing", choices=EDGES)
    mode: str = param("normal", "Normal: again and again. Single: once, then hold", choices=MODES)
    before_s: float = param(1.0, "Shown and recorded before the crossing", unit="s", low=0.0, high=20.0)
    after_s: float = param(3.0, "Shown and recorded after it", unit="s", low=0.1, high=600.0)
    record_each: bool = param(False, "Each crossing starts a recording, which ends by itself")


class Crossings:
    """Finds where one channel of a ring crosses; give it the same ring on every `look`."""

    def __init__(self, trigger: Trigger, channel: int = 0) -> None:
        self._sign = 1.0 if trigger.edge == "rising" else -1.0
        self._level, self._channel = trigger.level * self._sign, channel
        self._next: int | None = None
        self._clear = False  # it has been well on the other side
        self._span = 0.0

    def look(self, ring: Ring, from_index: float = 0.0) -> list[int]:
        """Indices of the first samples past the level, among those that came since the last look."""
        if self._next is None:
            self._next = ring.end
        start, values = ring.since(self._next)
        self._next = start + len(values)
        found = self._crossings(values[:, self._channel] * np.float32(self._sign))
        return [start + i for i in found if start + i >= from_index]

    def _crossings(self, values: Floats) -> list[int]:
        if not len(values) or not np.isfinite(values).any():
            return []
        self._span = max(self._span, float(np.nanmax(values) - np.nanmin(values)), abs(self._level))
        state = np.where(values >= self._level, 1, np.where(values < self._level - CLEAR * self._span, -1, 0))
        state = np.concatenate([[-1 if self._clear else 1], state])
        seen = np.maximum.accumulate(np.where(state != 0, np.arange(len(state)), 0))
        filled = state[seen]
        self._clear = bool(filled[-1] < 0)
        return [int(i) for i in np.flatnonzero(np.diff(filled) > 0)]
