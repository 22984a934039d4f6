"""A time axis in seconds, in minutes and seconds once a recording is long."""

import pyqtgraph as pg

#: From here on 90 s reads 1:30.
MINUTES_FROM_S = 90.0


#: Steps between ticks of a long recording, in seconds.
STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
#: Room for one tick's text.
TICK_PX = 90


class TimeAxis(pg.AxisItem):
    """Ticks like 12.5 or 1:30; the unit stands behind the last one's place in the axis' label."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        """Whole minutes where the ticks read as minutes."""
        span = maxVal - minVal
        if maxVal < MINUTES_FROM_S or span < STEPS_S[0] * size / TICK_PX:
            return super().tickSpacing(minVal, maxVal, size)
        step = next((s for s in STEPS_S if s * size >= TICK_PX * span), STEPS_S[-1])
        return [(float(step), 0.0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        long = max((abs(v) for v in self.range), default=0.0) >= MINUTES_FROM_S
        return [clock_text(v, spacing) if long else seconds_text(v, spacing) for v in values]


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
