"""Pictures that grow to the right: power per frequency, or per range, over the last seconds.

Each new stretch of samples adds columns to a ring of bytes; the picture is two views of that ring through a colour
table, so nothing is moved and no colours are computed per frame. What makes the columns is asked for them: a Fourier
transform here, a radar's profile elsewhere.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6 import QtCore, QtGui

from studio.ui.plots.trace import Playhead, Source
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

COLUMNS_PER_S = 60.0
RANGE_DB, FLOOR = 70.0, 1e-12
SINK_DB_PER_S = 0.5
#: How fast the bottom follows; and how near to the top it may come.
FLOOR_S, LEAST_RANGE_DB = 4.0, 25.0
AT_ONCE = 256
#: So long a past is kept for looking back.
KEPT_S = 60.0
#: Over 1: the lower levels take less of the heat map.
QUIET = 1.6
#: A slow sensor is listened to for longer, else its frequencies could not be told apart.
SLOW_S, SLOW_LENGTH = 0.64, 256
MOST_CHANNELS = 8

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class Maker(Protocol):
    """Makes the columns of a Waterfall."""

    hop: int  # samples from column to column
    n_bins: int
    top: float  # what the upper edge stands for, in `unit`
    unit: str

    def take(self, ring: Source, keep: int) -> tuple[int, Bytes]:
        """(index of the first column, levels (n_new, n_bins)) of what came; at first the last `keep` of the ring."""


class Loudness:
    """Decibels to bytes, from the noise up to the loudest.

    The top follows the loudest at once and sinks slowly, so that the background keeps its colour between two sounds.
    The bottom follows what is there most of the time, so that noise is calm and whatever stands out of it is seen.
    """

    def __init__(self, range_db: float = RANGE_DB) -> None:
        self.top_db = -40.0
        self.floor_db: float | None = None
        self._range_db = range_db

    def levels(self, power: Floats, columns_per_s: float, least_db: float = -90.0) -> Bytes:
        """Power (n, n_bins), n columns at `columns_per_s`, as levels 0..255."""
        level_db = 10.0 * np.log10(power + FLOOR)
        passed_s = len(power) / columns_per_s
        self.top_db = float(max(self.top_db - SINK_DB_PER_S * passed_s, level_db.max(), least_db))
        usual = float(np.median(level_db))
        share = min(1.0, passed_s / FLOOR_S)
        self.floor_db = usual if self.floor_db is None else self.floor_db + share * (usual - self.floor_db)
        floor_db = min(max(self.floor_db, self.top_db - self._range_db), self.top_db - LEAST_RANGE_DB)
        return np.clip((level_db - floor_db) * (255 / (self.top_db - floor_db)), 0, 255).astype(np.uint8)


class Stft:
    """Short-time Fourier transform, column by column; several channels add their power. Hann, half overlap or more."""

    def __init__(self, rate_hz: float) -> None:
        self.hop = max(1, round(rate_hz / COLUMNS_PER_S))
        slow = 1 << max(4, int(rate_hz * SLOW_S).bit_length() - 1)
        self.length = max(1 << max(4, (2 * self.hop - 1).bit_length() - 1), min(SLOW_LENGTH, slow))
        self.window = np.hanning(self.length).astype(np.float32)
        self.n_bins = self.length // 2 + 1
        self.unit = "kHz" if rate_hz >= 2000 else "Hz"
        self.top = rate_hz / (2000 if rate_hz >= 2000 else 2)
        self._loudness = Loudness()
        self._next: int | None = None

    def take(self, ring: Source, keep: int) -> tuple[int, Bytes]:
        """See Maker."""
        if self._next is None:
            self._next = max(0, ring.end // self.hop - keep)
        start, values = ring.since(self._next * self.hop)
        behind = -(-max(0, start - self._next * self.hop) // self.hop)
        first = self._next + behind
        skip = first * self.hop - start
        n_new = min(AT_ONCE, max(0, (len(values) - skip - self.length) // self.hop + 1))
        if n_new <= 0:
            return first, np.empty((0, self.n_bins), np.uint8)
        self._next = first + n_new
        samples = np.nan_to_num(values[skip : skip + (n_new - 1) * self.hop + self.length, :MOST_CHANNELS])
        pieces = np.lib.stride_tricks.sliding_window_view(samples, self.length, axis=0)[:: self.hop][:n_new]
        return first, self._levels(pieces)

    def _levels(self, pieces: Floats) -> Bytes:
        """Of pieces (n, n_channels, length)."""
        steady = pieces - pieces.mean(axis=2, keepdims=True) if self.unit == "Hz" else pieces
        spectrum = np.fft.rfft(steady * self.window, axis=2)
        power = np.square(np.abs(spectrum)).sum(axis=1) * (4.0 / self.window.sum() ** 2)
        return self._loudness.levels(power, COLUMNS_PER_S)


@safe_overrides
class Waterfall(pg.GraphicsObject):
    """The picture, in a plot with x from -seconds to 0 and y from 0 to the maker's top."""

    def __init__(self, ring: Source, seconds: float, maker: Maker | None = None) -> None:
        super().__init__()
        self.ring, self.seconds = ring, seconds
        self.head = Playhead(ring.stream.rate_hz)
        self.maker: Maker = maker or Stft(ring.stream.rate_hz)
        self._columns = int(max(seconds, KEPT_S) * ring.stream.rate_hz / self.maker.hop) + AT_ONCE
        self._bytes = np.zeros((self.maker.n_bins, (self._columns + 3) // 4 * 4), np.uint8)
        self._end = 0
        self._at = 0.0
        self._image = QtGui.QImage()
        self._recolor()
        theme().changed.connect(self._recolor)

    @property
    def top(self) -> float:
        """What the upper edge stands for."""
        return self.maker.top

    def boundingRect(self) -> QtCore.QRectF:
        return QtCore.QRectF(-self.seconds, 0, self.seconds, self.top)

    def show_seconds(self, seconds: float) -> None:
        """Another length of time."""
        self.prepareGeometryChange()
        self.seconds = seconds

    def tick(self, now_s: float, at: float | None = None, grow: bool = True) -> None:
        """Look at the ring; `at` is the index at the right edge, None the newest. Without `grow` it stays as it is."""
        self._at = self.head.advance(self.ring.end, now_s) if at is None else at
        if grow:
            self._grow()
        self.update()

    def _grow(self) -> None:
        first, levels = self.maker.take(self.ring, self._columns - AT_ONCE)
        if len(levels):
            size = self._bytes.shape[1]
            if first > self._end:  # nobody looked for so long that the ring went past
                self._bytes[:, np.arange(max(self._end, first - size), first) % size] = 0
            self._bytes[:, (first + np.arange(len(levels))) % size] = levels.T
            self._end = first + len(levels)

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        hop_s = self.maker.hop / self.ring.stream.rate_hz
        size = self._bytes.shape[1]
        right = self._at / self.maker.hop
        first, end = max(0, int(right - self.seconds / hop_s), self._end - size + 1), min(self._end, int(right) + 2)
        painter.save()
        painter.setClipRect(self.boundingRect())
        while first < end:
            count = min(end - first, size - first % size)
            x = (first - right) * hop_s
            target = QtCore.QRectF(x, 0, count * hop_s, self.top)  # y points up here: row 0 lands at the bottom
            painter.drawImage(target, self._image, QtCore.QRectF(first % size, 0, count, self.maker.n_bins))
            first += count
        painter.restore()

    def _recolor(self) -> None:
        height, width = self._bytes.shape
        self._image = QtGui.QImage(self._bytes.data, width, height, width, QtGui.QImage.Format.Format_Indexed8)
        self._image.setColorTable(heat_table())
        self.update()


def heat_table() -> list[int]:
    """256 colours from the plot's background up through the theme's heat map; noise stays calm, sounds stand out."""
    heat = pg.colormap.get(theme().tokens.heat).getLookupTable(nPts=256, alpha=False)
    heat = heat[(255 * (np.arange(256) / 255.0) ** QUIET).astype(int)]
    paper = np.array(theme().color("plot").getRgb()[:3], float)
    share = np.minimum(1.0, np.arange(256) / 48.0)[:, None]
    mixed = (paper * (1 - share) + heat * share).astype(int)
    return [QtGui.qRgb(*(int(v) for v in rgb)) for rgb in mixed]
