"""Capture: connect a sensor, see it live, record it."""

import time

from PySide6 import QtWidgets

from studio.app.live import Connection
from studio.app.session import State
from studio.app.takes import moved
from studio.app.trigger import Trigger
from studio.errors import StudioError
from studio.ui.media.camera_box import CameraBox
from studio.ui.pages.base import Page, Shell
from studio.ui.parts.about import About
from studio.ui.parts.hold import HeldKeys
from studio.ui.parts.livebar import LiveBar
from studio.ui.parts.numbers import EVERY_S, Numbers
from studio.ui.parts.prepare import PrepareDialog
from studio.ui.parts.prompting import Prompting
from studio.ui.parts.recorder import Recorder
from studio.ui.parts.rows import LiveRows
from studio.ui.parts.sources import FIRST, Sources
from studio.ui.parts.stage import Stage, picture_of
from studio.ui.parts.tabs import Tabs
from studio.ui.parts.taking import MARKER, Taking, Wish
from studio.ui.parts.triggering import Triggering
from studio.ui.widgets import EmptyState, Glyph, Pill, Side, button, columns, label, three_parts

WAITING = ("opening", "identifying", "ready")
#: States in which the plots stay, with a line above them.
TROUBLES = {
    "stalled": "No samples are coming. Check the sensor and its cable.",
    "reconnecting": "The device went away and is looked for. A recording goes on, with a gap.",
}


