"""The two lists beside the timeline, and the bar of the classes' balance; painted, so that figures line up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QModelIndex, QRect, QRectF, Qt

from studio.data.recording import Recording
from studio.ui.labels.tally import Tally, grouped, share, span_text
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme
from studio.ui.widgets import Side, scrolled

ITEM = Qt.ItemDataRole.UserRole
Weight = QtGui.QFont.Weight


@dataclass(frozen=True)
class ClassLine:
    """What a line of the class list shows."""

    name: str
    color: str
    key: str
    count: int
    seconds: float


@safe_overrides
class Lines(QtCore.QAbstractListModel):
    """Any values as a list; `text(value)` is what a screen reader and a search by typing get."""

    def __init__(self, text: Callable[[Any], str], rename: Callable[[Any, str], None] | None = None) -> None:
        super().__init__()
        self._text, self._rename = text, rename
        self.values: list[Any] = []

    def show(self, values: Sequence[Any]) -> None:
        """Other values. Keeps the view's place when their number stays."""
        if len(values) == len(self.values):
            self.values = list(values)
            if values:
                self.dataChanged.emit(self.index(0), self.index(len(values) - 1))
            return
        self.beginResetModel()
        self.values = list(values)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return len(self.values)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.values):
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return self._text(self.values[index.row()])
        if role == Qt.ItemDataRole.EditRole:
            return self.values[index.row()].name
        return self.values[index.row()] if role == ITEM else None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        can = Qt.ItemFlag.ItemIsEditable if self._rename else Qt.ItemFlag.NoItemFlags
        return super().flags(index) | can

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if self._rename is None or str(value).strip() == self.values[index.row()].name:
            return False
        self._rename(self.values[index.row()], str(value))
        return True


def recording_text(r: Recording) -> str:
    """A recording in one line."""
    who = f", subject {r.subject}" if r.subject else ""
    return f"{r.id}, {span_text(r.duration_s)}{who}, {share(r):.0%} labelled"


def class_text(line: ClassLine) -> str:
    """A class in one line."""
    key = f", key {line.key}" if line.key else ""
    return f"{line.name}, {line.count} labels, {span_text(line.seconds)}{key}"


@safe_overrides
class Line(QtWidgets.QStyledItemDelegate):
    """A rounded line that can be hovered and selected; `draw` fills it."""

    height_px = 34

    def sizeHint(self, option: Any, index: QModelIndex) -> QtCore.QSize:
        return QtCore.QSize(100, self.height_px)

    def paint(self, painter: QtGui.QPainter, option: Any, index: QModelIndex) -> None:
        t, state = theme().tokens, option.state
        chosen = bool(state & QtWidgets.QStyle.StateFlag.State_Selected)
        over = bool(state & QtWidgets.QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        if chosen or over:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QtGui.QColor(t.soft if chosen else t.hover))
            painter.drawRoundedRect(QRectF(option.rect).adjusted(0, 1, 0, -1), 7, 7)
        value = index.data(ITEM)
        if value is not None:
            self.draw(painter, option.rect.adjusted(10, 0, -10, 0), value)
        painter.restore()

    def draw(self, painter: QtGui.QPainter, place: QRect, value: Any) -> None:
        raise NotImplementedError


def write(
    painter: QtGui.QPainter,
    place: QRect,
    text: str,
    color: str,
    pixels: int = 13,
    bold: bool = False,
    right: bool = False,
) -> None:
    """One line of text, elided to its place, centred in its height."""
    painter.setFont(font(pixels, Weight.DemiBold if bold else Weight.Normal, figures=True))
    painter.setPen(QtGui.QColor(color))
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, side | Qt.AlignmentFlag.AlignVCenter, shown)


def pair(painter: QtGui.QPainter, place: QRect, left: str, right: str, bold: bool = False) -> None:
    """Two texts at the ends of a line; the left one gives way."""
    taken = QtGui.QFontMetrics(font(12, figures=True)).horizontalAdvance(right) + 8
    write(painter, place.adjusted(0, 0, -taken, 0), left, theme().tokens.text, bold=bold)
    write(painter, place, right, theme().tokens.dim, 12, right=True)


