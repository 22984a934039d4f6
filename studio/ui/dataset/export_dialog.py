"""Export: which recordings, as what, into which folder; and before anything is written, what that cannot hold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.actions.export import export_report
from studio.app.jobs import Job
from studio.data.formats.exporting import table_of_formats
from studio.ui.dataset.losses import Losses
from studio.ui.pages.base import Shell
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, settings
from studio.ui.widgets import button, caption, columns, heading, label, line, named, rows, scrolled

NAME = Qt.ItemDataRole.UserRole
SIZE = (860, 600)
SIGNED = ("edge-impulse", "edge-impulse-cbor")


@safe_overrides
class ExportDialog(QtWidgets.QDialog):
    """`start(ids, format, folder, key)` is called when the person presses Export."""

    def __init__(self, shell: Shell, selected: Sequence[str], parent: QtWidgets.QWidget, start: Any) -> None:
        super().__init__(parent)
        self.setObjectName("export_dialog")
        self.setWindowTitle("Export recordings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._shell, self._selected, self._start = shell, tuple(selected), start
        self._asked: tuple[str, tuple[str, ...]] | None = None
        self._known: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._build()
        self.formats.currentItemChanged.connect(lambda *_: self._look())
        self.what.currentIndexChanged.connect(lambda _: self._look())
        self.where.textChanged.connect(lambda _: self._enable())
        last = str(settings().value("export/format", "csv"))
        self.choose(last if self._item(last) is not None else "csv")
        self.resize(*SIZE)

    def _build(self) -> None:
        self.formats = named(QtWidgets.QListWidget(), "export_format", "Format", "What other programs can read")
        for row in table_of_formats():
            self._add(row)
        self.formats.setFixedWidth(286)
        self.what = named(QtWidgets.QComboBox(), "export_what", "Recordings to export")
        n = len(self._shell.session.state.recordings)
        if self._selected:
            words = f"{len(self._selected)} selected" if len(self._selected) > 1 else self._selected[0]
            self.what.addItem(words, self._selected)
        self.what.addItem(f"All {n} recordings", ())
        self._build_fields()
        self.ok = button(
            "export_write", "Export", self._go, icon="file-export", kind="primary", shortcut="Ctrl+Return",
            tip="Write the files",
        )  # fmt: skip
        cancel = button("export_cancel", "Cancel", self.reject, tip="Write nothing", shortcut="Esc")
        below = columns(cancel, self.ok)
        below.insertStretch(0)
        across = columns(self.formats, spacing=20)
        across.addLayout(self._right(), 1)
        whole = rows(spacing=16, margins=18)
        whole.addLayout(across, 1)
        whole.addLayout(below)
        self.setLayout(whole)

    def _build_fields(self) -> None:
        self.where = line("export_where", "Folder to write into", "An empty or new folder")
        self.where.setText(str(Path.home() / "export"))
        self.pick = button(
            "export_choose", "Choose", self._pick, icon="folder", shortcut="Ctrl+D", tip="Choose the folder"
        )
        self.key = line("export_key", "Key that signs the files", "HMAC key of the Edge Impulse project")
        self.key.setText("0")
        self.key_box = QtWidgets.QWidget()
        self.key_box.setLayout(caption("Signing key", self.key))
        self.title, self.note = label("", "title"), label("", "small", wrap=True)
        self.losses = Losses("export_losses")

    def _right(self) -> QtWidgets.QLayout:
        """Everything beside the list of formats."""
        folder = columns(self.where, self.pick)
        right = rows(self.title, self.note, spacing=4)
        right.addSpacing(8)
        right.addLayout(caption("Recordings", self.what))
        right.addSpacing(4)
        right.addWidget(label("Folder", "small"))
        right.addLayout(folder)
        right.addSpacing(4)
        right.addWidget(self.key_box)
        right.addSpacing(8)
        right.addWidget(heading("What it cannot hold"))
        right.addSpacing(4)
        right.addWidget(scrolled(self.losses, "export_losses_area"), 1)
        return right

    def _add(self, row: Any) -> None:
        first = self.formats.count() == 0
        previous = self.formats.item(self.formats.count() - 1)
        if first or previous.data(NAME)["labels_only"] != row["labels_only"]:
            head = QtWidgets.QListWidgetItem("LABELS ALONE" if row["labels_only"] else "SAMPLES AND LABELS")
            head.setFlags(Qt.ItemFlag.NoItemFlags)
            head.setData(NAME, row | {"name": ""})
            head.setFont(font(11, QtGui.QFont.Weight.DemiBold))
            head.setSizeHint(QtCore.QSize(0, 30 if first else 42))
            head.setTextAlignment(Qt.AlignmentFlag.AlignBottom)
            self.formats.addItem(head)
        item = QtWidgets.QListWidgetItem(row["title"])
        item.setSizeHint(QtCore.QSize(0, 29))
        item.setData(NAME, row)
        item.setToolTip(f"{row['title']}: {row['note']}" if row["note"] else row["title"])
        self.formats.addItem(item)

    def _item(self, name: str) -> Any:
        items = (self.formats.item(i) for i in range(self.formats.count()))
        return next((item for item in items if item.data(NAME)["name"] == name), None)

    def choose(self, name: str) -> None:
        """Choose a format by its name."""
        self.formats.setCurrentItem(self._item(name))

    @property
    def format(self) -> str:
        """Name of the chosen format."""
        item = self.formats.currentItem()
        return str(item.data(NAME)["name"]) if item is not None else ""

    # --- the report ----------------------------------------------------------------------

    def _look(self) -> None:
        """Work out what the chosen format loses; nothing is written."""
        project = self._shell.session.state.project
        if project is None or not self.format:
            return
        row = self.formats.currentItem().data(NAME)
        self.title.setText(row["title"])
        suffix = f"Files {row['suffix']}"
        self.note.setText(f"{suffix}; {row['note']}." if row["note"] else f"{suffix}.")
        self.key_box.setVisible(self.format in SIGNED)
        self._asked = asked = (self.format, tuple(self.what.currentData() or ()))
        if asked in self._known:
            self._show(asked, self._known[asked])
            return
        self.losses.say("Working it out …")
        self._enable()
        self._shell.run(
            Job("export report", export_report(project.path, *asked)),
            done=lambda found: self._show(asked, found),
            failed=lambda error: self._fail(asked, error),
        )

    def _show(self, asked: Any, found: Any) -> None:
        self._known[asked] = found
        if asked == self._asked:
            self.losses.show_report(found["report"], "Nothing is lost: what you import again is what you have here.")
            self._enable()

    def _fail(self, asked: Any, error: BaseException) -> None:
        if asked == self._asked:
            self.losses.say(str(error))

    def _enable(self) -> None:
        self.ok.setEnabled(self._asked in self._known and bool(self.where.text().strip()))

    # --- acting --------------------------------------------------------------------------

    def done(self, result: int) -> None:
        self._asked = None  # what is still being worked out finds nobody
        super().done(result)

    def _pick(self) -> None:
        found = QtWidgets.QFileDialog.getExistingDirectory(self, "Folder to export into", self.where.text())
        if found:
            self.where.setText(found)

    def _go(self) -> None:
        settings().setValue("export/format", self.format)
        ids = tuple(self.what.currentData() or ())
        self._start(ids, self.format, Path(self.where.text().strip()).expanduser(), self.key.text())
        self.accept()
