"""BGT60TR13C on SPI, from Infineon/sensor-xensiv-bgt60trxx 81afebe and lib_avian (registers, RF and timing models).

What it measures counts: frame k begins with k, and its samples go on from there.
"""

from collections import deque

MAIN, ADC0, CHIP_ID, SFCTL, FSTAT, FIFO = 0x00, 0x01, 0x02, 0x06, 0x5F, 0x60
CS1_U_0, CS1_U_1, CCR0, CCR1, CCR2, PLL1_0 = 0x10, 0x11, 0x2C, 0x2D, 0x2E, 0x30
CLOCK_HZ, FIFO_WORDS = 80e6, 8192
FRAME_START, SW_RESET, FSM_RESET, FIFO_RESET = 1, 2, 4, 8


def period_s(counter: int, multiplier: int) -> float:
    """What lib_avian's calculateTimerPeriod makes of a pair of fields."""
    return ((counter << multiplier) * 8 + multiplier + 3) / CLOCK_HZ if counter else 1 / CLOCK_HZ


class Radar:
    """One part behind a select and a reset line. `wrongs` is what the part's manual forbids."""

    def __init__(self) -> None:
        self.wrongs: list[str] = []
        self.id, self.alive, self.frames = 0x000303, True, 0
        self._selected, self._word, self._reset_low = False, bytearray(), False
        self._power_up()

    def _power_up(self) -> None:
        self.registers = {CHIP_ID: self.id}
        self._stop()

    def _stop(self) -> None:
        self.fifo: deque[int] = deque()
        self.running = self.overflow = False

    def field(self, at: int, low: int, n_bits: int) -> int:
        """Some bits of a register."""
        return self.registers.get(at, 0) >> low & (1 << n_bits) - 1

    # -- lines -------------------------------------------------------------------------------------------------------

    def select(self, low: bool) -> None:
        """The select line; a write that is not four bytes long when it goes up is none."""
        if self._selected and not low and self._word and self._word[0] != 0xFF:
            if len(self._word) != 4:
                self.wrongs.append(f"a word of {len(self._word)} bytes")
            elif self._word[0] & 1:
                self._set(self._word[0] >> 1, int.from_bytes(self._word[1:], "big"))
        self._selected, self._word = low, bytearray()

    def reset(self, low: bool) -> None:
        """The reset line."""
        if self._reset_low and not low:
            self._power_up()
        if low and self._selected:
            self.wrongs.append("reset while selected")
        self._reset_low = low

    def exchange(self, byte: int) -> int:
        """One byte out and one in."""
        if not self._selected or not self.alive or self._reset_low:
            return 0xFF
        self._word.append(byte)
        n = len(self._word)
        if self._word[0] == 0xFF:
            return self._burst(n)
        if n == 1 or self._word[0] & 1:
            return 0
        return self._get(self._word[0] >> 1) >> 8 * (4 - n) & 0xFF if n <= 4 else 0xFF

    def _burst(self, n: int) -> int:
        if n == 4 and bytes(self._word) != bytes((0xFF, FIFO << 1, 0, 0)):
            self.wrongs.append(f"a burst from {bytes(self._word).hex()}")
        if n <= 4:
            return 0
        if not self.fifo and (n - 5) % 3 == 0:
            self.wrongs.append("more is read than there is")
            return 0xFF
        if (n - 5) % 3 == 0:
            self._two = self.fifo.popleft()
        return self._two >> 8 * (2 - (n - 5) % 3) & 0xFF

    # -- registers ---------------------------------------------------------------------------------------------------

    def _get(self, at: int) -> int:
        if at == FSTAT:
            n = len(self.fifo)
            level = (n == 0) << 20 | (n > self.field(SFCTL, 0, 13)) << 21 | (n == FIFO_WORDS) << 22
            return n | level | self.overflow << 23
        return self.registers.get(at, 0)

    def _set(self, at: int, value: int) -> None:
        if at != MAIN:
            self.registers[at] = value
            return
        self.registers[MAIN] = value & ~15
        if value & SW_RESET:
            self._power_up()
        if value & (FSM_RESET | FIFO_RESET):
            self._stop()
        if value & FRAME_START:
            self.running = True

    # -- what it measures --------------------------------------------------------------------------------------------

    def samples(self) -> int:
        """Of a frame."""
        channels = self.field(CS1_U_1, 20, 4).bit_count()
        return self.field(0x33, 0, 12) * (self.field(CCR2, 12, 12) + 1) * max(channels, 0)

    def start_hz(self) -> float:
        """Where a chirp begins [RF_Converter::pll_to_freq]."""
        fsu = self.field(PLL1_0, 0, 24)
        signed = fsu - (1 << 24) if fsu >> 23 else fsu
        return (signed / 2**20 + 4 * self.field(0x05, 0, 5) + 16) * CLOCK_HZ * 8

    def width_hz(self) -> float:
        """How far a chirp goes."""
        return self.field(0x31, 0, 24) * self.field(0x32, 0, 14) * 8 / 2**20 * CLOCK_HZ * 8

    def chirp_s(self) -> float:
        """From a chirp to the next: starting, sampling as long as the ramp lasts, ending. As Infineon's configurator
        tells for these very fields: 0.299787 ms with 370 * 8 clocks of ramp and 65 * 2^5 behind it."""
        rest = 0.299787e-3 - 370 * 8 / CLOCK_HZ - period_s(65, 5)
        return (
            rest + self.field(0x32, 0, 14) * 8 / CLOCK_HZ + period_s(self.field(0x37, 11, 8), self.field(0x37, 19, 5))
        )

    def rate_hz(self) -> float:
        """Frames a second; 0 while it does not measure or is not set up."""
        on = (
            self.field(CS1_U_0, 0, 1)
            and self.field(CS1_U_0, 4, 1)
            and self.field(0x37, 4, 1)
            and self.field(0x16, 4, 1)
        )
        if not (self.running and on and self.samples()) or self.overflow:
            return 0.0
        chirps = self.field(CCR2, 12, 12) + 1
        behind = period_s(self.field(0x37, 11, 8), self.field(0x37, 19, 5))
        asleep = period_s(self.field(CCR1, 11, 8), self.field(CCR1, 19, 5))
        waking = period_s(self.field(MAIN, 4, 8), self.field(MAIN, 12, 4))
        return 1 / (chirps * self.chirp_s() - behind + asleep + waking)

    def measured(self, n: int) -> None:
        """`n` frames more; what has no room is lost, and then all is until a reset."""
        for _ in range(n if self.rate_hz() else 0):
            self.frames += 1
            values = [(self.frames + i) & 0xFFF for i in range(self.samples())]
            words = [a << 12 | b for a, b in zip(values[::2], values[1::2], strict=True)]
            self.overflow = len(self.fifo) + len(words) > FIFO_WORDS
            self.fifo.extend(words[: FIFO_WORDS - len(self.fifo)])
