"""The PDM filter of nRF52840, from its product specification, with a microphone that says how many samples it gave.

A buffer's address is taken over when the buffer begins, which STARTED tells; at its end END comes and the next begins
at once, at the address that is there by then. Nothing holds the filter up when nobody told it a new one.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.firmware.silicon.nrf52 import Nrf52

PDM, TIMER0, TIMER2, PPI, HFCLKSTARTED = 0x4001D000, 0x40008000, 0x4000A000, 0x4001F000, 0x40000100
STARTED, STOPPED, END = PDM + 0x100, PDM + 0x104, PDM + 0x108
DIVIDERS = {0x08000000: 32, 0x08400000: 31, 0x08800000: 30, 0x09800000: 26, 0x0A000000: 25, 0x0A800000: 24}
RATIOS, MOST_GAIN = (64, 80), 0x50


class Pdm:
    """What PDM, TIMER2 and two PPI channels do with time. `samples` were given since power up."""

    def __init__(self, chip: "Nrf52") -> None:
        self.chip, self.samples = chip, 0
        self.forget()
        chip.on_write |= {PDM: self._start, PDM + 4: self._stop, PDM + 0x560: self._told}
        chip.on_write |= {PDM + at: self._fixed for at in (0x504, 0x508, 0x520, 0x540, 0x544)}
        chip.on_write |= {TIMER2 + 0xC: self._clear, TIMER2 + 0x40: self._capture, TIMER0 + 0x44: self._capture_time}
        chip.on_write[PPI + 0x508] = chip.unwire
        chip.on_read[TIMER0 + 0x544] = self._last

    def forget(self) -> None:
        """A reset."""
        self.running, self.ends_us, self.block, self._count, self._caught = False, 0.0, (0, 0), 0, 0

    def rate_hz(self) -> float:
        """Samples per second as set; 0 for what is no setting."""
        get = self.chip.words.get
        divider = DIVIDERS.get(get(PDM + 0x504, 0x08400000))
        return 32e6 / divider / RATIOS[get(PDM + 0x520, 0) & 1] if divider else 0.0

    def _wrong(self, what: str) -> None:
        self.chip.wrongs.append(f"PDM {what}")

    def _start(self, _value: int) -> None:
        get = self.chip.words.get
        clock, data = get(PDM + 0x540, 0xFFFFFFFF), get(PDM + 0x544, 0xFFFFFFFF)
        if get(PDM + 0x500) != 1 or not get(HFCLKSTARTED) or not self.rate_hz():
            self._wrong("starts while off, without the crystal or without a clock")
        if max(clock, data) > 63 or self.chip.pin(clock) & 3 != 3 or self.chip.pin(data) & 3:
            self._wrong("starts with a clock that is no output, or data that is no input")
        if get(PDM + 0x508) != 1 or max(get(PDM + 0x518, 0), get(PDM + 0x51C, 0)) > MOST_GAIN:
            self._wrong("gives two channels, or has a gain that there is not")
        self.running, self.ends_us = True, float(self.chip.us)
        self._begin()

    def _begin(self) -> None:
        get = self.chip.words.get
        at, n = get(PDM + 0x560, 0), get(PDM + 0x564, 0)
        if at % 4 or not 0 < n < 0x8000:
            self._wrong(f"fills {n} samples at {at:#x}")
        self.chip.memory(at, 2 * n)
        self.block = (at, n)
        self.ends_us += 1e6 * max(n, 1) / (self.rate_hz() or 1e6)
        self.chip.words[STARTED] = 1

    def _stop(self, _value: int) -> None:
        self.go_on()
        self.running = False
        self.chip.words[STOPPED] = 1

    def _told(self, _value: int) -> None:
        self.go_on()
        if self.running and not self.chip.words.get(STARTED):
            self._wrong("is told an address that the buffer before may take")
        if self.running and self.ends_us - self.chip.us < 100:
            self._wrong("is told an address at the very end of a buffer")

    def _fixed(self, _value: int) -> None:
        if self.chip.words.get(PDM + 0x500, 0):
            self._wrong("is set while it is on")

    def go_on(self) -> None:
        """Up to now."""
        while self.running and self.chip.us >= self.ends_us:
            at, n = self.block
            given = [(self.samples + i) % 30000 for i in range(n)]
            self.chip.uc.mem_write(at, b"".join(v.to_bytes(2, "little") for v in given))
            self.samples += n
            self._end()
            self._begin()

    def _end(self) -> None:
        get = self.chip.words.get
        self.chip.words[END] = 1
        wired = {(get(PPI + 0x510 + 8 * i), get(PPI + 0x514 + 8 * i)) for i in (1, 2) if get(PPI + 0x504, 0) >> i & 1}
        if (END, TIMER2 + 8) in wired and [get(TIMER2 + at, 0) for at in (0, 0x504, 0x508)] == [1, 1, 3]:
            self._count += 1
        if (END, TIMER0 + 0x44) in wired:
            self._caught = int(self.ends_us)

    def _clear(self, _value: int) -> None:
        self._count = 0

    def _capture(self, _value: int) -> None:
        self.go_on()
        self.chip.words[TIMER2 + 0x540] = self._count

    def _capture_time(self, _value: int) -> None:
        self._caught = self.chip.read_time()

    def _last(self) -> int:
        self.go_on()
        return self._caught & 0xFFFFFFFF
