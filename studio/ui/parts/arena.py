"""A small picture of a model's memory: which block lives where and for how long, and where it is fullest."""

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme
from studio.ui.widgets import bytes_text, named

HEIGHT, LEFT, TOP, BELOW = 140, 64, 22, 20
LABEL_FROM = 46  # pixels of a block's width and
LABEL_HEIGHT = 13  # of its height that carry its name


@safe_overrides
class ArenaPicture(QtWidgets.QWidget):
    """Stages from left to right, addresses from below to above; a block spans the stages that need it."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[dict[str, Any]] = []
        self.stages: list[str] = []
        self.peaks: list[int] = []
        self.arena_bytes = 0
        self.setFixedHeight(HEIGHT)
        self.setMouseTracking(True)
        named(self, "arena_picture", "Memory over the stages", "What lies in the model's memory at each stage")
        theme().changed.connect(self.update)

    def show_memory(self, layers: list[dict[str, Any]], memory: dict[str, Any]) -> None:
        """The keys "layers" and "memory" of a build."""
        self.blocks, self.arena_bytes = list(memory.get("blocks", [])), int(memory.get("arena_bytes", 0))
        self.stages = [str(one["name"]) for one in layers]
        self.peaks = [i for i, one in enumerate(layers) if one.get("peak")]
        self.setVisible(bool(self.blocks and self.stages and self.arena_bytes))
        self.setAccessibleDescription(self._words())
        self.update()

    def _words(self) -> str:
        """The picture for those who do not see it."""
        fullest = self.stages[self.peaks[0]] if self.peaks else ""
        rows = (
            f"{b['name']} {b['kind']}, {bytes_text(b['n_bytes'])}, stages {b['first'] + 1} to {b['last'] + 1}"
            for b in self.blocks
        )
        return "; ".join([f"fullest at {fullest}"] * bool(fullest) + list(rows))

    def box(self, block: dict[str, Any]) -> QtCore.QRectF:
        """Where a block is drawn."""
        room = self._room()
        step, tall = room.width() / max(len(self.stages), 1), room.height() / max(self.arena_bytes, 1)
        last = min(block["last"], len(self.stages) - 1)
        height = block["n_bytes"] * tall
        top = room.bottom() - block["offset"] * tall - height
        return QtCore.QRectF(room.x() + block["first"] * step, top, (last - block["first"] + 1) * step, height)

    def _room(self) -> QtCore.QRectF:
        return QtCore.QRectF(LEFT, TOP, self.width() - LEFT - 8, self.height() - TOP - BELOW)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        for block in self.blocks:
            self._paint_block(painter, block)
        self._paint_peak(painter)

    def _paint_ground(self, painter: QtGui.QPainter) -> None:
        room, t = self._room(), theme().tokens
        painter.fillRect(room, QtGui.QColor(t.plot))
        painter.setFont(font(11, figures=True))
        painter.setPen(QtGui.QColor(t.dim))
        left = QtCore.QRectF(0, room.y() - 8, LEFT - 8, 16)
        painter.drawText(
            left, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), bytes_text(self.arena_bytes)
        )
        left.moveTop(room.bottom() - 8)
        painter.drawText(left, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), "0")
        below = QtCore.QRectF(room.x(), room.bottom() + 2, room.width(), BELOW - 2)
        painter.drawText(
            below,
            int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
            self.stages[0] if self.stages else "",
        )
        painter.drawText(
            below,
            int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
            self.stages[-1] if self.stages else "",
        )

    def _paint_block(self, painter: QtGui.QPainter, block: dict[str, Any]) -> None:
        box, t = self.box(block).adjusted(0.5, 0.5, -0.5, -0.5), theme().tokens
        result = block["kind"] == "result"
        fill = QtGui.QColor(t.accent if result else t.neutral)
        fill.setAlpha(90)
        painter.setPen(QtGui.QPen(QtGui.QColor(t.accent_line if result else t.line_strong), 1))
        painter.setBrush(fill)
        painter.drawRoundedRect(box, 2, 2)
        if box.width() > LABEL_FROM and box.height() > LABEL_HEIGHT:
            painter.setPen(QtGui.QColor(t.text))
            painter.setFont(font(11))
            metrics = QtGui.QFontMetrics(painter.font())
            words = str(block["name"]) if result else "working memory"
            name = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(box.width()) - 8)
            painter.drawText(box.adjusted(4, 0, -4, 0), int(Qt.AlignmentFlag.AlignVCenter), name)

    def _paint_peak(self, painter: QtGui.QPainter) -> None:
        """A line over the stages at which the memory is as full as it gets."""
        room = self._room()
        step = room.width() / max(len(self.stages), 1)
        painter.setPen(QtGui.QPen(QtGui.QColor(theme().tokens.warn), 2))
        for i in self.peaks:
            painter.drawLine(
                QtCore.QPointF(room.x() + i * step + 1, room.y() - 3),
                QtCore.QPointF(room.x() + (i + 1) * step - 1, room.y() - 3),
            )
        if self.peaks:
            painter.setFont(font(11))
            middle = room.x() + (self.peaks[0] + 0.5) * step
            at = QtCore.QRectF(min(max(middle - 60, room.x()), room.right() - 120), 0, 120, TOP - 5)
            painter.drawText(at, int(Qt.AlignmentFlag.AlignCenter), "fullest")

    def event(self, event: QtCore.QEvent) -> bool:
        """What lies under the mouse."""
        if event.type() == QtCore.QEvent.Type.ToolTip and isinstance(event, QtGui.QHelpEvent):
            found = next((b for b in reversed(self.blocks) if self.box(b).contains(QtCore.QPointF(event.pos()))), None)
            QtWidgets.QToolTip.showText(event.globalPos(), self._tip(found) if found else "", self)
            return True
        return super().event(event)

    def _tip(self, block: dict[str, Any]) -> str:
        last = self.stages[min(block["last"], len(self.stages) - 1)]
        what = "result" if block["kind"] == "result" else "working memory"
        until = f", kept until {last}" if last != block["name"] else ""
        return f"{block['name']}: {what}, {bytes_text(block['n_bytes'])} from byte {block['offset']}{until}"
