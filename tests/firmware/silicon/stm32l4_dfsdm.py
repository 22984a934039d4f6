"""DFSDM1 of STM32L475 and the DMA channel that carries its samples into a ring, from RM0351, sections 11 and 24.

The microphone counts, so that a lost sample shows.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.firmware.silicon.stm32l4 import Stm32l4

DFSDM, DMA, GPIOE = 0x40016000, 0x40020000, 0x48001000
FILTER_2, CHANNEL_6 = DFSDM + 0x200, DMA + 0x6C
SINC4_BITS = 24


class Dfsdm:
    """Samples come with time; how many the ring has had is worked out when somebody asks for it."""

    def __init__(self, chip: "Stm32l4") -> None:
        self.chip = chip
        self.forget()
        chip.on_write |= {FILTER_2: self._control}
        chip.on_read[CHANNEL_6 + 4] = self._left

    def forget(self) -> None:
        """A reset."""
        self.running, self._done, self._since_us = False, 0, 0

    def rate_hz(self) -> float:
        """As set; 0 for what a microphone or a filter does not take."""
        get = self.chip.words.get
        clock, filter = get(DFSDM, 0), get(FILTER_2 + 0x14, 0)
        out = self.chip.core_hz() / ((clock >> 16 & 0xFF) + 1)
        ratio, order, rest = (filter >> 16 & 0x3FF) + 1, filter >> 29, filter & 0xFF
        fits = clock >> 31 and not clock >> 30 & 1 and 1e6 <= out <= 3.25e6 and order == 4 and ratio <= 215 and not rest
        return out / ratio if fits else 0.0

    def gain(self) -> float:
        """Full scale in the 16 bits that are carried away."""
        shift, ratio = (
            self.chip.words.get(DFSDM + 0x44, 0) >> 3 & 31,
            (self.chip.words[FILTER_2 + 0x14] >> 16 & 0x3FF) + 1,
        )
        return ratio**4 / 2**shift / 256

    def _control(self, value: int) -> None:
        get, wrong = self.chip.words.get, self.chip.wrongs.append
        started = value & 1 and value >> 17 & 1
        if not started:
            self.running = bool(value & 1) and self.running
            return
        self.chip.need(0x60, 24, "DFSDM1")
        self.chip.need(0x4C, 4, "port E")
        if value >> 24 & 7 != 2 or not value >> 18 & 1 or not value >> 21 & 1 or not self.rate_hz():
            wrong(f"filter 2 starts with {value:#x}")
        if get(DFSDM + 0x40, 0) & 0x70CF != 1 << 7 | 1 << 2 or self.gain() > 32767:
            wrong("channel 2 is not on with the inner clock, or its values do not fit")
        pins = (
            get(GPIOE, 0) >> 14 & 3,
            get(GPIOE, 0) >> 18 & 3,
            get(GPIOE + 0x20, 0) >> 28,
            get(GPIOE + 0x24, 0) >> 4 & 15,
        )
        if pins != (2, 2, 6, 6):
            wrong(f"PE7 and PE9 are {pins}")
        carried = get(CHANNEL_6, 0), get(CHANNEL_6 + 8, 0), get(DMA + 0xA8, 0) >> 20 & 15
        if carried != (0x5A1, FILTER_2 + 0x1E, 0):
            wrong(f"samples are carried by {carried}")
        self.running, self._done, self._since_us = True, 0, self.chip.us

    def _left(self) -> int:
        n = self.chip.words[CHANNEL_6 + 4]
        if self.running:
            to = self.chip.words[CHANNEL_6 + 12]
            due = int((self.chip.us - self._since_us) * self.rate_hz() / 1e6)
            self.chip.memory(to, 2 * n)
            for i in range(max(self._done, due - n), due):
                self.chip.uc.mem_write(to + 2 * (i % n), (i % 30_000).to_bytes(2, "little"))
            self._done = max(self._done, due)
        return n - self._done % n
