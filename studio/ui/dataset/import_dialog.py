"""Import: files and folders, what is in them, what the person knows better; nothing is read in before they say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.jobs import ProcessJob
from studio.data.formats import FORMATS
from studio.data.formats.piece import Hints
from studio.ui.dataset.side import SPLITS
from studio.ui.icons import icon
from studio.ui.pages.base import Shell
from studio.ui.safe import safe_overrides
from studio.ui.theme import font
from studio.ui.widgets import button, caption, columns, combo, heading, label, line, named, rows, scrolled

SIZE = (1000, 640)
COLUMNS = ("File", "Format", "Streams", "Labels")
WIDTHS = (0, 130, 190, 120)
FILTER = "All files (*)"


@dataclass(frozen=True)
class Wishes:
    """What the person said in the dialog."""

    paths: tuple[Path, ...]
    format: str
    labels: Path | None
    subject: str
    split: str
    hints: Hints
    into: str = ""
    pairs: tuple[tuple[Path, Path], ...] = ()

    @property
    def told(self) -> tuple[Any, ...]:
        """What `import_files` takes after the project."""
        return self.paths, self.format, self.labels, self.subject, self.split, self.hints, self.pairs


def preview_job(paths: tuple[Path, ...], format: str, hints: Hints) -> Any:
    """A look into the files, in a process of its own: readers of foreign files stay out of the window's."""
    return ProcessJob("preview", "studio.app.actions.preview:preview_files", (paths, format, hints))


