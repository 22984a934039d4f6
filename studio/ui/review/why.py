"""Why: what in a window made a model answer as it did, over the window's trace."""

from typing import Any

from PySide6 import QtCore

from studio.app import models, reviewing
from studio.app.session import State
from studio.data.labels import Segment
from studio.errors import StudioError
from studio.ui.labels.panels import Bench
from studio.ui.pages.base import Shell
from studio.ui.review.deciding import Deciding, fill
from studio.ui.training.looking import Explained
from studio.ui.training.models import Shown, models_of
from studio.ui.widgets import button, caption, combo, label

TARGET = "studio.app.actions.explain:explain"


class Why(Deciding):
    """The window in the middle of the selected label or answer, or at the playhead, explained."""

    def __init__(self, shell: Shell, bench: Bench) -> None:
        super().__init__(shell, bench, "why")
        self.model = combo("why_model", "Model", "Which model is asked")
        self.go = button(
            "why_explain", "Explain", self.explain, icon="zoom-check", kind="primary", shortcut="Ctrl+Shift+X",
            tip="Which stretch of time, axis and band made the answer to the window at the selected label",
        )  # fmt: skip
        self.where, self.explained = label("", "small", wrap=True), Explained()
        self._known: list[Shown] = []
        self._shown: tuple[str, str, int] | None = None
        self.body.addLayout(caption("Model", self.model))
        self.body.addWidget(self.go)
        self.body.addWidget(self.job)
        self.body.addWidget(self.where)
        self.body.addWidget(self.explained, 1)
        self.body.addStretch(1)

    def follow(self, state: State) -> None:
        ids = models.ids(state.project) if state.project is not None else []
        if ids != sorted(m.id for m in self._known):
            self._known = models_of(state.project)
        fill(self.model, [(m.id, m.id) for m in self._known])
        if state.track.startswith(reviewing.PREDICTED):
            self.model.setCurrentIndex(max(0, self.model.findData(state.track.removeprefix(reviewing.PREDICTED))))
        self.started()

    def tick(self) -> None:
        super().tick()
        self._look()

    def started(self) -> None:
        self.go.setEnabled(not self.busy and self._window() is not None)

    # --- which window -----------------------------------------------------------------------

    def _segment(self) -> Segment | None:
        found, segments = self.state.selected, self.state.labels.segments
        return segments[found] if found is not None and found < len(segments) else None

    def _window(self) -> tuple[Shown, str, int] | None:
        """The model, the open recording, and the first sample of the window; None where there is none."""
        shown = next((m for m in self._known if m.id == self.model.currentData()), None)
        recording = self.state.open_recording
        if shown is None or recording is None or not shown.length:
            return None
        stream, rate_hz = shown.document["stream"]["name"], shown.document["stream"]["rate_hz"]
        n = recording.n_samples.get(stream, 0)
        if not n:
            return None
        segment = self._segment()
        middle = (segment.start_s + segment.stop_s) / 2 if segment else self.bench.playhead.time_s
        return shown, recording.id, min(max(0, round(middle * rate_hz) - shown.length // 2), max(0, n - shown.length))

    def _look(self) -> None:
        """The trace of the window as soon as another one is meant."""
        found = self._window()
        key = (found[0].id, found[1], found[2]) if found else None
        if key == self._shown:
            return
        self._shown = key
        if found is None:
            self.where.setText("Choose a label or an answer of a model whose sensor this recording has.")
            self.explained.show_window(None, "", 0, 0)
        else:
            shown, _, start = found
            stream = shown.document["stream"]
            at = start / stream["rate_hz"]
            self.where.setText(f"Window of {shown.window_s:g} s from {at:.2f} s on")
            self.explained.show_window(self.state.open_recording, stream["name"], start, shown.length)
        self.started()

    # --- why --------------------------------------------------------------------------------

    def explain(self) -> None:
        """Ask the model's generated C about this window, part by part."""
        found, project = self._window(), self.state.project
        if found is None or project is None:
            return
        shown, recording, start = found
        key = (shown.id, recording, start)
        self.start("Explaining", TARGET, (project.path, *key), lambda told: self._told(key, told))

    def _told(self, key: tuple[str, str, int], told: dict[str, Any]) -> None:
        if key == self._shown:
            try:
                self.explained.show_explanation(told)
            except StudioError as e:  # the recording may be gone by now
                self.shell.show_error(e)

    def sizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(280, 560)
