"""A label track as a strip under the plots: its name at the left, its labels along time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from studio.ui.labels.edit import Draft
from studio.ui.labels.table import Table
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme


class Still:
    """A track that is only looked at: what the layer asks of `Edit`, with nothing in the hand."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.draft: Draft | None = None
        self.selected: int | None = None
        self.also: tuple[int, ...] = ()
        self.by_s = 0.0

    @property
    def chosen(self) -> Draft | None:
        return None

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        return np.zeros(0, bool)


def short(name: str) -> str:
    """What a narrow column shows of a track's name: "labels:ann" is ann."""
    return name.partition(":")[2] or name


@safe_overrides
class NameAxis(pg.AxisItem):
    """Where other rows have their scale, a strip has its name; a click on it makes the track the one that is edited."""

    def __init__(self, name: str, picked: Callable[[str], None]) -> None:
        super().__init__("left")
        self.name, self._picked, self.active = name, picked, False
        self.setToolTip(f"Track {name}. Click to edit it.")
        self.setStyle(showValues=False, tickLength=0)

    def paint(self, painter: QPainter, *_: Any) -> None:
        t, place = theme().tokens, QRectF(self.rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.active:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.accent))
            middle = place.center().y()
            painter.drawRoundedRect(QRectF(place.left() + 1, middle - 7, 3, 14), 1.5, 1.5)
        weight = font().weight().DemiBold if self.active else font().weight().Normal
        painter.setFont(font(11, weight))
        painter.setPen(QColor(t.text if self.active else t.dim))
        room = place.adjusted(8, 0, -6, 0)
        text = painter.fontMetrics().elidedText(short(self.name), Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def mouseClickEvent(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
            self._picked(self.name)

    def mouseDragEvent(self, event: Any) -> None:
        event.ignore()

    def wheelEvent(self, event: Any) -> None:
        event.ignore()

    def hoverEvent(self, event: Any) -> None:
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def point(self) -> QPointF:
        """The middle, in the scene."""
        return self.mapToScene(QRectF(self.rect()).center())
