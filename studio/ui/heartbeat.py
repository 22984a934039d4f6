"""One timer for the whole window. Threads write, the window looks: no signal per sample, nothing to lock.

A frame's cost is the CPU time the window's thread used between two beats (looking, painting, events),
so the figure shown in Settings is what a person's machine really pays.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from PySide6 import QtCore

from studio.progress import Progress

#: 36 frames a second, so that a late one still leaves more than 30.
PERIOD_MS = 28
KEPT = 150


class Heartbeat(QtCore.QObject):
    """Calls `beat` every 28 ms and keeps what the last frames cost."""

    def __init__(self, beat: Callable[[], None]) -> None:
        super().__init__()
        self._beat, self._cpu_s, self._wall_s = beat, time.thread_time(), time.perf_counter()
        self._cpu: deque[float] = deque(maxlen=KEPT)
        self._wall: deque[float] = deque(maxlen=KEPT)
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_beat)

    def start(self) -> None:
        """Begin, or go on."""
        if not self._timer.isActive():
            self._timer.start(PERIOD_MS)

    def stop(self) -> None:
        """Rest while nobody looks."""
        self._timer.stop()

    def _on_beat(self) -> None:
        cpu_s, wall_s = time.thread_time(), time.perf_counter()
        self._cpu.append(1e3 * (cpu_s - self._cpu_s))
        self._wall.append(1e3 * (wall_s - self._wall_s))
        self._cpu_s, self._wall_s = cpu_s, wall_s
        self._beat()

    @property
    def frame_ms(self) -> float:
        """Median CPU time of a frame, ms."""
        return median(self._cpu) if self._cpu else 0.0

    @property
    def rate_hz(self) -> float:
        """Frames per second, from the median time between two."""
        return 1e3 / median(self._wall) if self._wall else 0.0


@dataclass(eq=False)
class Watch:
    """What to tell whom about one job, looked at on every beat. `job` is a Job or a ProcessJob."""

    job: Any
    step: Callable[[Progress], None] | None = None
    done: Callable[[Any], None] | None = None
    failed: Callable[[BaseException], None] | None = None
    stopped: Callable[[], None] | None = None

    def look(self) -> bool:
        """Pass on the news; True while the job runs."""
        over = bool(self.job.done)  # before poll: the last news is in the queue by then
        for progress in self.job.poll():
            if self.step is not None:
                self.step(progress)
        if over:
            self._finish()
        return not over

    def _finish(self) -> None:
        if self.job.error is not None:
            if self.failed is not None:
                self.failed(self.job.error)
        elif getattr(self.job, "stopped", False):
            if self.stopped is not None:
                self.stopped()
        elif self.done is not None:
            self.done(self.job.result)
