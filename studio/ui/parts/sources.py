"""The list of what can be connected, always up to date, and the field for an address typed by hand."""

import time
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.jobs import Job
from studio.data.project import Project
from studio.progress import Progress, Work
from studio.ui.icons import renderer
from studio.ui.pages.base import Shell
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme
from studio.ui.widgets import Side, button, heading, label, line, named

AGAIN_S = 4.0
#: The source for someone without hardware.
FIRST = "virtual:host"
URL, TITLE, KIND = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2
ICONS = {"virtual": "cpu", "serial": "usb", "replay": "history", "ble": "wifi", "microphone": "microphone"}
ROW_HEIGHT, N_REPLAYS = 52, 4


@safe_overrides
class SourceDelegate(QtWidgets.QStyledItemDelegate):
    """A row: icon, title, address below it, a dot at the one in use."""

    def __init__(self) -> None:
        super().__init__()
        self.in_use = ""

    def sizeHint(self, option: QtWidgets.QStyleOptionViewItem, index: QtCore.QModelIndex) -> QtCore.QSize:
        return QtCore.QSize(120, ROW_HEIGHT)

    def paint(self, painter: QtGui.QPainter, option: QtWidgets.QStyleOptionViewItem, index: QtCore.QModelIndex) -> None:
        t, box = theme().tokens, option.rect.adjusted(0, 1, 0, -1)
        chosen = bool(option.state & QtWidgets.QStyle.StateFlag.State_Selected)
        over = bool(option.state & QtWidgets.QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        if chosen or over:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QtGui.QColor(t.soft if chosen else t.hover))
            painter.drawRoundedRect(box, 8, 8)
        name = ICONS.get(index.data(KIND), "plug")
        renderer(name, t.accent if chosen else t.dim).render(painter, QtCore.QRectF(box.x() + 10, box.y() + 14, 22, 22))
        words = box.adjusted(44, 7, -24, -7)
        self._line(
            painter, words, index.data(TITLE), font(13, QtGui.QFont.Weight.Medium), t.text, Qt.AlignmentFlag.AlignTop
        )
        self._line(painter, words, short(index.data(URL)), font(11), t.dim, Qt.AlignmentFlag.AlignBottom)
        if index.data(URL) == self.in_use:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QtGui.QColor(t.ok))
            painter.drawEllipse(QtCore.QPointF(box.right() - 13, box.center().y() + 0.5), 4, 4)
        painter.restore()

    @staticmethod
    def _line(
        painter: QtGui.QPainter, box: QtCore.QRect, text: str, used: QtGui.QFont, color: str, at: Qt.AlignmentFlag
    ) -> None:
        painter.setFont(used)
        painter.setPen(QtGui.QColor(color))
        shown = QtGui.QFontMetrics(used).elidedText(text, Qt.TextElideMode.ElideMiddle, box.width())
        painter.drawText(box, at | Qt.AlignmentFlag.AlignLeft, shown)


