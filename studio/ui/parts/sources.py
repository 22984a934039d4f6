"""The list of what can be connected, always up to date, and the field for an address typed by hand."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.devices import Device, DeviceList
from studio.data.project import Project
from studio.ui.icons import renderer
from studio.ui.pages.base import Shell
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme
from studio.ui.widgets import Side, button, heading, label, line, named

#: The source for someone without hardware.
FIRST = "virtual:host"
URL, TITLE, KIND, NOTE = (Qt.ItemDataRole.UserRole + i for i in range(4))
ICONS = {"virtual": "cpu", "serial": "usb", "replay": "history", "ble": "bluetooth", "network": "world"}
ICONS |= {"microphone": "microphone", "drive": "folder", "probe": "bolt"}
ROW_HEIGHT, N_REPLAYS = 52, 4


@dataclass(frozen=True)
class Source:
    """A row of the list; without `url` it can be flashed, but sends nothing."""

    url: str
    title: str
    kind: str
    note: str


MICROPHONE = Source("mic:", "Microphone", "microphone", "of this computer")


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
        self._line(painter, words, index.data(NOTE), font(11), t.dim, Qt.AlignmentFlag.AlignBottom)
        if self.in_use and str(index.data(URL)).partition("?")[0] == self.in_use.partition("?")[0]:
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
    """The left column of Capture. It looks for devices between `begin` and `end`."""

    def __init__(self, shell: Shell, devices: DeviceList | None = None) -> None:
        super().__init__("left", 264)
        self._shell = shell
        self.devices = devices or DeviceList()
        self._version, self._replays = -1, list[Source]()
        self._replays_of: object = None
        self.list = named(QtWidgets.QListWidget(), "source_list", "Sources", "Enter or a double click connects")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMouseTracking(True)
        self._rows = SourceDelegate()
        self.list.setItemDelegate(self._rows)
        self.list.itemActivated.connect(lambda item: self._connect(item.data(URL)))
        self.url = line("source_url", "Address", "Port or address, e.g. COM7", "Connect to any address; Enter connects")
        self.url.returnPressed.connect(self.connect_url)
        self.scanning = label("", "small", wrap=True)
        self.connect_button = button(
            "source_connect", "Connect", self.connect_chosen, icon="plug", kind="primary", shortcut="Ctrl+Return"
        )
        self.disconnect_button = button(
            "source_disconnect", "Disconnect", self._disconnect, icon="plug-connected", shortcut="Ctrl+D"
        )
        self._build()

    def _build(self) -> None:
        refresh = button(
            "source_refresh",
            "",
            self.look,
            icon="refresh",
            kind="ghost",
            shortcut="F5",
            accessible="Look for sources",
            tip="Look for Bluetooth devices too; what is plugged in shows by itself",
        )
        top = QtWidgets.QHBoxLayout()
        top.addWidget(heading("Sources"), 1)
        top.addWidget(refresh)
        self.body.setContentsMargins(10, 10, 10, 16)
        top.setContentsMargins(6, 0, 0, 0)
        self.body.addLayout(top)
        self.body.addWidget(self.list, 1)
        self.scanning.setContentsMargins(6, 0, 6, 0)
        self.body.addWidget(self.scanning)
        self.body.addWidget(label("Another address", "small"))
        self.body.addWidget(self.url)
        self.body.addSpacing(4)
        self.body.addWidget(self.connect_button)
        self.body.addWidget(self.disconnect_button)

    def begin(self) -> None:
        """Look from now on: what is plugged in appears within a second or two."""
        self.devices.start()

    def end(self) -> None:
        """Nobody looks at the list any more."""
        self.devices.stop()

    def look(self) -> None:
        """Look for Bluetooth devices, which takes air time and so is not done all the time."""
        self.devices.scan_ble()

    def tick(self) -> None:
        """Show what came or went, and which source is in use."""
        self._show_new()
        device = self._shell.device
        in_use = device.url if device.streaming else ""
        if in_use != self._rows.in_use:
            self._rows.in_use = in_use
            self._choose(in_use)
            self.list.viewport().update()
        self._show_scan()
        busy = device.state not in ("idle", "lost", "closed")
        self.connect_button.setVisible(not busy)
        self.disconnect_button.setVisible(busy)

    def _show_scan(self) -> None:
        error = self.devices.scan_error
        words = f"{error.thing}: {error.seen}. {error.next_step}" if error is not None else ""
        words = "Looking for Bluetooth devices …" if self.devices.scanning else words
        if self.scanning.text() != words:
            self.scanning.setText(words)
        self.scanning.setVisible(bool(words))

    def _show_new(self) -> None:
        """Fill the list anew when something came or went."""
        recordings = self._shell.session.state.recordings
        if self.devices.version == self._version and recordings is self._replays_of:
            return
        if recordings is not self._replays_of:
            self._replays_of, self._replays = recordings, replays(self._shell.session.state.project)
        self._version = self.devices.version
        chosen = self._chosen_url()
        self.list.clear()
        found = [source_of(d) for d in self.devices.devices()]
        here = [MICROPHONE] if importlib.util.find_spec("sounddevice") is not None else []
        found = [*sorted(found, key=lambda s: (s.kind == "virtual", s.url != FIRST)), *here]
        for source in [*found, *self._replays]:
            self._add(source)
        self._choose(chosen or self._shell.device.url or (found[0].url if found else ""))

    def _add(self, source: Source) -> None:
        item = QtWidgets.QListWidgetItem(self.list)
        item.setData(URL, source.url)
        item.setData(TITLE, source.title)
        item.setData(KIND, source.kind)
        item.setData(NOTE, source.note)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{source.title}, {source.note}")
        item.setToolTip(source.url or f"{source.note}: can be flashed on the Deploy page, but sends nothing")

    def _choose(self, url: str) -> None:
        """Mark the row of `url`, whatever options stand behind it."""
        urls = [self.list.item(i).data(URL) for i in range(self.list.count())]
        near = [i for i, u in enumerate(urls) if u and u.partition("?")[0] == url.partition("?")[0]]
        if near:
            self.list.setCurrentRow(next((i for i in near if urls[i] == url), near[0]))

    def _chosen_url(self) -> str:
        item = self.list.currentItem()
        return str(item.data(URL)) if item is not None else ""

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
            self._shell.say("This one sends nothing. Plug in a board that does, or type its address.")

    def _connect(self, url: str) -> None:
        if url:
            self._shell.clear_error()
            self._shell.device.connect(url)

    def _disconnect(self) -> None:
        self._shell.device.disconnect()


def source_of(device: Device) -> Source:
    """A device as a row: the words below its title are the ways to it, or its address when there is one alone."""
    note = device.subtitle if len(device.urls) > 1 or device.kind == "virtual" else device.url or device.subtitle
    return Source(device.url, device.title, device.kind, note)


def replays(project: Project | None) -> list[Source]:
    """The newest recordings of the project as sources."""
    if project is None:
        return []
    folders = sorted(project.recordings_path.glob("*/recording.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    urls = {p.parent.name: f"replay:{p.parent}?loop=1" for p in folders[:N_REPLAYS]}
    return [Source(url, f"Replay {name}", "replay", short(url)) for name, url in urls.items()]


def short(url: str) -> str:
    """An address for a narrow row: of a path only its end."""
    kind, sep, rest = url.partition(":")
    return f"{kind}:…/{Path(rest.partition('?')[0]).name}" if sep and kind == "replay" else url
