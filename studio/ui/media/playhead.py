"""Where playing stands on the recording's time axis.

The computer's monotonic clock is the one that runs; sound, video and the line on the plot follow it. Why not the sound
card's: most recordings have no sound, and at 0.25x or without a sound card the playhead must run all the same.
"""

import time
from collections.abc import Callable

from PySide6 import QtCore

#: What may be chosen, slowest first.
SPEEDS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)


class Playhead(QtCore.QObject):
    """A place in [0, end_s] that moves by itself while `playing`, `speed` times as fast as the clock."""

    moved = QtCore.Signal(float)  # the place, s
    changed = QtCore.Signal()  # playing, speed, end or loop
    ticked = QtCore.Signal()  # a beat of the page went by; what follows the playhead does its work

    def __init__(self, clock: Callable[[], float] = time.monotonic, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._time_s = self._end_s = self._from_s = self._began = 0.0
        self._speed, self._playing = 1.0, False
        self._loop: tuple[float, float] | None = None
        self.jumps = 0  # how often it was put somewhere else, other than by its loop

    @property
    def time_s(self) -> float:
        """Where it is, as of the last `tick`."""
        return self._time_s

    @property
    def now_s(self) -> float:
        """Where it is at this moment, between two ticks; for what is timed more finely than a frame."""
        return (
            self._within(self._from_s + self._speed * (self._clock() - self._began)) if self._playing else self._time_s
        )

    def ahead_s(self, seconds: float) -> float | None:
        """Where it will be `seconds` of the clock from now if nothing else happens; None past the end."""
        t = self._from_s + self._speed * (self._clock() - self._began + seconds)
        if t >= self._last_s and self._loop is not None and self._last_s == self._loop[1]:
            return self._loop[0] + (t - self._loop[0]) % (self._loop[1] - self._loop[0])
        return t if t < self._end_s else None

    @property
    def playing(self) -> bool:
        """Whether it moves."""
        return self._playing

    @property
    def speed(self) -> float:
        """Seconds of the recording per second, 0.25 to 4."""
        return self._speed

    @property
    def end_s(self) -> float:
        """Where the recording ends."""
        return self._end_s

    @property
    def loop_s(self) -> tuple[float, float] | None:
        """The stretch that is played again and again, or None."""
        return self._loop

    def open(self, end_s: float) -> None:
        """Stand at the start of another recording."""
        self._playing, self._loop, self._end_s = False, None, max(0.0, end_s)
        self._move(0.0, always=True)
        self.changed.emit()

    def seek(self, t: float) -> None:
        """Go to `t`, and on from there when it plays."""
        self.jumps += 1
        self._stand(self._within(t))
        self._move(self._from_s)

    def play(self) -> None:
        """Move; from the start when it stands at the end."""
        if self._playing or self._end_s <= 0:
            return
        if self._time_s >= self._last_s:
            self.seek(self._loop[0] if self._loop else 0.0)
        self._stand(self._time_s)
        self._playing = True
        self.changed.emit()

    def pause(self) -> None:
        """Stand still where it is."""
        if self._playing:
            now_s, self._playing = self.now_s, False
            self._move(now_s)
            self.changed.emit()

    def toggle(self) -> None:
        """Play or pause."""
        if self._playing:
            self.pause()
        else:
            self.play()

    def set_speed(self, x: float) -> None:
        """Another speed, kept within 0.25 to 4; the place stays."""
        x = min(max(x, SPEEDS[0]), SPEEDS[-1])
        if x != self._speed:
            self._stand(self.now_s)
            self._speed = x
            self.changed.emit()

    def faster(self, steps: int = 1) -> None:
        """The next higher speed of `SPEEDS`, or with -1 the next lower."""
        at = min(range(len(SPEEDS)), key=lambda i: abs(SPEEDS[i] - self._speed))
        self.set_speed(SPEEDS[min(max(at + steps, 0), len(SPEEDS) - 1)])

    def step(self, seconds: float) -> None:
        """Stand still `seconds` further on, or back."""
        self.pause()
        self.seek(self._time_s + seconds)

    def set_loop(self, stretch: tuple[float, float] | None) -> None:
        """Play [start, stop] s again and again, or no longer; an empty stretch is none."""
        if stretch is not None:
            start_s, stop_s = self._within(min(stretch)), self._within(max(stretch))
            stretch = (start_s, stop_s) if stop_s > start_s else None
        if stretch != self._loop:
            self._loop = stretch
            self.changed.emit()

    def tick(self) -> None:
        """Look at the clock; called by the page's heartbeat."""
        if self._playing:
            self._look()
        self.ticked.emit()

    def _look(self) -> None:
        now_s = self.now_s
        if now_s < self._last_s:
            self._move(now_s)
        elif self._loop is not None and self._last_s == self._loop[1]:
            start_s, stop_s = self._loop
            self._stand(
                start_s + (self._from_s + self._speed * (self._clock() - self._began) - start_s) % (stop_s - start_s)
            )
            self._move(self._from_s)
        else:
            self._playing = False
            self._move(self._end_s)
            self.changed.emit()

    @property
    def _last_s(self) -> float:
        return self._loop[1] if self._loop and self._time_s <= self._loop[1] else self._end_s

    def _within(self, t: float) -> float:
        return min(max(t, 0.0), self._end_s)

    def _stand(self, t: float) -> None:
        self._from_s, self._began = t, self._clock()

    def _move(self, t: float, always: bool = False) -> None:
        if t != self._time_s or always:
            self._time_s = t
            self.moved.emit(t)