class Sources(Side):
    """The left column of Capture."""

    def __init__(self, shell: Shell) -> None:
        super().__init__("left", 264)
        self._shell = shell
        self._found: list[dict[str, Any]] = []
        self._looked_s, self._looking = 0.0, False
        self.list = named(QtWidgets.QListWidget(), "source_list", "Sources", "Enter or a double click connects")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMouseTracking(True)
        self._rows = SourceDelegate()
        self.list.setItemDelegate(self._rows)
        self.list.itemActivated.connect(lambda item: self._connect(item.data(URL)))
        self.url = line("source_url", "Address", "Port or address, e.g. COM7", "Connect to any address; Enter connects")
        self.url.returnPressed.connect(self.connect_url)
        self.connect_button = button(
            "source_connect", "Connect", self.connect_chosen, icon="plug", kind="primary", shortcut="Ctrl+Return"
        )
        self.disconnect_button = button(
            "source_disconnect", "Disconnect", self._disconnect, icon="plug-connected", shortcut="Ctrl+D"
        )
        self._build()

    def _build(self) -> None:
        refresh = button(
            "source_refresh", "", self.look, icon="refresh", kind="ghost", shortcut="F5", accessible="Look for sources"
        )
        top = QtWidgets.QHBoxLayout()
        top.addWidget(heading("Sources"), 1)
        top.addWidget(refresh)
        self.body.setContentsMargins(10, 10, 10, 16)
        top.setContentsMargins(6, 0, 0, 0)
        self.body.addLayout(top)
        self.body.addWidget(self.list, 1)
        self.body.addWidget(label("Another address", "small"))
        self.body.addWidget(self.url)
        self.body.addSpacing(4)
        self.body.addWidget(self.connect_button)
        self.body.addWidget(self.disconnect_button)

    def look(self) -> None:
        """Look for sources on a thread."""
        if not self._looking:
            self._looking = True
            self._shell.run(Job("look for sources", _look()), done=self._show, failed=self._failed)

    def tick(self) -> None:
        """Look again from time to time, and show which source is in use."""
        if time.monotonic() - self._looked_s > AGAIN_S:
            self._looked_s = time.monotonic()
            self.look()
        device = self._shell.device
        in_use = device.url if device.streaming else ""
        if in_use != self._rows.in_use:
            self._rows.in_use = in_use
            self.list.viewport().update()
        busy = device.state not in ("idle", "lost", "closed")
        self.connect_button.setVisible(not busy)
        self.disconnect_button.setVisible(busy)

    def _failed(self, error: BaseException) -> None:
        self._looking = False
        self._shell.show_error(error)

    def _show(self, result: dict[str, Any]) -> None:
        self._looking = False
        found = sorted(result["sources"], key=lambda s: (s["kind"] != "serial", s["url"] != FIRST))
        found += replays(self._shell.session.state.project)
        if found == self._found:
            return
        chosen = self._chosen_url()
        self._found = found
        self.list.clear()
        for source in found:
            item = QtWidgets.QListWidgetItem(self.list)
            item.setData(URL, source["url"])
            item.setData(TITLE, source["title"])
            item.setData(KIND, source["kind"])
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{source['title']}, {source['url']}")
            item.setToolTip(source["url"])
        self._choose(chosen or self._shell.device.url or (found[0]["url"] if found else ""))

    def _choose(self, url: str) -> None:
        for i in range(self.list.count()):
            if self.list.item(i).data(URL) == url:
                self.list.setCurrentRow(i)

    def _chosen_url(self) -> str:
        item = self.list.currentItem()
        return item.data(URL) if item is not None else ""

    def connect_url(self) -> None:
        """Connect to the address typed by hand."""
        if self.url.text().strip():
            self._connect(self.url.text().strip())

    def connect_chosen(self) -> None:
        """Connect to the typed address if there is one, else to the chosen source."""
        url = self.url.text().strip() or self._chosen_url()
        if url:
            self._connect(url)
        else:
            self._shell.say("No source is there. Plug in a board, or type its address.")

    def _connect(self, url: str) -> None:
        self._shell.clear_error()
        self._shell.device.connect(url)

    def _disconnect(self) -> None:
        self._shell.device.disconnect()


def _look() -> Work[dict[str, Any]]:
    from studio.app.actions.lists import sources

    yield Progress(0)
    return sources()


def replays(project: Project | None) -> list[dict[str, str]]:
    """The newest recordings of the project as sources."""
    if project is None:
        return []
    folders = sorted(project.recordings_path.glob("*/recording.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    return [
        {"url": f"replay:{p.parent}?loop=1", "title": f"Replay {p.parent.name}", "kind": "replay"}
        for p in folders[:N_REPLAYS]
    ]


def short(url: str) -> str:
    """An address for a narrow row: of a path only its end."""
    kind, sep, rest = url.partition(":")
    return f"{kind}:…/{Path(rest.partition('?')[0]).name}" if sep and kind == "replay" else url
