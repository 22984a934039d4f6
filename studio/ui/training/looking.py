"""One window: its samples, and over them what each stretch of time, axis and band spoke for the answer."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6 import QtGui, QtWidgets

from studio.data.recording import Recording
from studio.ui.plots.plot import PlotArea, TimeAxis, quiet, recolor
from studio.ui.theme import theme
from studio.ui.widgets import label, rows

#: Height of the plot alone and with an explanation. Around the window this share of it is shown; lines; their points.
LOW_PX, HIGH_PX = 190, 270
AROUND, MOST_LINES, MOST_POINTS = 0.5, 12, 4000
Array = npt.NDArray[Any]


class WindowPlot(PlotArea):
    """`show_window`, then `show_explanation`: above the trace, below what spoke for the answer (blue) or against it."""

    def __init__(self) -> None:
        super().__init__(axis_width=84)
        self.setObjectName("window_plot")
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
        self._window: tuple[Recording, str, int, int] | None = None
        self._told: dict[str, Any] | None = None
        self.trace, self.time, self.band = (self._added(row, h) for row, h in ((0, 4), (1, 3), (2, 3)))
        self.time.setXLink(self.trace)
        theme().changed.connect(self._redraw)
        self._redraw()

    def _added(self, row: int, stretch: int) -> pg.PlotItem:
        plot = self.ci.addPlot(row, 0, axisItems={"bottom": TimeAxis()} if row < 2 else {})
        self.ci.layout.setRowStretchFactor(row, stretch)
        plot.setMinimumHeight(20)
        self._plots.append(plot)
        quiet(plot, row == 0, row == 0)
        recolor(plot)
        plot.setMouseEnabled(x=False, y=False)
        plot.getAxis("left").setWidth(84)
        return plot

    def _lay(self, explained: bool) -> None:
        """The lower plots take room only when there is something in them."""
        self.setFixedHeight(HIGH_PX if explained else LOW_PX)
        below = self.trace.getAxis("bottom")
        below.setStyle(showValues=not explained)
        below.setHeight(6 if explained else None)
        for row, plot in ((1, self.time), (2, self.band)):
            self.ci.layout.setRowStretchFactor(row, 3 if explained else 0)
            if explained and plot not in self.ci.items:
                self.ci.addItem(plot, row, 0)
            elif not explained and plot in self.ci.items:
                self.ci.removeItem(plot)

    def show_window(self, recording: Recording | None, stream: str, start: int, length: int) -> None:
        """Samples [start, start + length) of a stream, with some before and after."""
        self._window, self._told = (recording, stream, start, length) if recording is not None else None, None
        self._redraw()

    def show_explanation(self, told: dict[str, Any] | None) -> None:
        """As `explain` returns it."""
        self._told = told
        self._redraw()

    def _redraw(self) -> None:
        for plot in self._plots:
            for item in [i for i in plot.items if _ours(i)]:
                plot.removeItem(item)
        self._lay(self._told is not None)
        if self._window is None:
            self.setAccessibleName("No window is chosen")
            return
        self._draw_trace(*self._window)
        words = ""
        if self._told is not None:
            self._draw_parts(self._told)
            words = f". {words_of(self._told)}"
        recording, stream, start, length = self._window
        self.setAccessibleName(f"{recording.id}, samples {start} to {start + length} of {stream}{words}")

    def _draw_trace(self, recording: Recording, stream: str, start: int, length: int) -> None:
        rate_hz, t = recording.stream(stream).rate_hz, theme().tokens
        more = round(AROUND * length)
        first, stop = max(0, start - more), min(recording.n_samples[stream], start + length + more)
        values = recording.values(stream, first, stop)
        values = values.reshape(len(values), -1)
        step = max(1, len(values) // MOST_POINTS)
        shown = values[::step, :MOST_LINES]
        x = (first + step * np.arange(len(shown))) / rate_hz
        region = pg.LinearRegionItem((start / rate_hz, (start + length) / rate_hz), movable=False)
        region.setBrush(pg.mkBrush(_clear(t.accent, 22)))
        for edge in region.lines:
            edge.setPen(pg.mkPen(t.accent_line, width=1))
        self.trace.addItem(region)
        for i in range(shown.shape[1]):
            line = pg.PlotDataItem(x, shown[:, i], pen=pg.mkPen(t.lanes[i % len(t.lanes)], width=1))
            self.trace.addItem(line)
        self.trace.setXRange(first / rate_hz, stop / rate_hz, padding=0)
        low, high = (float(np.nanmin(shown)), float(np.nanmax(shown))) if np.isfinite(shown).any() else (-1.0, 1.0)
        self.trace.setYRange(low, high or 1e-9, padding=0.06)

    def _draw_parts(self, told: dict[str, Any]) -> None:
        assert self._window is not None
        recording, stream, start, _ = self._window
        begin = start / recording.stream(stream).rate_hz
        most = max(np.abs(told["time"]).max(), 1e-9)
        edges = [begin + e for e in told["edges_s"]]
        _lanes(self.time, edges, np.array(told["time"]) / most, told["axes"])
        self._shade(edges, np.array(told["time"]) / most)
        widest = max(np.abs(told["band"]).max(), 1e-9)
        n = len(told["bands_hz"]) - 1
        _lanes(self.band, list(range(n + 1)), np.array(told["band"]) / widest, told["axes"])
        ticks = [(i, f"{hz:.3g}") for i, hz in enumerate(told["bands_hz"])]
        ticks[-1] = (n, f"{told['bands_hz'][-1]:.3g} Hz")
        self.band.getAxis("bottom").setTicks([ticks])
        self.band.setXRange(0, n, padding=0.01)

    def _shade(self, edges: list[float], weight: Array) -> None:
        """Behind the trace: where what spoke for the answer is, all axes together."""
        together = np.clip(weight, 0, None).sum(axis=0)
        most = max(float(together.max()), 1e-9)
        for i, part in enumerate(together / most):
            if part > 0.15:
                box = pg.LinearRegionItem((edges[i], edges[i + 1]), movable=False, pen=pg.mkPen(None))
                box.setBrush(pg.mkBrush(_clear(theme().tokens.accent, round(90 * float(part)))))
                box.setZValue(-20)
                self.trace.addItem(box)


def _ours(item: Any) -> bool:
    return isinstance(item, pg.PlotDataItem | pg.LinearRegionItem | pg.BarGraphItem)


def _lanes(plot: pg.PlotItem, edges: list[float], weight: Array, names: list[str]) -> None:
    """One lane per axis, a box per part: blue for the answer, red against it, the stronger the fuller."""
    t = theme().tokens
    for row, name in enumerate(names):
        del name
        for i, value in enumerate(weight[row]):
            color = _clear(t.accent if value > 0 else t.danger, round(235 * min(1.0, abs(float(value)))))
            box = {"x0": [edges[i]], "x1": [edges[i + 1]], "y0": [len(names) - row - 1], "height": 0.86}
            plot.addItem(pg.BarGraphItem(**box, brush=color, pen=pg.mkPen(t.grid)))
    plot.setYRange(0, len(names), padding=0.02)
    plot.getAxis("left").setTicks([[(len(names) - row - 0.57, name) for row, name in enumerate(names)]])


def _clear(color: str, alpha: int) -> QtGui.QColor:
    found = QtGui.QColor(color)
    found.setAlpha(alpha)
    return found


def words_of(told: dict[str, Any]) -> str:
    """What mattered most, in words."""
    time, band = np.array(told["time"]), np.array(told["band"])
    if time.max() <= 0 and band.max() <= 0:
        return f"No single part spoke for {told['answer']}: without any one of them the answer is as sure"
    of, bin_ = np.unravel_index(band.argmax(), band.shape)
    hz = f"{told['bands_hz'][bin_]:.3g} to {told['bands_hz'][bin_ + 1]:.3g} Hz on {told['axes'][of]}"
    if time.max() <= 0:
        return f"{told['answer']} rests on no one stretch of time; of frequencies most on {hz}"
    axis, at = np.unravel_index(time.argmax(), time.shape)
    when = f"{told['edges_s'][at]:.2f} to {told['edges_s'][at + 1]:.2f} s into the window on {told['axes'][axis]}"
    return f"{told['answer']} rests most on {when}, and on {hz}"


class Explained(QtWidgets.QWidget):
    """The plot with its words below."""

    def __init__(self) -> None:
        super().__init__()
        self.plot, self.words = WindowPlot(), label("", "small", wrap=True)
        self.words.setObjectName("window_words")
        self.setLayout(rows(self.plot, self.words, spacing=6))
        self.layout().setStretch(0, 1)

    def show_window(self, recording: Recording | None, stream: str, start: int, length: int) -> None:
        """Another window, not yet explained."""
        self.plot.show_window(recording, stream, start, length)
        self.words.setText("")

    def show_explanation(self, told: dict[str, Any] | None) -> None:
        """Why it was answered so."""
        self.plot.show_explanation(told)
        key = "Blue spoke for the answer, red against it."
        self.words.setText(f"{words_of(told)}. {key}" if told else "")
        self.layout().activate()  # the plot has another height now
        self.updateGeometry()
