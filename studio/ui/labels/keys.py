"""The keyboard over a label track: everything the mouse can do, and the digits for classes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import Qt

from studio.ui.labels.edit import Edit

Key, Modifier = Qt.Key, Qt.KeyboardModifier

#: What the page shows as help, in the order of use.
HELP = (
    ("Drag on empty ground", "add a label of the current class"),
    ("Drag a label / its edge", "move / resize it"),
    ("1 … 9", "choose a class, or relabel the selection"),
    ("A", "add a label at the cursor"),
    ("Up, Down", "previous, next label"),
    ("Left, Right", "move by one sample (Shift: ten)"),
    ("Ctrl + arrows", "move the start edge"),
    ("Alt + arrows", "move the end edge"),
    ("Enter", "rename"),
    ("Delete", "delete"),
    ("Escape", "drop the drag, then the selection"),
    ("Wheel, + and −", "zoom to the mouse"),
    ("Middle or Shift drag", "pan"),
    ("F", "fit the whole recording"),
)


class View(Protocol):
    """What the keys need of the rows they lie over."""

    def pan(self, share: float) -> None:
        """Move by a share of the visible time."""

    def zoom(self, factor: float) -> None:
        """Show `factor` times the visible time."""

    def fit(self) -> None:
        """Show the whole recording."""

    def new_label(self) -> None:
        """Add a label of the current class where the cursor or the view is."""


@dataclass
class Keys:
    """Reads keys for `edit`; `view` is what they move, `classes` maps digits to names."""

    edit: Edit
    view: View
    rename: Callable[[], None]
    classes: Mapping[str, str]

    def press(self, key: int, modifiers: Modifier) -> bool:
        """True when the key meant something here."""
        if key in (Key.Key_Left, Key.Key_Right):
            return self._arrow(-1 if key == Key.Key_Left else 1, modifiers)
        if modifiers & ~(Modifier.KeypadModifier | Modifier.ShiftModifier):
            return False
        if (name := self.classes.get(chr(key) if 0 < key < 128 else "")) is not None:
            self.edit.assign(name)
            return True
        action = self._table().get(key)
        if action is not None:
            action()
        return action is not None

    def release(self) -> None:
        """A key came up: what the arrows moved becomes one edit."""
        self.edit.settle()

    def _table(self) -> dict[int, Callable[[], object]]:
        return {
            Key.Key_Delete: self.edit.delete,
            Key.Key_Backspace: self.edit.delete,
            Key.Key_Escape: self._escape,
            Key.Key_Return: self.rename,
            Key.Key_Enter: self.rename,
            Key.Key_Up: lambda: self.edit.step(-1),
            Key.Key_Down: lambda: self.edit.step(+1),
            Key.Key_A: self.view.new_label,
            Key.Key_F: self.view.fit,
            Key.Key_Plus: lambda: self.view.zoom(0.8),
            Key.Key_Equal: lambda: self.view.zoom(0.8),
            Key.Key_Minus: lambda: self.view.zoom(1.25),
        }

    def _escape(self) -> None:
        if not self.edit.cancel():
            self.edit.pick(None)

    def _arrow(self, direction: int, modifiers: Modifier) -> bool:
        far = bool(modifiers & Modifier.ShiftModifier)
        if self.edit.selected is None:
            self.view.pan(direction * (0.5 if far else 0.1))
            return True
        part = "inside"
        if modifiers & Modifier.ControlModifier:
            part = "start"
        elif modifiers & Modifier.AltModifier:
            part = "stop"
        self.edit.nudge(direction * (10 if far else 1), part)
        return True
