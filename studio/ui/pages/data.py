"""Data: the project's recordings, what is wrong with them, how they are balanced and parted; import of files."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.actions.check import check
from studio.app.actions.import_ import add_classes
from studio.app.jobs import Job
from studio.app.session import State
from studio.data.formats.piece import Hints
from studio.data.project import open_project
from studio.data.recording import Recording
from studio.errors import DataError, StudioError
from studio.progress import Work
from studio.ui.dataset.bars import Bar
from studio.ui.dataset.export_dialog import ExportDialog
from studio.ui.dataset.import_dialog import ImportDialog, Wishes
from studio.ui.dataset.losses import grouped, tell
from studio.ui.dataset.side import SelectionSide
from studio.ui.dataset.table import RecordingTable, recording_table, worst
from studio.ui.dataset.travel import EXPORT, IMPORT, LABELS, travel_job
from studio.ui.labels.classes import classes_of
from studio.ui.labels.lists import scrolled_side
from studio.ui.labels.tally import span_text, tally_all
from studio.ui.pages.base import Page, Shell
from studio.ui.safe import safe_overrides
from studio.ui.widgets import (
    EmptyState,
    JobBar,
    Stat,
    button,
    columns,
    label,
    line,
)

#: Recordings that cannot be read are told one by one up to this number.
MOST_BROKEN = 3


@safe_overrides
class DataPage(Page):
    """The table in the middle; at the right the selection, its findings, the balance and the split."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.setAcceptDrops(True)
        self.model = RecordingTable()
        self.table = recording_table(self.model)
        self.job = JobBar("import_cancel", self._cancel, "Ctrl+.")
        self.job.hide()
        self._importing: Any = None
        self._stop: Path | None = None
        self._checked: tuple[Recording, ...] | None = None
        self._classes: list[dict[str, str]] = []
        self._removed: list[tuple[Path, Path]] = []
        self._test_ids: set[str] = set()
        self.side = SelectionSide()
        self.subject, self.split = self.side.subject, self.side.split
        self.open, self.delete = self.side.open, self.side.delete
        self.findings, self.bars, self.parting = self.side.findings, self.side.bars, self.side.parting
        self._build()
        self._build_tools()
        self._wire()

    def _wire(self) -> None:
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_selection())
        self.table.doubleClicked.connect(lambda _: self._open())
        self.subject.editingFinished.connect(self._set_subject)
        self.split.activated.connect(lambda _: self._set_split())
        self.open.clicked.connect(self._open)
        self.delete.clicked.connect(self.remove_selected)

    # --- building ------------------------------------------------------------------------

    def _build(self) -> None:
        self.stats = {n: Stat(n) for n in ("Recordings", "Recorded", "Labelled", "Subjects", "To look at")}
        top = columns(*self.stats.values(), spacing=44)
        top.addStretch()
        self.broken = label("", wrap=True)
        self.broken.setProperty("tone", "danger")
        self.search = line("recording_search", "Find recordings", "Find …", "Show only rows that contain this")
        self.search.setFixedWidth(180)
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.table.model().setFilterFixedString)
        top.addWidget(self.search, 0, Qt.AlignmentFlag.AlignBottom)
        middle = QtWidgets.QVBoxLayout()
        middle.setContentsMargins(20, 18, 16, 12)
        middle.setSpacing(14)
        middle.addLayout(top)
        middle.addWidget(self.job)
        middle.addWidget(self.broken)
        middle.addWidget(self.table, 1)
        work = QtWidgets.QWidget()
        across = QtWidgets.QHBoxLayout(work)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addLayout(middle, 1)
        across.addWidget(scrolled_side(self.side))
        self._build_empty()
        self.stack = QtWidgets.QStackedLayout(self)
        for one in (self.no_project, self.empty, work):
            self.stack.addWidget(one)

    def _build_empty(self) -> None:
        first = button("import_first", "Import files", self.ask_import, icon="file-import", kind="primary")
        folder = button("import_first_folder", "Import a folder", self._ask_folder, icon="folder")
        capture = button("capture_open", "Record a sensor", lambda: self.shell.go("capture"), icon="player-record")
        words = "Thirteen formats of samples and eleven of labels, found by themselves. You can also drop files here."
        self.empty = EmptyState("database", "No recordings yet", words, first, folder, capture)
        no = button("project_choose", "Open project", self._ask_project, icon="folder-open", kind="primary")
        self.no_project = EmptyState("folder", "No project is open", "Recordings live in a project folder.", no)

    def _build_tools(self) -> None:
        self.restore = button(
            "recording_restore", "Restore", self.restore_removed, icon="rotate", tip="Bring back what was deleted last"
        )
        self.restore.setEnabled(False)
        self.import_folder = button(
            "import_folder", "Import folder", self._ask_folder, icon="folder", shortcut="Ctrl+Shift+I",
            tip="Import a data set: a folder with manifest.json",
        )  # fmt: skip
        self.export_start = button(
            "export_start", "Export", self.ask_export, icon="file-export", shortcut="Ctrl+E",
            tip="Write recordings and labels for other programs",
        )  # fmt: skip
        self.import_start = button(
            "import_start", "Import files", self.ask_import, icon="file-import", kind="primary", shortcut="Ctrl+I",
            tip="Import recordings and labels of other programs",
        )  # fmt: skip

    def toolbar(self) -> list[QtWidgets.QWidget]:
        return [self.restore, self.export_start, self.import_folder, self.import_start]

    def crumb(self) -> str:
        return "›  Data"

    # --- the session ---------------------------------------------------------------------

    def changed(self, old: State, new: State) -> None:
        shown = bool(new.recordings or new.broken or self._importing)
        place = 0 if new.project is None else 2 if shown else 1
        self.stack.setCurrentIndex(place)
        for tool in (self.import_folder, self.import_start):
            tool.setEnabled(new.project is not None and self._importing is None)
        self.export_start.setEnabled(bool(new.recordings) and self._importing is None)
        if old.recordings is new.recordings and old.project is new.project:
            return
        self.model.show(new.recordings)
        if new.recordings and not self.table.selectionModel().hasSelection():
            self.table.selectRow(0)
        self._show_figures(new)
        self._show_selection()
        self._look(new)

    def enter(self) -> None:
        self._look(self.shell.session.state)

    def _look(self, state: State) -> None:
        """Run `check` and the split preview beside the window, once for each state of the recordings."""
        if state.project is None or state.recordings is self._checked:
            return
        self._checked = seen = state.recordings
        if not seen:
            return
        path = state.project.path
        self.shell.run(Job("check", check(path)), done=lambda found: self._judge(seen, found))
        self.parting.say("Working it out …")
        self.shell.run(
            Job("split preview", _split_preview(path)),
            done=lambda found: self._part(seen, found),
            failed=self.parting.show_problem,
        )

    def _judge(self, seen: tuple[Recording, ...], found: dict[str, Any]) -> None:
        if seen is not self._checked:
            return
        self._classes = found.get("balance", [])
        self.model.judge({r["id"]: r["findings"] for r in found["recordings"]})
        self._show_selection()
        self._show_figures(self.shell.session.state)

    def _part(self, seen: tuple[Recording, ...], found: dict[str, Any]) -> None:
        if seen is self._checked:
            self.parting.show_parts(found)
            self._test_ids = set(found["sides"]["test"]["recordings"]) if found["by"] != "time" else set()
            self._show_figures(self.shell.session.state)

    def _show_figures(self, state: State) -> None:
        recordings = state.recordings
        counted = tally_all(recordings)
        total = sum(r.duration_s for r in recordings)
        trouble = sum(worst(f) in ("error", "warning") for f in self.model.findings.values())
        self.stats["Recordings"].say(str(len(recordings)))
        self.stats["Recorded"].say(span_text(total))
        self.stats["Labelled"].say(f"{counted.total_s / total:.0%}" if total else "–")
        self.stats["Subjects"].say(str(len({r.subject for r in recordings if r.subject})))
        self.stats["To look at"].say(str(trouble + len(state.broken)))
        self.broken.setText("\n".join(str(e) for e in state.broken[:MOST_BROKEN]))
        self.broken.setVisible(bool(state.broken))
        test = [r for r in recordings if r.id in self._test_ids]
        judged = tally_all(test).seconds
        self.bars.setVisible(bool(classes_of(state)))
        self.bars.show_bars(
            [
                Bar(
                    c.name, c.color, counted.seconds.get(c.name, 0.0) - judged.get(c.name, 0.0), judged.get(c.name, 0.0)
                )
                for c in classes_of(state)
            ]
        )
        words = ["Pale: the part that judges the model."] if judged else [] if counted.n else ["No labels yet."]
        self.side.advice.setText(" ".join([*words, *(f["text"] for f in self._classes)]))
        self.side.advice.setVisible(bool(self.side.advice.text()))

    # --- the selection -------------------------------------------------------------------

    def selected(self) -> list[Recording]:
        """The selected recordings, in order of the table."""
        model = self.table.model()
        picked = self.table.selectionModel().selectedRows()
        at = sorted(model.mapToSource(i).row() for i in picked)
        return [self.model.recordings[i] for i in at if i < len(self.model.recordings)]

    def _show_selection(self) -> None:
        found = self.selected()
        for widget in (self.subject, self.split, self.delete):
            widget.setEnabled(bool(found))
        self.open.setEnabled(len(found) == 1)
        self.side.chosen.setText(found[0].id if len(found) == 1 else f"{len(found)} recordings selected")
        subjects, splits = {r.subject for r in found}, {r.split for r in found}
        self.subject.setText(subjects.pop() if len(subjects) == 1 else "")
        self.split.setCurrentIndex(self.split.findData(splits.pop()) if len(splits) == 1 else -1)
        known = [self.model.findings.get(r.id) for r in found]
        shown = None if any(k is None for k in known) else [f for k in known for f in (k or ())]
        self.findings.setVisible(bool(found))
        self.findings.show_findings(shown, "Nothing wrong was found.")

    def _set_subject(self) -> None:
        text = self.subject.text().strip()
        changed = [r for r in self.selected() if r.subject != text]
        if changed and (text or len({r.subject for r in self.selected()}) == 1):
            self._commit(f"Set subject {text or 'to nobody'}", [replace(r, subject=text) for r in changed])

    def _set_split(self) -> None:
        split = self.split.currentData()
        changed = [r for r in self.selected() if r.split != split]
        if split is not None and changed:
            self._commit(f"Mark as {split or 'automatic'}", [replace(r, split=split) for r in changed])

    def _commit(self, what: str, changed: list[Recording]) -> None:
        state = self.shell.session.state
        for recording in changed:
            state = state.with_recording(recording)
        try:
            self.shell.session.commit(what, state)
            self.shell.say(what)
        except StudioError as e:
            self.shell.show_error(e)

    def _open(self) -> None:
        found = self.selected()
        if found:
            state = self.shell.session.state
            self.shell.session.show(replace(state, recording=found[0].id, selected=None))
            self.shell.go("label")

    def remove_selected(self) -> None:
        """Move the selected recordings into the project's trash; `restore_removed` brings them back."""
        project, found = self.shell.session.state.project, self.selected()
        if project is None or not found:
            return
        trash = project.path / "trash"
        self._removed = []
        try:
            trash.mkdir(exist_ok=True)
            for r in found:
                place = trash / f"{r.id}-{len(list(trash.iterdir()))}"
                shutil.move(r.path, place)
                self._removed.append((place, r.path))
        except OSError as e:
            self.shell.show_error(DataError(str(trash), str(e), "Close what uses the recording, then try again."))
        self._after_move(f"Moved {len(self._removed)} to trash")

    def restore_removed(self) -> None:
        """Bring back the recordings that were deleted last."""
        n = len(self._removed)
        try:
            for place, home in self._removed:
                shutil.move(place, home)
        except OSError as e:
            self.shell.show_error(DataError("Trash", str(e), "Move the folder back by hand."))
        self._removed = []
        self._after_move(f"Restored {n}")

    def _after_move(self, what: str) -> None:
        self.restore.setEnabled(bool(self._removed))
        self.shell.session.reload()
        self.shell.say(what)

    # --- import --------------------------------------------------------------------------

    def ask_import(self, paths: Sequence[Path] = ()) -> None:
        """The dialog, with files in it already when they were dropped."""
        if self.shell.session.state.project is not None and self._importing is None:
            ImportDialog(self.shell, list(paths), self, self.bring).open()

    def _ask_folder(self) -> None:
        found = QtWidgets.QFileDialog.getExistingDirectory(self, "Import a data set", str(Path.home()))
        if found:
            self.ask_import([Path(found)])

    def ask_export(self) -> None:
        """The dialog, for the selected recordings or all."""
        state = self.shell.session.state
        if state.project is not None and state.recordings and self._importing is None:
            chosen = [r.id for r in self.selected()]
            ExportDialog(self.shell, chosen, self, self.export).open()

    def _ask_project(self) -> None:
        action = self.window().findChild(QtGui.QAction, "project_open")
        if action is not None:
            action.trigger()

    def import_paths(self, paths: list[Path]) -> None:
        """Import files and folders beside the window, as they say themselves."""
        self.bring(Wishes(tuple(paths), "", None, "", "", Hints()))

    def bring(self, wishes: Wishes) -> None:
        """Import beside the window."""
        project, paths = self.shell.session.state.project, wishes.paths
        if project is None or not paths or self._importing is not None:
            return
        if wishes.into:
            told = (project.path, paths[0], wishes.into, wishes.format)
            self._begin("import", LABELS, told, f"Reading {paths[0].name}", self._labelled, "Import was stopped")
            return
        args = (project.path, *wishes.told)
        self._begin("import", IMPORT, args, f"Importing {paths[0].name}", self._imported, "Import was stopped")

    def export(self, ids: tuple[str, ...], format: str, folder: Path, key: str) -> None:
        """Export beside the window."""
        project = self.shell.session.state.project
        if project is not None and self._importing is None:
            args = (project.path, folder, format, ids, key)
            self._begin("export", EXPORT, args, f"Exporting to {folder}", self._exported, "Export was stopped")

    def _begin(self, name: str, target: str, args: tuple[Any, ...], text: str, done: Any, stopped: str) -> None:
        self.shell.clear_error()
        handle, path = tempfile.mkstemp(prefix="studio-stop-")
        os.close(handle)
        os.unlink(path)
        self._stop = Path(path)
        self._importing = travel_job(name, target, (*args, self._stop))
        self.job.begin(text)
        self.changed(self.shell.session.state, self.shell.session.state)
        self.shell.run(
            self._importing,
            step=lambda p: self.job.step(p.done, p.total, p.text),
            done=lambda found: self._import_over(stopped) if found.get("stopped") else done(found),
            failed=self._import_failed,
            stopped=lambda: self._import_over(stopped),
        )

    def _cancel(self) -> None:
        """Ask the work to end: it leaves nothing half done. A second time, end it at once."""
        if self._importing is None or self._stop is None:
            return
        if self._stop.exists():
            self._importing.stop()
        self._stop.touch()

    def _imported(self, found: dict[str, Any]) -> None:
        n = len(found["recordings"])
        self._import_over(f"Imported {n} recording{'s' if n != 1 else ''}")
        if found["report"]:
            tell(self, "import_report", "Imported, with changes", found["report"])

    def _labelled(self, found: dict[str, Any]) -> None:
        """Labels of a file become tracks, as one step that can be undone."""
        session = self.shell.session
        self._import_over("")
        try:
            session.set_tracks("Import labels", found["recording"], found["tracks"])
            add_classes(open_project(session.state.project.path), found["tracks"])
        except StudioError as e:
            self.shell.show_error(e)
            return
        self._know_classes()
        self.shell.say(f"Labels added to {found['recording']}: {', '.join(found['tracks'])}")
        if found["report"]:
            tell(self, "import_report", "Imported, with changes", found["report"])

    def _exported(self, found: dict[str, Any]) -> None:
        n = len(found["files"])
        lost = f", {len(grouped(found['report']))} kinds of loss" if found["report"] else ", nothing lost"
        self._import_over(f"Exported {n} file{'s' if n != 1 else ''}{lost}")

    def _import_failed(self, error: BaseException) -> None:
        self._import_over("")
        self.shell.show_error(error)

    def _import_over(self, text: str) -> None:
        self._importing = None
        if self._stop is not None:
            self._stop.unlink(missing_ok=True)
        self.job.hide()
        session = self.shell.session
        session.reload()
        self._know_classes()
        self.changed(session.state, session.state)
        if text:
            self.shell.say(text)

    def _know_classes(self) -> None:
        """The import has added classes to project.json; take them over."""
        state = self.shell.session.state
        if state.project is not None:
            fresh = open_project(state.project.path)
            if fresh.classes != state.project.classes:
                self.shell.session.show(replace(state, project=fresh))

    def dragEnterEvent(self, event: QtGui.QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and self.shell.session.state.project is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QtGui.QDropEvent) -> None:
        self.ask_import([Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()])


def _split_preview(path: Path) -> Work[dict[str, Any]]:
    """The preview; what it needs is imported on its thread, so that the page opens at once."""
    from studio.app.actions.split import split_preview

    return (yield from split_preview(path))
