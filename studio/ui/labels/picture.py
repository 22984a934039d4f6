"""Recorded samples as a picture at any zoom: the spectrogram of sound, the echo of a radar per range.

The picture is made of tiles of columns, each computed once and kept. A column is as wide as a power of two of
seconds, so that panning and small zooms reuse tiles; one paint makes at most a few new ones and asks for another
paint, so the view stays smooth while it fills.
"""

from collections import OrderedDict
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6 import QtCore, QtGui

from studio.data.stream import Array, Stream
from studio.ui.plots.radar import Cube, cube_of
from studio.ui.plots.spectrogram import heat_table
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

LENGTH, COLUMNS, TILES, AT_ONCE = 512, 128, 256, 3
#: A column that spans more samples than this many windows is the loudest of this many.
PER_COLUMN = 4
#: Places of the recording whose loudest gives the brightest colour, and how much below it is the darkest.
PROBED, SOUND_DB, RADAR_DB, FLOOR = 200, 70.0, 45.0, 1e-12
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


class Maker(Protocol):
    """Makes columns from samples."""

    top: float  # what the upper edge stands for, in `unit`
    unit: str
    range_db: float
    column: int  # samples that one column looks at
    finest: float  # the narrowest useful column, in samples

    def levels(self, at: Places) -> Floats:
        """dB (n, n_bins) around the samples `at`; all within the recording."""


class Fourier:
    """Power per frequency of sound: Hann, 512 samples or 50 ms."""

    unit, range_db = "kHz", SOUND_DB

    def __init__(self, raw: Array, stream: Stream) -> None:
        self._raw, self._scale = raw, np.float32(stream.scale)
        self.top = stream.rate_hz / 2000
        self.column = min(LENGTH, 1 << max(4, int(stream.rate_hz * 0.05).bit_length()))
        self.finest = self.column / 8
        self._window = np.hanning(self.column).astype(np.float32)

    def levels(self, at: Places) -> Floats:
        """See Maker; beyond the ends there is silence."""
        places = at[:, None] + np.arange(self.column)[None, :] - self.column // 2
        inside = (places >= 0) & (places < len(self._raw))
        first, last = max(int(places.min()), 0), min(int(places.max()) + 1, len(self._raw))
        if last - first > 64 * places.size:
            rows = np.asarray(self._raw[np.clip(places, 0, len(self._raw) - 1), 0])  # far apart: only what is needed
        else:
            rows = np.asarray(self._raw[first:last, 0])[np.clip(places - first, 0, last - first - 1)]
        found = np.where(inside, rows, 0).astype(np.float32) * self._scale
        power = np.square(np.abs(np.fft.rfft(found * self._window, axis=1))) * (4.0 / self._window.sum() ** 2)
        return (10.0 * np.log10(power + FLOOR)).astype(np.float32)


class Echo:
    """Strength per range of a radar's frames, or per channel of any stream that has too many for traces."""

    unit, range_db = "range point", RADAR_DB

    def __init__(self, raw: Array, stream: Stream) -> None:
        self._raw = raw
        self._cube = cube_of(stream) or Cube(1, len(stream.channels), False)
        self.unit = "range point" if stream.kind == "radar" else "channel"
        self.top, self.column, self.finest = float(self._cube.points), 1, 1.0

    def levels(self, at: Places) -> Floats:
        """See Maker."""
        rows = np.asarray(self._raw[np.clip(at, 0, len(self._raw) - 1)], np.float32)
        power = np.square(np.abs(self._cube.frames(rows))).mean(axis=1)
        return (10.0 * np.log10(power + FLOOR)).astype(np.float32)


@safe_overrides
class RecordedPicture(pg.GraphicsObject):
    """`n` samples of `rate_hz` through `maker`, in a plot whose x is seconds and whose y goes from 0 to `top`."""

    def __init__(self, maker: Maker, n: int, rate_hz: float) -> None:
        super().__init__()
        self.maker, self._n, self._rate_hz = maker, n, rate_hz
        self._tiles: OrderedDict[tuple[int, int], QtGui.QImage] = OrderedDict()
        probed = maker.levels(np.linspace(0, n - 1, min(PROBED, n)).astype(np.int64))
        self._top_db = float(np.percentile(probed, 99.9))
        self._missing = False
        self.setZValue(-300)
        theme().changed.connect(self._recolor)

    def boundingRect(self) -> QtCore.QRectF:
        return QtCore.QRectF(0, 0, self._n / self._rate_hz, self.maker.top)

    def viewTransformChanged(self) -> None:
        self.update()

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        box = self.getViewBox()
        if box is None:
            return
        (left, right), _y = box.viewRange()
        per_px = max((right - left) / max(box.width() * 2 / 3, 1.0), self.maker.finest / self._rate_hz)
        zoom = int(np.floor(np.log2(per_px)))
        span, end_s = COLUMNS * 2.0**zoom, self._n / self._rate_hz
        painter.save()
        painter.setClipRect(box.viewRect() & self.boundingRect())
        made, self._missing = 0, False
        for k in range(max(int(left / span), 0), min(int(right / span), int(end_s / span)) + 1):
            if (zoom, k) not in self._tiles:
                if made >= AT_ONCE:
                    self._missing = True
                    continue
                self._make(zoom, k)
                made += 1
            painter.drawImage(QtCore.QRectF(k * span, 0, span, self.maker.top), self._tiles[zoom, k])
        painter.restore()
        if self._missing:
            QtCore.QTimer.singleShot(0, self, self.update)

    def _make(self, zoom: int, k: int) -> None:
        """Compute tile `k` of this zoom."""
        step = 2.0**zoom * self._rate_hz
        per = max(1, min(PER_COLUMN, int(step / self.maker.column)))
        at = ((k * COLUMNS + (np.arange(COLUMNS * per) + 0.5) / per) * step).astype(np.int64)
        db = self.maker.levels(np.minimum(at, self._n - 1)).reshape(COLUMNS, per, -1).max(axis=1)
        scale = 255 / self.maker.range_db
        levels = np.clip((db - self._top_db + self.maker.range_db) * scale, 0, 255).astype(np.uint8)
        rows = np.ascontiguousarray(levels.T)  # y points up: row 0 lands at the bottom
        image = QtGui.QImage(rows.data, COLUMNS, len(rows), COLUMNS, QtGui.QImage.Format.Format_Indexed8).copy()
        image.setColorTable(heat_table())
        self._tiles[zoom, k] = image
        while len(self._tiles) > TILES:
            self._tiles.popitem(last=False)

    def _recolor(self) -> None:
        self._tiles.clear()
        self.update()