class CapturePage(Page):
    """Sources at the left, live plots in the middle, at the right what is recorded, asked for and waited for."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.sources, self.plots, self.stage, self.numbers = Sources(shell), LiveRows(), Stage(), Numbers()
        self.taking, self.recorder, self.camera = Taking(shell), Recorder(), CameraBox(shell)
        self.bar = LiveBar(self.plots, self.mark)
        self.prompting = Prompting(self._start_prompts, self._hold_prompts)
        self.triggering, self.about = Triggering(self.plots), About()
        self.keys = HeldKeys(self, self._press, self._release, self._release_all)
        self.record = button(
            "record_start", "Record", self.start, icon="player-record-filled", kind="danger", shortcut="Ctrl+R"
        )
        self.stop_button = button(
            "record_stop", "Stop", self.stop, icon="player-stop-filled", kind="danger", shortcut="Ctrl+R"
        )
        self._told_s = 0.0
        self._by_key: dict[str, str] = {}
        self._prompts_wanted = False
        self._spoken = ("", -1)
        self._build()
        self.triggering.fired.connect(self._fired)
        for part in (self.triggering, self.prompting, self.about):
            part.failed.connect(shell.show_error)
        self.taking.began.connect(self._began)
        self.taking.ended.connect(lambda _recording: self._ended())
        self.taking.began.connect(self.camera.begin)
        self.taking.ended.connect(self.camera.end)

    def _build(self) -> None:
        self._make_states()
        self._view, self._strip = QtWidgets.QStackedWidget(), _Strip()
        self._plots = QtWidgets.QFrame()
        self._plots.setProperty("kind", "plots")
        inside = QtWidgets.QVBoxLayout(self._plots)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(0)
        for part in (self._strip, self.bar, self.stage):
            inside.addWidget(part)
        inside.addWidget(self.plots, 1)
        inside.addWidget(self.bar.past)
        inside.addWidget(self.numbers)
        for widget in (self._empty, self._waiting, self._lost, self._plots):
            self._view.addWidget(widget)
        across = columns(self.sources, self._view, self._side(), spacing=0)
        across.setStretch(1, 1)
        self.setLayout(across)

    def _make_states(self) -> None:
        first = button(
            "source_connect_virtual", "Connect the virtual board", self._connect_first, icon="cpu", kind="primary"
        )
        again = button("source_connect_again", "Connect again", self._connect_again, icon="refresh", kind="primary")
        cancel = button("source_cancel", "Cancel", self.shell.device.disconnect, icon="x")
        hint = "Choose a source on the left. A new board needs a firmware first. "
        hint += "No hardware? This computer can be the board."
        prepare = button(
            "prepare_open",
            "Prepare this board",
            self._prepare,
            icon="usb",
            tip="Make and flash a firmware that streams",
        )
        self._empty = EmptyState("activity", "See your sensor live", hint, first, prepare)
        self._waiting = EmptyState("plug", "Opening", "", cancel)
        self._lost = EmptyState("alert-triangle", "", "", again)

    def _prepare(self) -> None:
        PrepareDialog(self.shell, self).open()

    def _side(self) -> Side:
        side = Side("right", 286)
        side.body.setContentsMargins(14, 8, 8, 8)
        self.tabs = Tabs("capture_tab")
        self.recorder.body.insertWidget(self.recorder.body.indexOf(self.recorder.open_after), self.camera)
        self.tabs.add("record", "Record", self.recorder, "The recording")
        self.tabs.add("prompts", "Prompts", self.prompting, "Be told what to do; the labels write themselves")
        self.tabs.add("trigger", "Trigger", self.triggering, "Stand still, or record, when a level is crossed")
        self.tabs.add("device", "Device", self.about, "What the device says of itself, and its settings")
        side.body.addWidget(self.tabs)
        return side

    # Page ----------------------------------------------------------------------------------------------------

    def toolbar(self) -> list[QtWidgets.QWidget]:
        """Record, or Stop while it records."""
        return [self.record, self.stop_button]

    def changed(self, old: State, new: State) -> None:
        """Another project has other classes."""
        self.recorder.show_classes(new.project)
        if old.project is None or new.project is None or old.project.classes != new.project.classes:
            self.prompting.show_classes(new.project)
        classes = new.project.classes if new.project is not None else ()
        self.plots.colors = {c.name: c.color for c in classes}
        self._by_key = {c.key: c.name for c in classes if c.key}

    def enter(self) -> None:
        """Look what is there."""
        self._show_buttons()
        self.sources.begin()
        self.camera.enter()
        self.keys.begin()

    def leave(self) -> None:
        """Nobody sees the prompts any more, and the keys belong to another page."""
        self.keys.end()
        self.camera.leave()
        self.sources.end()
        self._hold_prompts()

    def tick(self) -> None:
        """The device may have changed state; new samples may be there."""
        device = self.shell.device
        self.sources.tick()
        self._show_state(device.state)
        connection = device.connection
        if self._view.currentWidget() is self._plots and connection is not None:
            if device.streaming:
                self.plots.show_rings(connection.rings)
                self.triggering.show_rings(connection.rings)
            self.triggering.tick(connection.rings)
            self._show_marks()
            self.plots.tick()
            self._tell(connection)
        self.taking.tick()
        self._show_take()
        self._show_buttons()

    # What is shown -------------------------------------------------------------------------------------------

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
        self._strip.show_state(state, device.error)

    def _tell(self, connection: Connection) -> None:
        """Numbers, a few times a second."""
        now_s = time.perf_counter()
        if now_s - self._told_s < EVERY_S:
            return
        self._told_s = now_s
        self.about.show_device(connection, bool(self.taking.recording_s))
        self.numbers.show_rings(self.plots.rings)
        self.numbers.tell(connection, now_s)

    def _show_marks(self) -> None:
        take = self.taking.take
        self.plots.marks = [*take.marks, *take.held] if take is not None else ()
        self.recorder.show_held([m.label for m in take.held] if take is not None else [])

    def _show_take(self) -> None:
        """Clock, stage and the line above the plots."""
        counted = self.taking.countdown
        if counted is not None:
            self.stage.count_down(*counted)
        elif not self._prompt():
            self.stage.clear()
        self.recorder.show_clock(self.taking.recording_s, "Counting down" if counted is not None else "")
        if self.plots.paused:
            triggered = self.triggering.armed
            word = "Data goes on being received" + (" and recorded" if self.taking.recording_s else "")
            self.bar.say("Triggered" if triggered else "Paused", "accent" if triggered else "warn", word)
        elif self.triggering.armed:
            self.bar.say("Armed", "accent", "Waiting for the level to be crossed")
        elif self.taking.recording_s:
            self.bar.say("Recording", "danger", "")
        else:
            self.bar.say("Live", "ok", "")

    def _show_buttons(self) -> None:
        busy = self.taking.busy
        self.record.setVisible(not busy)
        self.stop_button.setVisible(busy)
        self.record.setEnabled(self.shell.device.streaming and not self.taking.closing)
        self.bar.mark.setEnabled(self.taking.connection is not None)

    # The device ----------------------------------------------------------------------------------------------

    def _connect_first(self) -> None:
        self.shell.device.connect(FIRST)

    def _connect_again(self) -> None:
        self.shell.device.connect(self.shell.device.url)

    # Recording -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Record every sensor stream, from now on or from a little before."""
        self._start(
            Wish(
                self.recorder.label.currentText().strip(),
                self.recorder.subject.text().strip(),
                self.recorder.pre.value(),
                self.recorder.countdown.currentData(),
                open_after=self.recorder.open_after.isChecked(),
            )
        )

    def _start(self, wish: Wish) -> bool:
        self.shell.clear_error()
        try:
            self.taking.start(wish)
        except StudioError as e:
            self.shell.show_error(e)
            return False
        finally:
            self._show_buttons()
        return True

    def stop(self) -> None:
        """End the recording and open it on the Label page."""
        self._hold_prompts()
        self.taking.stop()
        self._show_buttons()

    def _began(self) -> None:
        prompter = self.prompting.prompter
        if self._prompts_wanted and prompter is not None:
            prompter.begin(time.monotonic())

    def _ended(self) -> None:
        self._hold_prompts()
        self._show_buttons()

    def mark(self) -> None:
        """A marker at this moment of the recording."""
        if self.taking.take is not None:
            self.taking.take.point(MARKER)
            self.shell.say("Marker set")

    # Held keys -----------------------------------------------------------------------------------------------

    def _press(self, digit: str) -> bool:
        name, take = self._by_key.get(digit), self.taking.take
        if name is None or take is None:
            return False
        take.press(name)
        return True

    def _release(self, digit: str) -> bool:
        name, take = self._by_key.get(digit), self.taking.take
        if name is None or take is None or all(m.label != name for m in take.held):
            return False
        take.release(name)
        return True

    def _release_all(self) -> None:
        if self.taking.take is not None:
            self.taking.take.release_all()

    # Prompts -------------------------------------------------------------------------------------------------

    def _start_prompts(self) -> None:
        """The prompts run inside a recording; one is started when none is."""
        prompter = self.prompting.prompter
        assert prompter is not None
        if self.taking.connection is not None:
            prompter.begin(time.monotonic())
            return
        self._prompts_wanted = True
        wish = Wish(
            "", self.recorder.subject.text().strip(), 0.0, self.recorder.countdown.currentData(), open_after=False
        )
        if not self._start(wish):
            self._prompts_wanted = False

    def _hold_prompts(self) -> None:
        self._prompts_wanted = False
        self.prompting.voice.stop()
        if self.prompting.prompter is not None:
            self._earned()
            self.prompting.prompter.stop()
        self.prompting.show_state(False)

    def _prompt(self) -> bool:
        """Show the step at hand; False when no prompts run."""
        prompter, project = self.prompting.prompter, self.shell.session.state.project
        if prompter is None or not prompter.running or self.taking.connection is None:
            return False
        cue = prompter.look(time.monotonic())
        self._earned()
        self.prompting.show_state(prompter.running)
        if cue.kind == "done":
            self.stop()
            return False
        if (cue.kind, cue.done) != self._spoken:
            self._spoken = cue.kind, cue.done
            if prompter.plan.spoken and cue.kind == "show":
                self.prompting.voice.say(cue.label)
        picture = picture_of(cue.label, project.path if project is not None else None)
        self.stage.prompt(cue, self.plots.colors.get(cue.label, ""), picture)
        return True

    def _earned(self) -> None:
        """Labels that were performed since the last look, put where the samples are."""
        prompter, take, connection = self.prompting.prompter, self.taking.take, self.taking.connection
        if prompter is None or take is None or connection is None:
            return
        now_s, now = time.monotonic(), connection.moment()
        rates = {name: ring.stream.rate_hz for name, ring in connection.rings.items()}
        for done in prompter.take():
            start, stop = (moved(now, at - now_s, rates) for at in (done.start_s, done.stop_s))
            take.paint(done.label, start, stop)

    # Trigger -------------------------------------------------------------------------------------------------

    def _fired(self, stream: str, index: int, trigger: Trigger) -> None:
        """A crossing may start a recording that began before it and ends by itself."""
        connection = self.shell.device.connection
        if not trigger.record_each or connection is None or self.taking.busy or self.taking.closing:
            return
        ring, now = connection.rings[stream], connection.moment()
        ago_s = max(0.0, (now.get(stream, ring.end) - index) / ring.stream.rate_hz)
        whole_s = trigger.before_s + trigger.after_s
        label_ = self.recorder.label.currentText().strip()
        subject = self.recorder.subject.text().strip()
        self._start(Wish(label_, subject, trigger.before_s + ago_s, 0.0, whole_s, open_after=False))


class _Strip(QtWidgets.QFrame):
    """A line above the plots when something is not as it should be."""

    def __init__(self) -> None:
        super().__init__()
        self._pill, self._words = Pill(), label("", wrap=True)
        across = columns(Glyph("alert-triangle", "warn"), self._pill, self._words, spacing=10)
        across.setContentsMargins(14, 8, 14, 8)
        across.setStretch(2, 1)
        self.setLayout(across)
        self.hide()

    def show_state(self, state: str, error: StudioError | None) -> None:
        """Show or hide itself; what to do about `error` is in its tooltip and behind the words."""
        self.setVisible(state in TROUBLES)
        if state in TROUBLES:
            self._pill.say(state.capitalize(), "warn")
            next_step = error.next_step if error is not None and state == "reconnecting" else ""
            words = f"{TROUBLES[state]} {next_step}".strip()
            if self._words.text() != words:
                self._words.setText(words)
                self._words.setToolTip(words)
