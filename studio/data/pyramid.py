"""Minima and maxima of blocks of a recording's samples: what a plot of any length draws from.

The finest level lies beside the samples as `<stream>.peaks`: one row of minima and one of maxima for every 32
samples, in the stream's own type, append-only. The writer makes it while it records; for a recording that came
without, it is made once and kept. Coarser levels are a fortieth of the samples and are made when it is opened.
A day of nine channels at 1 kHz opens in a fraction of a second and is never read as a whole.
"""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.data.peaks import BASE
from studio.data.recording import Recording
from studio.data.stream import Array

FAN, SMALLEST, STEP = 4, 2048, 1 << 14
Floats = npt.NDArray[np.floating]
Level = tuple[int, Array, Array]


class Pyramid:
    """Minima and maxima of blocks of 32, 128, 512, ... samples of `raw` (n_samples, n_channels), which may be a memmap.

    `levels` are (block size, minima, maxima), the arrays (n_blocks, n_channels). `base` is the finest level when
    it is known: (n_blocks, 2, n_channels), the last block perhaps not full.
    """

    def __init__(self, raw: Array, base: Array | None = None) -> None:
        self.raw = raw if raw.ndim == 2 else raw[:, None]
        self.levels: list[Level] = []
        if len(self.raw) < BASE:
            return
        base = peaks_of(self.raw) if base is None else base
        self.levels.append((BASE, base[:, 0], base[:, 1]))
        while len(self.levels[-1][1]) > SMALLEST:
            self.levels.append(_coarser(self.levels[-1]))

    def level(self, per_column: float) -> Level:
        """(block size, minima, maxima) of the coarsest level that is still exact to a quarter of a column."""
        chosen = (1, self.raw, self.raw)
        for level in self.levels:
            if level[0] * 4 <= per_column:
                chosen = level
        return chosen

    def columns(self, edges: Floats, channel: int) -> tuple[Array, Array]:
        """(lowest, highest) value in each column; `edges` (n_columns + 1,) ascending sample positions."""
        size, low, high = self.level((edges[-1] - edges[0]) / (len(edges) - 1))
        at = np.clip((edges / size).astype(np.intp), 0, len(low) - 1)
        first, last = at[0], min(max(math.ceil(edges[-1] / size), at[0] + 1), len(low))
        lows, highs = np.asarray(low[first:last, channel]), np.asarray(high[first:last, channel])
        cuts = np.minimum(at[:-1] - first, len(lows) - 1)
        return np.minimum.reduceat(lows, cuts), np.maximum.reduceat(highs, cuts)

    def limits(self, channel: int) -> tuple[float, float]:
        """(lowest, highest) raw value of a channel; (0, 0) without samples."""
        _, low, high = self.levels[-1] if self.levels else (1, self.raw, self.raw)
        if not len(low):
            return 0.0, 0.0
        return float(np.nanmin(low[:, channel])), float(np.nanmax(high[:, channel]))


def peaks_of(raw: Array, start: int = 0) -> Array:
    """(n_blocks, 2, n_channels) minima and maxima of the blocks of 32 samples from sample `start`, a multiple of 32."""
    n = -(-(len(raw) - start) // BASE)
    found = np.empty((n, 2, raw.shape[1]), raw.dtype)
    for i in range(0, n, STEP):
        rows = np.asarray(raw[start + i * BASE : start + (i + STEP) * BASE])
        cuts = np.arange(0, len(rows), BASE)
        found[i : i + len(cuts), 0] = np.minimum.reduceat(rows, cuts)
        found[i : i + len(cuts), 1] = np.maximum.reduceat(rows, cuts)
    return found


def _coarser(level: Level) -> Level:
    """The next level; a mapped one is read piece by piece, so that it does not stay in memory."""
    size, low, high = level
    n = -(-len(low) // FAN)
    lows, highs = np.empty((n, low.shape[1]), low.dtype), np.empty((n, low.shape[1]), low.dtype)
    for i in range(0, n, STEP):
        for source, to, least in ((low, lows, np.minimum), (high, highs, np.maximum)):
            rows = np.asarray(source[i * FAN : (i + STEP) * FAN])
            to[i : i + STEP] = _fours(rows, least)
    return size * FAN, lows, highs


def _fours(rows: Array, least: np.ufunc) -> Array:
    """The least (or greatest) of each four rows, and of the rest: far faster than a reduction of short axes."""
    whole = len(rows) // FAN * FAN
    part = rows[:whole]
    found: Array = least(least(part[0::FAN], part[1::FAN]), least(part[2::FAN], part[3::FAN]))
    if whole < len(rows):
        found = np.concatenate([found, least.reduce(rows[whole:])[None]])
    return found


def pyramid(recording: Recording, name: str) -> Pyramid:
    """The pyramid of stream `name`, from the file beside its samples as far as that reaches.

    What the file lacks is computed and, once the recording is closed, kept there. Disks that refuse are none of its
    concern: then it stays in memory.
    """
    raw = recording.raw(name)
    file, width = recording.path / f"{name}.peaks", 2 * raw.shape[1] * raw.itemsize
    n, have = -(-len(raw) // BASE), _rows(file, width)
    if have > n or len(raw) < BASE:
        return Pyramid(raw)
    if have < n:
        rest = peaks_of(raw, max(have - 1, 0) * BASE)  # the last row there may be of half a block
        if not _keep(recording, file, rest, max(have - 1, 0) * width):
            known = _mapped(file, raw, max(have - 1, 0)) if have > 1 else rest[:0]
            return Pyramid(raw, np.concatenate([known, rest]))
    return _lean(Pyramid(raw, _mapped(file, raw, n)), _mapped(file, raw, n))


def _lean(found: Pyramid, base: Array) -> Pyramid:
    """The same on a fresh map: what was read to make the coarser levels leaves memory with the old one."""
    found.levels[0] = BASE, base[:, 0], base[:, 1]
    return found


def _rows(file: Path, width: int) -> int:
    return file.stat().st_size // width if file.is_file() else 0


def _mapped(file: Path, raw: Array, n: int) -> Array:
    return np.memmap(file, raw.dtype, "r", shape=(n, 2, raw.shape[1]))


def _keep(recording: Recording, file: Path, rest: Array, at: int) -> bool:
    """Append to the file; never while a writer may still do so itself, which its journal tells."""
    if (recording.path / "journal.jsonl").exists():
        return False
    try:
        with open(file, "r+b" if file.is_file() else "xb") as out:
            out.seek(at)
            out.write(rest.tobytes())
            out.truncate()
    except OSError:
        return False
    return True
