"""The ways to look at a live stream, and which of them fit it. One more way is one class and one line in `VIEWS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PySide6 import QtCore

from studio.data.stream import Ring, Stream
from studio.ui.plots.marks import Caption, MarksItem, Shown
from studio.ui.plots.plot import AXIS_WIDTH, PlotArea
from studio.ui.plots.radar import DopplerItem, RangeTime, cube_of
from studio.ui.plots.spectrogram import Maker, Stft, Waterfall
from studio.ui.plots.spectrum import SpectrumItem
from studio.ui.plots.trace import Range, Source, TraceItem
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

#: More channels than this are no curves that an eye could follow.
MOST_CURVES = 128


@safe_overrides
class DragBox(pg.ViewBox):
    """A plot's inside that tells how it is dragged and wheeled, instead of moving by itself."""

    dragged, wheeled = QtCore.Signal(float), QtCore.Signal(int)

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        ev.accept()
        to, back = self.mapSceneToView(ev.scenePos()), self.mapSceneToView(ev.lastScenePos())
        self.dragged.emit(to.x() - back.x())

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:
        ev.accept()
        self.wheeled.emit(1 if ev.delta() < 0 else -1)


class LiveView(PlotArea):
    """One plot of one stream. `tick` draws the samples before index `at` of `source`: the ring, or what is held of it.

    A view `over_time` has an x axis of seconds that ends with 0, and can bear marks.
    """

    over_time = True

    def __init__(self, ring: Ring, seconds: float, grid: bool = True, caption: str = "") -> None:
        super().__init__(AXIS_WIDTH)
        self.ring, self.seconds = ring, seconds
        self.ci.setContentsMargins(4, 8, 14, 2)
        self.box = DragBox()
        self.plot = self.add_plot(1, True, grid, self.box)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.disableAutoRange()
        self.setMinimumHeight(96)
        if caption:
            self.plot.addItem(Caption(caption), ignoreBounds=True)
        if self.over_time:
            self.marks = MarksItem()
            self.plot.addItem(self.marks, ignoreBounds=True)
            self.plot.setXRange(-seconds, 0, padding=0)

    @property
    def width_px(self) -> int:
        """Of the plot itself, in device pixels."""
        return round(self.plot.vb.width() * self.devicePixelRatioF())

    def show_time_axis(self, on: bool) -> None:
        """Words at the ticks below, or the ticks alone."""
        axis = self.plot.getAxis("bottom")
        axis.setStyle(showValues=on)
        axis.setHeight(None if on else 6)

    def show_seconds(self, seconds: float) -> None:
        """Another length of time."""
        self.seconds = seconds
        if self.over_time:
            self.plot.setXRange(-seconds, 0, padding=0)

    def show_marks(self, marks: Sequence[Shown]) -> None:
        """Marks in seconds from the right edge."""
        if self.over_time:
            self.marks.show_marks(marks)

    def tick(self, source: Source, at: float, now_s: float) -> None:
        """Draw."""
        raise NotImplementedError


class WaveView(LiveView):
    """Every channel as a curve."""

    level_moved = QtCore.Signal(float)

    def __init__(self, ring: Ring, seconds: float) -> None:
        super().__init__(ring, seconds)
        self.trace = TraceItem(ring, seconds)
        self.plot.addItem(self.trace, ignoreBounds=True)
        self._level = pg.InfiniteLine(angle=0, movable=True)
        self._level.setZValue(60)
        self._level.sigPositionChanged.connect(lambda: self.level_moved.emit(float(self._level.value())))
        self.plot.addItem(self._level, ignoreBounds=True)
        self.show_level(None)

    def show_level(self, level: float | None) -> None:
        """The trigger's level as a line that can be dragged; None takes it away."""
        self._level.setVisible(level is not None)
        if level is not None and level != self._level.value():
            self._level.blockSignals(True)
            self._level.setValue(level)
            self._level.blockSignals(False)
        self._level.setPen(pg.mkPen(theme().color("accent"), width=1, style=QtCore.Qt.PenStyle.DashLine))
        self._level.setHoverPen(pg.mkPen(theme().color("accent"), width=1))

    def show_seconds(self, seconds: float) -> None:
        super().show_seconds(seconds)
        self.trace.seconds = seconds

    def tick(self, source: Source, at: float, now_s: float) -> None:
        self.trace.ring = source
        self.trace.tick(now_s, self.width_px, at)


