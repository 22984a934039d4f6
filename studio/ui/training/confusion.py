"""Which class was taken for which: counts, coloured by their share of the true class."""

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QRect, Qt

from studio.ui.labels.lists import write
from studio.ui.labels.look import blend, contrast
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme

TOP_PX, NAME_PX, LEAST_PX, MOST_PX = 26, 84, 30, 64
Key = Qt.Key


@safe_overrides
class Confusion(QtWidgets.QWidget):
    """Rows are the truth, columns what the model said. `said` gives the chosen cell in words."""

    said = QtCore.Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("confusion")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.labels: list[str] = []
        self.matrix: list[list[int]] = []
        self.cell: tuple[int, int] | None = None
        theme().changed.connect(self.update)

    def show_confusion(self, confusion: dict[str, Any]) -> None:
        """`confusion` as METRICS hold it."""
        self.labels, self.matrix, self.cell = list(confusion["labels"]), confusion["matrix"], None
        rows = sum(any(row) for row in self.matrix)
        self.setMinimumHeight(TOP_PX + max(1, rows) * LEAST_PX)
        self.setAccessibleName("Confusion matrix. Arrow keys walk over its cells.")
        self.said.emit(self.text())
        self.update()

    def text(self) -> str:
        """The chosen cell in words, or what to do."""
        if self.cell is None:
            return "Rows are the truth, columns the answers. Click a cell."
        row, column = self.cell
        n, total = self.matrix[row][column], sum(self.matrix[row])
        share = f"{n} of {total} windows ({n / total:.1%})" if total else "no windows"
        truth, answer = self.labels[row], self.labels[column]
        return f"{truth} recognised: {share}" if row == column else f"{truth} taken for {answer}: {share}"

    def choose(self, row: int, column: int) -> None:
        """Choose a cell."""
        n = len(self.labels)
        if n:
            self.cell = (min(max(row, 0), n - 1), min(max(column, 0), n - 1))
            self.setAccessibleDescription(self.text())
            self.said.emit(self.text())
            self.update()

    # --- geometry and painting -------------------------------------------------------------

    def _place(self, row: int, column: int) -> QRect:
        n = max(1, len(self.labels))
        wide = (self.width() - NAME_PX) / n
        high = min(MOST_PX, max(LEAST_PX, (self.height() - TOP_PX) / n))
        x0, x1 = NAME_PX + round(column * wide), NAME_PX + round((column + 1) * wide)
        y0, y1 = TOP_PX + round(row * high), TOP_PX + round((row + 1) * high)
        return QRect(x0, y0, x1 - x0 - 2, y1 - y0 - 2)

    def _at(self, point: QtCore.QPoint) -> tuple[int, int] | None:
        n = len(self.labels)
        return next(((r, c) for r in range(n) for c in range(n) if self._place(r, c).contains(point)), None)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        t = theme().tokens
        for i, name in enumerate(self.labels):
            top = self._place(0, i)
            self._centred(painter, QRect(top.left(), 0, top.width(), TOP_PX - 4), name, t.dim)
            side = self._place(i, 0)
            write(painter, QRect(0, side.top(), NAME_PX - 10, side.height()), name, t.dim, 12, right=True)
        for row, counts in enumerate(self.matrix):
            for column, n in enumerate(counts):
                self._paint_cell(painter, row, column, n / (sum(counts) or 1))
        if self.cell is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QtGui.QPen(QtGui.QColor(t.focus if self.hasFocus() else t.dim), 2))
            painter.drawRoundedRect(self._place(*self.cell), 5, 5)

    def _paint_cell(self, painter: QtGui.QPainter, row: int, column: int, share: float) -> None:
        t, place = theme().tokens, self._place(row, column)
        color = QtGui.QColor(t.accent if row == column else t.danger)
        color.setAlphaF(min(1.0, 0.06 + 0.94 * share**0.7) if share else 0.0)
        ground = blend(color, t.field)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(place, 5, 5)
        n = self.matrix[row][column]
        ink = t.text if contrast(t.text, ground.name()) >= contrast(t.bg, ground.name()) else t.bg
        self._centred(painter, place, str(n) if n else "·", ink if n else t.faint)

    @staticmethod
    def _centred(painter: QtGui.QPainter, place: QRect, text: str, color: str) -> None:
        painter.setFont(font(12, figures=True))
        painter.setPen(QtGui.QColor(color))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, shown)

    # --- mouse and keys --------------------------------------------------------------------

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if (cell := self._at(event.position().toPoint())) is not None:
            self.choose(*cell)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        steps = {Key.Key_Left: (0, -1), Key.Key_Right: (0, 1), Key.Key_Up: (-1, 0), Key.Key_Down: (1, 0)}
        if event.key() not in steps:
            super().keyPressEvent(event)
            return
        row, column = self.cell or (0, -1)
        by = steps[Key(event.key())]
        self.choose(row + by[0], column + by[1])

    def sizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(360, TOP_PX + max(1, len(self.labels)) * 34)
