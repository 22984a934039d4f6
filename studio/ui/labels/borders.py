"""The mouse on what lies between the rows: their lower borders make them higher, their headings move them."""

from typing import Any, Protocol

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import QPointF, Qt

from studio.ui.labels.arrange import Arrangement
from studio.ui.labels.rows import Row

#: A border can be taken within this many pixels; a heading moves its row from this many on.
GRIP_PX, STRIP_GRIP_PX, FAR_PX = 4, 2, 8


class Area(Protocol):
    """What is needed of the timeline."""

    arrangement: Arrangement
    current: str
    rows: list[Row]
    strips: list[Row]
    arranged: Any

    def viewport(self) -> QtWidgets.QWidget: ...

    @property
    def all_rows(self) -> list[Row]: ...

    def apply_heights(self) -> None: ...


class Borders:
    """Sees each mouse event first; True means that it was for a border or a heading."""

    def __init__(self, area: Area) -> None:
        self._area = area
        self._held: Row | None = None
        self._moving = False
        self._from = (0.0, 0.0)
        self.drop_y: float | None = None

    def press(self, event: QtGui.QMouseEvent) -> bool:
        """Take a border or a heading."""
        y, place = event.position().y(), event.position()
        self._note(place)
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if (row := self._border(y)) is not None:
            self._held, self._moving, self._from = row, False, (y, row.plot.size().height())
        elif (row := self._heading(place)) is not None:
            self._held, self._moving, self._from = row, True, (y, 0.0)
        return self._held is not None

    def move(self, event: QtGui.QMouseEvent) -> bool:
        """Drag it; or show that there is something to drag."""
        y, row = event.position().y(), self._held
        if row is None:
            if not event.buttons():
                self._show(event)
            return False
        if self._moving:
            self.drop_y = self._gap(y)[1] if abs(y - self._from[0]) >= FAR_PX else None
            self._area.viewport().update()
        else:
            foot = 24 if row is self._area.all_rows[-1] else 0
            self._area.arrangement.resize(row.key, round(self._from[1] + y - self._from[0]) - foot)
            self._area.apply_heights()
        return True

    def release(self, event: QtGui.QMouseEvent) -> bool:
        """Let go."""
        row, self._held, drop = self._held, None, self.drop_y
        self.drop_y = None
        if row is None:
            return False
        if self._moving and drop is not None:
            group = self._area.strips if row in self._area.strips else self._area.rows
            at, to = group.index(row), self._gap(event.position().y())[0]
            keys = [r.key for r in group]
            self._area.arrangement.move(keys, row.key, (to - 1 if to > at else to) - at)
        self._area.arranged.emit()
        return True

    def _note(self, place: QPointF) -> None:
        """The row under the mouse is the one that keys act on."""
        for row in self._area.all_rows:
            if row.plot.sceneBoundingRect().contains(place):
                self._area.current = row.key

    def _border(self, y: float) -> Row | None:
        foot = self._area.all_rows[-1] if self._area.all_rows else None
        for row in self._area.all_rows:
            bottom = row.plot.sceneBoundingRect().bottom() - (24 if row is foot else 0)
            if abs(y - bottom) <= (STRIP_GRIP_PX if row in self._area.strips else GRIP_PX):
                return row
        return None

    def _heading(self, place: QPointF) -> Row | None:
        headed = (r for r in self._area.rows if r.head is not None)
        return next((r for r in headed if r.head.sceneBoundingRect().contains(place)), None)

    def _gap(self, y: float) -> tuple[int, float]:
        """Between which rows `y` lies: the place there, and the line that shows it."""
        rows = self._area.rows
        tops = [(r.head or r.plot).sceneBoundingRect().top() for r in rows]
        lines = [*tops, rows[-1].plot.sceneBoundingRect().bottom()]
        at = min(range(len(lines)), key=lambda i: abs(lines[i] - y))
        return at, lines[at]

    def _show(self, event: QtGui.QMouseEvent) -> None:
        view = self._area.viewport()
        if self._border(event.position().y()) is not None:
            view.setCursor(Qt.CursorShape.SplitVCursor)
        elif self._heading(event.position()) is not None:
            view.setCursor(Qt.CursorShape.OpenHandCursor)
        elif view.cursor().shape() in (Qt.CursorShape.SplitVCursor, Qt.CursorShape.OpenHandCursor):
            view.unsetCursor()
