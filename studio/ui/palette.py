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
        return name.find(typed)
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
        found[one.name] = Command(one.title, keys, icon(one.icon or "bolt", "dim"), one.do)
    for b in window.findChildren(QtWidgets.QAbstractButton):
        if b.objectName() and b.accessibleName() and b.isEnabled() and b.isVisible():
            found.setdefault(b.objectName(), Command(b.accessibleName(), b.shortcut(), b.icon(), b.click))
    for a in window.actions():
        if a.text() and a.isEnabled():
            found.setdefault(a.objectName(), Command(a.text(), a.shortcut(), a.icon(), a.trigger))
    return list(found.values())


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
        for command in commands(window, actions):
            item = QtWidgets.QListWidgetItem(command.icon, command.name, self.found)
            item.setData(COMMAND, command)
            item.setSizeHint(QtCore.QSize(0, 36))
        self.typed.textChanged.connect(self.filter)
        self.found.itemActivated.connect(self.do)
        self.found.itemClicked.connect(self.do)
        self.typed.installEventFilter(self)
        self.filter("")
        self.resize(SIZE)
        at = window.mapToGlobal(QtCore.QPoint((window.width() - SIZE.width()) // 2, 90))
        self.move(at)

    def filter(self, typed: str) -> None:
        """Show what fits and choose the best."""
        best: tuple[int, QtWidgets.QListWidgetItem | None] = (1 << 30, None)
        for i in range(self.found.count()):
            item = self.found.item(i)
            fit = rank(typed, item.data(COMMAND).name)
            item.setHidden(fit is None)
            if fit is not None and fit < best[0]:
                best = (fit, item)
        self.found.setCurrentItem(best[1])

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
