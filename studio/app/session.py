"""The session: the state is a value, its history is a list of values, and `commit` is the one door to change it.

Every commit is on disk before it returns, so a kill at any moment loses nothing; undo writes the old value back.
Edits of labels go to a journal beside the recording (`studio.data.edits`), which costs a millisecond however many
labels there are. `rest` brings them into `recording.json` once the person pauses, `close` at the end.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import IO, Any

from studio.app import models
from studio.data import edits
from studio.data import project as projects
from studio.data import recording as recording_files
from studio.data.labels import Labels
from studio.data.project import Project
from studio.data.raw import disk_error
from studio.data.recording import Recording
from studio.errors import DataError

Watcher = Callable[["State", "State"], None]
#: After this long without an edit, edits are brought to the disk itself, and into `recording.json`.
SYNC_S, REST_S = 0.4, 3.0


@dataclass(frozen=True, eq=False)
class State:
    """All a view needs to draw itself. Samples are not in it; they are on disk and in the rings.

    `selected` is the label in hand, an index into the open track; `also` are those selected together with it.
    `broken` says why some recordings in the folder could not be opened; they stay where they are. `decisions` holds
    how models decide, where that was changed since the project was opened.
    """

    project: Project | None = None
    recordings: tuple[Recording, ...] = ()
    recording: str = ""
    track: str = "labels"
    selected: int | None = None
    also: tuple[int, ...] = ()
    model: str = ""
    broken: tuple[DataError, ...] = ()
    decisions: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)

    @property
    def open_recording(self) -> Recording | None:
        """The recording on the Label page."""
        return next((r for r in self.recordings if r.id == self.recording), None)

    @property
    def labels(self) -> Labels:
        """The open track of the open recording."""
        found = self.open_recording
        return found.labels.get(self.track, Labels()) if found else Labels()

    def with_recording(self, changed: Recording) -> "State":
        """The state with one recording replaced."""
        return replace(self, recordings=tuple(changed if r.id == changed.id else r for r in self.recordings))


class Session:
    """Holds the state and its history; views `watch` and compare."""

    def __init__(self) -> None:
        self.state = State()
        self._past: list[tuple[str, State]] = []
        self._future: list[tuple[str, State]] = []
        self._watchers: list[Watcher] = []
        self._journal = Journal()

    def open(self, path: Path) -> None:
        """Open the project folder `path`; its history starts afresh. ProjectError when it cannot be opened."""
        project, broken = projects.open_project(path), list[DataError]()
        self._journal.settle()
        recordings = projects.recordings(project, broken)
        self._past.clear()
        self._future.clear()
        first = recordings[0].id if recordings else ""
        model = newest_model(project)
        self._become(State(project, recordings, recording=first, model=model, broken=tuple(broken)))

    def reload(self) -> None:
        """Look at the folder again, after a recording or import; labels in hand stay as they are."""
        if self.state.project is None:
            return
        held = {r.id: r for r in self.state.recordings}
        broken: list[DataError] = []
        found = tuple(held.get(r.id, r) for r in projects.recordings(self.state.project, broken))
        known = self.state.recording in {r.id for r in found}
        chosen = self.state.recording if known else (found[0].id if found else "")
        model = self.state.model or newest_model(self.state.project)
        self.show(replace(self.state, recordings=found, recording=chosen, model=model, broken=tuple(broken)))

    def commit(self, what: str, state: State) -> None:
        """Make `state` the present; `what` is the words of the Undo menu."""
        before = self.state
        self._save(before, state)  # a value that cannot be kept never becomes the present
        self._past.append((what, before))
        self._future.clear()
        self._become(state)

    def edit(self, what: str, labels: Labels, selected: int | None = None, also: tuple[int, ...] = ()) -> None:
        """Commit another value of the open track of the open recording."""
        found = self.state.open_recording
        if found is not None:
            changed = replace(found, labels=found.labels | {self.state.track: labels})
            self.commit(what, replace(self.state.with_recording(changed), selected=selected, also=also))

    def set_tracks(self, what: str, recording_id: str, tracks: Mapping[str, Labels | None]) -> None:
        """Commit other values of tracks of a recording, in one step; None takes a track away.

        The selection goes when its track changed. DataError when the project has no such recording.
        """
        found = next((r for r in self.state.recordings if r.id == recording_id), None)
        if found is None:
            raise DataError(f"Recording {recording_id!r}", "is not in the project", "Open it again, then repeat.")
        kept = {name: track for name, track in (found.labels | dict(tracks)).items() if track is not None}
        state = self.state.with_recording(replace(found, labels=kept))
        if recording_id == state.recording and state.track in tracks:
            state = replace(state, selected=None, also=())
        self.commit(what, state)

    def show(self, state: State) -> None:
        """Change what is looked at (selection, open recording), without history."""
        self._become(state)

    @property
    def undo_text(self) -> str:
        """What undo would take back, or ""."""
        return self._past[-1][0] if self._past else ""

    @property
    def redo_text(self) -> str:
        """What redo would do again, or ""."""
        return self._future[-1][0] if self._future else ""

    def undo(self) -> None:
        """Back to the state before the last commit."""
        if self._past:
            what, state = self._past.pop()
            self._future.append((what, self.state))
            self._save(self.state, state)
            self._become(state)

    def redo(self) -> None:
        """Forward again."""
        if self._future:
            what, state = self._future.pop()
            self._past.append((what, self.state))
            self._save(self.state, state)
            self._become(state)

    @property
    def history(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Words of the steps that can be taken back, oldest first, and of those that can be done again, next first."""
        return tuple(what for what, _ in self._past), tuple(what for what, _ in reversed(self._future))

    def go(self, steps: int) -> None:
        """Undo (below zero) or redo that many steps."""
        for _ in range(abs(steps)):
            if steps < 0:
                self.undo()
            else:
                self.redo()

    def rest(self) -> None:
        """Called every now and then: once the person pauses, edits go where others look for them, in a thread."""
        self._journal.rest()

    def close(self) -> None:
        """The program ends: `recording.json` holds everything."""
        self._journal.settle()

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher(old, new)` after every change, on the thread that made it."""
        self._watchers.append(watcher)

    def _become(self, state: State) -> None:
        old, self.state = self.state, self._with_newcomers(state)
        for watcher in self._watchers:
            watcher(old, state)

    def _with_newcomers(self, state: State) -> State:
        """Recordings made after a state of the past was left stay when it comes back."""
        if state.project is None or self.state.project is None or state.project.path != self.state.project.path:
            return state
        there = {r.id for r in state.recordings}
        new = [r for r in self.state.recordings if r.id not in there and r.path.is_dir()]
        kept = [r for r in state.recordings if r.path.is_dir()]
        return replace(state, recordings=tuple(sorted([*kept, *new], key=lambda r: r.id)))

    def _save(self, old: State, new: State) -> None:
        before = {r.id: r for r in old.recordings}
        for r in new.recordings:
            if r.id in before and before[r.id] is not r and r.path.is_dir():
                self._journal.keep(before[r.id], r)
        was, now = old.project, new.project
        if now is not None:
            for model, decision in new.decisions.items():
                if model in old.decisions and old.decisions[model] != decision:
                    models.set_decision(now, model, decision)
        if was is not None and now is not None and now is not was and now.path == was.path:
            projects.save(now)


@dataclass
class Pen:
    """The journal of one recording in our hands: the recording as it is, and the number of its last edit."""

    file: IO[bytes]
    recording: Recording
    last: int = 0


class Journal:
    """Writes changed recordings: edits of labels as lines of a journal, all else whole."""

    def __init__(self) -> None:
        self._pens: dict[Path, Pen] = {}  # of what recording.json lacks
        self._files = threading.Lock()  # one at a time at the journals
        self._documents = threading.Lock()  # one writer of recording.json at a time
        self._edited_s, self._synced = 0.0, True
        self._worker: threading.Thread | None = None

    def keep(self, old: Recording, new: Recording) -> None:
        """`new` is on disk when this returns. DataError when a label is out of order or the disk refuses."""
        changes = edits.entries(old.labels, new.labels) if _same_but_labels(old, new) else []
        if not changes or edits.n_rows(changes) > edits.BULK:
            self._whole(new)
            return
        edits.check(old.labels, new.labels, new.duration_s, f"recording {new.id!r}")
        with self._files:
            pen = self._pens.get(new.path)
            if pen is None:
                pen = self._pens[new.path] = Pen(edits.hold(new.path), old)
            try:
                pen.last = edits.append(pen.file, changes)
            except OSError as e:
                raise disk_error(new.path, e) from e
            pen.recording = new
        self._edited_s, self._synced = time.monotonic(), False

    def rest(self) -> None:
        """Sync, then settle, in a thread, when there is something to do and nobody edits."""
        if not self._pens or (self._worker is not None and self._worker.is_alive()):
            return
        idle_s = time.monotonic() - self._edited_s
        if idle_s >= REST_S:
            self._start(self._settle)
        elif idle_s >= SYNC_S and not self._synced:
            self._synced = True
            self._start(self._sync)

    def settle(self) -> None:
        """Everything in `recording.json`, now. What the disk refuses stays in the journal, which loading reads."""
        if self._worker is not None:
            self._worker.join()
        self._settle()

    def _whole(self, new: Recording) -> None:
        """All of a recording; what its journal said is void."""
        with self._documents:
            pen = self._pens.get(new.path)
            if pen is None:
                recording_files.save(new)
                return
            recording_files.put(new)
            with self._files:
                self._let_go(pen, None)

    def _start(self, work: Callable[[], object]) -> None:
        self._worker = threading.Thread(target=work, name="labels to disk")
        self._worker.start()

    def _sync(self) -> None:
        for pen in list(self._pens.values()):
            edits.sync(pen.file)

    def _settle(self) -> None:
        for pen in list(self._pens.values()):
            with self._documents:
                recording, last = pen.recording, pen.last
                if self._pens.get(recording.path) is not pen:
                    continue  # written whole meanwhile
                there = recording.path.is_dir()
                with contextlib.suppress(DataError, OSError):
                    if there:
                        recording_files.put(recording)
                    with self._files:
                        self._let_go(pen, last)

    def _let_go(self, pen: Pen, upto: int | None) -> None:
        """`recording.json` holds the edits up to `upto`, or all; the journal goes with the last of them."""
        path = pen.recording.path
        if path.is_dir():
            edits.drop(path, pen.file, upto)
        if upto is None or pen.last == upto:
            del self._pens[path]
            pen.file.close()


def _same_but_labels(old: Recording, new: Recording) -> bool:
    return all(getattr(old, f.name) is getattr(new, f.name) for f in fields(Recording) if f.name != "labels")


def newest_model(project: Project) -> str:
    """Id of the model made last, or ""."""
    found = sorted((project.path / "models").glob("*/model.json"), key=lambda p: p.stat().st_mtime)
    return found[-1].parent.name if found else ""
