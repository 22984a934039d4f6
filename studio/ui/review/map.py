"""The map: windows of the recording as points; what is circled is marked on the timeline and can be named at once."""

from typing import Any

import numpy as np
from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.app import reviewing
from studio.app.proposals import WindowMap
from studio.app.session import State
from studio.data.labels import Labels
from studio.errors import StudioError
from studio.learn.propose.map import MapSettings
from studio.learn.propose.proposer import EVENT
from studio.ui.forms import Form
from studio.ui.labels import classes
from studio.ui.labels.panels import Bench
from studio.ui.pages.base import Shell
from studio.ui.review.deciding import Deciding, fill
from studio.ui.review.scatter import Scatter
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme
from studio.ui.widgets import button, caption, columns, combo, label

TRACK, WHAT = "proposed:map", "Circle windows on the map"


@safe_overrides
class WindowMapPanel(Deciding):
    """Draw, circle, name. A class key names what is circled."""

    def __init__(self, shell: Shell, bench: Bench) -> None:
        super().__init__(shell, bench, "map")
        self.drawn: tuple[str, WindowMap] | None = None
        self.stream = combo("map_stream", "Stream", "Whose windows are drawn")
        self.shade = combo("map_colors", "Colours", "What the colours say")
        for text, value in (("Labels", "labels"), ("Groups", "groups")):
            self.shade.addItem(text, value)
        self.form = Form(MapSettings(), "map", columns=2)
        self.go = button(
            "map_draw", "Draw map", self.draw, icon="chart-dots", kind="primary", shortcut="Ctrl+Shift+M",
            tip="Place the windows of this recording on a map",
        )  # fmt: skip
        self.scatter = Scatter("map_points")
        self.words = label("", "small", wrap=True)
        self.named_as = combo("map_class", "Class for what is circled", "The class that what is circled gets")
        self.give = button(
            "map_label", "Label", self.name_chosen, icon="tags", tip="Label what is circled (or press a class key)"
        )
        self.group = button(
            "map_group", "Circle group", self.choose_group, tip="Choose the whole group of the current window (G)"
        )
        self._build()

    def _build(self) -> None:
        head = columns()
        head.addLayout(caption("Stream", self.stream), 1)
        head.addLayout(caption("Colours", self.shade), 1)
        self.body.addLayout(head)
        self.body.addWidget(self.form)
        row = QtWidgets.QHBoxLayout()
        row.addWidget(self.go, 1)
        self.body.addLayout(row)
        self.body.addWidget(self.job)
        self.body.addWidget(self.scatter, 1)
        self.body.addWidget(self.words)
        self.body.addLayout(caption("Label as", self.named_as))
        self.body.addLayout(columns(self.give, self.group))
        self.scatter.circled.connect(self._circled)
        self.scatter.clicked.connect(self._clicked)
        self.shade.currentIndexChanged.connect(lambda _: self._paint())
        theme().changed.connect(self._paint)
        self._say()

    # --- following ----------------------------------------------------------------------------

    def follow(self, state: State) -> None:
        fill(self.stream, [(s, s) for s in self.streams()])
        fill(self.named_as, [(c.name, c.name) for c in classes.classes_of(state)] or [(EVENT, EVENT)])
        if self.drawn is not None and self.drawn[0] != state.recording:
            self.drawn = None
            self.scatter.show_points(np.zeros((0, 2), np.float32), [])
        self._paint()
        self.started()

    def started(self) -> None:
        self.go.setEnabled(not self.busy and self.stream.count() > 0)
        self._say()

    def _say(self) -> None:
        n, chosen = len(self.scatter.points), len(self.scatter.chosen)
        words = "Windows that are alike will lie together." if not n else f"{n} windows, {chosen} circled"
        self.words.setText(words)
        self.give.setEnabled(chosen > 0)
        self.group.setEnabled(self.scatter.current >= 0)

    def draw(self) -> None:
        """Place the windows of the open recording."""
        project, rid = self.state.project, self.state.recording
        try:
            settings: MapSettings = self.form.value()
        except StudioError as e:
            self.shell.show_error(e)
            return
        if project is not None and rid:
            args = (project.path, rid, self.stream.currentData(), settings, reviewing.human_track(self.state))
            self.start("Drawing", "studio.app.proposals:draw_map", args, lambda found: self._got(rid, found))

    def _got(self, rid: str, found: WindowMap) -> None:
        if rid == self.state.recording:
            self.drawn = rid, found
            self.scatter.chosen, self.scatter.current = np.zeros(0, np.int64), -1
            self._paint()
            self._say()

    def _paint(self) -> None:
        if self.drawn is None:
            return
        found, t = self.drawn[1], theme().tokens
        if self.shade.currentData() == "groups":
            shades = [t.classes[int(g) % len(t.classes)] for g in found.group]
        else:
            colors, track = self.colors(), self._ours()
            middles = (found.start_s + found.length_s / 2).tolist()
            shades = [colors.get(track.covering(m, m) or "", t.faint) for m in middles]
        self.scatter.show_points(found.points, shades)

    def _ours(self) -> Labels:
        found = self.state.open_recording
        return found.labels.get(reviewing.human_track(self.state), Labels()) if found else Labels()

    # --- choosing -----------------------------------------------------------------------------

    def _clicked(self, index: int) -> None:
        if self.drawn is not None:
            start = float(self.drawn[1].start_s[index])
            self.look_at(start, start + self.drawn[1].length_s)
            self._say()

    def stretches(self, name: str) -> Labels:
        """What is circled, as stretches."""
        if self.drawn is None:
            return Labels()
        found = self.drawn[1]
        return reviewing.stretches(found.start_s[self.scatter.chosen].tolist(), found.length_s, name)

    def _circled(self) -> None:
        """The timeline follows: what is circled is a track there, and the first of it comes into view."""
        self._say()
        made = self.stretches(EVENT)
        tracks: dict[str, Labels | None] = {TRACK: made if len(made) else None}
        rid = self.state.recording
        if self.attempt(lambda: reviewing.recommit(self.session, WHAT, rid, tracks)) and len(made):
            seen = self.bench.timeline.visible_s
            if not reviewing.within(made, *seen):
                self.look_at(made.segments[0].start_s, made.segments[0].stop_s)

    def choose_group(self) -> None:
        """Everything of the current window's group."""
        if self.drawn is not None and self.scatter.current >= 0:
            group = self.drawn[1].group
            self.scatter.choose(np.flatnonzero(group == group[self.scatter.current]).astype(np.int64))

    def name_chosen(self, name: str = "") -> None:
        """Label what is circled."""
        name = name or str(self.named_as.currentData() or EVENT)
        made = self.stretches(name)
        if not len(made):
            return
        ours, _ = reviewing.accepted(self._ours(), made, range(len(made)))
        what, target = f"Label {len(self.scatter.chosen)} windows {name}", reviewing.human_track(self.state)
        tracks: dict[str, Labels | None] = {target: ours, TRACK: None}
        if self.attempt(lambda: reviewing.commit(self.session, what, self.state.recording, tracks)):
            self.bench.say(what)
            self.scatter.chosen = np.zeros(0, np.int64)
            self._paint()
            self.tick()
            self._say()

    def keyPressEvent(self, event: Any) -> None:
        """A class key names what is circled; G circles a group."""
        name = self.class_keys().get(event.text().lower()) if event.text() else None
        plain = not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        if plain and name is not None and len(self.scatter.chosen):
            self.name_chosen(name)
        elif plain and event.key() == Qt.Key.Key_G:
            self.choose_group()
        else:
            super().keyPressEvent(event)
