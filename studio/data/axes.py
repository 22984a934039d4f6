"""Names of channels, in short: those of a frame of many sweeps would not fit into the message that names them."""

import re
from collections.abc import Sequence

#: A frame of more values does not travel in one packet of any dtype, so nobody needs more names.
MOST_NAMES = 4096
_SHORT = re.compile(r"s0-(\d{1,4})p0-(\d{1,4})")


def in_short(names: Sequence[str]) -> list[str]:
    """`s0p0` to `s7p63`, in order, as the one word `s0-7p0-63`; other names as they are."""
    last = re.fullmatch(r"s(\d+)p(\d+)", names[-1]) if len(names) > 1 else None
    short = [f"s0-{last[1]}p0-{last[2]}"] if last else []
    return short if short and spelled_out(short) == tuple(names) else list(names)


def spelled_out(names: Sequence[str]) -> tuple[str, ...]:
    """The names behind `in_short`."""
    short = _SHORT.fullmatch(names[0]) if len(names) == 1 else None
    if short is None:
        return tuple(map(str, names))
    sweeps, points = int(short[1]) + 1, int(short[2]) + 1
    if sweeps * points > MOST_NAMES:
        return tuple(names)
    return tuple(f"s{s}p{p}" for s in range(sweeps) for p in range(points))
