"""Proposals: a method and its parameters find stretches worth labelling; a threshold that is turned acts at once."""

from dataclasses import fields, replace
from typing import Any

from PySide6 import QtWidgets

from studio.app import models, reviewing
from studio.app.proposals import SURENESS
from studio.app.session import State
from studio.data.labels import Labels
from studio.errors import StudioError
from studio.learn.propose import PROPOSERS
from studio.learn.propose.proposer import Curve, Proposer
from studio.ui.forms import Form
from studio.ui.labels.panels import Bench
from studio.ui.pages.base import Shell
from studio.ui.review.accepting import Accepting
from studio.ui.review.deciding import fill
from studio.ui.widgets import button, caption, columns, combo

#: Beats between a turn of a threshold and what it shows.
CALM_BEATS = 4


class Proposals(Accepting):
    """Method, stream, form; then the list."""

    def __init__(self, shell: Shell, bench: Bench) -> None:
        super().__init__(shell, bench, "proposals")
        self._measured: tuple[Any, Curve] | None = None
        self._chosen: dict[str, Proposer] = {name: kind() for name, kind in PROPOSERS.items()}
        self._turned = 0
        self.form: Form | None = None
        self.method = combo("proposals_method", "Method", "How stretches are found")
        self.stream = combo("proposals_stream", "Stream", "Where they are looked for")
        self.sureness = combo("proposals_sureness", "Measure of sureness", "How sure a model is of each answer")
        self.stream.setMinimumContentsLength(3)
        for way in SURENESS:
            self.sureness.addItem(way.capitalize(), way)
        self.go = button(
            "proposals_find", "Propose", self.find, icon="wand", kind="primary", shortcut="Ctrl+Shift+E",
            tip="Look for stretches with this method",
        )  # fmt: skip
        self.teach = button(
            "proposals_learn", "Learn", self.learn, icon="brain",
            tip="Find the parameters that meet the labels of this recording best",
        )  # fmt: skip
        self._place = QtWidgets.QVBoxLayout()
        self._place.setContentsMargins(0, 0, 0, 0)
        self._build()

    def _build(self) -> None:
        chosen = columns()
        chosen.addLayout(caption("Method", self.method), 3)
        chosen.addLayout(caption("Stream", self.stream), 2)
        self.body.addLayout(chosen)
        self.body.addLayout(self._place)
        self.body.addWidget(self.sureness)
        self.body.addLayout(columns(self.go, self.teach))
        self.add_list()
        self.method.currentIndexChanged.connect(lambda _: self._another())
        self._methods([])
        self._another()

    def _methods(self, known: list[str]) -> None:
        rows = [(kind.title, name) for name, kind in PROPOSERS.items()]
        fill(self.method, rows + [(f"Model {m}", f"model:{m}") for m in known])

    # --- method and form -------------------------------------------------------------------

    @property
    def model(self) -> str:
        """The model that is asked, "" when a method looks at the signal."""
        kind, _, name = str(self.method.currentData()).partition(":")
        return name if kind == "model" else ""

    def _another(self) -> None:
        """Another method: its form, its track."""
        chosen = str(self.method.currentData())
        while item := self._place.takeAt(0):
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        self.form = None
        if not self.model:
            self.form = Form(self._chosen[chosen], f"proposals_{chosen}", columns=2)
            self.form.changed.connect(self._changed)
            self._place.addWidget(self.form)
        self.track = f"{reviewing.PREDICTED}{self.model}" if self.model else f"{reviewing.PROPOSED}{chosen}"
        self.method.setToolTip("Its generated C runs over the recording" if self.model else _words(PROPOSERS[chosen]))
        self.sureness.setVisible(bool(self.model))
        self.teach.setVisible(not self.model)
        self._seen = None
        self.tick()

    def _changed(self) -> None:
        self._turned = CALM_BEATS

    def _read(self) -> Proposer | None:
        """The method as filled in; None when a value is outside its range (the banner says which)."""
        if self.form is None:
            return None
        try:
            method: Proposer = self.form.value()
        except StudioError as e:
            self.shell.show_error(e)
            return None
        self._chosen[method.name] = method
        return method

    # --- finding ---------------------------------------------------------------------------

    def tick(self) -> None:
        super().tick()
        if self._turned:
            self._turned -= 1
            if not self._turned:
                self._live()

    def follow(self, state: State) -> None:
        fill(self.stream, [(s, s) for s in self.streams()])
        known = models.ids(state.project) if state.project is not None else []
        self._methods(known)
        super().follow(state)
        self.started()

    def started(self) -> None:
        for one in (self.go, self.teach):
            one.setEnabled(not self.busy and self.stream.count() > 0)

    def nothing(self) -> str:
        return "Nothing proposed yet. Ctrl+Shift+E looks for stretches."

    def _live(self) -> None:
        """A parameter was turned: at once when what was measured still holds, else it is measured anew."""
        if self._measured is None or not self.track.startswith(reviewing.PROPOSED):
            return
        method = self._read()
        if method is not None and self._measured[0] == self._key(method):
            self._show(method, self._measured[1])
        elif method is not None and self.track in self._tracks():
            self.find()

    def _tracks(self) -> dict[str, Labels]:
        found = self.state.open_recording
        return dict(found.labels) if found else {}

    def _key(self, method: Any) -> Any:
        """What a measurement depends on: the recording, the stream, and all params but the live ones."""
        plain = replace(method, **{f.name: f.default for f in fields(method) if f.name in method.live})
        return self.state.recording, self.stream.currentData(), plain

    def find(self) -> None:
        """Look for stretches."""
        project, rid = self.state.project, self.state.recording
        if project is None or not rid:
            return
        if self.model:
            args = (project.path, self.model, rid, self.sureness.currentData())
            self.start("Asking the model", "studio.app.proposals:predict", args, lambda f: self._predicted(rid, *f))
            return
        method = self._read()
        if method is not None:
            key, args = self._key(method), (project.path, rid, self.stream.currentData(), method)
            self.start("Measuring", "studio.app.proposals:measure", args, lambda c: self._got(key, c))

    def _got(self, key: Any, curve: Curve) -> None:
        self._measured = key, curve
        method = self._read()
        if method is not None and key == self._key(method):
            self._show(method, curve)
        elif method is not None and key[0] == self.state.recording:
            self.find()  # a parameter was turned meanwhile

    def _show(self, method: Proposer, curve: Curve) -> None:
        """The proposals of one setting: a preview that moves is one step of undo."""
        found = self.state.open_recording
        if found is not None:
            known = found.labels.get(reviewing.human_track(self.state), Labels())
            self._preview(found.id, reviewing.news(method.pick(curve), known))

    def _predicted(self, rid: str, track: str, labels: Labels) -> None:
        self.track = track
        self._preview(rid, labels)

    def _preview(self, rid: str, labels: Labels) -> None:
        what = f"Propose: {self.method.currentText()}"
        if self.attempt(lambda: reviewing.recommit(self.session, what, rid, {self.track: labels or None})):
            self.bench.say(f"{len(labels)} proposed")
            self.tick()

    def learn(self) -> None:
        """The parameters that meet the labels of this recording best."""
        project, method = self.state.project, self._read()
        if project is None or method is None:
            return
        track = reviewing.human_track(self.state)
        args = (project.path, (self.state.recording,), self.stream.currentData(), method, track)
        self.start("Learning", "studio.app.proposals:learn", args, lambda found: self._learned(*found))

    def _learned(self, method: Proposer, met: Any) -> None:
        self._chosen[method.name] = method
        self._another()
        self.bench.say(f"On your labels this finds {met.hits} of {met.true} with {met.proposed} proposals")
        self.find()


def _words(kind: type[Proposer]) -> str:
    """The first sentence of a method's description."""
    return (kind.__doc__ or "").partition("\n")[0].strip()
