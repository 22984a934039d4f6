"""What the panels of proposals and reviews share: they follow the session, run their work beside the window, jump."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6 import QtWidgets

from studio.app.jobs import ProcessJob
from studio.app.reviewing import recording_of
from studio.app.session import Session, State
from studio.errors import StudioError
from studio.progress import Progress
from studio.ui.heartbeat import Watch
from studio.ui.labels import classes
from studio.ui.labels.panels import Bench
from studio.ui.pages.base import Shell
from studio.ui.widgets import JobBar

#: A stretch that is looked at has so much room around it, as a share of its length, and at least these seconds.
ROOM, LEAST_ROOM_S = 1.5, 0.5


class Deciding(QtWidgets.QWidget):
    """A panel beside the timeline. `follow(state)` is called when the state changed; `start` runs long work."""

    def __init__(self, shell: Shell, bench: Bench, name: str) -> None:
        super().__init__()
        self.shell, self.bench, self.name = shell, bench, name
        self.body = QtWidgets.QVBoxLayout(self)
        self.body.setContentsMargins(16, 10, 16, 16)
        self.body.setSpacing(10)
        self.job = JobBar(f"{name}_cancel", self.cancel)
        self.job.hide()
        self._seen: State | None = None
        self._watch: Watch | None = None
        self.setObjectName(f"{name}_panel")

    @property
    def session(self) -> Session:
        return self.shell.session

    @property
    def state(self) -> State:
        return self.shell.session.state

    def tick(self) -> None:
        """A beat while in view."""
        if self.state is not self._seen:
            self._seen = self.state
            self.follow(self.state)

    def follow(self, state: State) -> None:
        """The state is another one."""

    # --- work beside the window ----------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether work of this panel runs."""
        return self._watch is not None

    def start(self, title: str, target: str, args: tuple[Any, ...], done: Callable[[Any], None]) -> None:
        """Run "module:function" in a process; `done` gets its result. What ran before is stopped."""
        self.cancel()
        self.shell.clear_error()
        self.job.begin(f"{title} …")
        job = ProcessJob(title, target, args)

        def mine(then: Callable[[Any], None]) -> Callable[[Any], None]:
            def after(found: Any) -> None:
                if self._watch is not None and self._watch.job is job:
                    self._end()
                    then(found)

            return after

        def step(progress: Progress) -> None:
            if self._watch is not None and self._watch.job is job:
                self.job.step(progress.done, progress.total, progress.text)

        self._watch = self.shell.run(job, step=step, done=mine(done), failed=mine(self.shell.show_error))
        self.started()

    def cancel(self) -> None:
        """Stop the work that runs, if any."""
        if self._watch is not None:
            self._watch.job.stop()
            self._end()

    def _end(self) -> None:
        self._watch = None
        self.job.hide()
        self.started()

    def started(self) -> None:
        """Work began or ended: what must not be pressed meanwhile is greyed."""

    # --- what every panel does --------------------------------------------------------------

    def look_at(self, start_s: float, stop_s: float, recording: str = "") -> None:
        """Bring a stretch into view, with room around it, and the playhead to its start."""
        if recording and recording != self.state.recording:
            self.session.show(replace(self.state, recording=recording, selected=None, also=()))
        view = self.bench.timeline
        left, right = view.visible_s
        length = stop_s - start_s
        wanted = length + 2 * max(ROOM * length, LEAST_ROOM_S)
        if start_s < left or stop_s > right or wanted > right - left or right - left > 12 * wanted:
            middle = (start_s + stop_s) / 2
            view.look_at(middle - wanted / 2, middle + wanted / 2)
        self.bench.playhead.seek(start_s)
        edit = getattr(view, "edit", None)
        if edit is not None:
            edit.range_s = (start_s, stop_s)
            view.repaint_labels()  # type: ignore[attr-defined]

    def attempt(self, act: Callable[[], None]) -> bool:
        """Do something; what is wrong with it goes to the banner."""
        try:
            act()
        except StudioError as e:
            self.shell.show_error(e)
            return False
        return True

    def colors(self) -> dict[str, str]:
        """Colours of the classes."""
        return {c.name: c.color for c in classes.classes_of(self.state)}

    def class_keys(self) -> dict[str, str]:
        """Classes by their keys."""
        return {c.key.lower(): c.name for c in classes.classes_of(self.state) if c.key}

    def streams(self) -> list[str]:
        """Streams of the open recording that hold samples."""
        found = self.state.open_recording
        return [s.name for s in found.streams if found.n_samples.get(s.name)] if found else []

    def duration_s(self, recording: str) -> float:
        """Seconds of a recording."""
        return recording_of(self.state, recording).duration_s


def fill(box: QtWidgets.QComboBox, rows: list[tuple[str, Any]], keep: bool = True) -> None:
    """Other choices in a box, quietly; the chosen one stays where it is still there."""
    if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] == rows:
        return
    chosen, quiet = box.currentData(), box.blockSignals(True)
    box.clear()
    for text, value in rows:
        box.addItem(text, value)
    if keep:
        box.setCurrentIndex(max(0, box.findData(chosen)))
    box.blockSignals(quiet)
