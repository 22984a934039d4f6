"""Class keys that are held: pressed they begin a stretch, released they end it.

Why an event filter and not shortcuts: a shortcut tells nothing of the release, and repeats while the key is down.
"""

from collections.abc import Callable

from PySide6 import QtCore, QtGui, QtWidgets

from studio.ui.safe import safe_overrides

TYPED = (QtWidgets.QLineEdit, QtWidgets.QAbstractSpinBox, QtWidgets.QPlainTextEdit, QtWidgets.QTextEdit)
DIGITS = "123456789"
Pressed = QtCore.QEvent.Type.KeyPress
Released = QtCore.QEvent.Type.KeyRelease
AWAY = (QtCore.QEvent.Type.WindowDeactivate, QtCore.QEvent.Type.Hide)


@safe_overrides
class HeldKeys(QtCore.QObject):
    """Watches the digits of `window` between `begin` and `end`. Both calls return True when the key meant something."""

    def __init__(
        self,
        owner: QtWidgets.QWidget,
        press: Callable[[str], bool],
        release: Callable[[str], bool],
        away: Callable[[], None],
    ) -> None:
        super().__init__(owner)
        self._owner, self._press, self._release, self._away = owner, press, release, away
        self._on = False

    def begin(self) -> None:
        """Watch."""
        if not self._on:
            QtWidgets.QApplication.instance().installEventFilter(self)
            self._on = True

    def end(self) -> None:
        """Watch no more; what is held ends."""
        if self._on:
            QtWidgets.QApplication.instance().removeEventFilter(self)
            self._on = False
            self._away()

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:
        kind = event.type()
        if kind in AWAY and watched is self._owner.window():
            self._away()
        if kind not in (Pressed, Released) or not isinstance(event, QtGui.QKeyEvent):
            return False
        if not isinstance(watched, QtWidgets.QWidget) or watched.window() is not self._owner.window():
            return False
        return self._key(kind, event)

    def _key(self, kind: QtCore.QEvent.Type, event: QtGui.QKeyEvent) -> bool:
        digit, modifiers = event.text(), event.modifiers() & ~QtCore.Qt.KeyboardModifier.KeypadModifier
        if len(digit) != 1 or digit not in DIGITS:
            return False
        if kind == Released:
            return not event.isAutoRepeat() and self._release(digit)
        if modifiers or isinstance(QtWidgets.QApplication.focusWidget(), TYPED):
            return False
        return event.isAutoRepeat() or self._press(digit)
