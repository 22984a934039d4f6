"""What of many channels in one plot can be seen: only that is drawn.

Ten channels of loud noise lie over each other, and painting all of them costs ten times what the eye gets. Per pixel
column each channel is one vertical stretch; walking from the uppermost channel down, what lies under the others is
left out. The picture is the same, pixel by pixel, and its cost no longer grows with the number of channels.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Cover:
    """Give `seen` the channels from the uppermost down; a column is NaN where a channel has nothing there."""

    def __init__(self, n_columns: int) -> None:
        self._top = np.full(n_columns, np.inf)
        self._bottom = np.full(n_columns, np.inf)
        self._tall = np.full(n_columns, -1.0)

    def seen(self, x: Floats, top: Floats, bottom: Floats) -> Floats:
        """Lines (n, 4) x1 y1 x2 y2 of the parts of [top, bottom] at `x` that nothing given before covers.

        `top` is the smaller y, as on a screen.
        """
        with np.errstate(invalid="ignore"):
            above = top < self._top
            below = bottom > self._bottom
            ends = np.minimum(bottom, self._top)[above]
            begins = np.maximum(top, self._bottom)[below]
            self._add(top, bottom)
        n = int(above.sum())
        lines = np.empty((n + int(below.sum()), 4))
        lines[:n, 0] = lines[:n, 2] = x[above]
        lines[:n, 1], lines[:n, 3] = top[above], ends
        lines[n:, 0] = lines[n:, 2] = x[below]
        lines[n:, 1], lines[n:, 3] = begins, bottom[below]
        return lines

    def _add(self, top: Floats, bottom: Floats) -> None:
        """What touches the cover widens it; of two apart the taller is kept: a cover is one stretch per column."""
        touch = (top <= self._bottom) & (bottom >= self._top)
        apart = ~touch & (bottom - top > self._tall)
        self._top = np.where(touch, np.minimum(top, self._top), np.where(apart, top, self._top))
        self._bottom = np.where(touch, np.maximum(bottom, self._bottom), np.where(apart, bottom, self._bottom))
        self._tall = np.where(np.isfinite(self._top), self._bottom - self._top, -1.0)


def joined(top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
    """The stretches, each reaching to its left neighbour, so that a trace is closed."""
    up, down = top.copy(), bottom.copy()
    up[1:], down[1:] = np.fmin(up[1:], bottom[:-1]), np.fmax(down[1:], top[:-1])
    up[~np.isfinite(top)] = down[~np.isfinite(top)] = np.nan
    return up, down
