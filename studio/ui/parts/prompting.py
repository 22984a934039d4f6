"""The Prompts tab of Capture: which classes are asked for, how, and how far it has come."""

from collections.abc import Callable

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.app.prompts import Plan, Prompter
from studio.app.voice import Voice
from studio.data.project import Project
from studio.errors import InputError, StudioError
from studio.ui.forms import Form
from studio.ui.widgets import button, heading, label, named, swatch


class Prompting(QtWidgets.QWidget):
    """Holds the Prompter of a session that was begun; the page runs it."""

    failed = QtCore.Signal(object)

    def __init__(self, start: Callable[[], object], stop: Callable[[], object]) -> None:
        super().__init__()
        self.prompter: Prompter | None = None
        self.voice = Voice()
        self._start, self._seed = start, 0
        self.form = Form(Plan(), "prompt")
        self.classes = named(
            QtWidgets.QListWidget(), "prompt_classes", "Classes to ask for", "Space ticks and unticks a class"
        )
        self.classes.setSizeAdjustPolicy(QtWidgets.QAbstractScrollArea.SizeAdjustPolicy.AdjustToContents)
        self.begin_button = button(
            "prompt_start", "Start prompts", self._begin, icon="player-play", kind="primary", shortcut="Ctrl+P"
        )
        self.stop_button = button("prompt_stop", "Hold", stop, icon="player-pause", shortcut="Ctrl+P")
        self.again_button = button(
            "prompt_reset", "Begin anew", self._anew, icon="rotate", tip="Forget the steps that are left"
        )
        self.progress = QtWidgets.QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Prompts done")
        self.words = label("", "small", wrap=True)
        self._none = label("The project has no classes yet: add them on the Label page.", "small", wrap=True)
        self._build()

    def _build(self) -> None:
        body = QtWidgets.QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(10)
        body.addWidget(label("Follow the words on the screen; the labels write themselves.", "small", wrap=True))
        for widget in (self.begin_button, self.stop_button, self.again_button, self.progress, self.words):
            body.addWidget(widget)
        body.addWidget(heading("Classes"))
        body.addWidget(self.classes)
        body.addWidget(self._none)
        body.addWidget(self.form)
        body.addWidget(label(self.voice.words, "small", wrap=True))
        body.addStretch()
        self.show_state(False)

    def show_classes(self, project: Project | None) -> None:
        """Offer the classes of the project, all ticked at first."""
        off = {i.text() for i in self._items() if i.checkState() == Qt.CheckState.Unchecked}
        self.classes.clear()
        for one in project.classes if project is not None else ():
            item = QtWidgets.QListWidgetItem(swatch(one.color), one.name, self.classes)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked if one.name in off else Qt.CheckState.Checked)
        n = self.classes.count()
        self.classes.setVisible(n > 0)
        self._none.setVisible(n == 0)
        self.classes.setFixedHeight(min(6, max(1, n)) * 34 + 6)

    def _items(self) -> list[QtWidgets.QListWidgetItem]:
        return [self.classes.item(i) for i in range(self.classes.count())]

    def _begin(self) -> None:
        """A new session, or the rest of the one that was held."""
        try:
            if self.prompter is None or self.prompter.finished:
                self.prompter = self._made()
            self._start()
        except StudioError as e:
            self.failed.emit(e)

    def _made(self) -> Prompter:
        chosen = [i.text() for i in self._items() if i.checkState() == Qt.CheckState.Checked]
        if not chosen:
            seen = "is ticked, so there is nothing to ask for"
            raise InputError("No class", seen, "Tick one, or add classes on the Label page.")
        self._seed += 1
        return Prompter(chosen, self.form.value(), self._seed)

    def _anew(self) -> None:
        self.prompter = None
        self.show_state(False)

    def show_state(self, running: bool) -> None:
        """Buttons and progress."""
        prompter = self.prompter
        held = prompter is not None and not prompter.finished and not running
        done, total = (prompter.at, len(prompter.steps)) if prompter is not None else (0, 0)
        self.begin_button.show_as("Go on" if held else "Start prompts", "player-play", "primary")
        self.begin_button.setVisible(not running)
        self.stop_button.setVisible(running)
        self.again_button.setVisible(held)
        self.progress.setVisible(total > 0)
        self.progress.setRange(0, max(1, total))
        self.progress.setValue(done)
        self.words.setText(f"{done} of {total} done" if total else "")
        for widget in (self.form, self.classes):
            widget.setEnabled(not running and not held)
