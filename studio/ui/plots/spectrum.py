"""The spectrum of the newest samples: an average that calms the noise, and the peak told to a part of a bin."""

import math

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6 import QtCore, QtGui

from studio.ui.plots.envelope import lane_color
from studio.ui.plots.trace import Source, lane_of
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme

Floats = npt.NDArray[np.float64]
LONGEST, SHORTEST, LENGTH_S = 4096, 64, 1.28
AVERAGE_S, EVERY_S = 0.8, 1 / 15
TOLD_EVERY_S = 0.25
MOST_CHANNELS = 12
FLOOR = 1e-14
#: Below it a slow drift shows, which is no frequency.
FIRST_BIN = 2


class Spectrum:
    """Averaged power per frequency of each channel: `look`, then read `power` (n_bins, n_channels), in unit squared.

    A sine of amplitude a has a peak of a squared. Hann window, the mean taken out, exponential average.
    """

    def __init__(self, rate_hz: float, n_channels: int) -> None:
        self.rate_hz = rate_hz
        length = 1 << max(0, int(rate_hz * LENGTH_S).bit_length() - 1)
        self.length = min(LONGEST, max(SHORTEST, length))
        self.frequencies = np.fft.rfftfreq(self.length, 1 / rate_hz)
        self.power: Floats = np.zeros((len(self.frequencies), min(n_channels, MOST_CHANNELS)))
        self._window = np.hanning(self.length)[:, None]
        self._scale = (2 / self._window.sum()) ** 2
        self._at: float | None = None

    def look(self, ring: Source, at: float) -> bool:
        """Take in the samples before index `at`; True when the spectrum changed."""
        passed = math.inf if self._at is None else abs(at - self._at) / self.rate_hz
        if passed < EVERY_S:
            return False
        start, values = ring.since(max(0, int(at) - self.length))
        values = values[: max(0, int(at) - start), : self.power.shape[1]]
        if len(values) < self.length:
            return False
        part = np.nan_to_num(values - np.nanmean(values, axis=0)).astype(np.float64)
        power = np.square(np.abs(np.fft.rfft(part * self._window, axis=0))) * self._scale
        keep = math.exp(-passed / AVERAGE_S) if passed < 4 * AVERAGE_S else 0.0
        self.power, self._at = keep * self.power + (1 - keep) * power, at
        return True

    def peak(self) -> tuple[float, float, int]:
        """(Hz, amplitude in the unit, channel) of the strongest frequency; a parabola through its three bins."""
        inner = self.power[FIRST_BIN:-1]
        k, channel = np.unravel_index(int(inner.argmax()), inner.shape)
        k += FIRST_BIN
        a, b, c = np.log(self.power[k - 1 : k + 2, channel] + FLOOR)
        bend = a - 2 * b + c
        off = float(np.clip(0.5 * (a - c) / bend, -0.5, 0.5)) if bend < 0 else 0.0
        amplitude = math.exp(0.5 * (b - 0.25 * (a - c) * off))
        return (int(k) + off) * self.rate_hz / self.length, amplitude, int(channel)


def decibels(power: Floats) -> Floats:
    """Of power in unit squared, relative to an amplitude of 1 unit."""
    return 10 * np.log10(power + FLOOR)


def frequency_text(hz: float) -> str:
    """50.3 Hz, 1.234 kHz."""
    return f"{hz / 1000:.3f} kHz" if hz >= 1000 else f"{hz:.1f} Hz" if hz >= 10 else f"{hz:.2f} Hz"


@safe_overrides
class SpectrumItem(pg.GraphicsObject):
    """The channels' spectra in a plot with x in Hz and y in dB, with the peak marked and told."""

    def __init__(self, ring: Source) -> None:
        super().__init__()
        self.spectrum = Spectrum(ring.stream.rate_hz, len(ring.stream.channels))
        self._stream = ring.stream
        self._paths: list[QtGui.QPolygonF] = []
        self._peak: tuple[float, float, int] | None = None
        self.words = ""
        self._told_s = 0.0

    def boundingRect(self) -> QtCore.QRectF:
        view = self.getViewBox()
        return QtCore.QRectF(view.viewRect()) if view is not None else QtCore.QRectF(0, -100, 1, 100)

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def tick(self, ring: Source, now_s: float, at: float) -> tuple[float, float] | None:
        """Look at the ring; the lowest and highest level in dB when there is something new."""
        if not self.spectrum.look(ring, at):
            return None
        self._peak = self.spectrum.peak()
        if now_s - self._told_s > TOLD_EVERY_S:
            self._told_s = now_s
            hz, amplitude, channel = self._peak
            unit = f" {self._stream.unit}" if self._stream.unit else ""
            level = f"{20 * math.log10(amplitude + 1e-9):.1f} dB"
            self.words = f"{self._stream.channels[channel]}  {frequency_text(hz)}  {amplitude:.3g}{unit}  {level}"
        levels = decibels(self.spectrum.power[1:])
        self.update()
        return float(np.percentile(levels, 2)), float(levels.max())

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        to = painter.transform()
        painter.save()
        painter.resetTransform()
        x = self.spectrum.frequencies * to.m11() + to.dx()
        y = decibels(self.spectrum.power) * to.m22() + to.dy()
        for channel in range(y.shape[1]):
            painter.setPen(QtGui.QPen(QtGui.QColor(lane_color(lane_of(self._stream.kind, channel))), 1))
            painter.drawPolyline(pg.functions.arrayToQPolygonF(x[1:], y[1:, channel]))
        if self._peak is not None and self.words:
            self._mark_peak(painter, to, *self._peak[:2])
        painter.restore()

    def _mark_peak(self, painter: QtGui.QPainter, to: QtGui.QTransform, hz: float, amplitude: float) -> None:
        box = to.mapRect(self.boundingRect())
        x, y = hz * to.m11() + to.dx(), 20 * math.log10(amplitude + 1e-9) * to.m22() + to.dy()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(theme().color("text"), 1))
        painter.setBrush(theme().color("plot"))
        painter.drawEllipse(QtCore.QPointF(x, y), 3.5, 3.5)
        painter.setFont(font(12, QtGui.QFont.Weight.DemiBold, figures=True))
        right = QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignTop
        painter.drawText(box.adjusted(0, 4, -8, 0), right, self.words)
