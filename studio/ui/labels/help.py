"""What the mouse and the keys do on the timeline, as a card below its button."""

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.labels.keys import HELP
from studio.ui.widgets import Card, label


class HelpCard(Card):
    """Goes away with a click beside it, or Escape."""

    def __init__(self, parent: QtWidgets.QWidget) -> None:
        super().__init__("Mouse and keys")
        self.setParent(parent, Qt.WindowType.Popup)
        self.setObjectName("label_help")
        grid = QtWidgets.QGridLayout()
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(7)
        for row, (keys, what) in enumerate(HELP):
            grid.addWidget(label(keys), row, 0)
            grid.addWidget(label(what, "dim"), row, 1)
        self.body.addLayout(grid)
        self.setAccessibleName("; ".join(f"{keys}: {what}" for keys, what in HELP))

    def show_below(self, widget: QtWidgets.QWidget) -> None:
        """Open with its right edge at `widget`'s."""
        self.adjustSize()
        corner = widget.mapToGlobal(QtCore.QPoint(widget.width() - self.width(), widget.height() + 6))
        self.move(corner)
        self.show()
