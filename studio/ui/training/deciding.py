"""How a model decides along time: the curve of false alarms against misses, and the parameters behind a point of it."""

from collections.abc import Callable
from dataclasses import field, fields, make_dataclass, replace
from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.errors import StudioError
from studio.graph.ops.decide import Decide, decide_of, even
from studio.learn.confidence import most_rate
from studio.ui.forms import Form
from studio.ui.theme import theme
from studio.ui.training.alarms import AlarmPlot
from studio.ui.training.thresholds import Thresholds
from studio.ui.widgets import Card, Stat, button, columns, label, rows

COUNTS = ("average", "mean", "least", "quiet")
NAMES = {"average": "Average over", "mean": "Mean", "least": "In a row", "quiet": "Quiet after"}
FIGURES = ("False alarms / h", "Events found", "Precision", "Found after")
Judge = Callable[[Decide, Callable[[Any], None]], None]


class Deciding(QtWidgets.QWidget):
    """`show_model`, then the person chooses; `applied` carries the decision (None: each window alone).

    `judge(decide, then)` works out what a decision comes to on recordings not learned from, and calls `then` with it.
    """

    applied = QtCore.Signal(object)

    def __init__(self, judge: Judge, test_again: Callable[[], object]) -> None:
        super().__init__()
        self._judge = judge
        self._classes: tuple[str, ...] = ()
        self._kept: dict[str, Any] | None = None
        self._asked = 0
        self.plot, self.thresholds = AlarmPlot(), Thresholds()
        self.stats = {name: Stat(name) for name in FIGURES}
        self.counted, self.state = label("", "small", wrap=True), label("", "small", wrap=True)
        self.counted.setObjectName("decide_counted")
        self.state.setObjectName("decide_state")
        self.form = _form()
        self.apply = button(
            "decide_apply", "Apply", self._apply, icon="check", kind="primary", shortcut="Ctrl+Shift+Return",
            tip="The model decides so from now on; it is not trained again, and Undo takes it back",
        )  # fmt: skip
        self.off = button(
            "decide_off", "Each window alone", lambda: self.show_decide(even(len(self._classes))),
            shortcut="Ctrl+Shift+0", tip="Turn averaging, thresholds, patience and quiet off",
        )  # fmt: skip
        self.again = button(
            "decide_test", "Test again", test_again, icon="refresh", shortcut="Ctrl+Shift+E",
            tip="Run the test part with this decision; it counts as a look at the test",
        )  # fmt: skip
        self._build()
        self.plot.picked.connect(self._picked)
        self.form.changed.connect(self._turned)
        self.thresholds.changed.connect(self._turned)

    def _build(self) -> None:
        figures = columns(*self.stats.values(), spacing=28)
        figures.addStretch()
        curve = Card("False alarms against misses")
        curve.body.addLayout(figures)
        curve.body.addWidget(self.counted)
        curve.body.addWidget(self.plot, 1)
        self.legend = label("", "small", wrap=True)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        curve.body.addWidget(self.legend)
        theme().changed.connect(self._show_legend)
        self._show_legend()
        settings = Card("How it decides")
        beside = columns(spacing=24)
        left = rows(self.form)
        left.addStretch()
        right = rows(self.thresholds)
        right.addStretch()
        beside.addLayout(left, 1)
        beside.addLayout(right, 1)
        settings.body.addLayout(beside)
        foot = columns(self.off, self.again, spacing=10)
        foot.insertStretch(0)
        foot.addWidget(self.apply)
        settings.body.addWidget(self.state)
        settings.body.addLayout(foot)
        layout = rows(curve, settings, spacing=14)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def _show_legend(self) -> None:
        t = theme().tokens
        now = f'<span style="color:{t.warn}">●</span> now &nbsp; <span style="color:{t.accent}">●</span> other points'
        words = "the line is the fewest missed, points off it tell sooner. Worked out on the folds of the search."
        self.legend.setText(f"{now} &nbsp; ◇ each window alone; {words}")

    # --- content ---------------------------------------------------------------------------

    def show_model(self, lock: dict[str, Any], classes: tuple[str, ...], decision: Any, tested: Any) -> None:
        """A model's lock, its classes, how it decides now, and how it decided when it was tested."""
        now = decide_of(dict(decision), len(classes)) if decision else even(len(classes))
        self._classes, self._kept = classes, _rounded(now).as_dict() if decision else None
        self.thresholds.show_classes(classes)
        self.plot.show_curve(lock.get("alarm_curve") or [], None)
        made_up = " Nothing strange was recorded: what may be missed was made up." if lock.get("made_up") else ""
        stale = "" if decision == tested else "The test figures are of an earlier decision: test again. "
        self._note = stale + (made_up or ("" if self.plot.points else NO_CURVE))
        self.show_decide(now)
        self._judge(even(len(classes)), self._show_alone)

    def show_decide(self, decide: Decide, point: dict[str, Any] | None = None) -> None:
        """Put a decision into the fields; `point` is what is known of it already."""
        self.blockSignals(True)
        _fill(self.form, decide)
        self.thresholds.show_values(decide.on, decide.off)
        self.blockSignals(False)
        self._show_buttons()
        if point is not None:
            self._show_point(point, self.plot.chosen)
        else:
            self._ask(decide)

    def value(self) -> Decide:
        """The decision as filled in; StudioError when it makes no sense."""
        on, off = self.thresholds.value()
        counts = self.form.value()
        return Decide(counts.average, counts.mean, on, off, counts.least, counts.quiet)

    @property
    def wanted(self) -> dict[str, Any] | None:
        """As a model's document holds it: None when each window decides alone."""
        found = self.value().as_dict()
        return None if found == even(len(self._classes)).as_dict() else found

    def _show_alone(self, point: dict[str, Any] | None) -> None:
        self.plot.show_curve(self.plot.points, point)

    def _picked(self, index: int) -> None:
        point = self.plot.points[index]
        self.show_decide(_rounded(decide_of(point["smoothing"], len(self._classes))), point)

    def _turned(self) -> None:
        if not self.signalsBlocked() and self._classes:
            self._show_buttons()
            self.plot.chosen = -1
            try:
                self._ask(self.value())
            except StudioError as e:
                self.state.setText(f"{e.thing}: {e.seen}. {e.next_step}")

    def _ask(self, decide: Decide) -> None:
        """What is asked last is shown, whatever comes back first."""
        self._asked += 1
        number = self._asked
        self.counted.setText("Working it out.")
        self._judge(decide, lambda point: self._show_point(point, -1) if number == self._asked else None)

    def _show_point(self, point: dict[str, Any] | None, chosen: int) -> None:
        self.plot.show_now(point, chosen)
        texts = _texts(point) if point else ["–"] * len(FIGURES)
        for name, text in zip(FIGURES, texts, strict=True):
            self.stats[name].say(text)
        self.counted.setText(_counted(point) if point else "")

    def _show_buttons(self) -> None:
        self.apply.setEnabled(bool(self._classes) and self.wanted != self._kept)
        words = self.value().words() if self._classes else ""
        self.state.setText(f"{self._note}{words[:1].upper()}{words[1:]}.")

    def _apply(self) -> None:
        self.applied.emit(self.wanted)


