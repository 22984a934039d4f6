"""A time axis in seconds, in minutes and seconds once a recording is long."""

from typing import Any

import pyqtgraph as pg

#: From here on 90 s reads 1:30.
MINUTES_FROM_S = 90.0


class TimeAxis(pg.AxisItem):
    """Ticks like 12.5 or 1:30; the unit stands behind the last one's place in the axis' label."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        long = max((abs(v) for v in self.range), default=0.0) >= MINUTES_FROM_S
        return [clock_text(v, spacing) if long else seconds_text(v, spacing) for v in values]

    def generateDrawSpecs(self, p: Any) -> Any:
        self.enableAutoSIPrefix(False)
        return super().generateDrawSpecs(p)


def decimals(spacing: float) -> int:
    """Digits after the point that tell ticks `spacing` apart."""
    n = 0
    while n < 6 and abs(spacing * 10**n - round(spacing * 10**n)) > 1e-6:
        n += 1
    return n


def seconds_text(seconds: float, spacing: float = 1.0) -> str:
    """12.5 s"""
    return f"{seconds:.{decimals(spacing)}f} s"


def clock_text(seconds: float, spacing: float = 1.0) -> str:
    """1:30, or 1:30.25 between ticks of a quarter second; hours come in front when there are any."""
    n = decimals(spacing)
    whole = round(abs(seconds), n)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    tail = f"{rest:0{3 + n if n else 2}.{n}f}"
    head = f"{int(hours)}:{int(minutes):02d}" if hours else f"{int(minutes)}"
    return f"{'-' if seconds < 0 and whole else ''}{head}:{tail}"
