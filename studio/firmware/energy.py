"""How long a battery lasts with a board that sleeps between answers.

Mean current = active * share of the time that it computes + asleep * the rest. The share is what `weigh` found; the two
currents come from the person: the emulator knows none, and a board's own depend on all that is soldered to it.
"""

from dataclasses import dataclass

from studio.params import param

HOURS_PER_DAY = 24.0


@dataclass(frozen=True)
class Supply:
    """A battery and what a board draws from it."""

    capacity_mah: int = param(2300, "What the battery holds.", unit="mAh", low=1, high=1_000_000)
    active_ma: float = param(
        5.0, "Current while the board computes, sensor included.", unit="mA", low=0.001, high=10000.0
    )
    asleep_ma: float = param(0.5, "Current between answers, sensor included.", unit="mA", low=0.0, high=10000.0)

    def mean_ma(self, share: float) -> float:
        """Mean current when the board computes for `share` (0 to 1) of the time."""
        return self.active_ma * share + self.asleep_ma * (1.0 - share)

    def days(self, share: float) -> float:
        """Days until the battery is empty; its own leakage and age are not known here."""
        return self.capacity_mah / self.mean_ma(share) / HOURS_PER_DAY

    def answer_mj(self, latency_ms: float, volts: float = 3.0) -> float:
        """Millijoules that one answer costs above sleep, at `volts`."""
        return (self.active_ma - self.asleep_ma) * volts * latency_ms / 1000.0
