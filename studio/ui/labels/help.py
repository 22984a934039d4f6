"""What the mouse and the keys do on the timeline, as a card below its button."""

from collections.abc import Iterable, Mapping, Sequence

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.commands.action import Action
from studio.ui.labels.keys import MOUSE, WINDOW
from studio.ui.widgets import Card, columns, heading, label, rows

HELD = ("1 … 9", "choose a class; while it plays, hold to paint, tap for a point")
#: Actions in a column of the card.
TALL = 33
#: What is left to the palette and the printed sheet.
SELDOM = ("Rows", "Snapping", "Classes and more", "Sound and video")


class HelpCard(Card):
    """Goes away with a click beside it, or Escape."""

    def __init__(self, parent: QtWidgets.QWidget, actions: Iterable[Action]) -> None:
        super().__init__("Mouse and keys")
        self.setParent(parent, Qt.WindowType.Popup)
        self.setObjectName("label_help")
        groups: dict[str, list[tuple[str, str]]] = {"Mouse": list(MOUSE)}
        for action in (a for a in actions if a.group not in SELDOM and not a.name.startswith(("previous_", "step_"))):
            if action.name.endswith("_far"):
                continue
            groups.setdefault(action.group, []).append((action.shown_keys, action.title))
        groups["Window"] = list(WINDOW)
        groups["Labels"] = [HELD, *groups.get("Labels", [])]
        across = columns(spacing=28)
        for some in _columns(groups):
            column = rows(spacing=6)
            for name in some:
                column.addWidget(heading(name))
                column.addLayout(_grid(groups[name]))
            column.addStretch()
            across.addLayout(column)
        self.body.addLayout(across)
        self.setAccessibleName("; ".join(f"{k}: {what}" for lines in groups.values() for k, what in lines))

    def show_below(self, widget: QtWidgets.QWidget) -> None:
        """Open with its right edge at `widget`'s."""
        self.adjustSize()
        corner = widget.mapToGlobal(QtCore.QPoint(widget.width() - self.width(), widget.height() + 6))
        self.move(corner)
        self.show()


def _columns(groups: Mapping[str, Sequence[object]]) -> list[list[str]]:
    """The groups' names, parted into columns of about the same height."""
    found: list[list[str]] = [[]]
    used = 0
    for name, lines in groups.items():
        if used and used + len(lines) + 2 > TALL:
            found.append([])
            used = 0
        found[-1].append(name)
        used += len(lines) + 2
    return found


def _grid(lines: Iterable[tuple[str, str]]) -> QtWidgets.QGridLayout:
    grid = QtWidgets.QGridLayout()
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(2)
    for row, (keys, what) in enumerate(lines):
        grid.addWidget(label(keys, "small"), row, 0)
        grid.addWidget(label(what, "small"), row, 1)
    grid.setColumnStretch(1, 1)
    return grid