class PictureView(LiveView):
    """Columns that grow to the right."""

    def __init__(self, ring: Ring, seconds: float, maker: Maker) -> None:
        super().__init__(ring, seconds, grid=False, caption=maker.unit)
        self.picture = Waterfall(ring, seconds, maker)
        self.plot.setYRange(0, self.picture.top, padding=0)
        self.plot.addItem(self.picture, ignoreBounds=True)
        self.unit = maker.unit

    def show_seconds(self, seconds: float) -> None:
        super().show_seconds(seconds)
        self.picture.show_seconds(seconds)

    def tick(self, source: Source, at: float, now_s: float) -> None:
        self.picture.tick(now_s, at, grow=source is self.ring)


class SpectrumView(LiveView):
    """Level per frequency of the samples just before the right edge, averaged, with its peak."""

    over_time = False

    def __init__(self, ring: Ring, seconds: float) -> None:
        super().__init__(
            ring, seconds, caption=f"dB of 1 {ring.stream.unit}" if ring.stream.unit else "dB of full scale"
        )
        self.spectrum = SpectrumItem(ring)
        self.plot.addItem(self.spectrum, ignoreBounds=True)
        self.plot.setXRange(0, ring.stream.rate_hz / 2, padding=0)
        self.plot.setYRange(-100, 0, padding=0)
        self.plot.getAxis("bottom").suffix = " Hz"
        self._range = Range()

    def tick(self, source: Source, at: float, now_s: float) -> None:
        found = self.spectrum.tick(source, now_s, at)
        if found is not None and self._range.fit(*found, now_s):
            self.plot.setYRange(self._range.low, self._range.high, padding=0)


class DopplerView(LiveView):
    """Speed against range of the newest frame."""

    over_time = False

    def __init__(self, ring: Ring, seconds: float) -> None:
        super().__init__(ring, seconds, grid=False, caption="speed over range point")
        self.picture = DopplerItem(ring.stream)
        half = self.picture.doppler.n_slow / 2
        self.plot.setXRange(0, self.picture.points, padding=0)
        self.plot.setYRange(-half, half, padding=0)
        self.plot.getAxis("bottom").suffix = ""
        self.plot.addItem(self.picture, ignoreBounds=True)

    def tick(self, source: Source, at: float, now_s: float) -> None:
        self.picture.tick(source, at)


@dataclass(frozen=True)
class View:
    """A way to look: its name on the button, what it shows, which streams it fits, for which it is shown at first."""

    title: str
    tip: str
    fits: Callable[[Stream], bool]
    first: Callable[[Stream], bool]
    make: Callable[[Ring, float], LiveView]


def _is_curves(stream: Stream) -> bool:
    return cube_of(stream) is None and len(stream.channels) <= MOST_CURVES


def _is_radar(stream: Stream) -> bool:
    return cube_of(stream) is not None


def _is_sound(stream: Stream) -> bool:
    return stream.kind == "microphone"


VIEWS: dict[str, View] = {
    "wave": View("Wave", "Each channel over time", _is_curves, lambda s: True, WaveView),
    "spectrogram": View(
        "Spectrogram",
        "Power per frequency over time",
        _is_curves,
        _is_sound,
        lambda ring, seconds: PictureView(ring, seconds, Stft(ring.stream.rate_hz)),
    ),
    "spectrum": View(
        "Spectrum", "Power per frequency now, averaged, with its peak", _is_curves, lambda s: False, SpectrumView
    ),
    "range_time": View(
        "Range–time",
        "Strength of the echo per range over time",
        _is_radar,
        lambda s: True,
        lambda ring, seconds: PictureView(ring, seconds, RangeTime(ring.stream)),
    ),
    "range_doppler": View(
        "Range–Doppler", "Strength of the echo per range and speed, now", _is_radar, lambda s: True, DopplerView
    ),
}
