"""The review queue: what a model is unsure of, labels that are probably wrong, and where labels and model differ.

What is left to decide is always worked out from the tracks as they are, so undo brings a decision back by itself.
"""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt

from studio.app import models, reviewing
from studio.app.proposals import SURENESS
from studio.app.reviewing import Doubt
from studio.app.session import State
from studio.data.agreement import NOTHING
from studio.data.labels import Labels
from studio.ui.labels.panels import Bench
from studio.ui.pages.base import Shell
from studio.ui.review.deciding import Deciding, fill
from studio.ui.review.stretches import Stretch, StretchList
from studio.ui.widgets import button, caption, columns, combo, heading, label

Key, Modifier = Qt.Key, Qt.KeyboardModifier
UNSURE, SUSPECTS, DIFFER = "unsure", "suspects", "differ"
SOURCES = (
    ("Least sure answers", UNSURE),
    ("Labels probably wrong", SUSPECTS),
    ("Where label and model differ", DIFFER),
)
WORDS = {
    UNSURE: "A model answers along this recording; the least sure answers come first.",
    SUSPECTS: "All labels of the project, judged by a forest that has not seen them.",
    DIFFER: "Labelled stretches where the model says something else.",
}


class Review(Deciding):
    """Choose what to review; then Enter takes the suggestion, a class key says another, Backspace keeps."""

    def __init__(self, shell: Shell, bench: Bench) -> None:
        super().__init__(shell, bench, "review")
        self.rows: list[dict[str, Any]] = []
        self.doubts: list[Doubt] = []
        self.source = combo("review_source", "What to review", "What comes into the queue")
        for text, value in SOURCES:
            self.source.addItem(text, value)
        self.model = combo("review_model", "Model", "Whose answers are reviewed")
        self.sureness = combo("review_sureness", "Measure of sureness", "By what answers are put in order")
        for way in SURENESS:
            self.sureness.addItem(way.capitalize(), way)
        self.words, self.tally = label("", "small", wrap=True), label("", "small", wrap=True)
        self.go = button(
            "review_fill", "Fill queue", self.fill_queue, icon="list-check", kind="primary", shortcut="Ctrl+Shift+R",
            tip="Find what is worth a look",
        )  # fmt: skip
        self.list = StretchList(
            "review_list", "Review queue", "Enter takes the suggestion, a class key says another, Backspace keeps"
        )
        self.list.at.connect(lambda _: self._look())
        self.list.typed = self._typed
        self.list.keys = {
            **{(k, Modifier.NoModifier): self.accept for k in (Key.Key_Return, Key.Key_Enter)},
            **{(k, Modifier.NoModifier): self.reject for k in (Key.Key_Backspace, Key.Key_Delete)},
        }
        self._build()

    def _build(self) -> None:
        self.body.addLayout(caption("Review", self.source))
        self.body.addWidget(self.words)
        self._models = columns()
        self._models.addLayout(caption("Model", self.model), 1)
        self._models.addLayout(caption("Sureness", self.sureness), 1)
        self.body.addLayout(self._models)
        row = columns(self.go)
        self.body.addLayout(row)
        self.body.addWidget(self.job)
        self.body.addWidget(heading("Queue"))
        self.body.addWidget(self.tally)
        self.body.addWidget(self.list, 1)
        self.take = button("review_accept", "Accept", self.accept, icon="check", tip="Take the suggestion (Enter)")
        self.keep = button("review_reject", "Keep", self.reject, icon="x", tip="Leave it as it is (Backspace)")
        self.body.addLayout(columns(self.take, self.keep))
        self.source.currentIndexChanged.connect(lambda _: self._another())
        self._another()

    # --- following ----------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """What is reviewed."""
        return str(self.source.currentData())

    @property
    def track(self) -> str:
        """The model's track."""
        return f"{reviewing.PREDICTED}{self.model.currentData() or ''}"

    def _another(self) -> None:
        self.words.setText(WORDS[self.kind])
        for i in range(self._models.count()):
            for k in range(self._models.itemAt(i).layout().count()):
                self._models.itemAt(i).layout().itemAt(k).widget().setVisible(self.kind != SUSPECTS)
        self.keep.setToolTip("Drop the answer (Backspace)" if self.kind == UNSURE else "Keep the label (Backspace)")
        self._seen = None
        self.tick()

    def follow(self, state: State) -> None:
        fill(self.model, [(m, m) for m in (models.ids(state.project) if state.project else [])])
        self.doubts = self._left(state)
        colors, row = self.colors(), max(self.list.row, 0)
        lines = [_line(d, colors, state.recording, self.kind) for d in self.doubts]
        self.list.show_stretches(lines, row)
        self.tally.setText(f"{len(lines)} to look at" if lines else "The queue is empty.")
        self.take.setEnabled(bool(lines))
        self.keep.setEnabled(bool(lines))
        self.started()

    def _left(self, state: State) -> list[Doubt]:
        """What is still to be decided, in order."""
        if self.kind == SUSPECTS:
            return reviewing.still_doubtful(self.rows, state, reviewing.human_track(state))
        found = state.open_recording
        if found is None or self.track not in found.labels:
            return []
        if self.kind == DIFFER:
            return reviewing.disagreements(found, reviewing.human_track(state), self.track, reviewing.TOLERANCE_S)
        return reviewing.uncertain(found, self.track)

    def started(self) -> None:
        ready = self.kind == SUSPECTS or self.model.count() > 0
        self.go.setEnabled(not self.busy and ready and self.state.project is not None)

    def fill_queue(self) -> None:
        """Do the work that the queue needs."""
        project, rid = self.state.project, self.state.recording
        if project is None:
            return
        if self.kind == SUSPECTS:
            args: tuple[Any, ...] = (project.path, reviewing.human_track(self.state))
            self.start("Judging labels", "studio.app.suspects:suspects", args, self._judged)
        elif rid:
            args = (project.path, str(self.model.currentData()), rid, self.sureness.currentData())
            self.start("Asking the model", "studio.app.proposals:predict", args, lambda f: self._predicted(rid, *f))

    def _judged(self, found: dict[str, Any]) -> None:
        self.rows = found["labels"]
        flagged = sum(row["flagged"] for row in self.rows)
        short = found.get("unjudged", 0)
        left_out = f"; {short} are too short to judge" if short else ""
        self.bench.say(f"{flagged} of {len(self.rows)} labels are probably wrong{left_out}")
        self._again(0)

    def _predicted(self, rid: str, track: str, labels: Labels) -> None:
        what = f"Predict with {track.partition(':')[2]}"
        if self.attempt(lambda: reviewing.recommit(self.session, what, rid, {track: labels})):
            self._again(0)

    def _again(self, row: int) -> None:
        self._seen = None
        self.tick()
        self.list.choose(row)
        self._look()

    # --- deciding -----------------------------------------------------------------------------

    @property
    def current(self) -> Doubt | None:
        """What is to be decided now."""
        return self.doubts[self.list.row] if 0 <= self.list.row < len(self.doubts) else None

    def _look(self) -> None:
        doubt = self.current
        if doubt is not None:
            self.look_at(doubt.start_s, doubt.stop_s, doubt.recording)

    def accept(self) -> None:
        """Take the suggestion."""
        if self.current is not None:
            self._say(self.current, self.current.suggested)

    def _typed(self, text: str) -> bool:
        name = self.class_keys().get(text.lower())
        if name is None or self.current is None:
            return False
        self._say(self.current, name)
        return True

    def _say(self, doubt: Doubt, name: str) -> None:
        """The person says what this stretch is."""
        what = "Say nothing here" if name == NOTHING else f"Say {name}"

        def decided(ours: Labels, theirs: Labels) -> dict[str, Labels | None]:
            after = reviewing.relabelled(ours, doubt, name)
            if self.kind == SUSPECTS:
                kept = name == doubt.said
                return {self._ours: reviewing.kept_as_it_is(ours, doubt) if kept else after}
            if self.kind == DIFFER:
                return {self._ours: after, self.track: reviewing.relabelled(theirs, doubt, name)}
            return {self._ours: after, self.track: reviewing.without(theirs, doubt)}

        self._decide(what, doubt, decided)

    def reject(self) -> None:
        """Keep the label that is there; an answer of a model goes."""
        doubt = self.current
        if doubt is None:
            return

        def decided(ours: Labels, theirs: Labels) -> dict[str, Labels | None]:
            if self.kind == SUSPECTS:
                return {self._ours: reviewing.kept_as_it_is(ours, doubt)}
            if self.kind == DIFFER:
                return {self.track: reviewing.relabelled(theirs, doubt, doubt.said)}
            return {self.track: reviewing.without(theirs, doubt)}

        self._decide("Drop the model's answer" if self.kind != SUSPECTS else f"Keep {doubt.said}", doubt, decided)

    @property
    def _ours(self) -> str:
        return reviewing.human_track(self.state)

    def _decide(self, what: str, doubt: Doubt, how: Callable[[Labels, Labels], dict[str, Labels | None]]) -> None:
        row = self.list.row

        def act() -> None:
            found = reviewing.recording_of(self.state, doubt.recording)
            tracks = how(found.labels.get(self._ours, Labels()), found.labels.get(self.track, Labels()))
            reviewing.commit(self.session, what, doubt.recording, tracks)

        if self.attempt(act):
            self.bench.say(what)
            self._again(row)


def _line(d: Doubt, colors: dict[str, str], open_recording: str, kind: str) -> Stretch:
    where = d.recording if d.recording != open_recording else ""
    other = "" if d.suggested == d.said or kind == UNSURE else d.suggested
    score = None if kind == DIFFER else d.score
    return Stretch(d.start_s, d.stop_s, d.said, other, score, colors.get(d.said, ""), where)
