"""What keys, menus and panels of the Label page do beyond one label: going places, tracks, rows, playing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from studio.app.session import Session
from studio.data.labels import Labels
from studio.data.onsets import Bursts
from studio.errors import DataError, InputError
from studio.ui.labels import jumps
from studio.ui.labels.arrange import STEP_PX
from studio.ui.labels.edit import Edit
from studio.ui.labels.group import CLIPBOARD, Group
from studio.ui.labels.paint import Brush
from studio.ui.labels.reaction import reaction_s
from studio.ui.labels.rows import name_of
from studio.ui.labels.timeline import Timeline
from studio.ui.media.playhead import Playhead

#: A stretch without a label counts from this length on.
SHORTEST_GAP_S = 0.05
#: What a person says who is not sure.
UNSURE = 0.5
#: Room that an event gets around it when it is jumped to, as a share of the view.
EVENT_VIEW = 0.25


@dataclass
class Desk:
    """The hands of the Label page. `rearrange()` lays the rows anew and remembers how they lie."""

    session: Session
    edit: Edit
    timeline: Timeline
    playhead: Playhead
    say: Callable[[str], None]
    show_error: Callable[[BaseException], None]
    rearrange: Callable[[], None]
    bursts: Mapping[str, Bursts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.group = Group(self.edit, self.here, CLIPBOARD)
        self.brush = Brush(self.edit, self.group, self.playhead, reaction_s)

    # --- places --------------------------------------------------------------------------

    def here(self) -> float:
        """The mouse when it is over the rows, else where playing stands."""
        at = self.edit.cursor_s
        return self.playhead.now_s if at is None or self.playhead.playing else at

    def go_to(self, time_s: float, until_s: float | None = None) -> None:
        """Put the line at a moment and bring it into view, up to `until_s`."""
        self.edit.cursor_s = None
        self.playhead.seek(time_s)
        self.timeline.reveal(time_s, time_s if until_s is None else until_s)
        self.edit.watch()

    def boundary(self, by: int) -> None:
        """To the next border."""
        at = jumps.boundary(self.edit.table, self.here(), by)
        self._went(at is not None, "border")
        if at is not None:
            self.go_to(at)

    def unlabelled(self, by: int) -> None:
        """To the next stretch without a label; it is marked."""
        shortest_s = max(SHORTEST_GAP_S, self.edit.sample_s)
        self._mark(
            jumps.unlabelled(self.edit.table, self.here(), by, self.edit.end_s, shortest_s), "unlabelled stretch"
        )

    def event(self, by: int) -> None:
        """To the next thing that stands out of the noise and has no label; it is marked."""
        found = [f for b in self.bursts.values() if (f := jumps.event(b, self.edit.table, self.here(), by)) is not None]
        best = min(found, key=lambda f: by * f[0], default=None)
        self._mark(best, "event")

    def uncertain(self, by: int) -> None:
        """To the next label whose maker was not sure; it is selected."""
        index = jumps.uncertain(self.edit.table, self.here(), by)
        self._went(index is not None, "uncertain label")
        if index is not None:
            self.edit.range_s = None
            self.edit.pick(index)
            self.go_to(*self._span(index))

    def step(self, by: int, more: bool = False) -> None:
        """Select the next label; with `more`, too."""
        edit = self.edit
        if more and edit.selected is not None:
            ends = edit.chosen_indices
            at = ends[-1] + 1 if by > 0 else ends[0] - 1
            if 0 <= at < len(edit.labels):
                edit.pick(edit.selected, (*ends, at))
        else:
            edit.range_s = None
            edit.step(by)
        if edit.selected is not None:
            self.timeline.reveal(*self._span(edit.selected))

    def mark(self, part: str) -> None:
        """An end of the marked stretch at the line."""
        at_s = self.edit.sample(self.here())
        a, b = self.edit.range_s or (at_s, at_s)
        a, b = (at_s, max(b, at_s)) if part == "start" else (min(a, at_s), at_s)
        a, b = (a, self.edit.end_s) if a == b and part == "start" else (0.0 if a == b else a, b)
        self.edit.range_s = (a, b) if b > a else None
        self.edit.watch()

    def _mark(self, stretch: jumps.Stretch | None, what: str) -> None:
        self._went(stretch is not None, what)
        if stretch is not None:
            self.edit.pick(None)
            self.edit.range_s = stretch
            left, right = self.timeline.visible_s
            if stretch[0] < left or stretch[1] > right:
                width = max(right - left, (stretch[1] - stretch[0]) / (1 - 2 * EVENT_VIEW))
                self.timeline.look_at(stretch[0] - EVENT_VIEW * width, stretch[0] + (1 - EVENT_VIEW) * width)
            self.edit.cursor_s = None
            self.playhead.seek(stretch[0])
            self.edit.watch()

    def _went(self, there: bool, what: str) -> None:
        if not there:
            self.say(f"No further {what}")

    def _span(self, index: int) -> tuple[float, float]:
        s = self.edit.labels.segments[index]
        return s.start_s, s.stop_s

    # --- one label -----------------------------------------------------------------------

    def unsure(self) -> None:
        """Not sure of the selected labels; again: sure."""
        edit = self.edit
        if edit.selected is not None:
            score = edit.labels.segments[edit.selected].score
            self.group.confidence(UNSURE if score >= jumps.SURE else 1.0)

    def escape(self) -> None:
        """Drop the drag, then the marked stretch, then the selection."""
        if self.edit.cancel():
            return
        if self.edit.range_s is not None:
            self.edit.range_s = None
            self.edit.watch()
            return
        self.edit.pick(None)

    def arrow(self, direction: int, part: str = "inside", far: bool = False) -> None:
        """Move the selected labels, or an edge of one, by a sample or ten; without a selection the view."""
        if self.edit.selected is None:
            self.timeline.pan(direction * (0.5 if far else 0.1))
        else:
            self.edit.nudge(direction * (10 if far else 1), part)

    # --- playing -------------------------------------------------------------------------

    def loop(self) -> None:
        """Play the marked stretch again and again; again: no longer."""
        self.playhead.set_loop(None if self.playhead.loop_s is not None else self.edit.marked_s)
        if (loop := self.playhead.loop_s) is not None:
            self.playhead.seek(loop[0])
            self.playhead.play()

    def step_line(self, seconds: float) -> None:
        """Move the line."""
        self.edit.cursor_s = None
        self.playhead.step(seconds)
        self.timeline.follow(self.playhead.time_s)

    # --- tracks --------------------------------------------------------------------------

    @property
    def tracks(self) -> list[str]:
        """The recording's tracks and the one that is edited, the person's own first."""
        found = self.session.state.open_recording
        return track_names(found.labels if found else {}, self.session.state.track)

    def pick_track(self, name: str) -> None:
        """Edit another track from now on."""
        if name != self.session.state.track:
            self.edit.settle()
            self.timeline.arrangement.hide(f"track:{name}", False)
            self.session.show(replace(self.session.state, track=name, selected=None, also=()))
            self.say(f"Track {name}")

    def next_track(self, by: int) -> None:
        """Edit the next of the shown tracks."""
        names = [name_of(k) for k in self.timeline.arrangement.shown(f"track:{t}" for t in self.tracks)]
        now = self.session.state.track
        at = names.index(now) if now in names else -1
        if names:
            self.pick_track(names[(at + by) % len(names)])

    def new_track(self, name: str) -> None:
        """An empty track, to be edited from now on."""
        name = name.strip()
        if not name or name in self.tracks:
            seen = "exists already" if name else "has no name"
            self.show_error(InputError(f"Track {name!r}", seen, "Choose another name, such as labels:ann."))
            return
        self._change(f"New track {name}", {name: Labels()})
        self.pick_track(name)

    def rename_track(self, old: str, new: str) -> None:
        """Another name for a track."""
        found, new = self.session.state.open_recording, new.strip()
        if found is None or not new or new == old:
            return
        if new in found.labels:
            self.show_error(InputError(f"Track {new!r}", "exists already", "Choose another name."))
            return
        self._change(f"Rename track {old} to {new}", {old: None, new: found.labels.get(old, Labels())})
        if self.session.state.track == old:
            self.pick_track(new)

    def delete_track(self, name: str) -> None:
        """Take a track away, with its labels."""
        if self.session.state.track == name:
            rest = [t for t in self.tracks if t != name]
            self.pick_track(rest[0] if rest else "labels")
        self._change(f"Delete track {name}", {name: None})

    def send(self, to: str, move: bool) -> None:
        """Copy or move the selected labels to another track, where they stand; what they cover there gives way."""
        found, chosen = self.session.state.open_recording, self.edit.chosen_indices
        if found is None or not chosen or to == self.session.state.track:
            return
        self.edit.settle()
        there = found.labels.get(to, Labels()).add_all(self.edit.labels.copy(chosen))
        tracks = {to: there} | ({self.session.state.track: self.edit.labels.without(chosen)} if move else {})
        self._change(f"{'Move' if move else 'Copy'} {len(chosen)} labels to {to}", tracks)

    def send_next(self, move: bool) -> None:
        """The same to the next shown track."""
        names = [name_of(k) for k in self.timeline.arrangement.shown(f"track:{t}" for t in self.tracks)]
        now = self.session.state.track
        if now in names and len(names) > 1:
            self.send(names[(names.index(now) + 1) % len(names)], move)

    def _change(self, what: str, tracks: Mapping[str, Labels | None]) -> None:
        try:
            self.session.set_tracks(what, self.session.state.recording, tracks)
            self.say(what)
        except DataError as e:
            self.show_error(e)

    # --- rows ----------------------------------------------------------------------------

    def move_row(self, by: int) -> None:
        """The current row up or down."""
        for group in (self.timeline.rows, self.timeline.strips):
            keys = [r.key for r in group]
            if self._row() in keys:
                self.timeline.arrangement.move(keys, self._row(), by)
                self.rearrange()
                return

    def resize_row(self, by: int) -> None:
        """The current row higher or lower."""
        for row in self.timeline.all_rows:
            if row.key == self._row():
                now_px = self.timeline.arrangement.heights.get(row.key, round(row.plot.size().height()))
                self.timeline.arrangement.resize(row.key, now_px + by * STEP_PX)
                self.timeline.apply_heights()
                self.rearrange()

    def hide_row(self) -> None:
        """Hide the current row; one row stays."""
        if len(self.timeline.all_rows) > 1 and self._row():
            self.timeline.arrangement.hide(self._row())
            self.rearrange()

    def show_rows(self) -> None:
        """All rows in view again."""
        self.timeline.arrangement.hidden.clear()
        self.rearrange()

    def _row(self) -> str:
        keys = [r.key for r in self.timeline.all_rows]
        return self.timeline.current if self.timeline.current in keys else (keys[0] if keys else "")

    def toggle_snap(self, kind: str, words: str) -> None:
        """Switch a kind of snapping."""
        self.say(f"Snap to {words.lower()}: {'on' if self.edit.snaps.toggle(kind) else 'off'}")


def track_names(labels: Mapping[str, Labels], edited: str) -> list[str]:
    """Tracks in the order of the strips: labels, other people's, then what machines said."""
    names = {*labels, edited}
    return sorted(names, key=lambda n: (n != "labels", not n.startswith("labels"), n))
