"""Capture: connect a sensor, see it live, record it."""

from dataclasses import replace

from PySide6 import QtWidgets

from studio.app.jobs import Job
from studio.app.live import Connection
from studio.app.session import State
from studio.data.project import with_classes
from studio.data.recording import Recording
from studio.errors import InputError, StudioError
from studio.progress import Progress, Work
from studio.ui.pages.base import Page, Shell
from studio.ui.parts.recorder import Recorder
from studio.ui.parts.sources import FIRST, Sources
from studio.ui.plots.live import LivePlots
from studio.ui.widgets import EmptyState, Glyph, Pill, button, columns, label, three_parts

WAITING = ("opening", "identifying", "ready")
#: States in which the plots stay, with a line above them.
TROUBLES = {
    "stalled": "No samples are coming. Check the sensor and its cable.",
    "reconnecting": "The device went away. Looking for it again.",
}


class CapturePage(Page):
    """Sources at the left, live plots in the middle, the recording at the right."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.sources, self.recorder, self.plots = Sources(shell), Recorder(), LivePlots()
        self.record = button(
            "record_start", "Record", self.start, icon="player-record-filled", kind="danger", shortcut="Ctrl+R"
        )
        self.stop_button = button(
            "record_stop", "Stop", self.stop, icon="player-stop-filled", kind="danger", shortcut="Ctrl+R"
        )
        self._recording_on: Connection | None = None
        self._closing = False
        self._label = ""
        self._build()

    def _build(self) -> None:
        first = button(
            "source_connect_virtual", "Connect the virtual board", self._connect_first, icon="cpu", kind="primary"
        )
        again = button("source_connect_again", "Connect again", self._connect_again, icon="refresh", kind="primary")
        cancel = button("source_cancel", "Cancel", self.shell.device.disconnect, icon="x")
        hint = "Choose a source on the left. No hardware at hand? This computer can be the board."
        self._empty = EmptyState("activity", "See your sensor live", hint, first)
        self._waiting = EmptyState("plug", "Opening", "", cancel)
        self._lost = EmptyState("alert-triangle", "", "", again)
        self._view = QtWidgets.QStackedWidget()
        self._strip = _Strip()
        shown = QtWidgets.QFrame()
        shown.setProperty("kind", "plots")
        inside = QtWidgets.QVBoxLayout(shown)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(0)
        inside.addWidget(self._strip)
        inside.addWidget(self.plots, 1)
        self._plots = shown
        for widget in (self._empty, self._waiting, self._lost, shown):
            self._view.addWidget(widget)
        across = columns(self.sources, self._view, self.recorder, spacing=0)
        across.setStretch(1, 1)
        self.setLayout(across)

    def toolbar(self) -> list[QtWidgets.QWidget]:
        """Record, or Stop while it records."""
        return [self.record, self.stop_button]

    def changed(self, old: State, new: State) -> None:
        """Another project has other classes."""
        self.recorder.show_classes(new.project)

    def enter(self) -> None:
        """Look what is there."""
        self._show_buttons()
        self.sources.look()

    def tick(self) -> None:
        """The device may have changed state; new samples may be there."""
        device = self.shell.device
        self.sources.tick()
        self._show_state(device.state)
        if self._view.currentWidget() is self._plots and device.connection is not None:
            if device.streaming:
                self.plots.show_rings(device.connection.rings)
            self.plots.tick()
        self._watch_recording()
        recording = self._recording_on
        self.recorder.show_clock(recording.recording_s if recording is not None else 0.0)
        self.recorder.show_link(device.connection)
        self._show_buttons()

    def _show_state(self, state: str) -> None:
        device = self.shell.device
        if state in WAITING:
            self._waiting.say(f"{device.words} …", device.url)
        if state == "lost" and device.error is not None:
            thing, seen, next_step = three_parts(device.error)
            self._lost.say(thing, f"{seen[:1].upper()}{seen[1:]}. {next_step}")
        views = dict.fromkeys(WAITING, self._waiting) | {"lost": self._lost}
        plotted = state in ("streaming", "stalled", "reconnecting")
        self._view.setCurrentWidget(self._plots if plotted else views.get(state, self._empty))
        self._strip.show_state(state)

    def _show_buttons(self) -> None:
        busy = self._recording_on is not None
        self.record.setVisible(not busy)
        self.stop_button.setVisible(busy)
        self.record.setEnabled(self.shell.device.streaming and not self._closing)

    def _connect_first(self) -> None:
        self.shell.device.connect(FIRST)

    def _connect_again(self) -> None:
        self.shell.device.connect(self.shell.device.url)

    def start(self) -> None:
        """Record every sensor stream from now on."""
        state, connection = self.shell.session.state, self.shell.device.connection
        self.shell.clear_error()
        try:
            if state.project is None:
                raise InputError(
                    "No project", "is open, so there is no place for a recording", "Press Ctrl+N to make one."
                )
            if connection is not None:
                self._label = self.recorder.label.currentText().strip()
                connection.start_recording(state.project, self.recorder.subject.text().strip(), self._label)
                self._recording_on = connection
        except StudioError as e:
            self.shell.show_error(e)
        self._show_buttons()

    def stop(self) -> None:
        """End the recording and open it on the Label page."""
        connection, self._recording_on = self._recording_on, None
        if connection is not None:
            self._closing = True
            self.shell.run(Job("close recording", _close(connection)), done=self._recorded, failed=self._not_recorded)
        self._show_buttons()

    def _watch_recording(self) -> None:
        """A device that went away ends its recording; what came is kept."""
        recording = self._recording_on
        if recording is None:
            return
        if not recording.recording_s:  # closed with its connection while another page was open
            self._recording_on = None
            self.shell.session.reload()
        elif recording.state in ("lost", "closed"):
            self.stop()

    def _not_recorded(self, error: BaseException) -> None:
        self._closing = False
        self.shell.session.reload()
        self.shell.show_error(error)

    def _recorded(self, recording: Recording) -> None:
        self._closing = False
        session = self.shell.session
        session.reload()
        state = session.state
        if self._label and state.project is not None and self._label not in {c.name for c in state.project.classes}:
            project = replace(state.project, classes=with_classes(state.project.classes, [self._label]))
            session.commit(f"Add class {self._label}", replace(state, project=project))
        session.show(replace(session.state, recording=recording.id, track="labels", selected=None))
        self.shell.say(f"Recorded {recording.id}, {recording.duration_s:.1f} s")
        if self.recorder.open_after.isChecked():
            self.shell.go("label")


def _close(connection: Connection) -> Work[Recording]:
    yield Progress(0, 0, "closing the recording")
    return connection.stop_recording()


class _Strip(QtWidgets.QFrame):
    """A line above the plots when something is not as it should be."""

    def __init__(self) -> None:
        super().__init__()
        self._pill, self._words = Pill(), label("")
        across = columns(Glyph("alert-triangle", "warn"), self._pill, self._words, spacing=10)
        across.setContentsMargins(14, 8, 14, 8)
        across.addStretch()
        self.setLayout(across)
        self.hide()

    def show_state(self, state: str) -> None:
        """Show or hide itself."""
        self.setVisible(state in TROUBLES)
        if state in TROUBLES:
            self._pill.say(state.capitalize(), "warn")
            self._words.setText(TROUBLES[state])
