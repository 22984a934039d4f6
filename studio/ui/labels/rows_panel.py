"""Rows and tracks as a list: what is shown, in which order, which track is edited; and what snaps."""

from collections.abc import Callable

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.labels.actions import SNAP_KEYS
from studio.ui.labels.asks import Asks
from studio.ui.labels.desk import Desk
from studio.ui.labels.rows import name_of
from studio.ui.labels.snap import KINDS
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme
from studio.ui.widgets import Side, button, columns, heading, label, named

WIDTH_PX, KEY = 300, Qt.ItemDataRole.UserRole


@safe_overrides
class RowsPanel(Side):
    """Ticks show and hide; the buttons move, make, rename and delete."""

    def __init__(self, desk: Desk, asks: Asks, changed: Callable[[], None]) -> None:
        super().__init__("right", WIDTH_PX)
        self._desk, self._asks, self._changed, self._busy = desk, asks, changed, False
        self._seen: tuple[object, ...] = ()
        self.body.addWidget(heading("Streams"))
        self.streams = self._list("rows_list", "Rows of streams", "Ticked rows are shown")
        self.body.addWidget(self.streams)
        self.body.addLayout(self._buttons("row", self.streams))
        self.body.addSpacing(8)
        self.body.addWidget(heading("Label tracks"))
        self.tracks = self._list("tracks_list", "Label tracks", "Ticked tracks are shown; Enter edits one")
        self.tracks.itemActivated.connect(lambda at: self._desk.pick_track(name_of(at.data(KEY))))
        self.body.addWidget(self.tracks)
        self.body.addLayout(self._buttons("track", self.tracks))
        self.body.addLayout(self._track_buttons())
        self.body.addSpacing(8)
        self._build_snaps()
        self.body.addStretch()
        self.show_rows()

    def tick(self) -> None:
        """Follow new tracks and another recording."""
        state = self._desk.session.state
        seen = (state.recording, state.track, tuple(self._desk.tracks), tuple(self._desk.edit.snaps.on))
        if seen != self._seen:
            self._seen = seen
            self.show_rows()

    def show_rows(self) -> None:
        """The lists as they should be."""
        self._busy = True
        found = self._desk.session.state.open_recording
        streams = [s for s in found.streams if found.n_samples.get(s.name)] if found else []
        keys = [k for s in streams for k in _keys(s.name, s.kind)]
        self._fill(self.streams, keys)
        self._fill(self.tracks, [f"track:{t}" for t in self._desk.tracks])
        for kind, box in self.snaps.items():
            box.setChecked(kind in self._desk.edit.snaps.on)
        self._busy = False

    def _list(self, name: str, accessible: str, tip: str) -> QtWidgets.QListWidget:
        made = named(QtWidgets.QListWidget(), name, accessible, tip)
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.itemChanged.connect(self._ticked)
        return made

    def _fill(self, view: QtWidgets.QListWidget, keys: list[str]) -> None:
        row, arrangement = view.currentRow(), self._desk.timeline.arrangement
        view.clear()
        for key in arrangement.arranged(keys):
            item = QtWidgets.QListWidgetItem(_words(key, self._desk.session.state.track), view)
            item.setData(KEY, key)
            item.setSizeHint(QtCore.QSize(0, 30))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            shown = key not in arrangement.hidden
            item.setCheckState(Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)
            if key == f"track:{self._desk.session.state.track}":
                item.setForeground(theme().color("accent"))
        view.setCurrentRow(min(max(row, 0), view.count() - 1))
        view.setFixedHeight(min(max(view.count(), 1), 7) * 30 + 8)

    def _buttons(self, kind: str, view: QtWidgets.QListWidget) -> QtWidgets.QHBoxLayout:
        def move(by: int) -> Callable[[], None]:
            return lambda: self._move(view, by)

        up = button(f"{kind}_up_button", "", move(-1), icon="chevron-up", accessible=f"Move {kind} up",
                    tip=f"Move the chosen {kind} up")  # fmt: skip
        down = button(f"{kind}_down_button", "", move(1), icon="chevron-down", accessible=f"Move {kind} down",
                      tip=f"Move the chosen {kind} down")  # fmt: skip
        made = columns(up, down, spacing=6)
        if kind == "track":
            edit = button("track_edit", "Edit", self._pick, icon="pencil", tip="Edit the chosen track (Enter)")
            made.addWidget(edit)
        made.addStretch()
        return made

    def _track_buttons(self) -> QtWidgets.QHBoxLayout:
        new = button("track_new_button", "New", self._asks.new_track, icon="plus", tip="New track (Ctrl+Shift+N)")
        name = button("track_rename_button", "Rename", self._rename, tip="Rename the chosen track")
        gone = button("track_delete_button", "", self._delete, icon="trash", accessible="Delete track",
                      tip="Delete the chosen track with its labels; undo brings it back")  # fmt: skip
        return columns(new, name, gone, spacing=6)

    def _build_snaps(self) -> None:
        self.body.addWidget(heading("Snap to"))
        self.snaps: dict[str, QtWidgets.QCheckBox] = {}
        for kind, words in KINDS.items():
            box = named(QtWidgets.QCheckBox(words), f"snap_{kind}_box", f"Snap to {words}", words, SNAP_KEYS[kind])
            box.toggled.connect(lambda on, k=kind: self._snap(k, on))
            self.snaps[kind] = box
            self.body.addWidget(box)
        self.body.addWidget(label("Borders always lie on samples.", "small", wrap=True))

    # --- what the person does --------------------------------------------------------------

    def _ticked(self, item: QtWidgets.QListWidgetItem) -> None:
        if not self._busy:
            hidden = item.checkState() != Qt.CheckState.Checked
            self._desk.timeline.arrangement.hide(item.data(KEY), hidden)
            self._changed()

    def _move(self, view: QtWidgets.QListWidget, by: int) -> None:
        if (item := view.currentItem()) is not None:
            key, keys = item.data(KEY), [view.item(i).data(KEY) for i in range(view.count())]
            self._desk.timeline.arrangement.move(keys, key, by)
            view.setCurrentRow(min(max(view.currentRow() + by, 0), view.count() - 1))
            self._changed()

    def _chosen(self) -> str:
        item = self.tracks.currentItem()
        return name_of(item.data(KEY)) if item is not None else ""

    def _pick(self) -> None:
        if name := self._chosen():
            self._desk.pick_track(name)

    def _rename(self) -> None:
        self._pick()
        self._asks.rename_track()

    def _delete(self) -> None:
        if name := self._chosen():
            self._desk.delete_track(name)

    def _snap(self, kind: str, on: bool) -> None:
        snaps = self._desk.edit.snaps
        if not self._busy and (kind in snaps.on) != on:
            snaps.toggle(kind)


def _keys(name: str, kind: str) -> list[str]:
    return [f"stream:{name}", *([f"spectrogram:{name}"] if kind == "microphone" else [])]


def _words(key: str, edited: str) -> str:
    kind, _, name = key.partition(":")
    if kind == "spectrogram":
        return f"{name} · spectrogram"
    return f"{name} · edited" if kind == "track" and name == edited else name
