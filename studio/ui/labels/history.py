"""The steps that were done and can be taken back, as a list; a click goes to that moment."""

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.session import Session
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme
from studio.ui.widgets import Side, heading, label, named

WIDTH_PX = 300
START = "As it was opened"


@safe_overrides
class HistoryPanel(Side):
    """Newest at the bottom; what was taken back stands dim below, and can be done again."""

    def __init__(self, session: Session) -> None:
        super().__init__("right", WIDTH_PX)
        self._session = session
        self._shown: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        self.list = named(
            QtWidgets.QListWidget(), "history_list", "History", "Click or press Enter to go to that moment"
        )
        self.list.itemClicked.connect(lambda _: self.go())
        self.list.itemActivated.connect(lambda _: self.go())
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.body.addWidget(heading("History"))
        self.body.addWidget(self.list, 1)
        self.body.addWidget(label("Closing the project ends its history; the labels stay.", "small", wrap=True))
        theme().changed.connect(self._color)
        self.tick()

    def tick(self) -> None:
        """Follow what happens."""
        now = self._session.history
        if now == self._shown:
            return
        self._shown = now
        done, undone = now
        self.list.clear()
        self.list.addItems([START, *done, *undone])
        self.list.setCurrentRow(len(done))
        self._color()

    def go(self) -> None:
        """To the chosen moment."""
        done, _ = self._session.history
        self._session.go(self.list.currentRow() - len(done))
        self.tick()

    def _color(self) -> None:
        n = len(self._shown[0]) if self._shown else 0
        for i in range(self.list.count()):
            self.list.item(i).setForeground(QtGui.QColor(theme().tokens.text if i <= n else theme().tokens.faint))
