"""Tabs of a side column: one line of words, the chosen page below."""

from PySide6 import QtWidgets

from studio.ui.widgets import Button, button, columns, scrolled


class Tabs(QtWidgets.QWidget):
    """Pages by key; a tab's objectName is `<prefix>_<key>`."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix
        self.buttons: dict[str, Button] = {}
        self._group = QtWidgets.QButtonGroup(self)
        self._pages = QtWidgets.QStackedWidget()
        self._line = columns(spacing=0)
        self._line.addStretch(1)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(self._line)
        layout.addWidget(self._pages, 1)

    def add(self, key: str, title: str, page: QtWidgets.QWidget, tip: str, shortcut: str = "") -> None:
        """One more tab."""
        made = button(
            f"{self._prefix}_{key}", title, lambda: self.show_page(key), kind="tab", tip=tip, shortcut=shortcut
        )
        made.setCheckable(True)
        self._group.addButton(made)
        self._line.insertWidget(len(self.buttons), made)
        self.buttons[key] = made
        self._pages.addWidget(scrolled(page, f"{self._prefix}_{key}_page"))
        if len(self.buttons) == 1:
            made.setChecked(True)

    @property
    def key(self) -> str:
        """Of the page shown."""
        return list(self.buttons)[self._pages.currentIndex()]

    def show_page(self, key: str) -> None:
        """Open a page."""
        self._pages.setCurrentIndex(list(self.buttons).index(key))
        self.buttons[key].setChecked(True)
