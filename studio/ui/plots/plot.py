"""A pyqtgraph plot in the studio's look: own colours, no menus and buttons of pyqtgraph, quiet axes."""

import pyqtgraph as pg
from PySide6 import QtCore, QtGui, QtWidgets

from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme

AXIS_WIDTH = 54
MOST_LINES = 12


class TimeAxis(pg.AxisItem):
    """Seconds with their unit at each tick, so that no title is needed below; `suffix` names another unit."""

    def __init__(self) -> None:
        super().__init__("bottom")
        self.suffix = " s"

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{round(v, 6):g}{self.suffix}" for v in values]


@safe_overrides
class Grid(pg.GraphicsObject):
    """Faint lines at the labelled ticks of a plot.

    Why not the axes' own grid: an axis with a grid covers the plot, so Qt plays its whole picture, text and all, in
    every frame; that cost more than the data.
    """

    def __init__(self, plot: pg.PlotItem, x: bool = True, y: bool = True) -> None:
        super().__init__()
        self._plot, self._sides = plot, [s for s, on in (("bottom", x), ("left", y)) if on]
        self._key: tuple[object, ...] = ()
        self._lines: list[QtCore.QLineF] = []
        self.setZValue(-100)
        theme().changed.connect(self.update)

    def boundingRect(self) -> QtCore.QRectF:
        return QtCore.QRectF(self._plot.vb.viewRect())

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QtGui.QPainter, *_: object) -> None:
        to = painter.transform()
        key = (to.m11(), to.dx(), to.m22(), to.dy(), *self._plot.vb.viewRange()[0], *self._plot.vb.viewRange()[1])
        if key != self._key:
            self._key, self._lines = key, [line for side in self._sides for line in self._at_ticks(side, to)]
        painter.save()
        painter.resetTransform()
        painter.setPen(QtGui.QPen(theme().color("grid"), 1))
        painter.drawLines(self._lines)
        painter.restore()

    def _at_ticks(self, side: str, to: QtGui.QTransform) -> list[QtCore.QLineF]:
        box, axis = to.mapRect(self.boundingRect()), self._plot.getAxis(side)
        low, high = self._plot.vb.viewRange()[0 if side == "bottom" else 1]
        if box.isEmpty():
            return []
        levels = axis.tickValues(low, high, box.width() if side == "bottom" else box.height())
        values = [v for _spacing, some in levels[:2] if len(some) <= MOST_LINES for v in some]
        if side == "bottom":
            return [
                QtCore.QLineF(x, box.top(), x, box.bottom()) for x in (round(v * to.m11() + to.dx()) for v in values)
            ]
        return [QtCore.QLineF(box.left(), y, box.right(), y) for y in (round(v * to.m22() + to.dy()) for v in values)]


class PlotArea(pg.GraphicsLayoutWidget):
    """Plots below each other on the theme's plot background. Add them with `add_plot`, headers with `add_header`."""

    def __init__(self, axis_width: int = AXIS_WIDTH) -> None:
        super().__init__()
        self._axis_width = axis_width
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.ci.setSpacing(5)
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
        self._headers.append((item, title, lanes, note))
        self._row += 1
        self._recolor_header(self._headers[-1])

    def add_plot(
        self, stretch: int = 1, show_time: bool = True, grid: bool = True, inside: pg.ViewBox | None = None
    ) -> pg.PlotItem:
        """A plot in the next row; only the lowest one should `show_time`. `inside` takes the mouse."""
        plot = self.ci.addPlot(self._row, 0, axisItems={"bottom": TimeAxis()}, viewBox=inside)
        self.ci.layout.setRowStretchFactor(self._row, stretch)
        self._row += 1
        quiet(plot, grid, grid)
        plot.getAxis("left").setWidth(self._axis_width)
        plot.getAxis("bottom").setStyle(showValues=show_time)
        if not show_time:
            plot.getAxis("bottom").setHeight(6)
        self._plots.append(plot)
        recolor(plot)
        return plot

    def _recolor(self) -> None:
        if self.closed:  # pyqtgraph empties the scene of a closed view
            return
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


def quiet(plot: pg.PlotItem, x: bool = True, y: bool = True) -> None:
    """No menu, no buttons, no vertical mouse, a faint grid along `x` and `y`, axes of one width."""
    plot.hideButtons()
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=True, y=False)
    plot.addItem(Grid(plot, x, y), ignoreBounds=True)
    plot.getAxis("left").setWidth(AXIS_WIDTH)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setStyle(tickFont=font(11, figures=True), tickLength=4, maxTickLevel=1, autoExpandTextSpace=False)
        axis.enableAutoSIPrefix(False)


def recolor(plot: pg.PlotItem) -> None:
    """Put the theme's colours on the axes."""
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(theme().color("line_strong"))
        axis.setTextPen(theme().color("dim"))
        axis.setTickPen(theme().color("dim"))
