"""Live: what the model on the board answers, while it answers."""

import numpy as np
from PySide6 import QtWidgets

from studio.app.live import Connection
from studio.app.session import State
from studio.app.telling import VALUE, value_text
from studio.data.project import with_classes
from studio.data.stream import Ring
from studio.data.wire import FAULT, BoardModel
from studio.ui.pages.base import Page, Shell
from studio.ui.parts.scores import Decision, ScoreBars
from studio.ui.plots.decisions import DecisionItem
from studio.ui.plots.live import LivePlots
from studio.ui.theme import theme
from studio.ui.training.models import models_of
from studio.ui.widgets import Card, EmptyState, button, columns

SECONDS = 60.0
LANE_PIXELS, AXIS_PIXELS = 24, 76


class AnswerPlots(LivePlots):
    """The model's input over the last minute, and below it what the board decided."""

    def __init__(self) -> None:
        super().__init__(SECONDS, spectrograms=False, axis_width=AXIS_PIXELS)
        self._decisions: DecisionItem | None = None

    def show_values(self, source: Ring, values: Ring) -> None:
        """Plot `source`, and below it the numbers that the board tells."""
        self._decisions = None
        self.show_rings({source.stream.name: source}, last=False)
        self._add(values, last=True)

    def show_answers(self, source: Ring, decisions: Ring, model: BoardModel, colors: list[str]) -> None:
        """Plot `source` with the blocks of `decisions` under it."""
        self._decisions = None
        self.show_rings({source.stream.name: source}, last=False)
        self.add_header("Decisions", note=f"last {SECONDS:.0f} s")
        n = len(model.classes)
        plot = self._time_plot(stretch=0, show_time=True)
        plot.setFixedHeight(LANE_PIXELS * n + 28)
        plot.setYRange(0, n, padding=0)
        ticks = [(n - i - 0.5, short(name)) for i, name in enumerate(model.classes)]
        plot.getAxis("left").setTicks([ticks, []])
        head, rate_hz = self.traces[0].head, source.stream.rate_hz
        self._decisions = DecisionItem(decisions, model.length, model.stride, rate_hz, head, colors)
        plot.addItem(self._decisions, ignoreBounds=True)

    def tick(self) -> None:
        """Show what came."""
        super().tick()
        if self._decisions is not None:
            self._decisions.tick()


class LivePage(Page):
    """Decision and scores on top, sensor and decisions over the last minute below."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.decision, self.bars, self.plots = Decision(), ScoreBars(), AnswerPlots()
        self._shown: tuple[Connection, BoardModel] | None = None
        self._rings: tuple[Ring, Ring] | None = None
        self._seen, self._unit = -1, ""
        connect = button(
            "go_capture_from_live", "Connect a board", lambda: shell.go("capture"), icon="plug", kind="primary"
        )
        deploy = button("go_deploy_from_live", "Deploy a model", lambda: shell.go("deploy"), icon="cpu", kind="primary")
        self._no_device = EmptyState(
            "broadcast", "No board is connected", "Connect a board that runs a model.", connect
        )
        sentence = "This board streams its sensors, but its firmware holds no model yet. Build one and flash it."
        self._no_model = EmptyState("brain", "No model on this board", sentence, deploy)
        self._view = QtWidgets.QStackedWidget()
        for view in (self._no_device, self._no_model, self._answers()):
            self._view.addWidget(view)
        self.setLayout(columns(self._view))
        theme().changed.connect(self._again)

    def _answers(self) -> QtWidgets.QWidget:
        self.scores = Card("Scores")
        self.scores.body.addWidget(self.bars, 1)
        top = columns(self.decision, self.scores, spacing=14)
        top.setStretch(1, 1)
        top.addStretch()
        top.setContentsMargins(18, 16, 18, 14)
        below = QtWidgets.QFrame()
        below.setProperty("kind", "plots")
        inside = QtWidgets.QVBoxLayout(below)
        inside.setContentsMargins(12, 4, 0, 0)
        inside.addWidget(self.plots)
        self._all = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(self._all)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(below, 1)
        return self._all

    def changed(self, old: State, new: State) -> None:
        """Another project may colour the classes otherwise."""
        if old.project is not new.project:
            self._again()

    def _again(self) -> None:
        self._shown = None

    def tick(self) -> None:
        """The device may have changed; scores may have come."""
        connection = self.shell.device.connection
        hello = connection.hello if connection is not None else None
        gone = self.shell.device.state in ("idle", "lost", "closed")
        if gone or connection is None or hello is None or not connection.rings:
            self._view.setCurrentWidget(self._no_device)
        elif hello.model is None:
            self._view.setCurrentWidget(self._no_model)
        else:
            self._view.setCurrentWidget(self._all)
            self._follow(connection, hello.model)
            self._show_answer(hello.model)
            self.bars.tick()
            self.plots.tick()

    def _follow(self, connection: Connection, model: BoardModel) -> None:
        if self._shown is not None and self._shown[0] is connection and self._shown[1] is model:
            return
        names = connection.hello.channels
        source, scores, decisions = (
            connection.rings[names[i].name] for i in (model.input_id, model.scores_id, model.decision_id)
        )
        self._shown, self._rings, self._seen = (connection, model), (scores, decisions), -1
        self._colors = colors_of(model.classes, self.shell.session.state)
        self.decision.say("–", "", "Waiting for the first window")
        self.scores.setVisible(model.classes != (VALUE,))
        if model.classes == (VALUE,):
            self._unit = unit_of(self.shell.session.state)
            self.plots.show_values(source, scores)
            return
        self.bars.show_classes(model.classes, tuple(self._colors))
        self.plots.show_answers(source, decisions, model, self._colors)

    def _show_answer(self, model: BoardModel) -> None:
        scores, decisions = self._rings
        if scores.end == self._seen or not scores.end:
            return
        self._seen = scores.end
        _, chosen = decisions.since(decisions.end - 1)
        if len(chosen) and chosen[-1, 0] == FAULT:
            words = "The sensor is more than 5 % off the rate that the model was trained for. Answers are withheld."
            self.decision.say("Wrong rate", theme().tokens.danger, words)
            return
        _, newest = scores.since(scores.end - 1)
        if not len(newest) or np.isnan(newest).any():
            return
        told = f"answer {scores.end} · {scores.stream.rate_hz:.2g} per second"
        if model.classes == (VALUE,):
            self.decision.say(value_text(newest[-1, 0], self._unit), theme().tokens.accent, told)
            return
        self.bars.show_scores(newest[-1])
        best = int(chosen[-1, 0]) if len(chosen) and np.isfinite(chosen[-1, 0]) else -1
        words = f"{newest[-1].max():.0%} sure · {told}"
        if best < 0:
            self.decision.say("", "", words)
        else:
            self.decision.say(model.classes[best], self._colors[best], words)


def unit_of(state: State) -> str:
    """The unit of numbers, which a board does not tell: of the chosen model, else of the newest that tells one."""
    found = [m for m in models_of(state.project) if m.classes == (VALUE,)]
    chosen = next((m for m in found if m.id == state.model), found[0] if found else None)
    return "" if chosen is None else str(chosen.document.get("lock", {}).get("unit", ""))


def colors_of(classes: tuple[str, ...], state: State) -> list[str]:
    """Colour of each class: the project's, so that Label and Live agree; a free one for a class it does not know."""
    known = with_classes(state.project.classes if state.project is not None else (), classes)
    return [next(c.color for c in known if c.name == name) for name in classes]


def short(name: str) -> str:
    """A class name that fits beside its lane."""
    return name if len(name) <= 11 else name[:10] + "…"
