"""The converter of nRF52833 in continuous mode, from its product specification, with a microphone on its fourth input.

As the PDM filter it takes a buffer's address over when that begins; but the next begins only when START is triggered.
"""

from typing import TYPE_CHECKING

from tests.firmware.silicon.nrf52_pdm import PPI, TIMER0, TIMER2

if TYPE_CHECKING:
    from tests.firmware.silicon.nrf52 import Nrf52

SAADC = 0x40007000
STARTED, END, STOPPED = SAADC + 0x100, SAADC + 0x104, SAADC + 0x114
LEVEL, PERIOD = 8000, 1000  # what it gives: a saw-tooth of 14 bits


class Saadc:
    """`samples` were given since power up; those between a buffer's end and the next START are nowhere."""

    def __init__(self, chip: "Nrf52") -> None:
        self.chip, self.samples = chip, 0
        self.forget()
        chip.on_write |= {SAADC: self._begin, SAADC + 4: self._sample, SAADC + 8: self._stop}
        self._others = chip.on_write[TIMER2 + 0x40], chip.on_read[TIMER0 + 0x544], chip.on_write[TIMER2 + 0xC]
        chip.on_write |= {TIMER2 + 0x40: self._capture, TIMER2 + 0xC: self._clear}
        chip.on_read[TIMER0 + 0x544] = self._last

    def forget(self) -> None:
        """A reset."""
        self.running, self.sampling, self.ends_us, self.block = False, False, 0.0, (0, 0)
        self._count, self._caught = 0, 0

    def rate_hz(self) -> float:
        """Results per second as set; 0 for what is no setting."""
        get = self.chip.words.get
        timer, channel = get(SAADC + 0x5F8, 0), get(SAADC + 0x518, 0x20000)
        on = get(SAADC + 0x500) == 1 and get(SAADC + 0x510) == 4 and get(SAADC + 0x5F0) == 3 and channel == 0x1700
        return (
            16e6 / (timer & 0x7FF) / 2 ** get(SAADC + 0x5F4, 0)
            if on and timer >> 12 == 1 and timer & 0x7FF >= 80
            else 0.0
        )

    def _wrong(self, what: str) -> None:
        self.chip.wrongs.append(f"SAADC {what}")

    def _begin(self, _value: int) -> None:
        get = self.chip.words.get
        at, n = get(SAADC + 0x62C, 0), get(SAADC + 0x630, 0)
        if not self.rate_hz() or at % 4 or not 0 < n < 0x8000 or self.chip.pin(20) & 0x701 != 0x101:
            self._wrong(f"fills {n} samples at {at:#x} without being set up, or of a microphone without power")
        self.chip.memory(at, 2 * n)
        if not self.running:
            self.ends_us = float(self.chip.us)
        self.running, self.block = True, (at, n)
        self.ends_us += 1e6 * max(n, 1) / (self.rate_hz() or 1e6)
        self.chip.words[STARTED] = 1

    def _sample(self, _value: int) -> None:
        if not self.running:
            self._wrong("samples before it has started")
        self.sampling = True

    def _stop(self, _value: int) -> None:
        self.go_on()
        self.running = self.sampling = False
        self.chip.words[STOPPED] = 1

    def go_on(self) -> None:
        """Up to now."""
        while self.running and self.sampling and self.chip.us >= self.ends_us:
            at, n = self.block
            given = [LEVEL + (self.samples + i) % PERIOD for i in range(n)]
            self.chip.uc.mem_write(at, b"".join(v.to_bytes(2, "little") for v in given))
            self.samples += n
            self._end()

    def _end(self) -> None:
        get = self.chip.words.get
        self.chip.words[END] = 1
        wired = {
            (get(PPI + 0x510 + 8 * i), get(PPI + 0x514 + 8 * i)) for i in (1, 2, 3) if get(PPI + 0x504, 0) >> i & 1
        }
        if (END, TIMER2 + 8) in wired and [get(TIMER2 + at, 0) for at in (0, 0x504, 0x508)] == [1, 1, 3]:
            self._count += 1
        if (END, TIMER0 + 0x44) in wired:
            self._caught = int(self.ends_us)
        if (END, SAADC) in wired:
            self._begin(1)
        else:
            self.running = False

    def _clear(self, value: int) -> None:
        self._count = 0
        self._others[2](value)

    def _capture(self, value: int) -> None:
        self._others[0](value)
        if self.sampling:
            self.go_on()
            self.chip.words[TIMER2 + 0x540] = self._count

    def _last(self) -> int:
        if not self.sampling:
            return self._others[1]()
        self.go_on()
        return self._caught & 0xFFFFFFFF
