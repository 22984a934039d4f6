"""The keyboard over a label track: the table of actions, and the keys of the classes, which can be held to paint."""

from collections.abc import Callable, Iterable, Mapping

from PySide6 import QtGui

from studio.ui.commands.action import Action, action_of, by_key, key_text
from studio.ui.labels.paint import Brush

#: What the mouse does, for the help card and the sheet.
MOUSE = (
    ("Drag on empty ground", "add a label of the current class"),
    ("Drag a label / its edge", "move / resize it"),
    ("Ctrl + drag", "mark a stretch, select what touches it"),
    ("Ctrl, Shift + click", "select one more, all up to there"),
    ("Click", "select; put the line there"),
    ("Wheel", "zoom to the mouse (Shift: pan)"),
    ("Middle or Shift drag", "pan"),
    ("Drag a row's border, its name", "make it higher, move it"),
)
#: Keys of the window that no page has to read.
WINDOW = (
    ("Ctrl+Z", "undo"),
    ("Ctrl+Shift+Z", "redo"),
    ("Ctrl+K", "search all commands"),
    ("Ctrl+T", "the labels as a table"),
    ("Alt+1, Alt+2 …", "the panels at the right"),
    ("?", "this list"),
)


class Keys:
    """Reads keys: those of the classes for `brush`, all others from the table. `settle` ends what arrows moved."""

    def __init__(
        self, actions: Iterable[Action], brush: Brush | None = None, settle: Callable[[], None] = lambda: None
    ) -> None:
        self.actions = by_key(actions)
        self.classes: Mapping[str, str] = {}
        self._brush, self._settle = brush, settle

    def press(self, event: QtGui.QKeyEvent) -> bool:
        """True when the key meant something here."""
        name = self.classes.get(key_text(event).lower())
        if name is not None and self._brush is not None:
            if not event.isAutoRepeat():
                self._brush.press(name)
            return True
        action = action_of(event, self.actions)
        if action is not None:
            action.do()
        return action is not None

    def release(self, event: QtGui.QKeyEvent) -> None:
        """A key came up: a held class ends, and what the arrows moved becomes one edit."""
        if event.isAutoRepeat():
            return
        name = self.classes.get(key_text(event).lower())
        if name is not None and self._brush is not None:
            self._brush.release(name)
        self._settle()

    def let_go(self) -> None:
        """The keys are elsewhere now; none that is held comes up here."""
        if self._brush is not None:
            self._brush.let_go()
        self._settle()
