"""The few widgets every page is made of. What a person acts on gets its name, accessible name and tooltip here.

`named` is the one place where the contract for tests and screen readers is kept: objectName = the action,
an accessible name, a tooltip that ends with the shortcut.
"""

from collections.abc import Callable
from typing import TypeVar

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.errors import StudioError
from studio.ui.icons import icon as icon_of
from studio.ui.icons import pixmap
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str, accessible: str, tip: str = "", shortcut: str = "") -> W:
    """`widget` with its action's name, its accessible name, and a tooltip that names the shortcut."""
    widget.setObjectName(name)
    widget.setAccessibleName(accessible)
    keys = QtGui.QKeySequence(shortcut).toString(QtGui.QKeySequence.SequenceFormat.NativeText)
    widget.setToolTip(f"{tip or accessible} ({keys})" if keys else tip or accessible)
    return widget


def set_look(widget: QWidget, **properties: str | bool) -> None:
    """Change properties that the style sheet reads (kind, tone), and restyle."""
    if any(widget.property(key) != value for key, value in properties.items()):
        for key, value in properties.items():
            widget.setProperty(key, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def label(text: str, kind: str = "", wrap: bool = False) -> QLabel:
    """Text in one of the kinds of the style sheet: title, display, heading, strong, dim, small, figure, clock."""
    made = QLabel(text)
    made.setProperty("kind", kind)
    made.setWordWrap(wrap)
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


def heading(text: str) -> QLabel:
    """The small capitals above a group of fields."""
    made = label(text.upper(), "heading")
    spaced = font(11, QtGui.QFont.Weight.DemiBold)
    spaced.setLetterSpacing(QtGui.QFont.SpacingType.AbsoluteSpacing, 0.4)
    made.setFont(spaced)
    return made


class Button(QtWidgets.QPushButton):
    """A push button whose text can change without losing its shortcut (QAbstractButton.setText drops it)."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setAutoDefault(False)
        self._look = ("", "")

    def show_as(self, text: str, icon: str = "", kind: str = "", role: str = "") -> None:
        """Text, icon and kind at once."""
        keys = self.shortcut()
        if self.text() != text:
            self.setText(text)
            self.setShortcut(keys)
        set_look(self, kind=kind)
        self._icon(icon, role or _ROLES.get(kind, "text"))

    def _icon(self, name: str, role: str) -> None:
        """The icon stands at the left of its box, so a wider box keeps it off the text."""
        self.setIconSize(QtCore.QSize(22, 17) if self.text() else QtCore.QSize(18, 18))
        if (name, role) != self._look:
            self._look = (name, role)
            self.setIcon(icon_of(name, role) if name else QtGui.QIcon())


_ROLES = {"primary": "accent_text", "danger": "#ffffff", "ghost": "dim"}


def button(
    name: str,
    text: str,
    clicked: Callable[[], object],
    *,
    icon: str = "",
    kind: str = "",
    shortcut: str = "",
    tip: str = "",
    accessible: str = "",
) -> Button:
    """A button for the action `name`. Without text it is an icon button and needs `accessible`."""
    made = Button(text)
    made.show_as(text, icon, kind)
    made.setShortcut(QtGui.QKeySequence(shortcut))
    made.clicked.connect(lambda: clicked())
    return named(made, name, accessible or text, tip, shortcut)


def combo(name: str, accessible: str, tip: str = "", editable: bool = False) -> QtWidgets.QComboBox:
    """A choice that may shrink with its column instead of pushing it wide."""
    made = QtWidgets.QComboBox()
    made.setEditable(editable)
    made.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(8)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    made.view().setObjectName(f"{name}_list")
    return named(made, name, accessible, tip)


def line(name: str, accessible: str, placeholder: str = "", tip: str = "") -> QtWidgets.QLineEdit:
    """A field for one line of text."""
    made = QtWidgets.QLineEdit()
    made.setPlaceholderText(placeholder)
    return named(made, name, accessible, tip)


def rows(*widgets: QWidget, spacing: int = 8, margins: int = 0) -> QVBoxLayout:
    """Widgets below each other."""
    return _filled(QVBoxLayout(), widgets, spacing, margins)


def columns(*widgets: QWidget, spacing: int = 8, margins: int = 0) -> QHBoxLayout:
    """Widgets beside each other."""
    return _filled(QHBoxLayout(), widgets, spacing, margins)


L = TypeVar("L", bound=QtWidgets.QBoxLayout)


def _filled(layout: L, widgets: tuple[QWidget, ...], spacing: int, margins: int) -> L:
    layout.setSpacing(spacing)
    layout.setContentsMargins(margins, margins, margins, margins)
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def caption(text: str, field: QWidget) -> QVBoxLayout:
    """A field with its name above it."""
    name = label(text, "small")
    name.setBuddy(field)
    return rows(name, field, spacing=4)


def rule() -> QFrame:
    """A thin line between groups."""
    made = QFrame()
    made.setProperty("kind", "rule")
    made.setFixedHeight(1)
    return made


class Card(QFrame):
    """A raised panel; put content into `body`."""

    def __init__(self, title: str = "", kind: str = "card", spacing: int = 10) -> None:
        super().__init__()
        self.setProperty("kind", kind)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(16, 14, 16, 16)
        self.body.setSpacing(spacing)
        if title:
            self.body.addWidget(heading(title))


class Side(QFrame):
    """A fixed-width column at the `edge` ("left" or "right") of a page; put content into `body`."""

    def __init__(self, edge: str = "right", width: int = 286) -> None:
        super().__init__()
        self.setProperty("kind", "side")
        self.setProperty("edge", edge)
        self.setFixedWidth(width)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(16, 16, 16, 16)
        self.body.setSpacing(10)


class Pill(QLabel):
    """A short state in a rounded box. Tones: "", accent, ok, warn, danger."""

    def __init__(self, text: str = "", tone: str = "") -> None:
        super().__init__(text)
        self.setProperty("kind", "pill")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.say(text, tone)

    def say(self, text: str, tone: str = "") -> None:
        """Show `text` in `tone`."""
        self.setText(text)
        set_look(self, tone=tone)


class Glyph(QLabel):
    """An icon as a picture that follows the theme."""

    def __init__(self, name: str, role: str = "dim", size: int = 18) -> None:
        super().__init__()
        self._size = size
        self.setFixedSize(size, size)
        self.show_icon(name, role)
        theme().changed.connect(self._draw)

    def show_icon(self, name: str, role: str = "dim") -> None:
        """Another icon or colour."""
        self._icon = (name, role)
        self._draw()

    def _draw(self) -> None:
        self.setPixmap(pixmap(*self._icon, self._size, self.devicePixelRatioF()))


class EmptyState(QWidget):
    """What a page shows before it has content: a picture, what is missing, and the button that gets it."""

    def __init__(self, icon: str, title: str, sentence: str, *buttons: QWidget) -> None:
        super().__init__()
        self._said = ("", "")
        self.title = label("", "display")
        self.sentence = label("", "dim", wrap=True)
        self.sentence.setFixedWidth(400)
        for text in (self.title, self.sentence):
            text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.say(title, sentence)
        outer = QVBoxLayout(self)
        outer.setSpacing(10)
        outer.addStretch(2)
        for widget in (_badge(icon), self.title, self.sentence):
            outer.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addSpacing(6)
        actions = columns(*buttons)
        actions.insertStretch(0)
        actions.addStretch()
        outer.addLayout(actions)
        outer.addStretch(3)

    def say(self, title: str, sentence: str) -> None:
        """Other words. The height is set by hand: a centred layout ignores that wrapped text needs more lines."""
        if (title, sentence) == self._said:
            return
        self._said = (title, sentence)
        self.title.setText(title)
        self.sentence.setText(sentence)
        self.sentence.setFont(font())
        self.sentence.setMinimumHeight(max(0, self.sentence.heightForWidth(self.sentence.width())))


def _badge(icon: str) -> QFrame:
    made = QFrame()
    made.setProperty("kind", "card")
    made.setFixedSize(72, 72)
    inner = QHBoxLayout(made)
    inner.setContentsMargins(0, 0, 0, 0)
    inner.addWidget(Glyph(icon, "accent", 34), 0, Qt.AlignmentFlag.AlignCenter)
    return made


class Banner(QFrame):
    """An error in its three parts: the thing, what was seen, the next step; with copy and close."""

    closed = QtCore.Signal()

    def __init__(self, name: str = "error") -> None:
        super().__init__()
        self.setProperty("kind", "banner")
        self._whole = ""
        self.thing, self.seen = label("", "title", wrap=True), label("", wrap=True)
        self.next_step = label("", wrap=True)
        for text in (self.thing, self.seen, self.next_step):
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words = rows(self.thing, self.seen, self.next_step, spacing=3)
        copy = button(f"{name}_copy", "", self._copy, icon="copy", kind="ghost", accessible="Copy this message")
        close = button(f"{name}_close", "", self.clear, icon="x", kind="ghost", accessible="Close this message")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 10, 8, 10)
        layout.setSpacing(12)
        top = Qt.AlignmentFlag.AlignTop
        layout.addWidget(Glyph("alert-triangle", "danger", 20), 0, top)
        layout.addLayout(words, 1)
        layout.addWidget(copy, 0, top)
        layout.addWidget(close, 0, top)
        self.hide()

    def show_error(self, error: BaseException) -> None:
        """Show `error`; one that is no StudioError is a bug and says so."""
        thing, seen, next_step = three_parts(error)
        self.thing.setText(thing)
        self.seen.setText(f"{seen[:1].upper()}{seen[1:]}.".replace("..", "."))
        self.next_step.setText(shortened(next_step))
        self._whole = f"{thing}\n{self.seen.text()}\n{next_step}"
        self.setAccessibleName(f"Error. {thing}: {seen}. {next_step}")
        self.show()

    def clear(self) -> None:
        """Take it away."""
        self.hide()
        self.closed.emit()

    def _copy(self) -> None:
        QtGui.QGuiApplication.clipboard().setText(self._whole)


def shortened(text: str, most: int = 4) -> str:
    """The first lines of a long text, such as a compiler's log."""
    lines = text.splitlines()
    return text if len(lines) <= most else "\n".join([*lines[:most], "… Copy this message to read all of it."])


def three_parts(error: BaseException) -> tuple[str, str, str]:
    """(thing, seen, next step) of any error."""
    if isinstance(error, StudioError):
        return error.thing, error.seen, error.next_step
    step = "This is a fault in the studio. Copy this message and report it."
    return "Something unexpected happened", f"{type(error).__name__}: {error}", step


class Stat(QWidget):
    """A figure with its name below it."""

    def __init__(self, name: str, value: str = "–") -> None:
        super().__init__()
        self.value = label(value, "figure")
        self.value.setFont(font(22, QtGui.QFont.Weight.DemiBold, figures=True))
        self.name = label(name, "small")
        self.setLayout(rows(self.value, self.name, spacing=1))

    def say(self, value: str) -> None:
        """Show `value`."""
        if self.value.text() != value:
            self.value.setText(value)


@safe_overrides
class Meter(QWidget):
    """How much of a limit is used: a bar with its name, the amount, and the share in words."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._used = self._limit = 0.0
        self.name, self.amount = label(name), label("–", "dim")
        self.name.setMinimumHeight(20)
        self.amount.setFont(font(13, figures=True))
        top = columns(self.name, self.amount)
        top.insertStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addSpacing(10)
        theme().changed.connect(self.update)

    def say(self, used: float, limit: float, text: str) -> None:
        """Fill to `used` of `limit`."""
        self._used, self._limit = used, limit
        self.amount.setText(text)
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        groove = QtCore.QRectF(0, self.height() - 8, self.width(), 8)
        painter.setBrush(theme().color("line"))
        painter.drawRoundedRect(groove, 4, 4)
        share = min(1.0, self._used / self._limit) if self._limit else 0.0
        if share > 0:
            role = "danger" if share >= 1 else "warn" if share > 0.85 else "accent"
            painter.setBrush(theme().color(role))
            groove.setWidth(max(8.0, groove.width() * share))
            painter.drawRoundedRect(groove, 4, 4)


class JobBar(QWidget):
    """Progress of one piece of work with its Cancel button (named `stop_name`)."""

    def __init__(self, stop_name: str, stop: Callable[[], object], shortcut: str = "") -> None:
        super().__init__()
        self.text = label("", "small")
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = QtWidgets.QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.stop = button(stop_name, "Cancel", stop, icon="x", shortcut=shortcut, tip="Stop this work")
        layout = columns(spacing=12)
        layout.addLayout(rows(self.text, self.bar, spacing=6), 1)
        layout.addWidget(self.stop)
        self.setLayout(layout)

    def begin(self, text: str) -> None:
        """Show that work began."""
        self.step(0, 0, text)
        self.stop.setEnabled(True)
        self.show()

    def step(self, done: float, total: float, text: str = "") -> None:
        """Show one Progress; without a total the bar only moves."""
        self.bar.setRange(0, 1000 if total else 0)
        if total:
            self.bar.setValue(round(1000 * min(1.0, done / total)))
        if text:
            self.text.setText(text)
            self.text.setToolTip(text)


def scrolled(content: QWidget, name: str = "") -> QtWidgets.QScrollArea:
    """`content` in an area that scrolls when the window is small."""
    content.setProperty("kind", "scrolled")
    area = QtWidgets.QScrollArea()
    area.setObjectName(name)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area


def swatch(color: str, size: int = 12) -> QtGui.QIcon:
    """A small rounded square in `color`, for class names in lists."""
    made = QtGui.QPixmap(size * 4, size * 4)
    made.fill(Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(made)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QtGui.QColor(color))
    painter.drawRoundedRect(made.rect(), size, size)
    painter.end()
    return QtGui.QIcon(made)


def bytes_text(count: float) -> str:
    """12.3 kB, in the steps a datasheet uses (1 kB = 1024 bytes)."""
    return (
        f"{count:.0f} B" if count < 1024 else f"{count / 1024:.1f} kB" if count < 2**20 else f"{count / 2**20:.1f} MB"
    )
