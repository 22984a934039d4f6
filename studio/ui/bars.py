"""The rail at the left and the bar on top of the window."""

from collections.abc import Callable, Mapping

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton

from studio.ui.icons import icon
from studio.ui.pages import Place
from studio.ui.widgets import Button, button, label, named, set_look

RAIL_WIDTH, TOP_HEIGHT = 84, 52


class Rail(QFrame):
    """A button per page; Ctrl+1 opens the first."""

    def __init__(
        self,
        places: Mapping[str, Place],
        foot: Mapping[str, Place],
        keys: Mapping[str, str],
        go: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setFixedWidth(RAIL_WIDTH)
        self._group = QtWidgets.QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(7, 10, 7, 10)
        layout.setSpacing(4)
        for number, (key, place) in enumerate(places.items(), 1):
            layout.addWidget(self._button(key, place, f"Ctrl+{number}", go))
        layout.addStretch()
        for key, place in foot.items():
            layout.addWidget(self._button(key, place, keys[key], go))

    def _button(self, key: str, place: Place, shortcut: str, go: Callable[[str], None]) -> QToolButton:
        made = QToolButton()
        made.setText(place.title)
        made.setIcon(icon(place.icon, "dim", "accent"))
        made.setIconSize(QtCore.QSize(22, 22))
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        made.setCheckable(True)
        made.setAutoRaise(True)
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        made.setMinimumHeight(56)
        made.setShortcut(shortcut)
        made.clicked.connect(lambda: go(key))
        self._group.addButton(made)
        self._buttons[key] = named(made, f"go_{key}", place.title, place.tip, shortcut)
        return made

    def check(self, key: str) -> None:
        """Mark the open page."""
        self._buttons[key].setChecked(True)


class TopBar(QFrame):
    """Project, what is open, the device, undo and redo, and the open page's own buttons."""

    def __init__(
        self,
        undo: Callable[[], object],
        redo: Callable[[], object],
        device: Callable[[], object],
        search: Callable[[], object],
    ) -> None:
        super().__init__()
        self.setObjectName("topbar")
        self.setFixedHeight(TOP_HEIGHT)
        self.project = _project_button()
        self.crumb = label("", "dim")
        self.crumb.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.device = button("device_show", "No device", device, kind="device", tip="The device in use")
        self.undo = _tool("undo", "arrow-back-up", "Undo", "Ctrl+Z", undo)
        self.redo = _tool("redo", "arrow-forward-up", "Redo", "Ctrl+Shift+Z", redo)
        self.search = _tool("command_palette_open", "search", "Search commands", "", search)
        named(self.search, "command_palette_open", "Search commands", "Search all commands", "Ctrl+K")
        self._tools = QtWidgets.QHBoxLayout()
        self._tools.setSpacing(8)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(10, 0, 16, 0)
        layout.setSpacing(8)
        layout.addWidget(self.project)
        layout.addWidget(self.crumb, 1)
        for widget in (self.device, self.search, self.undo, self.redo):
            layout.addWidget(widget)
        layout.addLayout(self._tools)

    def show_tools(self, tools: list[QtWidgets.QWidget]) -> None:
        """The open page's buttons; those of the page before are put aside, not destroyed."""
        while item := self._tools.takeAt(0):
            item.widget().hide()
        for tool in tools:
            self._tools.addWidget(tool)
            tool.show()

    def show_device(self, text: str, tone: str) -> None:
        """State of the device in hand."""
        if self.device.text() != f"●  {text}":
            self.device.setText(f"●  {text}")
            self.device.setAccessibleName(f"Device: {text}")
        set_look(self.device, tone=tone)

    def show_history(self, undo: str, redo: str) -> None:
        """What undo and redo would do."""
        for one, word, what, keys in ((self.undo, "Undo", undo, "Ctrl+Z"), (self.redo, "Redo", redo, "Ctrl+Shift+Z")):
            one.setEnabled(bool(what))
            named(one, one.objectName(), word, f"{word}: {what}" if what else word, keys)


def _project_button() -> Button:
    tip = "Open or make a project"
    return button("project_menu", "No project", lambda: None, kind="project", accessible="Project", tip=tip)


def _tool(name: str, picture: str, words: str, keys: str, do: Callable[[], object]) -> Button:
    """A button without text."""
    return button(name, "", do, icon=picture, kind="ghost", shortcut=keys, accessible=words)
