# SPDX-License-Identifier: MIT OR Apache-2.0
"""A Cortex-M board on this computer: the very image that a real chip would get, run by unicorn.

A program of its own (`python -m studio.firmware.emulator`), because unicorn is GPLv2: the studio starts it and speaks
to it over TCP, as to any board, and never imports it. It imports unicorn and the standard library only.
"""

from studio.firmware.boardside.chip import Chip
from studio.firmware.boardside.options import Options, announce
from studio.firmware.boardside.pace import Pace
from studio.firmware.boardside.peripherals import Peripherals
from studio.firmware.boardside.port import Port

SLICE = 25_000  # instructions between two looks at the link: a third of a millisecond of this computer
NAP = 200  # instructions that a run to a WFI is taken for: unicorn does not tell


class Emulator:
    """The chip, its registers and its clock, which counts instructions."""

    def __init__(self, options: Options) -> None:
        self.clock_hz, self.counting = options.clock_hz, options.count
        self.port, self.pace, self.sensors = Port(), Pace(options.speed), options.sensors
        self.chip = Chip(options.core, options.flash, options.ram_bytes, options.count)
        self.now = 0  # in instructions
        self.peripherals = Peripherals(
            self.chip,
            options.flash,
            options.page_bytes,
            options.clock_hz,
            self.port,
            self.sensors,
            self.time_us,
            self.count,
        )

    def time_us(self) -> int:
        """The board's clock."""
        return self.now * 1_000_000 // self.clock_hz

    def count(self) -> int:
        """Instructions since power up: exact when counting, else to within a slice."""
        return self.chip.instructions if self.counting else self.now

    def run(self) -> None:
        """Power up, and go on until the process ends."""
        self.chip.reset()
        while True:
            before = self.chip.instructions
            asleep = self.chip.run(SLICE)
            known = self.chip.instructions - before
            self.now += known if self.counting else NAP if asleep else SLICE
            self.port.pump()
            if asleep and not self.port.rx:
                to_us = self.pace.sleep(self.time_us(), self.sensors.due_us(), self.port, self.port.room == 0)
                self._advance(to_us)
            else:
                self.pace.hold(self.time_us(), self.port)

    def _advance(self, to_us: int) -> None:
        """The clock goes forward to `to_us`, never back; rounded up, so that what is due then is due."""
        self.now = max(self.now, -(-to_us * self.clock_hz // 1_000_000))


def main() -> None:
    """Play the board until stdin closes."""
    emulator = Emulator(Options(__doc__ or ""))
    announce(emulator.port.url)
    emulator.run()


if __name__ == "__main__":
    main()
