"""The plot area of one row: turns the mouse into edits of labels and into moves along time.

Left button: draw, move, resize, select; with Ctrl mark a stretch and select what touches it. Ctrl and a click add to
the selection, Shift and a click all up to there. Middle button, or Shift and left: pan. Wheel: zoom to the mouse; with
Shift, or sideways on a touch pad: pan; with Ctrl the page scrolls. Only time moves; each row keeps its vertical range.
"""

from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt

from studio.ui.labels.edit import Edit
from studio.ui.safe import safe_overrides

#: An edge can be grabbed within this many pixels.
REACH_PX = 6
#: One notch of the wheel shows this share of the time before.
ZOOM = 0.8

CURSORS = {
    "start": Qt.CursorShape.SizeHorCursor,
    "stop": Qt.CursorShape.SizeHorCursor,
    "inside": Qt.CursorShape.OpenHandCursor,
    "empty": Qt.CursorShape.CrossCursor,
}
Button, Modifier = Qt.MouseButton, Qt.KeyboardModifier


@safe_overrides
class TimeBox(pg.ViewBox):
    """`menu(time_s, event)` opens the row's menu, `seek(time_s)` is told of a click, `switch()` of any press.

    The mouse works on samples of `rate_hz`. `switch` makes the row's own track the one that is edited, if it has one.
    """

    def __init__(
        self,
        edit: Edit,
        rate_hz: float,
        menu: Callable[[float, Any], None],
        seek: Callable[[float], None],
        switch: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(enableMenu=False)
        self.edit, self.rate_hz, self.open_menu, self.seek, self.switch = edit, rate_hz, menu, seek, switch
        self._panning = self._banding = False
        self.setMouseEnabled(x=True, y=False)
        self.setDefaultPadding(0)

    def time_at(self, point: QPointF) -> float:
        """Seconds under a point of this box."""
        return float(self.mapToView(point).x())

    def reach_s(self) -> float:
        """How far from an edge the mouse still takes hold of it, in seconds."""
        left, right = self.viewRange()[0]
        return REACH_PX * (right - left) / max(self.width(), 1.0)

    def pan(self, share: float) -> None:
        """Move along time by a share of what is in view."""
        left, right = self.viewRange()[0]
        self.translateBy(x=share * (right - left))

    def zoom(self, factor: float, time_s: float | None = None) -> None:
        """Show `factor` times the time, `time_s` (else the middle) staying where it is."""
        left, right = self.viewRange()[0]
        center = (left + right) / 2 if time_s is None else time_s
        self.scaleBy(x=factor, center=(center, 0))

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        if ev.isStart():  # letting go of Shift on the way does not turn a pan into a label
            shifted = bool(ev.modifiers() & Modifier.ShiftModifier)
            self._panning = ev.button() == Button.MiddleButton or shifted
            self._banding = not self._panning and bool(ev.modifiers() & Modifier.ControlModifier)
        if ev.button() not in (Button.LeftButton, Button.MiddleButton):
            ev.ignore()
            return
        ev.accept()
        if self._panning:
            self.translateBy(x=self.time_at(ev.lastPos()) - self.time_at(ev.pos()))
            return
        if ev.isStart():
            self.switch()
            self.edit.rate_hz = self.rate_hz
        if self._banding:
            self._band(ev)
            return
        if ev.isStart():
            self.edit.press(self.time_at(ev.buttonDownPos()), self.reach_s())
        self.edit.drag(self.time_at(ev.pos()))
        if ev.isFinish():
            self.edit.release()

    def _band(self, ev: Any) -> None:
        self.edit.band(self.time_at(ev.buttonDownPos()), self.time_at(ev.pos()))
        if ev.isFinish():
            self.edit.pick(self.edit.selected, self.edit.also)

    def mouseClickEvent(self, ev: Any) -> None:
        time_s = self.time_at(ev.pos())
        if ev.button() not in (Button.LeftButton, Button.RightButton):
            return
        ev.accept()
        self.switch()
        self.edit.rate_hz = self.rate_hz
        if ev.button() == Button.RightButton:
            if self.edit.table.hit(time_s, self.reach_s()).index not in self.edit.also:
                self.edit.click(time_s, self.reach_s())
            self.open_menu(time_s, ev)
            return
        more = ev.modifiers() & (Modifier.ControlModifier | Modifier.ShiftModifier)
        index = self.edit.table.hit(time_s, self.reach_s(), self.edit.selected).index
        if more and index is not None:
            self.edit.pick_more(index, through=bool(ev.modifiers() & Modifier.ShiftModifier))
        else:
            self.edit.click(time_s, self.reach_s())
            self.seek(time_s)

    def hoverEvent(self, ev: Any) -> None:
        if ev.isExit():
            self.edit.hover(None)
            return
        time_s = self.time_at(ev.pos())
        self.edit.hover(time_s)
        hit = self.edit.table.hit(time_s, self.reach_s(), self.edit.selected)
        self.setCursor(CURSORS[hit.part])

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:
        if ev.modifiers() & Modifier.ControlModifier:
            ev.ignore()
            return
        ev.accept()
        sideways = ev.orientation() == Qt.Orientation.Horizontal
        if sideways or ev.modifiers() & Modifier.ShiftModifier:
            self.pan(-0.1 * ev.delta() / 120)
            return
        self.zoom(ZOOM ** (ev.delta() / 120), self.time_at(ev.pos()))
