"""Stretches of time as a list to decide about, with keys: each line its time, what is said, and how sure that is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QRect, QRectF, Qt

from studio.ui.labels.lists import ITEM, Line, Lines, write
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme
from studio.ui.widgets import named

Key, Modifier = Qt.Key, Qt.KeyboardModifier
#: Width of the bar that shows how sure something is.
BAR_PX = 22


@dataclass(frozen=True)
class Stretch:
    """A line: the stretch, what is said of it, what is suggested instead ("" for the same), and how sure, 0 to 1.

    Without `score` there is a tick instead once the line is `done`.
    """

    start_s: float
    stop_s: float
    label: str
    other: str = ""
    score: float | None = 1.0
    color: str = ""
    recording: str = ""
    done: bool = False


def stretch_text(s: Stretch) -> str:
    """A stretch in one line."""
    where = f"{s.recording}, " if s.recording else ""
    other = f", suggested {s.other}" if s.other else ""
    sure = f", {s.score:.0%}" if s.score is not None else ", settled" if s.done else ""
    return f"{where}{s.start_s:.2f} to {s.stop_s:.2f} s, {s.label}{other}{sure}"


def clock(seconds: float) -> str:
    """1:02.3, or 4.56 below a minute."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}" if minutes else f"{rest:.2f}"


@safe_overrides
class StretchLine(Line):
    """Swatch, time and length; at the right what is said, and a bar of how sure."""

    height_px = 30

    def draw(self, painter: QtGui.QPainter, place: QRect, value: Stretch) -> None:
        t = theme().tokens
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(value.color or t.dim))
        middle = place.center().y() + 1
        painter.drawRoundedRect(QRectF(place.left(), middle - 6, 12, 12), 3, 3)
        write(painter, QRect(place.left() + 20, place.top(), 62, place.height()), clock(value.start_s), t.text, 12)
        words = f"{value.label} → {value.other}" if value.other else value.label
        right = 16 if value.score is None else BAR_PX + 10
        text = QRect(place.left() + 78, place.top(), place.width() - 78 - right, place.height())
        write(painter, text, words, t.text if value.other and not value.done else t.dim, 12)
        if value.score is None:
            write(painter, place, "✓" if value.done else "", t.ok, 13, right=True)
            return
        groove = QRectF(place.right() - BAR_PX, middle - 2, BAR_PX, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(t.line_strong))
        painter.drawRoundedRect(groove, 2, 2)
        groove.setWidth(max(4.0, BAR_PX * min(max(value.score, 0.0), 1.0)))
        painter.setBrush(QtGui.QColor(t.accent))
        painter.drawRoundedRect(groove, 2, 2)


@safe_overrides
class StretchList(QtWidgets.QListView):
    """`at` tells which line is current. Keys: `keys` maps (key, modifiers), and `typed` gets a character first."""

    at = QtCore.Signal(int)

    def __init__(self, name: str, accessible: str, tip: str) -> None:
        super().__init__()
        self.lines = Lines(stretch_text)
        self.keys: Mapping[tuple[int, Modifier], Callable[[], object]] = {}
        self.typed: Callable[[str], bool] = lambda text: False
        self.setModel(self.lines)
        line = StretchLine()
        line.setParent(self)
        self.setItemDelegate(line)
        named(self, name, accessible, tip)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QtWidgets.QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMinimumHeight(150)
        self._quiet = False
        self.selectionModel().currentChanged.connect(self._moved)

    def show_stretches(self, values: Sequence[Stretch], row: int) -> None:
        """Other lines; `row` (kept inside) is the current one, which is not told of."""
        self._quiet = True
        self.lines.show(values)
        self.choose(row)
        self._quiet = False

    def choose(self, row: int) -> None:
        """Make a line the current one; none where there is none."""
        row = min(row, len(self.lines.values) - 1)
        if row >= 0:
            self.setCurrentIndex(self.lines.index(row))

    @property
    def row(self) -> int:
        """The current line, -1 without one."""
        index = self.currentIndex()
        return index.row() if index.isValid() and index.row() < len(self.lines.values) else -1

    @property
    def current(self) -> Stretch | None:
        """What the current line shows."""
        found = self.currentIndex().data(ITEM) if self.row >= 0 else None
        return found if isinstance(found, Stretch) else None

    def _moved(self, now: Any, _before: Any) -> None:
        if not self._quiet and now.isValid():
            self.at.emit(now.row())

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        modifiers = event.modifiers() & ~Modifier.KeypadModifier
        action = self.keys.get((event.key(), modifiers))
        if action is not None:
            action()
        elif modifiers & ~Modifier.ShiftModifier or not event.text() or not self.typed(event.text()):
            super().keyPressEvent(event)
