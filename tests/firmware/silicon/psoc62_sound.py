"""The PDM filter of PSoC 62 and the channel that carries its samples into a ring, from psoc6_02.svd and cy_pdm_pcm.h.

The microphone counts, so that a lost sample shows.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.firmware.silicon.psoc62 import Psoc62

PDM, DW1, SRSS, TRIGGER = 0x40A00000, 0x40290000, 0x40260000, 0x4000D008
CHANNEL = DW1 + 0x8000 + 26 * 0x40
RING = 4096


class Sound:
    """Samples come with time; what the ring's index tells is worked out when somebody asks for it."""

    def __init__(self, chip: "Psoc62") -> None:
        self.chip = chip
        self.forget()
        chip.on_write |= {PDM + 0x20: self._command, CHANNEL: self._channel}
        chip.on_read[CHANNEL + 8] = self._indices

    def forget(self) -> None:
        """A reset."""
        self.running, self._first, self._done, self._since_us = False, -1, 0, 0

    def rate_hz(self) -> float:
        """As set: the inner 8 MHz through three dividers and twice the filter's rate."""
        get = self.chip.words.get
        dividers = get(PDM + 0x10, 0)
        root = get(SRSS + 0x384, 0)
        if not root >> 31 or root >> 4 & 3 or get(SRSS + 0x340 + 4 * (root & 15), 0):
            return 0.0
        out = 8e6 / ((dividers & 3) + 1) / ((dividers >> 4 & 3) + 1) / ((dividers >> 8 & 15) + 1)
        return out / (2 * (dividers >> 16 & 0x7F)) if 1e6 <= out <= 3.25e6 else 0.0

    def _command(self, value: int) -> None:
        get, wrong = self.chip.words.get, self.chip.wrongs.append
        self.running = bool(value & 1)
        if not self.running:
            return
        if not get(PDM, 0) >> 31 or not self.rate_hz() or get(PDM + 0x14, 0) & 7 != 1 or get(PDM + 0x18) != 1 << 8:
            wrong("the PDM filter starts without a clock, or not with one channel of signed 16 bits")
        if self.chip.pin(10, 4) != (21, 6) or self.chip.pin(10, 5) != (21, 8):
            wrong("the microphone is not connected")
        if get(TRIGGER) != 1 or get(PDM + 0x40) != 1 << 16 or not get(DW1, 0) >> 31 or self._first < 0:
            wrong("nobody carries the samples away")
        self._done, self._since_us = 0, self.chip.us

    def _channel(self, control: int) -> None:
        self._first = -1
        if control >> 31:
            does, source, to, x, y, next = self.chip.descriptor(CHANNEL)
            whole = (x, y) == (255 << 24 | 1 << 12, 15 << 24 | 256 << 12) and next == self.chip.words[CHANNEL + 0xC]
            if does & ~3 != 2 << 30 | 1 << 28 | 1 << 26 or source != PDM + 0x308 or not whole:
                self.chip.wrongs.append(f"samples are carried by {does:#x} from {source:#x}, {x:#x}, {y:#x}")
            self._first = to

    def _indices(self) -> int:
        if self.running and self._first >= 0:
            due = int((self.chip.us - self._since_us) * self.rate_hz() / 1e6)
            self.chip.memory(self._first, 2 * RING)
            for i in range(max(self._done, due - RING), due):
                self.chip.uc.mem_write(self._first + 2 * (i % RING), (i % 30_000).to_bytes(2, "little"))
            self._done = max(self._done, due)
        at = self._done % RING
        return at % 256 | at // 256 << 8