NO_CURVE = "No curve: nothing is kept of how this model does on recordings it has not learned from. Train it again. "


def _form() -> Form:
    """The parameters that are numbers of windows, from their own declaration."""
    found = {f.name: f for f in fields(Decide)}
    shown = [(n, found[n].type, field(default=found[n].default, metadata=dict(found[n].metadata))) for n in COUNTS]
    form = Form(make_dataclass("Counts", shown, frozen=True), "decide", 2)
    for text in form.findChildren(QtWidgets.QLabel):
        text.setText(NAMES[text.buddy().objectName().removeprefix("decide_")])
    for spin in form.findChildren(QtWidgets.QSpinBox):
        spin.setKeyboardTracking(False)
    return form


def _fill(form: Form, decide: Decide) -> None:
    for name in COUNTS:
        widget = form.findChild(QtWidgets.QWidget, f"decide_{name}")
        widget.blockSignals(True)
        if isinstance(widget, QtWidgets.QComboBox):
            widget.setCurrentIndex(widget.findData(decide.mean))
        elif isinstance(widget, QtWidgets.QSpinBox):
            widget.setValue(getattr(decide, name))
        widget.blockSignals(False)


def _rounded(decide: Decide) -> Decide:
    """As the fields show it."""
    on, off = (tuple(round(v, 2) for v in values) for values in (decide.on, decide.off))
    return replace(decide, on=on, off=off)


def _texts(point: dict[str, Any]) -> list[str]:
    precision, late = point["precision"], point["latency_s_p50"]
    return [
        f"{point['false_alarms_per_hour']:.1f}",
        f"{1 - point['missed']:.1%}",
        "–" if precision is None else f"{precision:.1%}",
        "–" if late is None else f"{late:.2f} s",
    ]


def _counted(point: dict[str, Any]) -> str:
    """What the rates were counted over, and how high the true one may be."""
    most = most_rate(point["false_alarms"], point["hours"])
    found = point["n_events"] - round(point["missed"] * point["n_events"])
    late = f"; 9 of 10 within {point['latency_s_p90']:.2f} s" if point["latency_s_p90"] is not None else ""
    times = f"{point['false_alarms']} in {60 * point['hours']:.1f} min, so below {most:.0f} an hour with 95 % certainty"
    return f"False alarms: {times}. Events: {found} of {point['n_events']} found{late}."
