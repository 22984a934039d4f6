# SPDX-License-Identifier: MIT OR Apache-2.0
"""The board's clock against this computer's: true pace, `speed` times as fast, or as fast as can be (0).

The clock never runs past the next thing that is due before the firmware had its turn, so a computer that is busy
elsewhere makes a board late, but never makes it lose samples.
"""

import time

from studio.firmware.boardside.port import Port

SLIP_US = 200_000  # further behind than this: the board's clock gives in rather than rush after
IDLE_S = 0.1
FULL_S = 0.001  # between two looks at a link that takes nothing


class Pace:
    """Where the board's clock should stand."""

    def __init__(self, speed: float) -> None:
        self.free = speed <= 0
        self._speed = speed if speed > 0 else 1.0
        self._origin_s, self._origin_us = time.perf_counter(), 0.0

    def sleep(self, now_us: int, due_us: int | None, port: Port, full: bool) -> int:
        """Wait for bytes from the host, for room in a link that was full, or for `due_us`; returns the new time."""
        if self.free:
            return self._sleep_free(now_us, due_us, port, full)
        wait_s = IDLE_S if due_us is None else min(IDLE_S, self._wait_s(due_us))
        port.pump(min(wait_s, FULL_S) if full else wait_s)
        wanted_us = int(self._wanted_us())
        now_us = max(now_us, wanted_us if due_us is None else min(due_us, wanted_us))
        self._slip(now_us)
        return now_us

    def hold(self, now_us: int, port: Port) -> None:
        """A program that never sleeps must not run ahead of the clock."""
        if not self.free:
            self._slip(now_us)
            port.pump(min(IDLE_S, self._wait_s(now_us)))

    def _sleep_free(self, now_us: int, due_us: int | None, port: Port, full: bool) -> int:
        """Time jumps to what is due next; it stands still while the host has yet to read, or nobody is there."""
        if full or due_us is None or not port.connected:
            port.pump(FULL_S if full else IDLE_S)
            return now_us
        port.pump()
        return max(now_us, due_us)

    def _wanted_us(self) -> float:
        return self._origin_us + (time.perf_counter() - self._origin_s) * 1e6 * self._speed

    def _wait_s(self, until_us: float) -> float:
        return max(0.0, (until_us - self._wanted_us()) / 1e6 / self._speed)

    def _slip(self, now_us: float) -> None:
        if self._wanted_us() - now_us > SLIP_US * max(1.0, self._speed):
            self._origin_s, self._origin_us = time.perf_counter(), now_us
