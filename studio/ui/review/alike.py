"""Find alike: everything in the recording that looks like the selected labels, or like the marked stretch."""

from typing import Any

from studio.app import reviewing
from studio.app.session import State
from studio.data.labels import Labels, Segment
from studio.errors import DataError, StudioError
from studio.learn.propose.alike import Alike, Likeness
from studio.learn.propose.proposer import EVENT
from studio.ui.forms import Form
from studio.ui.labels.panels import Bench
from studio.ui.pages.base import Shell
from studio.ui.review.accepting import Accepting
from studio.ui.review.deciding import fill
from studio.ui.review.proposals import CALM_BEATS
from studio.ui.widgets import button, caption, columns, combo, label

WHAT = "Find alike"


class FindAlike(Accepting):
    """The examples are what is selected; the likeness asked for can be turned while one looks."""

    def __init__(self, shell: Shell, bench: Bench) -> None:
        super().__init__(shell, bench, "alike")
        self.track = f"{reviewing.PROPOSED}alike"
        self.stream = combo("alike_stream", "Stream", "Where likeness is looked for")
        self.form = Form(Alike(), "alike", columns=2)
        self.form.changed.connect(self._changed)
        self.go = button(
            "alike_find", "Find alike", self.find, icon="zoom-check", kind="primary", shortcut="Ctrl+Shift+F",
            tip="Find what looks like the selected labels or the marked stretch",
        )  # fmt: skip
        self.go_all = button(
            "alike_find_all", "In all", self.find_everywhere, tip="Look for them in every recording of the project"
        )
        self.examples = label("", "small", wrap=True)
        self._measured: tuple[Any, str, Likeness] | None = None
        self._turned = 0
        self.body.addWidget(self.examples)
        self.body.addLayout(caption("Stream", self.stream))
        self.body.addWidget(self.form)
        self.body.addLayout(columns(self.go, self.go_all))
        self.add_list()

    def chosen(self) -> list[Segment]:
        """The examples: selected labels, else the marked stretch, called by what covers it."""
        state = self.state
        indices = sorted({*state.also, *([] if state.selected is None else [state.selected])})
        known = state.labels.segments
        labels = [known[i] for i in indices if i < len(known) and not known[i].is_point]
        marked = self.bench.timeline.marked_s
        if labels or marked is None:
            return labels
        name = state.labels.covering(*marked) or EVENT
        return [Segment(*marked, name)]

    def follow(self, state: State) -> None:
        fill(self.stream, [(s, s) for s in self.streams()])
        super().follow(state)
        self.started()

    def started(self) -> None:
        for one in (self.go, self.go_all):
            one.setEnabled(not self.busy and self.stream.count() > 0)

    def nothing(self) -> str:
        return "Nothing found yet."

    def tick(self) -> None:
        super().tick()
        found = self.chosen()
        names = ", ".join(sorted({s.label for s in found}))
        many = f"{len(found)} example{'' if len(found) == 1 else 's'}: {names}"
        words = many if found else "Select one label or several, or mark a stretch: it is the example."
        if words != self.examples.text():
            self.examples.setText(words)
        if self._turned:
            self._turned -= 1
            if not self._turned:
                self._live()

    def _changed(self) -> None:
        self._turned = CALM_BEATS

    def _read(self) -> Alike | None:
        try:
            how: Alike = self.form.value()
        except StudioError as e:
            self.shell.show_error(e)
            return None
        return how

    def _asked(self) -> tuple[Any, ...]:
        """What both ways of finding need; empty when something is missing (the banner says what)."""
        project, found, how = self.state.project, self.chosen(), self._read()
        if project is None or how is None:
            return ()
        if not found:
            step = "Select a label, or mark a stretch of the recording, then repeat."
            self.shell.show_error(DataError("Find alike", "nothing is selected", step))
            return ()
        return project.path, self.state.recording, self.stream.currentData(), how, tuple(found)

    def find(self) -> None:
        """Compare the whole recording with the examples."""
        if args := self._asked():
            key, name = (args[1], args[2], args[3].way), args[4][0].label
            self.start("Comparing", "studio.app.proposals:alike", args, lambda found: self._got(key, name, found))

    def find_everywhere(self) -> None:
        """Compare every recording of the project with the examples."""
        if args := self._asked():
            target, name = "studio.app.proposals:alike_everywhere", args[4][0].label
            self.start("Comparing all recordings", target, (*args, name), self._got_all)

    def _got_all(self, found: dict[str, Labels]) -> None:
        """A track of finds in each recording, without what is labelled there already: one step."""
        ours, known = reviewing.human_track(self.state), {r.id: r.labels for r in self.state.recordings}
        fresh = {rid: reviewing.news(t, known[rid].get(ours, Labels())) for rid, t in found.items() if rid in known}
        what = "Find alike in all recordings"
        if self.attempt(lambda: reviewing.commit_machine(self.session, what, self.track, fresh)):
            n, of = sum(map(len, fresh.values())), sum(bool(len(t)) for t in fresh.values())
            self.bench.say(f"{n} more like this in {of} recordings")
            self.super_tick()

    def _got(self, key: Any, name: str, likeness: Likeness) -> None:
        self._measured = key, name, likeness
        self._live()

    def _live(self) -> None:
        """What is like enough, of what was measured."""
        how, found = self._read(), self.state.open_recording
        if how is None or self._measured is None or found is None:
            return
        key, name, likeness = self._measured
        if key != (found.id, self.stream.currentData(), how.way):
            return
        known = found.labels.get(reviewing.human_track(self.state), Labels())
        fresh = reviewing.news(how.pick(likeness, name), known)
        if self.attempt(lambda: reviewing.recommit(self.session, WHAT, found.id, {self.track: fresh or None})):
            self.bench.say(f"{len(fresh)} more like this")
            self.super_tick()

    def super_tick(self) -> None:
        """Show the list as it is now."""
        Accepting.tick(self)
