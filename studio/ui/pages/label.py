"""Label: the open recording on a time axis, and what happened when, drawn over it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.jobs import Job
from studio.app.session import Session, State
from studio.data.labels import Labels
from studio.data.onsets import Bursts
from studio.data.pyramid import Pyramid, pyramid
from studio.data.recording import Recording
from studio.errors import DataError, StudioError
from studio.ui.commands.action import Action
from studio.ui.labels import arrange, classes
from studio.ui.labels.actions import actions_of
from studio.ui.labels.asks import Asks
from studio.ui.labels.desk import Desk, track_names
from studio.ui.labels.edit import FIRST, Edit
from studio.ui.labels.help import HelpCard
from studio.ui.labels.history import HistoryPanel
from studio.ui.labels.inspector import Inspector
from studio.ui.labels.keys import Keys
from studio.ui.labels.lists import ITEM, Lines, RecordingLine, list_view, recording_text
from studio.ui.labels.look import Look
from studio.ui.labels.menu import label_menu
from studio.ui.labels.overview import Overview
from studio.ui.labels.panels import PANELS, Panel, Tabs
from studio.ui.labels.reading import build_pyramids, filled
from studio.ui.labels.rows import GUTTER_PX, Hands, keys_of
from studio.ui.labels.rows_panel import RowsPanel
from studio.ui.labels.strip import Still
from studio.ui.labels.table import table_of
from studio.ui.labels.table_view import LabelTable, label_table
from studio.ui.labels.timeline import Timeline
from studio.ui.media.media import GROUP as MEDIA
from studio.ui.media.media import Media
from studio.ui.media.playhead import Playhead
from studio.ui.pages.base import Page, Shell
from studio.ui.review import PANELS as REVIEW
from studio.ui.theme import theme
from studio.ui.widgets import EmptyState, Side, button, heading, rows, scrolled

#: Recordings up to this many values are read at once; longer ones beside the window.
AT_ONCE = 3_000_000
#: Pyramids of this many recordings are kept.
KEPT = 6


class LabelPage(Page):
    """Recordings at the left, rows and overview in the middle, the inspector at the right."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.edit_ = Edit(self, self._repaint)
        self.hands = hands = Hands(self._menu, lambda t: self.playhead.seek(t), lambda name: self.desk.pick_track(name))
        self.timeline = Timeline(self.edit_, hands)
        self.overview = Overview()
        self.playhead = Playhead(parent=self)
        self.desk = Desk(
            shell.session, self.edit_, self.timeline, self.playhead, self.say, shell.show_error, self._rearrange
        )
        self.inspector = Inspector(shell, self.edit_, self.desk.group)
        self.asks = Asks(self, shell.session, self.desk, self.inspector)
        self.media = Media(self, self)
        self._stills: dict[str, tuple[Labels, Still]] = {}
        self.look = Look()
        self._pyramids: dict[str, tuple[Recording, dict[str, Pyramid]]] = {}
        self._shown: Recording | None = None
        self._project: Path | None = None
        self._dirty = False
        self.timeline.keys = Keys(self._table(), self.desk.brush, self.edit_.settle)
        self.inspector.show_class_actions([a for a in self.actions() if a.name.startswith("class_")])
        self._build()
        self._wire()

    def _build(self) -> None:
        work = QtWidgets.QWidget()
        across = QtWidgets.QHBoxLayout(work)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self._recordings())
        across.addLayout(self._views(), 1)
        own = {
            "label": Panel("Label", "tags", lambda *_: self.inspector),
            "rows": Panel(
                "Rows and tracks", "layout-list", lambda _shell, _page: RowsPanel(self.desk, self.asks, self._rearrange)
            ),
            "history": Panel("History", "history", lambda _shell, _page: HistoryPanel(self.session)),
        }
        self.side = Tabs(self.shell, self, own | PANELS | REVIEW)
        across.addWidget(self.side)
        self.stack = QtWidgets.QStackedLayout(self)
        self.stack.addWidget(self._empty())
        self.stack.addWidget(work)

    def _recordings(self) -> Side:
        self.lines = Lines(recording_text)
        self.list = list_view("recording_list", "Recordings", self.lines, RecordingLine(), "Choose what to label")
        side = Side("left", 232)
        side.body.setContentsMargins(10, 16, 10, 10)
        title = heading("Recordings")
        title.setContentsMargins(6, 0, 0, 0)
        side.body.addWidget(title)
        side.body.addWidget(self.list)
        return side

    def _views(self) -> QtWidgets.QVBoxLayout:
        """Rows or table, and the overview below."""
        self.table_model = LabelTable(self.edit_)
        self.table = label_table(self.table_model)
        self.views = QtWidgets.QStackedWidget()
        self.views.addWidget(scrolled(self.timeline, "timeline_area"))
        self.views.addWidget(self.table)
        strip = QtWidgets.QFrame()
        strip.setProperty("kind", "plots")
        inner = QtWidgets.QVBoxLayout(strip)
        inner.setContentsMargins(GUTTER_PX + 4, 4, 14, 10)
        inner.addWidget(self.overview)
        self.video_slot = rows(self.media.pane, self.media.strip, spacing=0)
        made = rows(spacing=0)
        made.addLayout(self.video_slot)
        made.addWidget(self.views, 1)
        made.addWidget(self.media.transport)
        made.addWidget(strip)
        return made

    def _empty(self) -> QtWidgets.QWidget:
        capture = button(
            "capture_open", "Record", lambda: self.shell.go("capture"), icon="player-record", kind="primary"
        )
        data = button("data_open", "Import files", lambda: self.shell.go("data"), icon="file-import")
        words = "Record a sensor or import files. Then drag over the plot to say what happened when."
        return EmptyState("tags", "Nothing to label yet", words, capture, data)

    def _wire(self) -> None:
        self.timeline.seen.connect(self.overview.show_window)
        self.timeline.arranged.connect(self._rearrange)
        self.playhead.moved.connect(self._moved)
        self.playhead.changed.connect(self._moved)
        self.overview.asked.connect(self.timeline.look_at)
        self.list.selectionModel().currentChanged.connect(self._choose)
        for view in (self.list, self.inspector.classes):  # a click there leaves the keys with the rows
            view.clicked.connect(lambda _: self.timeline.setFocus())
        self.table.selectionModel().currentRowChanged.connect(lambda now, _: self._pick_row(now.row()))
        theme().changed.connect(self._restyle)
        self.keys = button(
            "label_keys", "", lambda: self.help.show_below(self.keys), icon="help-circle", kind="ghost", shortcut="?",
            accessible="Mouse and keys", tip="What the mouse and the keys do here",
        )  # fmt: skip
        self.help = HelpCard(self, self.actions())
        self.as_table = button(
            "label_table_show", "Table", self._toggle_table, icon="table", shortcut="Ctrl+T",
            tip="Show the labels as a table",
        )  # fmt: skip
        self.as_table.setCheckable(True)
        self.fit = button(
            "view_fit", "Fit", self.timeline.fit, icon="arrow-autofit-width", tip="Show the whole recording (F)"
        )
        self.add = button(
            "label_add", "Add label", self.timeline.new_label, icon="plus", kind="primary",
            tip="Add a label of the current class at the cursor (A)",
        )  # fmt: skip
        for tool in self.toolbar():
            tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _table(self) -> list[Action]:
        """Every action with its keys; the media's come after the page's own."""
        media = [Action(name, words, (key,), MEDIA, do) for name, words, key, do in self.media.actions()]
        return [*actions_of(self.desk, self.asks), *media]

    def actions(self) -> list[Action]:
        """Everything that can be done here, once each."""
        return list({a.name: a for a in self.timeline.keys.actions.values()}.values())

    def toolbar(self) -> list[QtWidgets.QWidget]:
        return [self.keys, self.as_table, self.fit, self.add]

    @property
    def session(self) -> Session:
        """The one door to the state."""
        return self.shell.session

    def say(self, text: str) -> None:
        """A line in the status bar."""
        self.shell.say(text)

    def crumb(self) -> str:
        return f"›  {self.shell.session.state.recording}" if self.shell.session.state.recording else ""

    # --- the session ---------------------------------------------------------------------

    def edit(self, what: str, labels: Labels, selected: int | None, also: tuple[int, ...] = ()) -> None:
        """A finished edit of the track (the door of `Edit`)."""
        session, known = self.shell.session, self.shell.session.state.project
        try:
            if known is not None and (fresh := classes.strange(known, labels)):
                session.commit(what, classes.with_labels(session.state, labels, selected, also, fresh))
            else:
                session.edit(what, labels, selected, also)
            self.shell.say(what)
        except StudioError as e:
            self.shell.show_error(e)
        else:
            if labels.segments and selected is not None and labels.segments[selected].label == FIRST:
                self.inspector.rename()  # nobody wants to keep that name

    def select(self, index: int | None, also: tuple[int, ...] = ()) -> None:
        """Other labels are selected (the door of `Edit`)."""
        state = self.shell.session.state
        if (state.selected, state.also) != (index, also):
            self.shell.session.show(replace(state, selected=index, also=also))

    def refuse(self, error: DataError) -> None:
        """An edit that cannot be done (the door of `Edit`)."""
        self.shell.show_error(error)

    def changed(self, old: State, new: State) -> None:
        self.stack.setCurrentIndex(1 if new.recordings else 0)
        for tool in self.toolbar():
            tool.setEnabled(new.open_recording is not None)
        if old.recordings is not new.recordings or old.recording != new.recording:
            self._show_list(new)
        if new.project is not None and new.project.path != self._project:
            self._project = new.project.path
            self.timeline.arrangement = arrange.load(new.project.path)
        found = new.open_recording
        here, shown = (r and (r.path, r.n_samples) for r in (found, self._shown))
        if here != shown:
            self._open(found)
        elif found is not None and self._strips(new) != self._strip_keys():
            self._show_rows(found, keep=True)
        self._shown = found
        self.media.show(found)
        self._show_labels(new)

    def _show_list(self, state: State) -> None:
        self.lines.show(state.recordings)
        ids = [r.id for r in state.recordings]
        if state.recording in ids:
            chosen = self.lines.index(ids.index(state.recording))
            if self.list.currentIndex() != chosen:
                self.list.setCurrentIndex(chosen)

    def _show_labels(self, state: State) -> None:
        found = classes.classes_of(state)
        names = tuple(c.name for c in found)
        self.edit_.show(state.labels, names, state.selected, state.also)
        self._show_tracks(state, names)
        self.timeline.show_tracks(self._tracks(state))
        self.timeline.keys.classes = {c.key: c.name for c in found if c.key}
        colors = {c.name: c.color for c in found}
        if colors != self.look.colors:
            self.table_model.colors = colors
            self._restyle(colors)
        self.overview.show_labels(self.edit_.table, self.look)
        self.inspector.show_state(state)
        if self.views.currentIndex():
            self._show_table()

    def _show_tracks(self, state: State, names: tuple[str, ...]) -> None:
        """The other tracks, as they are now."""
        recording = state.open_recording
        tracks = {n: t for n, t in (recording.labels if recording else {}).items() if n != state.track}
        for name, track in tracks.items():
            known = self._stills.get(name)
            if known is None:
                self._stills[name] = track, Still(table_of(track, names))
            elif known[0] is not track or known[1].table.names[: len(names)] != names:
                known[1].table = table_of(track, names, (known[0], known[1].table))
                self._stills[name] = track, known[1]
        self.edit_.snaps.tracks = [self._stills[name][1].table for name in tracks]

    def _tracks(self, state: State) -> dict[str, Still | None]:
        """What lies behind each strip; None for the track that is edited."""
        recording = state.open_recording
        every = track_names(recording.labels if recording else {}, state.track)
        return {name: None if name == state.track else self._stills[name][1] for name in every}

    def _strips(self, state: State) -> list[str]:
        """The strips that there should be."""
        recording = state.open_recording
        names = track_names(recording.labels if recording else {}, state.track)
        return self.timeline.arrangement.shown(f"track:{name}" for name in names)

    def _strip_keys(self) -> list[str]:
        return [r.key for r in self.timeline.strips]

    def _restyle(self, colors: dict[str, str] | None = None) -> None:
        t = theme().tokens
        self.look = Look(t.plot, t.text, t.dim, t.accent, self.look.colors if colors is None else colors)
        self.timeline.paint_with(self.look)
        self.overview.show_labels(self.edit_.table, self.look)

    # --- another recording ----------------------------------------------------------------

    def _choose(self, now: Any, _before: Any) -> None:
        recording, state = now.data(ITEM), self.shell.session.state
        if recording is not None and recording.id != state.recording:
            self.edit_.settle()
            self.shell.session.show(replace(self.shell.session.state, recording=recording.id, selected=None))

    def _open(self, recording: Recording | None) -> None:
        """Show a recording: at once when it is short or known, else when its pyramids are built."""
        self.timeline.show_recording(None, {})
        self.overview.show_samples(None, 1.0)
        if recording is None or not recording.streams:
            return
        self.edit_.open(recording.streams[0].rate_hz, recording.duration_s)
        self.playhead.open(recording.duration_s)
        self._stills.clear()
        known = self._pyramids.get(recording.id)
        if known is not None and known[0].path == recording.path and known[0].n_samples == recording.n_samples:
            self._show(recording, known[1])
        elif sum(n * len(recording.stream(s).channels) for s, n in recording.n_samples.items()) <= AT_ONCE:
            self._built(recording, {s.name: pyramid(recording, s.name) for s in filled(recording)})
        else:
            self.shell.say(f"Reading {recording.id} …")
            self.shell.run(Job("read recording", build_pyramids(recording)), done=lambda p: self._built(recording, p))

    def _built(self, recording: Recording, pyramids: dict[str, Pyramid]) -> None:
        self._pyramids[recording.id] = (recording, pyramids)
        while len(self._pyramids) > KEPT:
            self._pyramids.pop(next(iter(self._pyramids)))
        if self.shell.session.state.recording == recording.id:
            self._show(recording, pyramids)

    def _show(self, recording: Recording, pyramids: dict[str, Pyramid]) -> None:
        heard = {s.name: Bursts(pyramids[s.name], s.rate_hz) for s in recording.streams if s.name in pyramids}
        self.desk.bursts = heard
        self.edit_.snaps.bursts = list(heard.values())
        self._show_rows(recording)
        first = next((pyramids[s.name] for s in recording.streams if s.name in pyramids), None)
        self.overview.show_samples(first, recording.duration_s)
        self.overview.show_window(*self.timeline.visible_s)

    def _show_rows(self, recording: Recording, keep: bool = False) -> None:
        """Lay the rows; with `keep` the view stays where it is."""
        known = self._pyramids.get(recording.id)
        if known is None:
            return
        state, seen = self.session.state, self.timeline.visible_s
        names = tuple(c.name for c in classes.classes_of(state))
        self._show_tracks(state, names)
        self.timeline.show_recording(recording, known[1], self._tracks(state))
        self.timeline.paint_with(self.look)
        if keep:
            self.timeline.look_at(*seen)

    def _rearrange(self) -> None:
        """Rows were moved, hidden or made higher: remember that, and lay them so."""
        if self._project is not None:
            arrange.save(self._project, self.timeline.arrangement)
        if self._shown is not None and self._keys() != [r.key for r in self.timeline.all_rows]:
            self._show_rows(self._shown, keep=True)
        rows_panel = self.side.panel("rows")
        if isinstance(rows_panel, RowsPanel):
            rows_panel.show_rows()

    def _keys(self) -> list[str]:
        """The rows that there should be, from top to bottom."""
        assert self._shown is not None
        known = self._pyramids.get(self._shown.id)
        streams = keys_of(self._shown, known[1] if known else {})
        return [*self.timeline.arrangement.shown(streams), *self._strips(self.session.state)]

    # --- what happens on the plot ----------------------------------------------------------

    def _repaint(self) -> None:
        self._dirty = True
        self.timeline.repaint_labels()

    def _moved(self, *_: object) -> None:
        """The line is elsewhere."""
        self.edit_.head_s = self.playhead.time_s
        self.overview.show_head(self.playhead.time_s)
        if self.playhead.playing:
            self.timeline.follow(self.playhead.time_s)
        self.timeline.repaint_marks()

    def tick(self) -> None:
        self.playhead.tick()
        self.desk.brush.tick()
        self.side.tick()
        if self._dirty:
            self._dirty = False
            self.inspector.show_edit()

    def enter(self) -> None:
        self.timeline.setFocus()

    def leave(self) -> None:
        self.edit_.settle()
        self.media.close()

    def _menu(self, time_s: float, event: Any) -> None:
        """Right click: what can be done with the labels there, or a new one on empty ground."""
        label_menu(self, self.desk, time_s, self._assign_or_add).popup(event.screenPos().toPoint())

    def _assign_or_add(self, name: str, time_s: float) -> None:
        fresh = self.edit_.selected is None
        self.edit_.assign(name)
        if fresh:
            self.edit_.hover(time_s)
            self.timeline.new_label()

    # --- the table view --------------------------------------------------------------------

    def _toggle_table(self) -> None:
        self.views.setCurrentIndex(1 if self.as_table.isChecked() else 0)
        if self.views.currentIndex():
            self._show_table()
            self.table.setFocus()

    def _show_table(self) -> None:
        quiet = self.table.selectionModel().blockSignals(True)
        self.table_model.refresh()
        if self.edit_.selected is not None:
            self.table.selectRow(self.edit_.selected)
        self.table.selectionModel().blockSignals(quiet)

    def _pick_row(self, row: int) -> None:
        if row >= 0 and row != self.edit_.selected:
            self.edit_.pick(row)
            segment = self.edit_.labels.segments[row]
            self.timeline.reveal(segment.start_s, segment.stop_s)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        """Keys that no field wanted act on the labels, wherever the focus is."""
        if not self.timeline.keys.press(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QtGui.QKeyEvent) -> None:
        self.timeline.keys.release(event)
        super().keyReleaseEvent(event)
