"""An action of a page: its name, words, keys and what it does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from PySide6 import QtGui
from PySide6.QtCore import Qt

NATIVE = QtGui.QKeySequence.SequenceFormat.NativeText
PORTABLE = QtGui.QKeySequence.SequenceFormat.PortableText
Modifier = Qt.KeyboardModifier


@dataclass(frozen=True)
class Action:
    """`keys` in Qt's portable words ("Ctrl+A"), the first is shown. `group` is its heading on the key sheet."""

    name: str
    title: str
    keys: tuple[str, ...]
    group: str
    do: Callable[[], object]
    icon: str = ""

    @property
    def shown_keys(self) -> str:
        """Its keys as this computer writes them."""
        return "  ".join(QtGui.QKeySequence(k).toString(NATIVE) for k in self.keys)


def key_text(event: QtGui.QKeyEvent) -> str:
    """A key with its modifiers in portable words."""
    modifiers = event.modifiers() & ~Modifier.KeypadModifier
    return _text(event.key(), modifiers)


def action_of(event: QtGui.QKeyEvent, table: Mapping[str, Action]) -> Action | None:
    """What a key means. Shift counts only where it was said to: "+" lies under it on many keyboards."""
    found = table.get(key_text(event))
    modifiers = event.modifiers() & ~Modifier.KeypadModifier
    if found is None and modifiers & Modifier.ShiftModifier and not _is_letter(event.key()):
        found = table.get(_text(event.key(), modifiers & ~Modifier.ShiftModifier))
    return found


def by_key(actions: Iterable[Action]) -> dict[str, Action]:
    """Actions by each of their keys; ValueError when two want the same one."""
    found: dict[str, Action] = {}
    for action in actions:
        for key in action.keys:
            text = QtGui.QKeySequence(key).toString(PORTABLE)
            if text in found:
                raise ValueError(f"{text} is both {found[text].title!r} and {action.title!r}")
            found[text] = action
    return found


def tip(action: Action) -> str:
    """A tooltip that names the key."""
    return f"{action.title} ({action.shown_keys})" if action.keys else action.title


def _text(key: int, modifiers: Modifier) -> str:
    return QtGui.QKeySequence(key | modifiers.value).toString(PORTABLE)


def _is_letter(key: int) -> bool:
    return Qt.Key.Key_A <= key <= Qt.Key.Key_Z or key >= Qt.Key.Key_Escape
