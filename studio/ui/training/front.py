"""Every candidate of a search in a picture: how good against how large; what exceeds a limit is hollow."""

from typing import Any

import pyqtgraph as pg
from PySide6 import QtCore, QtGui
from PySide6.QtCore import Qt

from studio.ui.plots.plot import PlotArea, quiet, recolor
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme
from studio.ui.widgets import bytes_text

#: Colour of a family: its place here as an index into the theme's class colours.
FAMILY_LANES = {
    "forest": 2, "cnn": 0, "extra_trees": 3, "tree": 4, "boosting": 5, "xgboost": 6, "logistic": 1, "linear_svm": 4,
    "ridge": 3,
    "svm": 5, "neighbours": 6, "naive_bayes": 7, "mlp": 3, "rocket": 2, "resnet": 5, "tcn": 7, "separable": 1,
    "sound_cnn": 0, "ds_cnn": 1, "sound_resnet": 5, "lenet": 6, "kmeans": 1, "gmm": 2, "isolation_forest": 5, "lof": 0,
    "autoencoder": 3, "conv_autoencoder": 4,
    "bc_resnet": 7, "gru": 4, "lstm": 6, "rnn": 2, "crnn": 0, "deepsense": 1, "transformer": 3,
}  # fmt: skip
AXES = {"left": "macro-F1", "bottom": "flash [kB]"}
SIZE_PX, CHOSEN_PX = 11, 17
#: Shapes say the family too, for eyes that do not tell the colours apart.
SHAPES = {
    **dict.fromkeys(("forest", "extra_trees", "tree", "boosting", "xgboost"), "t1"),
    **dict.fromkeys(("cnn", "mlp", "resnet", "tcn", "separable", "sound_cnn", "ds_cnn", "sound_resnet", "lenet"), "o"),
    **dict.fromkeys(("bc_resnet", "transformer"), "o"),
    **dict.fromkeys(("gru", "lstm", "rnn", "crnn", "deepsense"), "h"),
    **dict.fromkeys(("logistic", "ridge", "linear_svm", "naive_bayes", "rocket"), "d"),
    **dict.fromkeys(("svm", "neighbours"), "s"),
    **dict.fromkeys(("kmeans", "gmm", "isolation_forest", "lof", "autoencoder", "conv_autoencoder"), "star"),
}


def family_color(family: str) -> str:
    """Colour of a family in the theme in force."""
    colors = theme().tokens.classes
    return colors[FAMILY_LANES.get(family, len(family)) % len(colors)]


def latency_color(share: float) -> str:
    """Between the colour of what is quick (0) and of what is slow (1), in the theme in force."""
    t = theme().tokens
    quick, slow = QtGui.QColor(t.accent), QtGui.QColor(t.warn)
    part = min(1.0, max(0.0, share)) ** 0.5  # most candidates are far quicker than the slowest
    mixed = [round(a + (b - a) * part) for a, b in zip(quick.getRgb()[:3], slow.getRgb()[:3], strict=True)]
    return QtGui.QColor(*mixed).name()


