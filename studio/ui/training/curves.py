"""How well scores rank the classes, and whether they can be believed: ROC, precision against recall, calibration."""

from typing import Any

import pyqtgraph as pg
from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.ui.plots.plot import PlotArea, quiet, recolor
from studio.ui.theme import theme
from studio.ui.widgets import Card, label, rows

PLOTS = {
    "roc": ("ROC", "false alarms among other windows", "recognised"),
    "pr": ("Precision and recall", "recall", "precision"),
    "calibration": ("Calibration", "score of the answer", "share that is right"),
}


class CurvePlot(PlotArea):
    """One square plot from 0 to 1."""

    def __init__(self, key: str) -> None:
        super().__init__()
        _, self._x, self._y = PLOTS[key]
        self.setObjectName(f"{key}_curve")
        self.setFixedHeight(186)
        self.plot = self.ci.addPlot(0, 0)
        self._plots.append(self.plot)
        quiet(self.plot)
        recolor(self.plot)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setXRange(0, 1, padding=0.02)
        self.plot.setYRange(0, 1, padding=0.03)
        self._lines: list[tuple[str, list[list[float]], str]] = []
        self._diagonal = False
        theme().changed.connect(self._redraw)

    def show_lines(self, lines: list[tuple[str, list[list[float]], str]], diagonal: bool) -> None:
        """(name, points, colour) of each line; `diagonal`: what is worth nothing, or what is ideal."""
        self._lines, self._diagonal = lines, diagonal
        self.setAccessibleName(f"{self._y} against {self._x}, {len(lines)} lines")
        self._redraw()

    def _redraw(self) -> None:
        t = theme().tokens
        for side, text in (("bottom", self._x), ("left", self._y)):
            self.plot.setLabel(side, text, **{"color": t.dim, "font-size": "12px"})
        for item in [i for i in self.plot.items if isinstance(i, pg.PlotDataItem)]:
            self.plot.removeItem(item)
        if self._diagonal:
            self.plot.plot([0, 1], [0, 1], pen=pg.mkPen(t.line_strong, width=1, style=Qt.PenStyle.DashLine))
        for _, points, color in self._lines:
            few = {"symbol": "o", "symbolSize": 7, "symbolBrush": color, "symbolPen": None} if len(points) < 20 else {}
            self.plot.plot([x for x, _ in points], [y for _, y in points], pen=pg.mkPen(color, width=2), **few)


class Curves(QtWidgets.QWidget):
    """`show_test` with METRICS and the colour of each class."""

    def __init__(self) -> None:
        super().__init__()
        self.plots = {key: CurvePlot(key) for key in PLOTS}
        self.words = {key: label("", "small", wrap=True) for key in PLOTS}
        self.legend = label("", "small", wrap=True)
        self.legend.setObjectName("curve_legend")
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        grid = QtWidgets.QGridLayout()
        grid.setSpacing(14)
        for i, key in enumerate(PLOTS):
            card = Card(PLOTS[key][0], spacing=6)
            card.body.addWidget(self.plots[key], 1)
            card.body.addWidget(self.words[key])
            grid.addWidget(card, i // 2, i % 2)
        legend = Card("Classes", spacing=6)
        legend.body.addWidget(self.legend)
        legend.body.addStretch()
        grid.addWidget(legend, 1, 1)
        layout = rows(spacing=0)
        layout.addLayout(grid)
        self.setLayout(layout)
        self._shown: tuple[dict[str, Any], list[str], float | None] = ({}, [], None)
        theme().changed.connect(self._repaint)  # a method of a widget is let go with it

    def _repaint(self) -> None:
        self.show_test(*self._shown)

    def show_test(self, test: dict[str, Any], classes: list[str], temperature: float | None) -> None:
        """METRICS as a model's document holds them; `temperature` as its scores were cooled by."""
        self._shown = (test, classes, temperature)
        colors = theme().tokens.classes
        color = {name: colors[i % len(colors)] for i, name in enumerate(classes)}
        ranking = test.get("ranking") or {}
        found = {n: v for n, v in (ranking.get("per_class") or {}).items() if n in color}
        self.plots["roc"].show_lines([(n, v["roc"], color[n]) for n, v in found.items()], True)
        self.plots["pr"].show_lines([(n, v["pr"], color[n]) for n, v in found.items()], False)
        bins = (test.get("calibration") or {}).get("bins") or []
        self.plots["calibration"].show_lines([("all", [[c, r] for c, r, _ in bins], theme().tokens.accent)], True)
        self._say(test, found, color, temperature)

    def _say(
        self, test: dict[str, Any], found: dict[str, Any], color: dict[str, str], temperature: float | None
    ) -> None:
        macro = (test.get("ranking") or {}).get("macro_auc")
        self.words["roc"].setText("" if macro is None else f"Area under the curve, mean of the classes: {macro:.3f}")
        pr = [v["average_precision"] for v in found.values()]
        self.words["pr"].setText(f"Average precision, mean of the classes: {sum(pr) / len(pr):.3f}" if pr else "")
        error = (test.get("calibration") or {}).get("ece")
        changed = temperature is not None and temperature != 1.0
        cooled = f" Logits were divided by {temperature:.2f}, found on validation." if changed else ""
        told = "" if error is None else f"Scores are off by {error:.1%} on average (ECE).{cooled}"
        self.words["calibration"].setText(told)
        lines = [
            f'<span style="color:{color[n]}">●</span> {n}: area {v["auc"]:.3f}, '
            f"average precision {v['average_precision']:.3f}"
            for n, v in found.items()
        ]
        self.legend.setText("<br>".join([*lines, "Each class against all others, on the test part."]) if lines else "")