class RecordingLine(Line):
    """Name and length; below, who it is of and how much of it is labelled."""

    height_px = 58

    def draw(self, painter: QtGui.QPainter, place: QRect, value: Recording) -> None:
        t, part = theme().tokens, share(value)
        pair(
            painter,
            QRect(place.left(), place.top() + 8, place.width(), 18),
            value.id,
            span_text(value.duration_s),
            True,
        )
        who = " · ".join(w for w in (value.subject and f"subject {value.subject}", value.split) if w)
        low = QRect(place.left(), place.top() + 27, place.width(), 16)
        words = f"{part:.0%} labelled" if part else "no labels"
        taken = QtGui.QFontMetrics(font(12, figures=True)).horizontalAdvance(words) + 8
        write(painter, low.adjusted(0, 0, -taken, 0), who or "no subject", t.dim if who else t.faint, 12)
        write(painter, low, words, t.dim if part else t.faint, 12, right=True)
        groove = QRectF(place.left(), place.top() + 48, place.width(), 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(t.line))
        painter.drawRoundedRect(groove, 1.5, 1.5)
        if part:
            groove.setWidth(max(3.0, groove.width() * part))
            painter.setBrush(QtGui.QColor(t.ok))
            painter.drawRoundedRect(groove, 1.5, 1.5)


@safe_overrides
class ClassRow(Line):
    """Colour, name, number of labels, and the key that sets it."""

    def draw(self, painter: QtGui.QPainter, place: QRect, value: ClassLine) -> None:
        t = theme().tokens
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(value.color))
        painter.drawRoundedRect(QRectF(place.left(), place.center().y() - 6, 14, 14), 4, 4)
        right = place.right()
        if value.key:
            cap = QRectF(right - 19, place.center().y() - 9, 20, 20)
            painter.setPen(QtGui.QColor(t.line_strong))
            painter.setBrush(QtGui.QColor(t.raised))
            painter.drawRoundedRect(cap.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
            painter.setFont(font(11, figures=True))
            painter.setPen(QtGui.QColor(t.dim))
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, value.key)
        count = grouped(value.count)
        figures = QRect(place.left() + 24, place.top(), place.width() - 24 - 30, place.height())
        taken = QtGui.QFontMetrics(font(13, figures=True)).horizontalAdvance(count) + 8
        write(painter, figures, count, t.dim if value.count else t.faint, right=True)
        write(painter, figures.adjusted(0, 0, -taken, 0), value.name, t.text)

    def updateEditorGeometry(self, editor: QtWidgets.QWidget, option: Any, index: QModelIndex) -> None:
        editor.setGeometry(option.rect.adjusted(26, 1, -26, -1))


@safe_overrides
class Balance(QtWidgets.QWidget):
    """Labelled time by class as one bar of parts."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(10)
        self._parts: list[tuple[str, str, float]] = []
        theme().changed.connect(self.update)

    def show_tally(self, tally: Tally, colors: dict[str, str]) -> None:
        """Parts in the order of `colors`, which maps classes to colours."""
        names = [*colors, *(n for n in tally.seconds if n not in colors)]
        self._parts = [(n, colors.get(n, theme().tokens.faint), tally.seconds.get(n, 0.0)) for n in names]
        total = sum(p[2] for p in self._parts) or 1.0
        words = ", ".join(f"{n} {s / total:.0%}" for n, _, s in self._parts if s)
        self.setAccessibleName(f"Balance of classes: {words or 'no labels'}")
        self.setToolTip("\n".join(f"{n}: {span_text(s)} ({s / total:.0%})" for n, _, s in self._parts))
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        outline = QtGui.QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()).adjusted(0, 1, 0, -1), 4, 4)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), theme().color("line"))
        total, x = sum(p[2] for p in self._parts), 0.0
        for _, color, seconds in self._parts:
            width = seconds / total * self.width() if total else 0.0
            painter.fillRect(QRectF(x, 0, max(0.0, width - 1), self.height()), QtGui.QColor(color))
            x += width


def list_view(name: str, accessible: str, model: Lines, line: Line, tip: str = "") -> QtWidgets.QListView:
    """A list of painted lines."""
    view = QtWidgets.QListView()
    view.setObjectName(name)
    view.setAccessibleName(accessible)
    view.setToolTip(tip)
    view.setModel(model)
    line.setParent(view)
    view.setItemDelegate(line)
    view.setMouseTracking(True)
    view.setUniformItemSizes(True)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setVerticalScrollMode(QtWidgets.QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
    return view


def scrolled_side(side: Side) -> QtWidgets.QScrollArea:
    """A side column that scrolls when the window is low."""
    width = side.width()
    area = scrolled(side)
    side.setProperty("kind", "side")
    area.setFixedWidth(width)
    return area