@safe_overrides
class FrontPlot(PlotArea):
    """`show_candidates` with rows {"model", "family", "score", "cost", "violated"}; `picked` names the one clicked."""

    picked = QtCore.Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("train_front")
        self.setMinimumHeight(200)
        self._rows: list[dict[str, Any]] = []
        self._front: set[str] = set()
        self._limit: float | None = None
        self.chosen = ""
        self.plot = self.ci.addPlot(0, 0)
        self._plots.append(self.plot)
        quiet(self.plot)
        recolor(self.plot)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.getAxis("left").setWidth(64)
        for side in AXES:
            self.plot.getAxis(side).setStyle(maxTickLevel=0)
        self.line = pg.InfiniteLine(angle=90)
        self.points = pg.ScatterPlotItem(hoverable=True, tip=self._tip)
        self.steps = pg.PlotCurveItem()
        for item in (self.line, self.steps, self.points):
            self.plot.addItem(item)
        self.points.sigClicked.connect(lambda _, points, *__: self.picked.emit(points[0].data()))
        theme().changed.connect(self._redraw)
        self.show_candidates([], [])

    def show_limit(self, flash_bytes: float | None) -> None:
        """The flash that a model may have."""
        self._limit = flash_bytes
        self._redraw()

    def show_candidates(self, rows: list[dict[str, Any]], front: list[str], chosen: str = "") -> None:
        """Points for `rows`; those in `front` are joined; `chosen` is drawn larger."""
        if rows == self._rows and set(front) == self._front and chosen == self.chosen:
            return
        self._rows, self._front, self.chosen = rows, set(front), chosen
        worst = sum(bool(r.get("violated")) for r in rows)
        self.setAccessibleName(f"{len(rows)} candidates, {len(front)} on the front, {worst} over a limit")
        self._redraw()

    def _redraw(self) -> None:
        t = theme().tokens
        for side, text in AXES.items():
            self.plot.setLabel(side, text, **{"color": t.dim, "font-size": "12px"})
        self.points.setData([self._spot(r) for r in self._rows])
        self.line.setPen(pg.mkPen(t.warn, width=1, style=Qt.PenStyle.DashLine))
        on = sorted((r["cost"]["flash_bytes"] / 1024, r["score"]) for r in self._rows if r["model"] in self._front)
        self.steps.setData([x for x, _ in on], [y for _, y in on])
        self.steps.setPen(pg.mkPen(t.line_strong, width=1))
        self._frame()

    def _spot(self, row: dict[str, Any]) -> dict[str, Any]:
        color, hollow = self._color(row), bool(row.get("violated") or row.get("stopped"))
        return {
            "pos": (row["cost"]["flash_bytes"] / 1024, row["score"]),
            "size": CHOSEN_PX if row["model"] == self.chosen else SIZE_PX,
            "symbol": SHAPES.get(row["family"], "s"),
            "brush": pg.mkBrush(None) if hollow else pg.mkBrush(color),
            "pen": pg.mkPen(color if hollow else theme().tokens.plot, width=1.6 if hollow else 1),
            "data": row,
        }

    def _color(self, row: dict[str, Any]) -> str:
        """From quick to slow: latency as a share of the slowest that fits."""
        known = [r["cost"].get("latency_ms") or 0.0 for r in self._rows if not r.get("violated")]
        return latency_color((row["cost"].get("latency_ms") or 0.0) / (max(known, default=0.0) or 1.0))

    def _frame(self) -> None:
        """Show all points; the limit's line too when it is near them."""
        flash = [r["cost"]["flash_bytes"] / 1024 for r in self._rows] or [64.0]
        scores = [r["score"] for r in self._rows] or [0.5, 1.0]
        right = max(flash) * 1.12
        near = self._limit is not None and self._limit / 1024 <= 2.5 * right
        self.line.setVisible(near)
        if near and self._limit is not None:
            self.line.setValue(self._limit / 1024)
            right = max(right, self._limit / 1024 * 1.06)
        low, high = min(scores), max(scores)
        air = max(0.02, 0.12 * (high - low))
        self.plot.setXRange(0, right, padding=0)
        self.plot.setYRange(max(-0.03, low - air), min(1.02, high + air), padding=0)

    @staticmethod
    def _tip(x: float, y: float, data: Any) -> str:
        return candidate_text(data)


def candidate_text(row: dict[str, Any]) -> str:
    """A candidate in one line."""
    cost = row["cost"]
    parts = [f"macro-F1 {row['score']:.3f}", f"{bytes_text(cost['flash_bytes'])} flash"]
    parts.append(f"{bytes_text(cost['ram_bytes'])} RAM")
    if cost.get("latency_ms") is not None:
        parts.append(f"{cost['latency_ms']:.2f} ms")
    if sure := row.get("confidence"):
        parts.append(f"95 % between {sure['low']:.3f} and {sure['high']:.3f} over {sure['n_groups']} {sure['of']}")
    if row.get("stopped"):
        parts.append(row["stopped"])
    if row.get("violated"):
        parts.append(f"over the limit: {row['violated']}")
    return f"{row['model']} ({row['family']}): {', '.join(parts)}"
