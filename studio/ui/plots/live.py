"""Live plots of every stream of a device: traces, and a spectrogram below each microphone."""

import time
from collections.abc import Mapping

import pyqtgraph as pg

from studio.data.stream import Ring, Stream
from studio.ui.plots.plot import AXIS_WIDTH, PlotArea
from studio.ui.plots.spectrogram import Waterfall
from studio.ui.plots.trace import TraceItem, lane_of

#: Streams that are answers, not sensors.
ANSWERS = ("scores", "decision")


class LivePlots(PlotArea):
    """The last `seconds` of the sensor streams in `rings`. Call `tick` on every beat."""

    def __init__(self, seconds: float = 10.0, spectrograms: bool = True, axis_width: int = AXIS_WIDTH) -> None:
        super().__init__(axis_width)
        self.seconds, self._spectrograms = seconds, spectrograms
        self._traces: list[TraceItem] = []
        self._pictures: list[Waterfall] = []
        self._rings: tuple[Ring, ...] = ()

    @property
    def traces(self) -> list[TraceItem]:
        """The traces, one per stream."""
        return self._traces

    def show_rings(self, rings: Mapping[str, Ring], last: bool = True) -> None:
        """Plot these rings from now on; does nothing when they are already shown.

        Without `last` the time axis is left to a plot that follows.
        """
        sensors = tuple(r for r in rings.values() if r.stream.kind not in ANSWERS)
        if sensors == self._rings:
            return
        self._rings = sensors
        self._traces.clear()
        self._pictures.clear()
        self.reset()
        for ring in sensors:
            self._add(ring, last=last and ring is sensors[-1])

    def _add(self, ring: Ring, last: bool) -> None:
        heard = self._spectrograms and ring.stream.kind == "microphone"
        self.add_header(ring.stream.name, lanes(ring.stream), note(ring.stream))
        plot = self._time_plot(stretch=2 if heard else 3, show_time=last and not heard)
        trace = TraceItem(ring, self.seconds)
        plot.addItem(trace, ignoreBounds=True)
        self._traces.append(trace)
        if heard:
            picture = Waterfall(ring, self.seconds)
            self.add_header("Spectrogram", note=picture.maker.unit)
            below = self._time_plot(stretch=2, show_time=last, grid=False)
            below.setYRange(0, picture.top, padding=0)
            below.addItem(picture, ignoreBounds=True)
            self._pictures.append(picture)

    def _time_plot(self, stretch: int, show_time: bool, grid: bool = True) -> pg.PlotItem:
        plot = self.add_plot(stretch, show_time, grid)
        plot.setMouseEnabled(x=False, y=False)
        plot.setXRange(-self.seconds, 0, padding=0)
        plot.disableAutoRange()
        return plot

    def tick(self) -> None:
        """Show what came since the last call."""
        now_s = time.perf_counter()
        for trace in self._traces:
            width = round(trace.getViewBox().width() * self.devicePixelRatioF())
            trace.tick(now_s, width)
        for picture in self._pictures:
            picture.tick(now_s)


def lanes(stream: Stream) -> tuple[tuple[str, int], ...]:
    """Channel names with the lanes of their colours."""
    return tuple((name, lane_of(stream.kind, i)) for i, name in enumerate(stream.channels))


def note(stream: Stream) -> str:
    """Unit and rate of a stream."""
    rate = f"{stream.rate_hz / 1000:g} kHz" if stream.rate_hz >= 1000 else f"{stream.rate_hz:g} Hz"
    return f"{stream.unit} · {rate}" if stream.unit else rate
