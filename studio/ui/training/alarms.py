"""False alarms against missed events as a picture: a point is clicked, dragged to, or reached with the arrow keys."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6 import QtCore, QtGui
from PySide6.QtCore import Qt

from studio.ui.plots.plot import PlotArea, quiet, recolor
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

Point = dict[str, Any]
AXES = {"left": "missed events [%]", "bottom": "false alarms an hour"}
SIZE_PX, CHOSEN_PX = 8, 15


@safe_overrides
class AlarmPlot(PlotArea):
    """`show_curve` with points as a model's document holds them; `picked` gives the number of the one chosen."""

    picked = QtCore.Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("alarm_curve")
        self.setFixedHeight(200)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("Click or drag to another point; Left and Right walk along the curve")
        self.points: list[Point] = []
        self.chosen = -1
        self._now: Point | None = None
        self._alone: Point | None = None
        self.plot = self.ci.addPlot(0, 0)
        self._plots.append(self.plot)
        quiet(self.plot)
        recolor(self.plot)
        self.plot.setMouseEnabled(x=False, y=False)
        self.curve = pg.PlotCurveItem()
        self.dots, self.marks = pg.ScatterPlotItem(), pg.ScatterPlotItem()
        for item in (self.curve, self.dots, self.marks):
            self.plot.addItem(item)
        theme().changed.connect(self._redraw)
        self.show_curve([], None)

    def show_curve(self, points: list[Point], alone: Point | None) -> None:
        """The curve from strict to lenient, and what each window alone would tell."""
        self.points, self._alone, self.chosen = points, alone, -1
        self._redraw()

    def show_now(self, now: Point | None, chosen: int = -1) -> None:
        """Where the decision stands: on the curve (`chosen`), or beside it."""
        self._now, self.chosen = now, chosen
        self._redraw()

    def _redraw(self) -> None:
        t = theme().tokens
        for side, text in AXES.items():
            self.plot.setLabel(side, text, **{"color": t.dim, "font-size": "12px"})
        places = [_place(p) for p in self.points]
        self.curve.setData(*_stairs(places))
        self.curve.setPen(pg.mkPen(t.line_strong, width=2))
        spots = [{"pos": p, "size": SIZE_PX, "brush": pg.mkBrush(t.accent), "pen": pg.mkPen(t.plot)} for p in places]
        self.dots.setData(spots)
        marks = []
        if self._alone is not None:
            look = {"brush": pg.mkBrush(None), "pen": pg.mkPen(t.dim, width=2), "symbol": "d"}
            marks.append({"pos": _place(self._alone), "size": CHOSEN_PX - 2, **look})
        if self._now is not None:
            look = {"brush": pg.mkBrush(t.warn), "pen": pg.mkPen(t.plot, width=2), "symbol": "o"}
            marks.append({"pos": _place(self._now), "size": CHOSEN_PX, **look})
        self.marks.setData(marks)
        self._frame([*places, *(m["pos"] for m in marks)])
        at = f", now at {words_of(self._now)}" if self._now else ""
        self.setAccessibleName(f"False alarms against misses, {len(self.points)} points{at}")

    def _frame(self, places: list[tuple[float, float]]) -> None:
        right = max((x for x, _ in places), default=0.0) or 1.0
        top = max((y for _, y in places), default=0.0) or 5.0
        self.plot.setXRange(-0.03 * right, 1.06 * right, padding=0)
        self.plot.setYRange(-0.07 * top, 1.12 * top, padding=0)

    # --- choosing --------------------------------------------------------------------------

    def nearest(self, place: QtCore.QPointF) -> int:
        """The point of the curve nearest to a place of the widget; -1 without a curve."""
        if not self.points:
            return -1
        box = self.plot.vb
        pixels = [box.mapViewToScene(QtCore.QPointF(*_place(p))) for p in self.points]
        away = [np.hypot(p.x() - place.x(), p.y() - place.y()) for p in pixels]
        return int(np.argmin(away))

    def choose(self, index: int) -> None:
        """Choose a point of the curve."""
        if self.points and index != self.chosen:
            self.chosen = min(max(index, 0), len(self.points) - 1)
            self.picked.emit(self.chosen)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        self.setFocus()
        self.choose(self.nearest(self.mapToScene(event.position().toPoint())))

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.choose(self.nearest(self.mapToScene(event.position().toPoint())))

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        event.accept()

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not self.points:
            super().keyPressEvent(event)
            return
        at = self.chosen if self.chosen >= 0 else self._nearest_to_now()
        self.choose(min(max(at + step, 0), len(self.points) - 1))

    def _nearest_to_now(self) -> int:
        if self._now is None:
            return 0
        x, y = _place(self._now)
        return int(np.argmin([abs(a - x) + abs(b - y) for a, b in map(_place, self.points)]))


def _place(p: Point) -> tuple[float, float]:
    return float(p["false_alarms_per_hour"]), 100.0 * float(p["missed"])


def _stairs(places: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """The fewest missed at no more than so many false alarms, as a line; the points above it tell sooner."""
    x, y = list[float](), list[float]()
    for a, b in places:
        if not y or b < y[-1]:
            x += [a, a] if y else [a]
            y += [y[-1], b] if y else [b]
    return ([*x, places[-1][0]], [*y, y[-1]]) if places else (x, y)


def words_of(p: Point) -> str:
    """A point in words."""
    return f"{p['false_alarms_per_hour']:.1f} false alarms an hour and {p['missed']:.1%} missed"
