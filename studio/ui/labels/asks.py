"""What the actions of the Label page ask the person for: names, keys, files. Each a small dialog, each cancellable."""

from collections.abc import Callable
from pathlib import Path

from PySide6 import QtWidgets

from studio.app.session import Session, State
from studio.errors import StudioError
from studio.ui.commands import sheet
from studio.ui.labels import classes
from studio.ui.labels.desk import Desk
from studio.ui.labels.inspector import Inspector
from studio.ui.labels.keys import MOUSE, WINDOW
from studio.ui.labels.reaction import Calibration
from studio.ui.widgets import named


class Asks:
    """`page` is what dialogs stand over; the class in hand is the inspector's."""

    def __init__(self, page: QtWidgets.QWidget, session: Session, desk: Desk, inspector: Inspector) -> None:
        self._page, self._session, self._desk, self._inspector = page, session, desk, inspector

    def rename(self) -> None:
        """The field for the class of the selected labels."""
        self._inspector.rename()

    def remark(self) -> None:
        """The field for their comment."""
        self._inspector.remark()

    def new_track(self) -> None:
        """A name, then an empty track of it."""
        if name := self._text("track_name", "New track", "Name of the new track, such as labels:ann", "labels:"):
            self._desk.new_track(name)

    def rename_track(self) -> None:
        """Another name for the track that is edited."""
        old = self._session.state.track
        if name := self._text("track_name", "Rename track", f"New name of track {old}", old):
            self._desk.rename_track(old, name)

    def measure_reaction(self) -> None:
        """The dialog that flashes."""
        Calibration(self._page).open()

    def print_keys(self) -> None:
        """The key sheet into a file."""
        found, _ = QtWidgets.QFileDialog.getSaveFileName(
            self._page, "Key sheet", "label-keys.pdf", "PDF (*.pdf);;Web page (*.html)"
        )
        if found:
            self.save_keys(Path(found))

    def save_keys(self, path: Path) -> None:
        """The key sheet as `path`."""
        actions = {a.name: a for a in self._desk.timeline.keys.actions.values()}
        own = [("Classes", key, name) for key, name in self._desk.timeline.keys.classes.items()]
        rest = [(group, keys, what) for group, lines in (("Window", WINDOW), ("Mouse", MOUSE)) for keys, what in lines]
        try:
            sheet.save(path, sheet.html("Labels", actions.values(), [*own, *rest]))
        except StudioError as e:
            self._desk.show_error(e)
        else:
            self._desk.say(f"Wrote {path}")

    def class_up(self) -> None:
        self._class(lambda s: classes.reorder(s, self._desk.edit.label, -1))

    def class_down(self) -> None:
        self._class(lambda s: classes.reorder(s, self._desk.edit.label, 1))

    def class_key(self) -> None:
        """One key, then that of the class in hand."""
        name = self._desk.edit.label
        text = self._text("class_key_field", "Key of the class", f"Letter or digit that sets {name}; empty for none")
        if text is not None:
            self.set_class_key(name, text)

    def set_class_key(self, name: str, key: str) -> None:
        """That key for that class."""
        taken = {k: a.title for k, a in self._desk.timeline.keys.actions.items()}
        self._class(lambda s: classes.set_key(s, name, key, taken))

    def class_merge(self) -> None:
        """Into which class the one in hand goes."""
        name = self._desk.edit.label
        others = [c.name for c in classes.classes_of(self._session.state) if c.name != name]
        if others:
            words = f"Class whose labels those of {name} become"
            into, good = QtWidgets.QInputDialog.getItem(self._page, "Merge classes", words, others, 0, False)
            if good:
                self.merge_class(name, into)

    def merge_class(self, name: str, into: str) -> None:
        """Those two."""
        if self._class(lambda s: classes.merge(s, name, into)):
            self._desk.edit.assign(into) if self._desk.edit.selected is None else None

    def class_delete(self) -> None:
        """The class in hand with its labels; undo brings both back."""
        self._class(lambda s: classes.delete(s, self._desk.edit.label))

    def _class(self, change: Callable[[State], classes.Change]) -> bool:
        held = self._desk.edit.label
        try:
            what, state = change(self._session.state)
            self._session.commit(what, state)
        except StudioError as e:
            self._desk.show_error(e)
            return False
        if held in self._desk.edit.classes:
            self._desk.edit.label = held
        self._desk.say(what)
        return True

    def _text(self, name: str, title: str, words: str, now: str = "") -> str | None:
        dialog = QtWidgets.QInputDialog(self._page)
        dialog.setWindowTitle(title)
        dialog.setLabelText(words)
        dialog.setTextValue(now)
        if (field := dialog.findChild(QtWidgets.QLineEdit)) is not None:
            named(field, name, words)
        return dialog.textValue() if dialog.exec() else None
