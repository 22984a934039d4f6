# SPDX-License-Identifier: MIT OR Apache-2.0
"""The board's clock against this computer's: true pace, `speed` times as fast, or as fast as can be (0)."""

import time

SLIP_US = 200_000  # further behind than this: the board's clock gives in rather than rush after


class Pace:
    """`due_us` is where the board's clock should stand now."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._origin_s, self._origin_us = time.perf_counter(), 0.0

    @property
    def free(self) -> bool:
        """No pace to keep."""
        return self.speed <= 0

    def due_us(self) -> float:
        """Board time that belongs to this moment."""
        return self._origin_us + (time.perf_counter() - self._origin_s) * 1e6 * (self.speed or 1.0)

    def wait_s(self, until_us: float) -> float:
        """Seconds of this computer until the board's clock should show `until_us`."""
        return max(0.0, (until_us - self.due_us()) / 1e6 / (self.speed or 1.0))

    def keep(self, now_us: float) -> None:
        """Let the pace slip when the board is at `now_us` and cannot keep up, or restart it from there."""
        if self.due_us() - now_us > SLIP_US * max(1.0, self.speed):
            self._origin_s, self._origin_us = time.perf_counter(), now_us
