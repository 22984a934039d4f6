"""A take: from the button over the countdown to the recording on disk, with what was marked meanwhile."""

import time
from dataclasses import dataclass, replace

from PySide6 import QtCore

from studio.app.jobs import Job
from studio.app.live import Connection
from studio.app.takes import Take
from studio.data.project import Project, with_classes
from studio.data.recording import Recording
from studio.errors import InputError, LinkError
from studio.progress import Progress, Work
from studio.ui.pages.base import Shell

MARKER = "marker"
#: New marks are on disk after so long.
KEEP_S = 3.0


@dataclass(frozen=True)
class Wish:
    """How a recording is to be."""

    label: str = ""
    subject: str = ""
    pre_s: float = 0.0
    countdown_s: float = 0.0
    stop_after_s: float = 0.0  # 0: until somebody stops it
    open_after: bool = True


class Taking(QtCore.QObject):
    """At most one recording at a time. Call `tick` on every beat."""

    began = QtCore.Signal()
    ended = QtCore.Signal(object)  # the Recording, None when there is none

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self._shell = shell
        self.connection: Connection | None = None
        self.closing = False
        self._wish = Wish()
        self._counted_s = 0.0  # when the countdown ends; 0 none
        self._kept, self._kept_s = 0, 0.0

    @property
    def busy(self) -> bool:
        """Counting down, or recording."""
        return self.connection is not None or self._counted_s > 0

    @property
    def countdown(self) -> tuple[float, float] | None:
        """(seconds left, of how many) before the recording begins."""
        return (self._counted_s - time.monotonic(), self._wish.countdown_s) if self._counted_s else None

    @property
    def recording_s(self) -> float:
        """Seconds recorded so far."""
        return self.connection.recording_s if self.connection is not None else 0.0

    @property
    def take(self) -> Take | None:
        """What is marked in the running recording."""
        return self.connection.take if self.connection is not None else None

    def start(self, wish: Wish) -> None:
        """Begin, after the countdown if there is one. StudioError when it cannot be."""
        self._project()
        if self.busy or self.closing:
            return
        if self._shell.device.connection is None:
            raise LinkError("No device", "is connected", "Connect one first.")
        self._wish = wish
        if wish.countdown_s > 0:
            self._counted_s = time.monotonic() + wish.countdown_s
        else:
            self._begin()

    def _project(self) -> Project:
        project = self._shell.session.state.project
        if project is None:
            seen = "is open, so there is no place for a recording"
            raise InputError("No project", seen, "Press Ctrl+N to make one.")
        return project

    def _begin(self) -> None:
        self._counted_s = 0.0
        connection, wish = self._shell.device.connection, self._wish
        if connection is None:
            raise LinkError("The device", "went away during the countdown", "Connect it, then record again.")
        connection.start_recording(self._project(), wish.subject, wish.label, pre_s=wish.pre_s)
        self.connection, self._kept = connection, 0
        self.began.emit()

    def stop(self) -> None:
        """End the recording, or the countdown."""
        self._counted_s = 0.0
        connection, self.connection = self.connection, None
        if connection is None:
            return
        self.closing = True
        self._shell.run(Job("close recording", _close(connection)), done=self._closed, failed=self._not_closed)

    def tick(self) -> None:
        """The countdown may be over, the device gone, the time full."""
        if self._counted_s and time.monotonic() >= self._counted_s:
            try:
                self._begin()
            except (InputError, LinkError) as e:
                self._shell.show_error(e)
        connection = self.connection
        if connection is None:
            return
        self._keep_marks(connection)
        if not connection.recording_s:  # closed with its connection while another page was open
            self.connection = None
            self._shell.session.reload()
            self.ended.emit(None)
        elif connection.state in ("lost", "closed") or connection.recording_error is not None:
            if connection.recording_error is not None:
                self._shell.show_error(connection.recording_error)
            self.stop()
        elif self._wish.stop_after_s and connection.recording_s >= self._wish.stop_after_s:
            self.stop()

    def _keep_marks(self, connection: Connection) -> None:
        """Every few seconds new marks are written beside the samples, on a thread: the disk may be slow."""
        now_s, take = time.monotonic(), connection.take
        if take is None or len(take.marks) == self._kept or now_s - self._kept_s < KEEP_S:
            return
        self._kept, self._kept_s = len(take.marks), now_s
        self._shell.run(Job("keep labels", _keep(connection, self._wish.label)))

    def _not_closed(self, error: BaseException) -> None:
        self.closing = False
        self._shell.session.reload()
        self._shell.show_error(error)
        self.ended.emit(None)

    def _closed(self, recording: Recording) -> None:
        self.closing = False
        session = self._shell.session
        session.reload()
        self._add_classes(recording)
        session.show(replace(session.state, recording=recording.id, track="labels", selected=None))
        self._shell.say(f"Recorded {recording.id}, {recording.duration_s:.1f} s")
        self.ended.emit(recording)
        if self._wish.open_after:
            self._shell.go("label")

    def _add_classes(self, recording: Recording) -> None:
        """A label that the project does not know becomes a class of it."""
        session = self._shell.session
        state = session.state
        if state.project is None:
            return
        known = {c.name for c in state.project.classes}
        track = recording.labels.get("labels")
        spans = [s.label for s in track.segments if not s.is_point] if track is not None else []  # a marker is no class
        new = [name for name in dict.fromkeys(spans) if name not in known]
        if new:
            project = replace(state.project, classes=with_classes(state.project.classes, new))
            session.commit(f"Add class {', '.join(new)}", replace(state, project=project))


def _close(connection: Connection) -> Work[Recording]:
    yield Progress(0, 0, "closing the recording")
    return connection.stop_recording()


def _keep(connection: Connection, whole: str) -> Work[None]:
    yield Progress(0, 0, "keeping the labels")
    if connection.take is not None:
        connection.take.keep(connection.place(), whole)
