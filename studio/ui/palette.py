"""The command palette: every action that can be done now, found by typing a part of its name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.commands.action import Action
from studio.ui.icons import icon
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme
from studio.ui.widgets import line, named

SIZE = QtCore.QSize(560, 380)
COMMAND = Qt.ItemDataRole.UserRole


def rank(typed: str, name: str) -> int | None:
    """How well `typed` fits `name`, less is better; None when it does not.

    Letters in a row beat letters in order: "rec" means "Record", not "Reload sources".
    """
    typed, name = typed.lower().strip(), name.lower()
    if typed in name:
        begins = f" {name}".find(f" {typed}")  # where a word begins so
        return begins if begins >= 0 else 100 + name.find(typed)
    letters = iter(name)
    return 500 + len(name) if all(c in letters for c in typed) else None


@dataclass(frozen=True)
class Command:
    """One line of the palette."""

    name: str
    keys: QtGui.QKeySequence
    icon: QtGui.QIcon
    do: Callable[[], object]


def commands(window: QtWidgets.QWidget, actions: Iterable[Action] = ()) -> list[Command]:
    """What the open page can do by key, the buttons that can be pressed now and the window's actions, each once."""
    found: dict[str, Command] = {}
    for one in actions:
        keys = QtGui.QKeySequence(one.keys[0]) if one.keys else QtGui.QKeySequence()
        found[one.name] = Command(one.title, keys, _picture(one.icon), one.do)
    for b in window.findChildren(QtWidgets.QAbstractButton):
        if b.objectName() and b.accessibleName() and b.isEnabled() and b.isVisible():
            found.setdefault(b.objectName(), Command(b.accessibleName(), b.shortcut(), b.icon(), b.click))
    for a in window.actions():
        if a.text() and a.isEnabled():
            found.setdefault(a.objectName(), Command(a.text(), a.shortcut(), a.icon(), a.trigger))
    return list(found.values())


def _picture(name: str) -> QtGui.QIcon:
    """An icon; an empty one as wide, so that all names begin at one line."""
    if name:
        return icon(name, "dim")
    empty = QtGui.QPixmap(22, 22)
    empty.fill(Qt.GlobalColor.transparent)
    return QtGui.QIcon(empty)


@safe_overrides
class KeysDelegate(QtWidgets.QStyledItemDelegate):
    """A row with its keys at the right."""

    def paint(self, painter: QtGui.QPainter, option: QtWidgets.QStyleOptionViewItem, index: QtCore.QModelIndex) -> None:
        super().paint(painter, option, index)
        keys = index.data(COMMAND).keys.toString(QtGui.QKeySequence.SequenceFormat.NativeText)
        painter.setPen(theme().color("dim"))
        painter.setFont(font(12))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(option.rect.adjusted(0, 0, -14, 0), right, keys)


@safe_overrides
class Palette(QtWidgets.QDialog):
    """Opened by Ctrl+K; Enter does the chosen action."""

    def __init__(self, window: QtWidgets.QWidget, actions: Iterable[Action] = ()) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self.setObjectName("command_palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.typed = line("palette_search", "Search for a command", "Type a command")
        self.found = named(QtWidgets.QListWidget(), "palette_list", "Commands", "Enter does the chosen command")
        self.found.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rows = KeysDelegate()
        self.found.setItemDelegate(self._rows)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.typed)
        layout.addWidget(self.found)
        self._commands = commands(window, actions)
        self.typed.textChanged.connect(self.filter)
        self.found.itemActivated.connect(self.do)
        self.found.itemClicked.connect(self.do)
        self.typed.installEventFilter(self)
        self.filter("")
        self.resize(SIZE)
        at = window.mapToGlobal(QtCore.QPoint((window.width() - SIZE.width()) // 2, 90))
        self.move(at)

    def filter(self, typed: str) -> None:
        """Show what fits, best first."""
        self.found.clear()
        fits = [(fit, n, c) for n, c in enumerate(self._commands) if (fit := rank(typed, c.name)) is not None]
        for _, _, command in sorted(fits, key=lambda f: f[:2]):
            item = QtWidgets.QListWidgetItem(command.icon, command.name, self.found)
            item.setData(COMMAND, command)
            item.setSizeHint(QtCore.QSize(0, 36))
        self.found.setCurrentRow(0)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        if event.type() == QtCore.QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                QtWidgets.QApplication.sendEvent(self.found, event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.do(self.found.currentItem())
                return True
        return False

    def do(self, item: QtWidgets.QListWidgetItem | None) -> None:
        """Close and press the chosen button."""
        if item is not None:
            command = item.data(COMMAND)
            self.close()
            QtCore.QTimer.singleShot(0, command.do)
