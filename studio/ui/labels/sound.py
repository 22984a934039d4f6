"""The spectrogram of recorded sound at any zoom: tiles of columns, each computed once and kept.

A tile's columns are as wide as a power of two of seconds, so that panning and small zooms reuse them; one paint makes
at most a few new ones and asks for another paint, so the view stays smooth while it fills.
"""

from collections import OrderedDict

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6 import QtCore, QtGui

from studio.data.stream import Array
from studio.ui.plots.spectrogram import heat_table
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

LENGTH, COLUMNS, TILES, AT_ONCE = 512, 128, 256, 3
#: A column that spans more samples than this many windows is the loudest of this many.
PER_COLUMN = 4
RANGE_DB = 70.0
Floats = npt.NDArray[np.float32]


@safe_overrides
class RecordedSpectrogram(pg.GraphicsObject):
    """Sound `raw` (n, n_channels) of `rate_hz` as power per frequency; y in kHz."""

    def __init__(self, raw: Array, rate_hz: float, scale: float) -> None:
        super().__init__()
        self._raw, self._rate_hz, self._scale = raw, rate_hz, scale
        self.top_khz = rate_hz / 2000
        self._length = min(LENGTH, 1 << max(4, int(rate_hz * 0.05).bit_length()))
        self._window = np.hanning(self._length).astype(np.float32)
        self._tiles: OrderedDict[tuple[int, int], QtGui.QImage] = OrderedDict()
        self._top_db = self._loudest()
        self.setZValue(-300)
        theme().changed.connect(self._recolor)

    def boundingRect(self) -> QtCore.QRectF:
        return QtCore.QRectF(0, 0, len(self._raw) / self._rate_hz, self.top_khz)

    def viewTransformChanged(self) -> None:
        self.update()

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        box = self.getViewBox()
        if box is None:
            return
        (left, right), _y = box.viewRange()
        per_px = max((right - left) / max(box.width() * 2 / 3, 1.0), self._length / 8 / self._rate_hz)
        zoom = int(np.floor(np.log2(per_px)))
        span = COLUMNS * 2.0**zoom
        first = max(int(left / span), 0)
        last = min(int(right / span), int(len(self._raw) / self._rate_hz / span))
        made = 0
        for n in range(first, last + 1):
            image = self._tiles.get((zoom, n))
            if image is None and made < AT_ONCE:
                image, made = self._make(zoom, n), made + 1
            if image is not None:
                painter.drawImage(QtCore.QRectF(n * span, 0, span, self.top_khz), image)
            else:
                QtCore.QTimer.singleShot(0, self.update)

    def _make(self, zoom: int, n: int) -> QtGui.QImage:
        step = 2.0**zoom * self._rate_hz
        per = max(1, min(PER_COLUMN, int(step / self._length)))
        starts = ((n * COLUMNS + np.arange(COLUMNS * per) / per) * step).astype(np.int64)
        db = self._levels(starts).reshape(COLUMNS, per, -1).max(axis=1)
        levels = np.clip((db - self._top_db + RANGE_DB) * (255 / RANGE_DB), 0, 255).astype(np.uint8)
        rows = np.ascontiguousarray(levels.T)  # y points up: row 0 lands at the bottom
        image = QtGui.QImage(rows.data, COLUMNS, len(rows), COLUMNS, QtGui.QImage.Format.Format_Indexed8).copy()
        image.setColorTable(heat_table())
        self._tiles[zoom, n] = image
        while len(self._tiles) > TILES:
            self._tiles.popitem(last=False)
        return image

    def _levels(self, starts: npt.NDArray[np.int64]) -> Floats:
        """dB of the windows around `starts`, (n, n_bins)."""
        at = starts[:, None] + np.arange(self._length)[None, :] - self._length // 2
        inside = (at >= 0) & (at < len(self._raw))
        first, last = np.clip([at.min(), at.max() + 1], 0, len(self._raw))
        if last - first <= 0 or last - first > 64 * at.size:
            rows = np.asarray(self._raw[np.clip(at, 0, len(self._raw) - 1), 0])  # far apart: only what is needed
        else:
            rows = np.asarray(self._raw[first:last, 0])[np.clip(at - first, 0, last - first - 1)]
        found = np.where(inside, rows, 0).astype(np.float32) * np.float32(self._scale)
        power = np.square(np.abs(np.fft.rfft(found * self._window, axis=1))) * (4.0 / self._window.sum() ** 2)
        return (10.0 * np.log10(power + 1e-12)).astype(np.float32)

    def _loudest(self) -> float:
        """The level that the brightest colour stands for: of 200 places spread over the recording."""
        n = len(self._raw)
        if n < self._length:
            return -40.0
        return float(max(np.percentile(self._levels(np.linspace(0, n - 1, 200).astype(np.int64)), 99.9), -60.0))

    def _recolor(self) -> None:
        self._tiles.clear()
        self.update()