@safe_overrides
class ImportDialog(QtWidgets.QDialog):
    """`start(wishes)` is called when the person presses Import."""

    def __init__(self, shell: Shell, paths: Sequence[Path], parent: QtWidgets.QWidget, start: Any) -> None:
        super().__init__(parent)
        self.setObjectName("import_dialog")
        self.setWindowTitle("Import recordings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self._shell, self._start = shell, start
        self.paths: list[Path] = []
        self.found: dict[str, Any] = {}
        self.pairs: dict[Path, Path] = {}
        self._job: Any = None
        self._build()
        self._wire()
        self.resize(*SIZE)
        self.add(paths)
        self.table.setFocus()

    # --- building ------------------------------------------------------------------------

    def _build(self) -> None:
        add = button("import_add", "Add files", self._ask_files, icon="plus", shortcut="Ctrl+I", tip="Choose files")
        folder = button(
            "import_add_folder", "Add a folder", self._ask_folder, icon="folder", shortcut="Ctrl+Shift+I",
            tip="Choose a folder that is a set: with manifest.json, or an export of Edge Impulse",
        )  # fmt: skip
        self.remove = button(
            "import_remove", "Remove", self._remove, icon="trash", shortcut="Del", tip="Take the file off this list"
        )
        self.hint = label("or drop files and folders here", "small")
        top = columns(add, folder, self.remove, self.hint)
        top.addStretch()
        self.table = named(QtWidgets.QTableWidget(0, len(COLUMNS)), "import_files", "Files to import")
        self._shape_table()
        self._build_rows()
        self.ok = button(
            "import_go", "Import", self._go, icon="file-import", kind="primary", shortcut="Ctrl+Return",
            tip="Bring these files in",
        )  # fmt: skip
        cancel = button("import_close", "Cancel", self.reject, tip="Import nothing", shortcut="Esc")
        left = self._left(top)
        across = columns(spacing=18)
        across.addLayout(left, 1)
        across.addWidget(self._side())
        below = columns(cancel, self.ok)
        below.insertStretch(0)
        whole = rows(spacing=14, margins=18)
        whole.addLayout(across, 1)
        whole.addLayout(below)
        self.setLayout(whole)

    def _build_rows(self) -> None:
        """The first samples of the chosen file."""
        self.rows = named(QtWidgets.QTableWidget(), "import_rows", "First samples of the chosen file")
        self.rows.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.rows.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.NoSelection)
        self.rows.setShowGrid(False)
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.verticalHeader().setVisible(False)
        self.rows.verticalHeader().setDefaultSectionSize(26)
        self.stream = combo("import_stream", "Stream shown", "Which stream of the file is shown below")
        self.said = label("", wrap=True)

    def _left(self, top: QtWidgets.QLayout) -> QtWidgets.QBoxLayout:
        """The files, and what is in the chosen one."""
        left = rows(spacing=10)
        left.addLayout(top)
        left.addWidget(self.table, 3)
        head = columns(heading("First samples"))
        head.addStretch()
        self.stream.setFixedWidth(200)
        head.addWidget(self.stream)
        left.addLayout(head)
        left.addWidget(self.said)
        left.addWidget(self.rows, 2)
        left.addStretch()
        return left

    def _shape_table(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(COLUMNS)
        table.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(32)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.horizontalHeader().setSectionResizeMode(0, QtWidgets.QHeaderView.ResizeMode.Stretch)
        for column, width in enumerate(WIDTHS):
            if width:
                table.setColumnWidth(column, width)

    def _build_fields(self) -> None:
        self.format = combo("import_format", "Format of the files", "Who reads the files")
        self.format.addItem("Found by itself", "")
        for name, row in FORMATS.items():
            self.format.addItem(row.title, name)
        self.rate = line("import_rate", "Samples per second", "as the file says", "Where no file says its rate")
        self.unit = line("import_unit", "Unit of the samples", "as the file says", "For example g or m/s2")
        self.subject = line("import_subject", "Subject", "as the file says", "Who wears or moves the sensor")
        self.split = combo("import_split", "Part they belong to", "Whether they teach or judge")
        for text, value in SPLITS:
            self.split.addItem(text, value)
        self.label = line("import_label", "One label for all of each file", "as the file says")
        self.labels = line("import_labels", "Label file", "the one beside the file", "A label file of any kind")
        self.into = combo("import_into", "Recording that the labels belong to", "They become tracks of it")
        self.into_box = QtWidgets.QWidget()
        self.into_box.setLayout(caption("Labels of recording", self.into))
        self.into_box.hide()

    def _side(self) -> QtWidgets.QWidget:
        """What the person may say of all files at once."""
        self._build_fields()
        pick = button(
            "import_labels_choose", "", self._ask_labels, icon="folder", shortcut="Ctrl+L",
            accessible="Choose a label file",
        )  # fmt: skip
        box = QtWidgets.QWidget()
        inner = rows(heading("For all files"), self.into_box, spacing=12)
        for words, field in (
            ("Format", self.format),
            ("Rate [Hz]", self.rate),
            ("Unit", self.unit),
            ("Subject", self.subject),
            ("Split", self.split),
            ("Label", self.label),
        ):
            inner.addLayout(caption(words, field))
        name = label("Label file", "small")
        name.setBuddy(self.labels)
        beside = rows(name, spacing=4)
        beside.addLayout(columns(self.labels, pick))
        inner.addLayout(beside)
        inner.addStretch()
        inner.setContentsMargins(0, 0, 6, 0)
        box.setLayout(inner)
        area = scrolled(box, "import_side")
        area.setFixedWidth(236)
        return area

    def _wire(self) -> None:
        self.table.itemSelectionChanged.connect(self._show_file)
        self.stream.currentIndexChanged.connect(lambda _: self._show_rows())
        self.format.currentIndexChanged.connect(lambda _: self.look())
        self.rate.editingFinished.connect(self._rate_changed)

    # --- files ---------------------------------------------------------------------------

    def add(self, paths: Sequence[Path]) -> None:
        """More files or folders; one that is a label file becomes the label file."""
        new = [p for p in paths if p not in self.paths]
        self.paths += new
        if new or not self.paths:
            self.look()

    def _remove(self) -> None:
        picked = {i.row() for i in self.table.selectionModel().selectedRows()}
        self.paths = [p for i, p in enumerate(self.paths) if i not in picked]
        self._show_table()

    def _rate_changed(self) -> None:
        if self.rate.isModified():
            self.rate.setModified(False)
            self.look()

    @property
    def hints(self) -> Hints:
        """What the fields say."""
        text = self.rate.text().strip().replace(",", ".")
        try:
            rate_hz = float(text or 0)
        except ValueError:
            rate_hz = 0.0
        return Hints(rate_hz=rate_hz, unit=self.unit.text().strip(), label=self.label.text().strip())

    def look(self) -> None:
        """Look into the files again, with what the fields say."""
        if self._job is not None:
            self._job.stop()
            self._job = None
        self.found = {}
        self._show_table()
        if not self.paths:
            return
        quick = Hints(rate_hz=self.hints.rate_hz, quick=True)
        job = self._job = preview_job(tuple(self.paths), self.format.currentData(), quick)
        self._shell.run(job, done=lambda found: self._looked(job, found), failed=self._look_failed)

    def _looked(self, job: Any, found: list[dict[str, Any]]) -> None:
        if job is not self._job:
            return
        self._job = None
        labels = [f for f in found if f.get("labels_only")]
        self._pair([Path(f["path"]) for f in labels])
        self._ask_into(labels[0] if labels and len(found) == len(labels) else None)
        self.found = {f["path"]: f for f in found}
        self._show_table()
        bad = [i for i, p in enumerate(self.paths) if self.found.get(str(p), {}).get("error")]
        lonely = [i for i, p in enumerate(self.paths) if self.found.get(str(p), {}).get("labels_only")]
        if bad or lonely:
            self.table.selectRow((bad or lonely)[0])

    def _pair(self, labels: list[Path]) -> None:
        """A label file goes with the recording of its name; one alone with the only recording there is."""
        samples = [p for p in self.paths if p not in labels]
        for file in labels:
            fits = [p for p in samples if file.name.split(".")[0] == p.name.split(".")[0]]
            fits = fits or (samples if len(samples) == 1 else [])
            if fits:
                self.pairs[fits[0]] = file
                self.paths.remove(file)

    def _ask_into(self, labels: dict[str, Any] | None) -> None:
        """Labels alone belong to a recording that is here: the one of that name is offered first."""
        self.into_box.setVisible(labels is not None)
        self.into.clear()
        if labels is None:
            return
        stem = Path(labels["path"]).name.lower().split(".")[0]
        for r in self._shell.session.state.recordings:
            self.into.addItem(r.id, r.id)
            if stem in (r.id.lower(), Path(str(r.device.get("imported_from"))).stem.lower()):
                self.into.setCurrentIndex(self.into.count() - 1)

    def _look_failed(self, error: BaseException) -> None:
        self._job = None
        self.said.setText(str(error))

    def _show_table(self) -> None:
        row = max(0, self.table.currentRow())
        self.table.setRowCount(len(self.paths))
        for i, path in enumerate(self.paths):
            for column, words in enumerate(self._cells(path)):
                item = QtWidgets.QTableWidgetItem(words)
                item.setToolTip(self.found.get(str(path), {}).get("error") or str(path))
                if column == 0 and str(path) in self.found:
                    bad = bool(self.found[str(path)]["error"])
                    item.setIcon(icon("alert-triangle", "warn") if bad else icon("circle-check", "ok"))
                self.table.setItem(i, column, item)
        if self.paths:
            self.table.selectRow(min(row, len(self.paths) - 1))
        self.remove.setEnabled(bool(self.paths))
        readable = [p for p in self.paths if not self.found.get(str(p), {"error": "?"})["error"]]
        lonely = any(self.found.get(str(p), {}).get("labels_only") for p in readable)
        alone = not lonely or (len(self.paths) == 1 and self.into.count() > 0)
        self.ok.setEnabled(bool(readable) and len(readable) == len(self.paths) and alone)
        self._show_file()

    def _cells(self, path: Path) -> list[str]:
        found = self.found.get(str(path))
        if found is None:
            return [path.name, "…", "", ""]
        if found["error"]:
            return [path.name, "not readable", "", ""]
        if found.get("labels_only"):
            return [path.name, found["title"], "labels alone", ""]
        streams = " · ".join(f"{s['name']} {s['rate_hz']:.6g} Hz" for s in found["streams"])
        many = f"{found['recordings']} recordings, " if found["recordings"] > 1 else ""
        if path in self.pairs:
            return [path.name, found["title"], many + streams, self.pairs[path].name]
        labels = sum(found["labels"].values())
        return [path.name, found["title"], many + streams, str(labels) if labels else "–"]

    # --- the chosen file -----------------------------------------------------------------

    def _chosen(self) -> dict[str, Any] | None:
        row = self.table.currentRow()
        return self.found.get(str(self.paths[row])) if 0 <= row < len(self.paths) else None

    def _show_file(self) -> None:
        found = self._chosen()
        self.stream.blockSignals(True)
        self.stream.clear()
        streams = found.get("streams", []) if found and not found["error"] else []
        for s in streams:
            self.stream.addItem(s["name"], s)
        self.stream.blockSignals(False)
        self.stream.setVisible(len(streams) > 1)
        words = "" if self.paths else "Choose files, or drop them here: the studio finds out what they are."
        if self.paths and found is None:
            words = "Looking into the file …"
        elif found:
            words = found["error"] or found["note"]
            if found.get("labels_only"):
                words = "Labels without samples: they become tracks of the recording chosen at the right."
                if len(self.paths) > 1:
                    words = "Whose labels are these? Name the file like its recording, or import it alone."
        self.said.setText(words)
        self.said.setVisible(bool(words))
        self.rows.setVisible(bool(streams))
        self._show_rows()

    def _show_rows(self) -> None:
        s = self.stream.currentData()
        self.rows.clear()
        channels = s["channels"][:40] if s else []
        self.rows.setColumnCount(len(channels))
        self.rows.setRowCount(len(s["rows"]) if s else 0)
        unit = f" [{s['unit']}]" if s and s["unit"] and s["dtype"] == "f32" else ""
        self.rows.setHorizontalHeaderLabels([c + unit for c in channels])
        for i, values in enumerate(s["rows"] if s else []):
            for column, value in enumerate(values[:40]):
                item = QtWidgets.QTableWidgetItem(f"{value:.6g}")
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setFont(font(13, figures=True))
                self.rows.setItem(i, column, item)

    # --- acting --------------------------------------------------------------------------

    def _ask_files(self) -> None:
        found, _ = QtWidgets.QFileDialog.getOpenFileNames(self, "Import recordings", str(Path.home()), FILTER)
        self.add([Path(f) for f in found])

    def _ask_folder(self) -> None:
        found = QtWidgets.QFileDialog.getExistingDirectory(self, "Import a data set", str(Path.home()))
        self.add([Path(found)] if found else [])

    def _ask_labels(self) -> None:
        found, _ = QtWidgets.QFileDialog.getOpenFileName(self, "Label file", str(Path.home()), FILTER)
        if found:
            self.labels.setText(found)

    def _go(self) -> None:
        labels = self.labels.text().strip()
        self._start(
            Wishes(
                tuple(self.paths),
                self.format.currentData(),
                Path(labels).expanduser() if labels else None,
                self.subject.text().strip(),
                self.split.currentData(),
                self.hints,
                str(self.into.currentData() or ""),
                tuple(self.pairs.items()),
            )
        )
        self.accept()

    def done(self, result: int) -> None:
        if self._job is not None:
            self._job.stop()
            self._job = None
        super().done(result)

    def dragEnterEvent(self, event: QtGui.QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QtGui.QDropEvent) -> None:
        self.add([Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()])
