"""The right click on the timeline: classes, and what can be done with the labels there."""

from collections.abc import Callable

from PySide6 import QtWidgets

from studio.ui.icons import icon
from studio.ui.labels import classes
from studio.ui.labels.desk import Desk
from studio.ui.widgets import swatch


def label_menu(
    page: QtWidgets.QWidget, desk: Desk, time_s: float, assign: Callable[[str, float], None]
) -> QtWidgets.QMenu:
    """The menu at a moment; `assign` names the label there, or makes one."""
    menu, edit = QtWidgets.QMenu(page), desk.edit
    n = len(edit.chosen_indices)
    edit.cursor_s = time_s
    for c in classes.classes_of(desk.session.state):
        text = f"{c.name}\t{c.key}" if c.key else c.name
        menu.addAction(swatch(c.color), text, lambda name=c.name: assign(name, time_s))
    menu.addSeparator()
    _add(menu, "Add point\tP", desk.group.point, True)
    _add(menu, "Split here\tS", desk.group.split, edit.table.at(time_s) is not None)
    _add(menu, "Merge\tM", desk.group.merge, n > 0)
    _add(menu, "Copy\tCtrl+C", desk.group.copy, n > 0)
    _add(menu, "Paste here\tCtrl+V", desk.group.paste, bool(desk.group.clipboard.segments))
    _tracks(menu, desk, n > 0)
    menu.addSeparator()
    gone = menu.addAction(icon("trash", "dim"), f"Delete {'label' if n < 2 else f'{n} labels'}\tDel", edit.delete)
    gone.setEnabled(n > 0)
    return menu


def _add(menu: QtWidgets.QMenu, text: str, do: Callable[[], None], on: bool) -> None:
    menu.addAction(text, do).setEnabled(on)


def _tracks(menu: QtWidgets.QMenu, desk: Desk, on: bool) -> None:
    """To each other track, as a copy or not."""
    others = [t for t in desk.tracks if t != desk.session.state.track]
    for words, move in (("Copy to track", False), ("Move to track", True)):
        inner = menu.addMenu(words)
        inner.setEnabled(on and bool(others))
        for name in others:
            inner.addAction(name, lambda to=name, how=move: desk.send(to, how))
