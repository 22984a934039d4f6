"""Prepare a board: the firmware that only streams its sensors, made and put on it, before there is any model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.jobs import Job, ProcessJob
from studio.errors import StudioError
from studio.firmware.board import Board, boards
from studio.firmware.supplies import Supply, supplies_for
from studio.paths import home
from studio.progress import Progress, Work
from studio.ui.pages.base import Shell
from studio.ui.parts.steps import Step
from studio.ui.safe import safe_overrides
from studio.ui.widgets import Banner, button, bytes_text, caption, columns, combo, heading, label, rows, rule

SIZE = (720, 520)
UNTRIED = "Built and modelled, not yet tried on hardware."


@safe_overrides
class PrepareDialog(QtWidgets.QDialog):
    """Which board, what it needs, make, flash."""

    def __init__(self, shell: Shell, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("prepare_dialog")
        self.setWindowTitle("Prepare a board")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._shell = shell
        self._job: Any = None
        self._image: Path | None = None
        self.board = combo("prepare_board", "Board", "Which board is on the desk")
        self.target = combo("prepare_url", "Address of the board", "Its port, probe or drive", editable=True)
        field = self.target.lineEdit()
        if field is not None:
            field.setPlaceholderText("Port, probe or drive, e.g. COM7")
        self.about, self.banner = label("", "dim", wrap=True), Banner("prepare_error")
        self._under_part = rule()
        self._make_steps()
        self._build()
        self.board.currentIndexChanged.connect(self._chosen)
        self.target.editTextChanged.connect(lambda _: self._show())
        self._fill()
        self.resize(*SIZE)
        self.board.setFocus()

    # --- building ------------------------------------------------------------------------

    def _make_steps(self) -> None:
        tip = "Take the file that the sensor's maker publishes and the studio does not bring"
        self.part = Step(
            "Give a part", "", button("prepare_part", "Choose file", self._give, icon="folder-open", tip=tip)
        )
        hint = "Compiles a firmware that streams every sensor of the board, and knows no model yet."
        self.make = Step(
            "Make firmware",
            hint,
            button("prepare_make", "Make", self._make, icon="hammer", shortcut="Ctrl+B", tip=hint),
        )
        hint = "Writes it to the board, and waits until the board answers with it."
        self.flash = Step(
            "Flash", hint, button("prepare_flash", "Flash", self._flash, icon="bolt", shortcut="Ctrl+F", tip=hint)
        )

    def _build(self) -> None:
        choices = columns(spacing=14)
        for name, field in (("Board", self.board), ("Address", self.target)):
            choices.addLayout(caption(name, field), 1)
        self.folder = button(
            "prepare_folder", "Open folder", self._open, icon="folder", tip="Show the files that were made"
        )
        close = button("prepare_close", "Close", self.accept, shortcut="Esc")
        end = columns(self.folder)
        end.addStretch()
        end.addWidget(close)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 18)
        layout.setSpacing(12)
        layout.addWidget(heading("Prepare a board"))
        layout.addLayout(choices)
        layout.addWidget(self.about)
        layout.addLayout(rows(self.part, self._under_part, self.make, rule(), self.flash, spacing=0))
        layout.addWidget(self.banner)
        layout.addStretch()
        layout.addLayout(end)

    def _fill(self) -> None:
        """Real boards first: nobody prepares what this computer plays."""
        for board in sorted(boards().values(), key=lambda b: (b.virtual, b.title)):
            self.board.addItem(board.title, board.id)
        hello = self._shell.device.connection.hello if self._shell.device.connection is not None else None
        at = self.board.findData(hello.board) if hello is not None else -1
        self.board.setCurrentIndex(max(at, 0))
        self._chosen()

    # --- choices -------------------------------------------------------------------------

    def _board(self) -> Board:
        return boards()[self.board.currentData()]

    def _missing(self) -> Supply | None:
        return next((s for s in supplies_for(self._board()) if not s.is_there), None)

    def _chosen(self) -> None:
        board, device = self._board(), self._shell.device
        self.banner.clear()
        tried = "" if board.virtual or board.tried_on_hardware else UNTRIED
        link = f"Connects by {board.link}.".replace("`", "") if board.link else ""
        self.about.setText("  ".join(s for s in (link, tried) if s))
        found = [f"virtual:{board.id}"] if board.virtual else []
        self.target.clear()
        self.target.addItems(found + [u for u in (device.url,) if u and u not in found])
        built = self._folder() / "firmware.bin"
        self._image = built if built.exists() else None
        self.make.become("waiting", "Made before." if self._image else "")
        self.flash.become("waiting")
        self._show()

    def _folder(self) -> Path:
        return home() / "firmware" / str(self.board.currentData())

    def _show(self) -> None:
        busy, missing = self._job is not None, self._missing()
        for widget in (self.part, self._under_part):
            widget.setVisible(bool(supplies_for(self._board())))
        self.part.become("waiting" if missing else "done", _needs(missing) if missing else "It is here.")
        self.part.action.setEnabled(not busy)
        self.make.action.setEnabled(not busy and missing is None)
        self.flash.action.setEnabled(not busy and self._image is not None and bool(self.target.currentText().strip()))
        self.folder.setEnabled(self._image is not None)
        for field in (self.board, self.target):
            field.setEnabled(not busy)

    # --- work ----------------------------------------------------------------------------

    def _give(self) -> None:
        supply = next(iter(supplies_for(self._board())))
        path, _ = QtWidgets.QFileDialog.getOpenFileName(self, f"{supply.title}: {supply.file}", "", "All files (*)")
        if path:
            self.give(Path(path))

    def give(self, path: Path) -> None:
        """Take the maker's file; what is wrong with it goes to the banner."""
        self.banner.clear()
        try:
            next(iter(supplies_for(self._board()))).take(path)
        except StudioError as e:
            self.banner.show_error(e)
        self._show()

    def _make(self) -> None:
        arguments = (self._board().id, self._folder())
        self._run(self.make, ProcessJob("firmware", "studio.app.actions.build:firmware", arguments), self._made)

    def _flash(self) -> None:
        url = self.target.currentText().strip()
        if self._shell.device.url:
            self._shell.device.lend("Lent to Prepare a board")
        self._when_free(lambda: self._run(self.flash, Job("flash", _write(self._image or Path(), url)), self._flashed))

    def _when_free(self, begin: Callable[[], None]) -> None:
        """Once the port that was lent is closed."""
        if self._shell.device.released:
            begin()
        else:
            QtCore.QTimer.singleShot(50, self, lambda: self._when_free(begin))

    def _run(self, step: Step, job: Any, done: Any) -> None:
        self.banner.clear()
        self._job = job
        step.become("running", "Starting")
        self._shell.run(job, step=step.step, done=done, failed=lambda e: self._failed(step, e))
        self._show()

    def _made(self, result: dict[str, Any]) -> None:
        self._job = None
        self._image = next((Path(f) for f in result["files"] if Path(f).name == "firmware.bin"), None)
        flash, ram = bytes_text(result["flash_bytes"]), bytes_text(result["ram_bytes"])
        self.make.become("done", f"{flash} of flash, {ram} of RAM.{_first_time(self._board(), result)}")
        self._show()

    def _flashed(self, result: dict[str, Any]) -> None:
        self._job = None
        self.flash.become("done", f"The board answers with build {str(result['build_hash'])[:12]}.")
        self._shell.device.connect(self.target.currentText().strip())
        self._show()

    def _failed(self, step: Step, error: BaseException) -> None:
        self._job = None
        step.become("failed", "It did not work. The reason is below.")
        self.banner.show_error(error)
        self._shell.device.take_back()
        self._show()

    def _open(self) -> None:
        QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(self._folder())))

    def done(self, result: int) -> None:
        """A dialog that closes leaves no work behind."""
        if self._job is not None:
            self._job.stop()
        super().done(result)


def _needs(supply: Supply) -> str:
    """Where the person gets it."""
    return f"{supply.title} is its maker's and does not ship with the studio. Fetch {supply.file}: {supply.source}"


def _first_time(board: Board, result: dict[str, Any]) -> str:
    """Which of the files made a board is given that never met this studio."""
    names = [Path(f).name for f in result["files"]]
    found = next((name for name in ("whole.uf2", "whole.hex") if name in names), "")
    return f" A board that never met this studio is given {found}." if found else ""


def _write(image: Path, url: str) -> Work[dict[str, Any]]:
    from studio.app.actions.flash import flash

    yield Progress(0, 0, f"opening {url}")
    return (yield from flash(image, url))
