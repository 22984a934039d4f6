"""Where a jump key goes from a moment: the next border, unlabelled stretch, uncertain label, event in the signal."""

import numpy as np

from studio.data.onsets import Bursts
from studio.ui.labels.table import Table

#: Who is less sure than this is asked again.
SURE = 0.8
#: Closer than this is here, not next.
HERE_S = 1e-4
Stretch = tuple[float, float]


def boundary(table: Table, time_s: float, by: int) -> float | None:
    """The next (by > 0) or previous border or point."""
    borders = np.unique(np.concatenate([table.start_s, table.stop_s, table.point_s]))
    if by > 0:
        i = int(np.searchsorted(borders, time_s + HERE_S, "right"))
        return float(borders[i]) if i < len(borders) else None
    i = int(np.searchsorted(borders, time_s - HERE_S, "left")) - 1
    return float(borders[i]) if i >= 0 else None


def unlabelled(table: Table, time_s: float, by: int, end_s: float, shortest_s: float) -> Stretch | None:
    """The next or previous stretch without a label, `shortest_s` long at least."""
    starts, stops = np.r_[0.0, table.stop_s], np.r_[table.start_s, end_s]
    wide = stops - starts >= max(shortest_s, HERE_S)
    starts, stops = starts[wide], stops[wide]
    if by > 0:
        i = int(np.searchsorted(starts, time_s + HERE_S, "right"))
        return (float(starts[i]), float(stops[i])) if i < len(starts) else None
    i = int(np.searchsorted(starts, time_s - HERE_S, "left")) - 1
    return (float(starts[i]), float(stops[i])) if i >= 0 else None


def uncertain(table: Table, time_s: float, by: int) -> int | None:
    """The next or previous label whose maker was not sure: its place in the track."""
    if table.all is None:
        return None
    doubted = np.flatnonzero(table.all.score < SURE)
    at = table.all.start_s[doubted]
    if by > 0:
        i = int(np.searchsorted(at, time_s + HERE_S, "right"))
        return int(doubted[i]) if i < len(doubted) else None
    i = int(np.searchsorted(at, time_s - HERE_S, "left")) - 1
    return int(doubted[i]) if i >= 0 else None


def event(bursts: Bursts, table: Table, time_s: float, by: int) -> Stretch | None:
    """The next or previous burst of the signal of which no label covers the middle, edge to edge."""
    i = bursts.after(time_s) if by > 0 else bursts.before(time_s)
    while i is not None and 0 <= i < len(bursts):
        middle = (bursts.start_s[i] + bursts.stop_s[i]) / 2
        if table.at(middle) is None:
            a, b = (float(t) for t in bursts.edges(i))
            low, high = table.gap(middle, b)
            return max(a, low), min(b, max(high, low)) if high > low else b
        i += 1 if by > 0 else -1
    return None
