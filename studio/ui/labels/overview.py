"""The whole recording in a strip: its loudest stream, where its labels are, and the window onto it."""

import numpy as np
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QRectF, Qt

from studio.ui.labels.look import Look
from studio.ui.labels.table import Table, runs
from studio.ui.plots.envelope import Pyramid, lane_color
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

HEIGHT_PX, LABELS_PX = 54, 6
#: The window's edges can be taken within this many pixels, and it is never drawn narrower than twice that.
GRIP_PX = 5


@safe_overrides
class Overview(QtWidgets.QWidget):
    """`asked(left, right)`: the person wants to see that stretch. Drag the window, its edges, or click beside it."""

    asked = QtCore.Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT_PX)
        self.setMouseTracking(True)
        self.setObjectName("overview")
        self.setAccessibleName("Overview of the recording")
        self.setToolTip("Drag the window to move along the recording, or its edges to zoom")
        self._pyramid: Pyramid | None = None
        self._table: Table | None = None
        self._look = Look()
        self._picture: QtGui.QPixmap | None = None
        self._end_s, self._left, self._right = 1.0, 0.0, 1.0
        self._head_s = 0.0
        self._grip, self._from = "", (0.0, 0.0, 0.0)
        theme().changed.connect(self._redraw)

    def show_samples(self, pyramid: Pyramid | None, end_s: float) -> None:
        """Another recording."""
        self._pyramid, self._end_s = pyramid, max(end_s, 1e-9)
        self._redraw()

    def show_labels(self, table: Table, look: Look) -> None:
        """Its labels."""
        if table is not self._table or look is not self._look:
            self._table, self._look = table, look
            self._redraw()

    def show_window(self, left: float, right: float) -> None:
        """What the rows show."""
        self._left, self._right = left, right
        self.update()

    def show_head(self, time_s: float) -> None:
        """Where playing stands."""
        if round(time_s / self._end_s * self.width()) != round(self._head_s / self._end_s * self.width()):
            self.update()
        self._head_s = time_s

    # --- painting ------------------------------------------------------------------------

    def _redraw(self) -> None:
        self._picture = None
        self.update()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        self._redraw()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        if self._picture is None:
            self._picture = self._draw()
        painter = QtGui.QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        t = theme().tokens
        window = self._window()
        veil = QtGui.QColor(t.panel)
        veil.setAlpha(150)
        whole = QRectF(self.rect())
        painter.fillRect(QRectF(0, 0, window.left(), whole.height()), veil)
        painter.fillRect(QRectF(window.right(), 0, whole.width() - window.right(), whole.height()), veil)
        painter.fillRect(round(self._head_s / self._end_s * self.width()), 0, 1, self.height(), QtGui.QColor(t.text))
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtGui.QPen(QtGui.QColor(t.accent), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(window.adjusted(0.75, 0.75, -0.75, -0.75), 4, 4)

    def _draw(self) -> QtGui.QPixmap:
        ratio = self.devicePixelRatioF()
        made = QtGui.QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(theme().color("plot"))
        painter = QtGui.QPainter(made)
        if self._pyramid is not None and len(self._pyramid.raw) > 1:
            self._draw_samples(painter)
        if self._table is not None and len(self._table):
            self._draw_labels(painter)
        painter.end()
        return made

    def _draw_samples(self, painter: QtGui.QPainter) -> None:
        """The envelope of all channels together, one line per pixel."""
        assert self._pyramid is not None
        width, height = self.width(), self.height() - LABELS_PX - 8
        edges = np.linspace(0, len(self._pyramid.raw), width + 1)
        per_channel = [self._pyramid.columns(edges, c) for c in range(self._pyramid.raw.shape[1])]
        low = np.nan_to_num(np.min([p[0] for p in per_channel], axis=0).astype(float))
        high = np.nan_to_num(np.max([p[1] for p in per_channel], axis=0).astype(float))
        span = max(float(high.max() - low.min()), 1e-12)
        y0 = 3 + (high.max() - high) / span * height
        y1 = 3 + (high.max() - low) / span * height
        color = QtGui.QColor(lane_color(2))
        color.setAlpha(190)
        painter.setPen(color)
        painter.drawLines([QtCore.QLineF(x + 0.5, y0[x], x + 0.5, y1[x] + 0.5) for x in range(width)])

    def _draw_labels(self, painter: QtGui.QPainter) -> None:
        """A strip at the bottom; each pixel shows the first label in it."""
        assert self._table is not None
        edges = np.linspace(0, self._end_s, self.width() + 1)
        for a, b, code in runs(self._table.columns(edges)):
            color = self._look.color(self._table.names[code])
            painter.fillRect(QRectF(a, self.height() - LABELS_PX - 1, b - a, LABELS_PX), color)

    def _window(self) -> QRectF:
        per_s = self.width() / self._end_s
        a, b = self._left * per_s, self._right * per_s
        if b - a < 2 * GRIP_PX:
            a, b = (a + b) / 2 - GRIP_PX, (a + b) / 2 + GRIP_PX
        return QRectF(a, 0, b - a, self.height())

    # --- mouse ---------------------------------------------------------------------------

    def _part(self, x: float) -> str:
        window = self._window()
        if window.width() > 4 * GRIP_PX:
            if abs(x - window.left()) <= GRIP_PX:
                return "left"
            if abs(x - window.right()) <= GRIP_PX:
                return "right"
        return "window" if window.left() <= x <= window.right() else ""

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        self._grip = self._part(x)
        if not self._grip:
            half, at = (self._right - self._left) / 2, x / self.width() * self._end_s
            self.asked.emit(at - half, at + half)
            self._grip = "window"
        self._from = (x, self._left, self._right)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        x = event.position().x()
        if not event.buttons() & Qt.MouseButton.LeftButton:
            shape = Qt.CursorShape.SizeHorCursor if self._part(x) in ("left", "right") else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)
            return
        if not self._grip:
            return
        start, left, right = self._from
        by = (x - start) / self.width() * self._end_s
        least = self._end_s / self.width()
        if self._grip == "left":
            self.asked.emit(min(max(left + by, 0.0), right - least), right)
        elif self._grip == "right":
            self.asked.emit(left, max(min(right + by, self._end_s), left + least))
        else:
            self.asked.emit(left + by, right + by)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        self._grip = ""
