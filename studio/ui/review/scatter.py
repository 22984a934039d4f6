"""Points on a plane that can be clicked, and circled with the mouse; arrow keys walk along time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QPointF, QRectF, Qt

from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

EDGE_PX, DOT_PX, REACH_PX = 12, 5.0, 9.0
#: How strongly a point is painted: usually, and while others are chosen.
USUAL, FAINT = 190, 45
#: A press that moved less than this is a click.
CLICK_PX = 4
Key, Modifier = Qt.Key, Qt.KeyboardModifier


@safe_overrides
class Scatter(QtWidgets.QWidget):
    """`circled` tells that another set is chosen (indices in `chosen`); `clicked` names one point."""

    circled = QtCore.Signal()
    clicked = QtCore.Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.points: npt.NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self.chosen: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self.current = -1
        self._colors: list[str] = []
        self._lasso: list[QPointF] = []
        self._picture: QtGui.QPixmap | None = None
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(200, 240)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setToolTip("Circle windows with the mouse; click one to go there; Left and Right walk along time")
        theme().changed.connect(self._redraw)
        self._tell()

    def show_points(self, points: npt.NDArray[np.float32], colors: Sequence[str]) -> None:
        """Points (n, 2) in [0, 1], each in its colour; what was chosen stays when their number stays."""
        if len(points) != len(self.points):
            self.chosen, self.current = np.zeros(0, np.int64), -1
        self.points, self._colors = points, list(colors)
        self._tell()
        self._redraw()

    def choose(self, indices: npt.NDArray[np.int64]) -> None:
        """Choose points."""
        self.chosen = indices
        self._tell()
        self._redraw()
        self.circled.emit()

    def go(self, index: int) -> None:
        """Make one point the current one."""
        if 0 <= index < len(self.points):
            self.current = index
            self.update()
            self.clicked.emit(index)

    def _tell(self) -> None:
        self.setAccessibleName(f"Map of {len(self.points)} windows, {len(self.chosen)} chosen")

    # --- places ---------------------------------------------------------------------------------

    def place(self, index: int) -> QPointF:
        """The pixel of a point."""
        x, y = self.pixels[index]
        return QPointF(float(x), float(y))

    @property
    def pixels(self) -> npt.NDArray[np.float64]:
        """Pixels (n, 2) of all points."""
        size = np.array([self.width() - 2 * EDGE_PX, self.height() - 2 * EDGE_PX], np.float64)
        up = np.c_[self.points[:, 0], 1 - self.points[:, 1]]
        found: npt.NDArray[np.float64] = EDGE_PX + up * size
        return found

    def _near(self, at: QPointF) -> int:
        if not len(self.points):
            return -1
        apart = np.hypot(*(self.pixels - [at.x(), at.y()]).T)
        nearest = int(apart.argmin())
        return nearest if apart[nearest] <= REACH_PX else -1

    def _inside(self) -> npt.NDArray[np.int64]:
        """Points inside the lasso, by the even-odd rule."""
        p, inside = self.pixels, np.zeros(len(self.points), bool)
        around = [(a.x(), a.y()) for a in self._lasso]
        for (x0, y0), (x1, y1) in zip(around, [*around[1:], around[0]], strict=True):
            if y0 != y1:
                crosses = (p[:, 1] > y0) != (p[:, 1] > y1)
                inside ^= crosses & (p[:, 0] < (x1 - x0) * (p[:, 1] - y0) / (y1 - y0) + x0)
        return np.flatnonzero(inside).astype(np.int64)

    # --- mouse and keys ---------------------------------------------------------------------------

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._lasso = [event.position()]

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        if self._lasso:
            self._lasso.append(event.position())
            self.update()

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        if not self._lasso or event.button() != Qt.MouseButton.LeftButton:
            return
        first = self._lasso[0]
        still = all(abs(p.x() - first.x()) + abs(p.y() - first.y()) < CLICK_PX for p in self._lasso)
        found = np.zeros(0, np.int64) if still else self._inside()
        self._lasso = []
        if still:
            self.go(self._near(first))
        else:
            more = event.modifiers() & Modifier.ShiftModifier
            self.choose(np.union1d(self.chosen, found).astype(np.int64) if more else found)
        self.update()

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        n = len(self.points)
        if event.key() in (Key.Key_Left, Key.Key_Right) and n:
            self.go(min(max(self.current + (1 if event.key() == Key.Key_Right else -1), 0), n - 1))
        elif event.key() == Key.Key_A and event.modifiers() & Modifier.ControlModifier:
            self.choose(np.arange(n))
        elif event.key() == Key.Key_Escape and len(self.chosen):
            self.choose(np.zeros(0, np.int64))
        else:
            super().keyPressEvent(event)

    # --- painting ---------------------------------------------------------------------------------

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        self._redraw()

    def focusInEvent(self, event: QtGui.QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def _redraw(self) -> None:
        self._picture = None
        self.update()

    def _dots(self) -> QtGui.QPixmap:
        """All points, painted once."""
        ratio = self.devicePixelRatioF()
        made = QtGui.QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(theme().color("plot"))
        painter = QtGui.QPainter(made)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bright = set(self.chosen.tolist())
        every = range(len(self._colors))
        self._paint_dots(painter, [i for i in every if i not in bright], FAINT if bright else USUAL)
        self._paint_dots(painter, sorted(bright), 255)
        painter.end()
        return made

    def _paint_dots(self, painter: QtGui.QPainter, indices: list[int], alpha: int) -> None:
        places, by_color = self.pixels, dict[str, list[int]]()
        for i in indices:
            by_color.setdefault(self._colors[i], []).append(i)
        for color, some in by_color.items():
            ink = QtGui.QColor(color)
            ink.setAlpha(alpha)
            painter.setBrush(ink)
            for i in some:
                painter.drawEllipse(QPointF(*map(float, places[i])), DOT_PX / 2, DOT_PX / 2)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        if self._picture is None:
            self._picture = self._dots()
        t, painter = theme().tokens, QtGui.QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if 0 <= self.current < len(self.points):
            painter.setPen(QtGui.QPen(QtGui.QColor(t.text), 2))
            painter.drawEllipse(self.place(self.current), 7, 7)
        if len(self._lasso) > 1:
            self._paint_lasso(painter)
        painter.setPen(QtGui.QPen(QtGui.QColor(t.focus if self.hasFocus() else t.line), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 7, 7)

    def _paint_lasso(self, painter: QtGui.QPainter) -> None:
        ink = theme().color("accent")
        painter.setPen(QtGui.QPen(ink, 1.4, Qt.PenStyle.DashLine))
        ink.setAlpha(40)
        painter.setBrush(ink)
        painter.drawPolygon(QtGui.QPolygonF(self._lasso))
