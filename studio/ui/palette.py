"""The command palette: every action that can be done now, found by typing a part of its name."""

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.safe import safe_overrides
from studio.ui.widgets import line, named

SIZE = QtCore.QSize(560, 380)
ACTION = Qt.ItemDataRole.UserRole


def rank(typed: str, name: str) -> int | None:
    """How well `typed` fits `name`, less is better; None when it does not.

    Letters in a row beat letters in order: "rec" means "Record", not "Reload sources".
    """
    typed, name = typed.lower().strip(), name.lower()
    if typed in name:
        return name.find(typed)
    letters = iter(name)
    return 500 + len(name) if all(c in letters for c in typed) else None


def actions(window: QtWidgets.QWidget) -> list[QtWidgets.QAbstractButton]:
    """The buttons that can be pressed now, each name once."""
    found: dict[str, QtWidgets.QAbstractButton] = {}
    for one in window.findChildren(QtWidgets.QAbstractButton):
        if one.objectName() and one.accessibleName() and one.isEnabled() and one.isVisible():
            found.setdefault(one.objectName(), one)
    return list(found.values())


@safe_overrides
class Palette(QtWidgets.QDialog):
    """Opened by Ctrl+K; Enter does the chosen action."""

    def __init__(self, window: QtWidgets.QWidget) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self.setObjectName("command_palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.typed = line("palette_search", "Search for a command", "Type a command")
        self.found = named(QtWidgets.QListWidget(), "palette_list", "Commands", "Enter does the chosen command")
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addWidget(self.typed)
        layout.addWidget(self.found)
        for one in actions(window):
            self._add(one)
        self.typed.textChanged.connect(self.filter)
        self.found.itemActivated.connect(self.do)
        self.found.itemClicked.connect(self.do)
        self.typed.installEventFilter(self)
        self.filter("")
        self.resize(SIZE)
        at = window.mapToGlobal(QtCore.QPoint((window.width() - SIZE.width()) // 2, 90))
        self.move(at)

    def _add(self, action: QtWidgets.QAbstractButton) -> None:
        keys = action.shortcut().toString(QtGui.QKeySequence.SequenceFormat.NativeText)
        item = QtWidgets.QListWidgetItem(action.icon(), action.accessibleName() + (f"    {keys}" if keys else ""))
        item.setData(ACTION, action)
        self.found.addItem(item)

    def filter(self, typed: str) -> None:
        """Show what fits and choose the best."""
        best: tuple[int, QtWidgets.QListWidgetItem | None] = (1 << 30, None)
        for i in range(self.found.count()):
            item = self.found.item(i)
            fit = rank(typed, item.data(ACTION).accessibleName())
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
            action = item.data(ACTION)
            self.close()
            QtCore.QTimer.singleShot(0, action.click)
