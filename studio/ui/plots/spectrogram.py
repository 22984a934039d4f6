"""A live spectrogram of one channel: power per frequency over the last seconds.

Each new stretch of samples adds columns to a ring of bytes; the picture is two views of that ring through a colour
table, so nothing is moved and no colours are computed per frame.
"""

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6 import QtCore, QtGui

from studio.data.stream import Ring
from studio.ui.plots.trace import Playhead
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

COLUMNS_PER_S = 60.0
RANGE_DB, FLOOR = 70.0, 1e-12
SINK_DB_PER_S = 0.5
AT_ONCE = 256
#: Over 1: the lower levels take less of the heat map.
QUIET = 1.6


class Stft:
    """Short-time Fourier transform, column by column: `take` gives levels 0..255 (n_new, n_bins) of what came.

    Hann window, half overlap or more. The top of the range follows the loudest sound at once and sinks slowly,
    so that the background keeps its colour between two sounds.
    """

    def __init__(self, rate_hz: float) -> None:
        self.hop = max(1, round(rate_hz / COLUMNS_PER_S))
        self.length = 1 << max(4, (2 * self.hop - 1).bit_length() - 1)
        self.window = np.hanning(self.length).astype(np.float32)
        self.top_db = -40.0
        self._next: int | None = None

    def take(self, ring: Ring, keep: int) -> tuple[int, npt.NDArray[np.uint8]]:
        """(index of the first column, levels of the new columns); at first the last `keep` columns of the ring."""
        if self._next is None:
            self._next = max(0, ring.end // self.hop - keep)
        start, values = ring.since(self._next * self.hop)
        behind = -(-max(0, start - self._next * self.hop) // self.hop)
        first = self._next + behind
        skip = first * self.hop - start
        n_new = min(AT_ONCE, max(0, (len(values) - skip - self.length) // self.hop + 1))
        if n_new <= 0:
            return first, np.empty((0, self.length // 2 + 1), np.uint8)
        self._next = first + n_new
        samples = np.nan_to_num(values[skip : skip + (n_new - 1) * self.hop + self.length, 0])
        pieces = np.lib.stride_tricks.sliding_window_view(samples, self.length)[:: self.hop][:n_new]
        return first, self._levels(pieces)

    def _levels(self, pieces: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        spectrum = np.fft.rfft(pieces * self.window, axis=1)
        power = np.square(np.abs(spectrum)) * (4.0 / self.window.sum() ** 2)
        level_db = 10.0 * np.log10(power + FLOOR)
        sunk = self.top_db - SINK_DB_PER_S * len(pieces) / COLUMNS_PER_S
        self.top_db = float(max(sunk, level_db.max(), -90.0))
        return np.clip((level_db - self.top_db + RANGE_DB) * (255 / RANGE_DB), 0, 255).astype(np.uint8)


@safe_overrides
class SpectrogramItem(pg.GraphicsObject):
    """The picture, in a plot with x from -seconds to 0 and y from 0 to half the rate in kHz."""

    def __init__(self, ring: Ring, seconds: float) -> None:
        super().__init__()
        self.ring, self.seconds = ring, seconds
        self.head = Playhead(ring.stream.rate_hz)
        self._stft = Stft(ring.stream.rate_hz)
        self._columns = int(seconds * COLUMNS_PER_S) + AT_ONCE
        self._bins = self._stft.length // 2 + 1
        self._bytes = np.zeros((self._bins, (self._columns + 3) // 4 * 4), np.uint8)
        self._end = 0
        self._image = QtGui.QImage()
        self._recolor()
        theme().changed.connect(self._recolor)

    @property
    def top_khz(self) -> float:
        """The highest frequency there is."""
        return self.ring.stream.rate_hz / 2000

    def boundingRect(self) -> QtCore.QRectF:
        return QtCore.QRectF(-self.seconds, 0, self.seconds, self.top_khz)

    def tick(self, now_s: float) -> None:
        """Look at the ring."""
        self.head.advance(self.ring.end, now_s)
        first, levels = self._stft.take(self.ring, self._columns - AT_ONCE)
        if len(levels):
            at = (first + np.arange(len(levels))) % self._bytes.shape[1]
            self._bytes[:, at] = levels.T
            self._end = first + len(levels)
        self.update()

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        hop_s = self._stft.hop / self.ring.stream.rate_hz
        size = self._bytes.shape[1]
        right = self.head.at / self._stft.hop
        first = max(0, int(right - self.seconds / hop_s), self._end - size + 1)
        painter.save()
        painter.setClipRect(self.boundingRect())
        while first < self._end:
            count = min(self._end - first, size - first % size)
            x = (first - right) * hop_s
            target = QtCore.QRectF(x, 0, count * hop_s, self.top_khz)  # y points up here: row 0 lands at the bottom
            painter.drawImage(target, self._image, QtCore.QRectF(first % size, 0, count, self._bins))
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
