"""A pyqtgraph plot in the studio's look: own colours, no menus and buttons of pyqtgraph, quiet axes."""

import pyqtgraph as pg
from PySide6 import QtWidgets

from studio.ui.theme import font, theme

AXIS_WIDTH = 54


class PlotArea(pg.GraphicsLayoutWidget):
    """Plots below each other on the theme's plot background. Add them with `add_plot`, headers with `add_header`."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.ci.setSpacing(0)
        self.ci.setContentsMargins(4, 6, 14, 4)
        self._headers: list[tuple[pg.LabelItem, str, tuple[tuple[str, int], ...], str]] = []
        self._plots: list[pg.PlotItem] = []
        self._row = 0
        theme().changed.connect(self._recolor)
        self._recolor()

    def reset(self) -> None:
        """Take all plots away."""
        self.ci.clear()
        for row in range(self._row):
            self.ci.layout.setRowStretchFactor(row, 0)
        self._headers.clear()
        self._plots.clear()
        self._row = 0

    def add_header(self, title: str, lanes: tuple[tuple[str, int], ...] = (), note: str = "") -> None:
        """One line of text: title, channel names in the colours of their lanes, a dim note."""
        item = self.ci.addLabel("", self._row, 0, justify="left", size="9pt")
        item.layout.setContentsMargins(0, 0, 0, 0) if item.layout is not None else None
        self._headers.append((item, title, lanes, note))
        self._row += 1
        self._recolor_header(self._headers[-1])

    def add_plot(self, stretch: int = 1, show_time: bool = True) -> pg.PlotItem:
        """A plot in the next row; only the lowest one should `show_time`."""
        plot = self.ci.addPlot(self._row, 0)
        self.ci.layout.setRowStretchFactor(self._row, stretch)
        self._row += 1
        quiet(plot)
        plot.getAxis("bottom").setStyle(showValues=show_time)
        if not show_time:
            plot.getAxis("bottom").setHeight(6)
        self._plots.append(plot)
        recolor(plot)
        return plot

    def _recolor(self) -> None:
        self.setBackground(theme().color("plot"))
        for plot in self._plots:
            recolor(plot)
        for header in self._headers:
            self._recolor_header(header)

    def _recolor_header(self, header: tuple[pg.LabelItem, str, tuple[tuple[str, int], ...], str]) -> None:
        item, title, lanes, note = header
        t = theme().tokens
        parts = [f'<span style="color:{t.text};font-weight:600;font-size:12px">{title}</span>']
        parts += [
            f'<span style="color:{t.lanes[lane % len(t.lanes)]};font-size:12px">&#9679; {name}</span>'
            for name, lane in lanes
        ]
        parts.append(f'<span style="color:{t.dim};font-size:12px">{note}</span>')
        item.setText("&nbsp;&nbsp;&nbsp;".join(parts))


def quiet(plot: pg.PlotItem) -> None:
    """No menu, no buttons, no vertical mouse, faint grid, axes of a fixed width so that plots line up."""
    plot.hideButtons()
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=True, y=False)
    plot.showGrid(x=True, y=True, alpha=0.14)
    plot.getAxis("left").setWidth(AXIS_WIDTH)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setStyle(tickFont=font(11, figures=True), tickLength=4, autoExpandTextSpace=False)
        axis.enableAutoSIPrefix(False)


def recolor(plot: pg.PlotItem) -> None:
    """Put the theme's colours on the axes."""
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(theme().color("line_strong"))
        axis.setTextPen(theme().color("dim"))
        axis.setTickPen(theme().color("dim"))
