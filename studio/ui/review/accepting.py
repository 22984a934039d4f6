"""A list of proposed stretches that a person takes over into their track: one, those in view, or all, by key."""

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.app import reviewing
from studio.app.session import State
from studio.data.labels import Labels
from studio.ui.labels import classes
from studio.ui.labels.panels import Bench
from studio.ui.pages.base import Shell
from studio.ui.review.deciding import Deciding, fill
from studio.ui.review.stretches import Stretch, StretchList
from studio.ui.widgets import button, caption, columns, combo, heading, label

Key, Modifier = Qt.Key, Qt.KeyboardModifier
AS_PROPOSED = "as proposed"


class Accepting(Deciding):
    """Holds the track `track` of the open recording up for decision. Subclasses put their settings above."""

    def __init__(self, shell: Shell, bench: Bench, name: str) -> None:
        super().__init__(shell, bench, name)
        self.track = ""
        self.tally = label("", "small", wrap=True)
        tip = "Enter accepts, a class key accepts as that class, Backspace rejects"
        self.list = StretchList(f"{name}_list", "Proposed stretches", tip)
        self.list.at.connect(self._look)
        self.list.typed = self._typed
        none, shift, ctrl = Modifier.NoModifier, Modifier.ShiftModifier, Modifier.ControlModifier
        self.list.keys = {
            **{(k, none): self.accept for k in (Key.Key_Return, Key.Key_Enter)},
            **{(k, shift): self.accept_visible for k in (Key.Key_Return, Key.Key_Enter)},
            **{(k, ctrl): self.accept_all for k in (Key.Key_Return, Key.Key_Enter)},
            **{(k, none): self.reject for k in (Key.Key_Backspace, Key.Key_Delete)},
        }
        self.named_as = combo(f"{name}_class", "Accept as class", "The class that accepted stretches get")

    def add_list(self) -> None:
        """The list and its buttons, at the end of the panel."""
        self.body.addWidget(self.job)
        self.body.addWidget(heading("Proposed"))
        self.body.addWidget(self.tally)
        self.body.addLayout(caption("Accept as", self.named_as))
        self.body.addWidget(self.list, 1)
        self.body.addLayout(self._first_row())
        self.body.addLayout(self._second_row())

    def _first_row(self) -> QtWidgets.QHBoxLayout:
        accept = button(
            f"{self.name}_accept", "Accept", self.accept, icon="check", tip="Take this one over (Enter in the list)"
        )
        reject = button(
            f"{self.name}_reject", "Reject", self.reject, icon="x", tip="Drop this one (Backspace in the list)"
        )
        self._needs = [accept, reject]
        return columns(accept, reject)

    def _second_row(self) -> QtWidgets.QHBoxLayout:
        seen = button(
            f"{self.name}_accept_visible", "In view", self.accept_visible,
            tip="Accept all that lie in view (Shift+Enter in the list)",
        )  # fmt: skip
        every = button(
            f"{self.name}_accept_all", "All", self.accept_all, tip="Accept all of them (Ctrl+Enter in the list)"
        )
        clear = button(
            f"{self.name}_clear", "", self.clear, icon="trash", accessible="Remove all proposals",
            tip="Remove this track of proposals",
        )  # fmt: skip
        self._needs += [seen, every, clear]
        return columns(seen, every, clear)

    # --- following the session ----------------------------------------------------------------

    @property
    def proposals(self) -> Labels:
        """What is proposed in the open recording."""
        found = self.state.open_recording
        return found.labels.get(self.track, Labels()) if found else Labels()

    def follow(self, state: State) -> None:
        names = [c.name for c in classes.classes_of(state)]
        fill(self.named_as, [(AS_PROPOSED, ""), *((n, n) for n in names)])
        colors, track = self.colors(), self.proposals
        rows = [Stretch(s.start_s, s.stop_s, s.label, "", s.score, colors.get(s.label, "")) for s in track.segments]
        self.list.show_stretches(rows, max(self.list.row, 0))
        seconds = sum(s.stop_s - s.start_s for s in track.segments)
        n = len(track)
        many = f"{n} stretch{'' if n == 1 else 'es'}, {seconds:.1f} s in all"
        self.tally.setText(many if n else self.nothing())
        for one in self._needs:
            one.setEnabled(n > 0)

    def nothing(self) -> str:
        """What is said while there is no proposal."""
        return "Nothing proposed yet."

    def _look(self, row: int) -> None:
        if 0 <= row < len(self.proposals):
            s = self.proposals.segments[row]
            self.look_at(s.start_s, s.stop_s)

    # --- deciding -------------------------------------------------------------------------------

    def accept(self) -> None:
        """The current one."""
        if self.list.row >= 0:
            self._take([self.list.row], self.named_as.currentData() or "")

    def accept_visible(self) -> None:
        """Those that lie in view."""
        self._take(reviewing.within(self.proposals, *self.bench.timeline.visible_s), self.named_as.currentData() or "")

    def accept_all(self) -> None:
        """Every one."""
        self._take(list(range(len(self.proposals))), self.named_as.currentData() or "")

    def _typed(self, text: str) -> bool:
        """A class key accepts the current one as that class."""
        name = self.class_keys().get(text.lower())
        if name is None or self.list.row < 0:
            return False
        self._take([self.list.row], name)
        return True

    def _take(self, rows: list[int], name: str) -> None:
        found = self.state.open_recording
        if not rows or found is None:
            self.bench.say("Nothing to accept here.")
            return
        target, row = reviewing.human_track(self.state), rows[0]
        ours, left = reviewing.accepted(found.labels.get(target, Labels()), self.proposals, rows, name)
        what = f"Accept {len(rows)} proposal{'' if len(rows) == 1 else 's'}"
        self._decide(what, {target: ours, self.track: left}, row)

    def reject(self) -> None:
        """Drop the current one."""
        row = self.list.row
        if row >= 0:
            self._decide("Reject proposal", {self.track: self.proposals.without([row])}, row)

    def clear(self) -> None:
        """Without any proposal."""
        self._decide("Remove proposals", {self.track: None}, 0)

    def _decide(self, what: str, tracks: dict[str, Labels | None], row: int) -> None:
        if not tracks[self.track]:
            tracks[self.track] = None  # nothing is left to decide: no empty track stays behind
        if self.attempt(lambda: reviewing.commit(self.session, what, self.state.recording, tracks)):
            self.bench.say(what)
            self.tick()
            self.list.choose(row)
            self._look(self.list.row)
