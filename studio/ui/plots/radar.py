"""Radar frames as pictures: echo per range over time, and echo per range and speed of the newest frame.

A frame comes as one sample whose channels are named `s<sweep>p<point>re` and `...im`, or `<sweep>.<point>.re` where a
file was imported; the names tell its shape.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6 import QtCore, QtGui

from studio.data.stream import Stream
from studio.ui.plots.spectrogram import AT_ONCE, Bytes, Loudness, heat_table
from studio.ui.plots.trace import Source
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

RANGE_DB = 45.0
SLOW_FRAMES, FEWEST_SWEEPS = 32, 4
AVERAGE = 0.5
_NAME = re.compile(r"s?(\d+)[p.](\d+)\.?(re|im)?")


@dataclass(frozen=True)
class Cube:
    """Shape of one frame."""

    sweeps: int
    points: int
    is_complex: bool

    def frames(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.complex64]:
        """Samples (n, n_channels) as frames (n, sweeps, points); lost ones are zero."""
        whole = np.nan_to_num(values)
        made = whole[:, 0::2] + 1j * whole[:, 1::2] if self.is_complex else whole.astype(np.complex64)
        return made.reshape(len(values), self.sweeps, self.points).astype(np.complex64)


def cube_of(stream: Stream) -> Cube | None:
    """The shape that the channels' names tell, for a radar; a plain one is a single sweep; None for other sensors."""
    if stream.kind != "radar":
        return None
    found = [_NAME.fullmatch(name) for name in stream.channels]
    if not all(found):
        return Cube(1, len(stream.channels), False)
    sweeps, points = (1 + max(int(m[i]) for m in found if m) for i in (1, 2))
    cube = Cube(sweeps, points, any(m and m[3] == "im" for m in found))
    n = sweeps * points * (2 if cube.is_complex else 1)
    return cube if n == len(stream.channels) else Cube(1, len(stream.channels), False)


class RangeTime:
    """One column per frame: the mean strength of the echo at each range. Makes the columns of a Waterfall."""

    hop = 1
    unit = "range point"

    def __init__(self, stream: Stream) -> None:
        cube = cube_of(stream)
        assert cube is not None
        self._cube, self._rate_hz = cube, stream.rate_hz
        self.n_bins, self.top = cube.points, float(cube.points)
        self._loudness = Loudness(RANGE_DB)
        self._next: int | None = None

    def take(self, ring: Source, keep: int) -> tuple[int, Bytes]:
        """See Maker."""
        if self._next is None:
            self._next = max(0, ring.end - keep)
        start, values = ring.since(self._next)
        values = values[:AT_ONCE]
        self._next = start + len(values)
        if not len(values):
            return start, np.empty((0, self.n_bins), np.uint8)
        power = np.square(np.abs(self._cube.frames(values))).mean(axis=1)
        return start, self._loudness.levels(power, self._rate_hz)


class RangeDoppler:
    """Power per speed and range (n_slow, points) of the newest frame, a little averaged; nothing moves in the middle.

    A frame of too few sweeps has no speed of its own: then the last frames serve as its sweeps.
    """

    def __init__(self, stream: Stream) -> None:
        cube = cube_of(stream)
        assert cube is not None
        self._cube = cube
        self.n_slow = cube.sweeps if cube.sweeps >= FEWEST_SWEEPS else SLOW_FRAMES
        self.power = np.zeros((self.n_slow, cube.points), np.float32)
        self._window = np.hanning(self.n_slow + 2)[1:-1, None].astype(np.float32)
        self._at = -1

    def look(self, ring: Source, at: float) -> bool:
        """Take in the frame before index `at`; True when the picture changed."""
        newest = min(int(at), ring.end)
        if newest == self._at or newest < 1:
            return False
        need = 1 if self.n_slow == self._cube.sweeps else SLOW_FRAMES
        start, values = ring.since(max(0, newest - need))
        values = values[: newest - start]
        if len(values) < need:
            return False
        self._at = newest
        slow = self._cube.frames(values)[-need:].reshape(-1, self._cube.points)[-self.n_slow :]
        power = np.square(np.abs(np.fft.fftshift(np.fft.fft(slow * self._window, axis=0), axes=0)))
        self.power = AVERAGE * self.power + (1 - AVERAGE) * power.astype(np.float32)
        return True


@safe_overrides
class DopplerItem(pg.GraphicsObject):
    """The picture of RangeDoppler: x range points, y speed bins, none in the middle."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.doppler = RangeDoppler(stream)
        self._loudness = Loudness(RANGE_DB)
        self._image = QtGui.QImage()
        self._recolor()
        theme().changed.connect(self._recolor)

    @property
    def points(self) -> int:
        """Ranges from left to right."""
        return self.doppler.power.shape[1]

    def boundingRect(self) -> QtCore.QRectF:
        return QtCore.QRectF(0, -self.doppler.n_slow / 2, self.points, self.doppler.n_slow)

    def tick(self, ring: Source, at: float) -> None:
        """Look at the ring."""
        if self.doppler.look(ring, at):
            levels = self._loudness.levels(self.doppler.power, ring.stream.rate_hz * self.doppler.n_slow)
            self._levels = np.ascontiguousarray(levels)
            height, width = levels.shape
            self._image = QtGui.QImage(self._levels.data, width, height, width, QtGui.QImage.Format.Format_Indexed8)
            self.update()

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        if not self._image.isNull():
            self._image.setColorTable(self._colors)
            painter.drawImage(self.boundingRect(), self._image, QtCore.QRectF(self._image.rect()))

    def _recolor(self) -> None:
        self._colors = heat_table()
        self.update()
