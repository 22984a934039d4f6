"""Labels as a table: for screen readers, which cannot see a plot, and for whoever wants the figures."""

from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import QModelIndex, Qt

from studio.ui.labels.edit import Edit
from studio.ui.safe import safe_overrides
from studio.ui.theme import font
from studio.ui.widgets import named, swatch

COLUMNS = ("Class", "Start [s]", "End [s]", "Length [s]")


@safe_overrides
class LabelTable(QtCore.QAbstractTableModel):
    """The track of `edit`, read when drawn; nothing is copied."""

    def __init__(self, edit: Edit) -> None:
        super().__init__()
        self._edit = edit
        self.colors: dict[str, str] = {}

    def refresh(self) -> None:
        """The track changed."""
        self.beginResetModel()
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._edit.labels)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return COLUMNS[section] if orientation == Qt.Orientation.Horizontal else section + 1

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._edit.labels):
            return None
        s, column = self._edit.labels.segments[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return s.label if column == 0 else f"{(s.start_s, s.stop_s, s.stop_s - s.start_s)[column - 1]:.3f}"
        if role == Qt.ItemDataRole.DecorationRole and column == 0 and s.label in self.colors:
            return swatch(self.colors[s.label])
        if role == Qt.ItemDataRole.TextAlignmentRole and column:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return font(13, figures=True) if role == Qt.ItemDataRole.FontRole else None


def label_table(model: LabelTable) -> QtWidgets.QTableView:
    """The view of it: a row is selected as a whole."""
    view = QtWidgets.QTableView()
    view.setModel(model)
    view.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.SingleSelection)
    view.setShowGrid(False)
    view.setAlternatingRowColors(True)
    view.verticalHeader().setVisible(False)
    view.verticalHeader().setDefaultSectionSize(30)
    view.horizontalHeader().setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.Stretch)
    view.horizontalHeader().setHighlightSections(False)
    view.setTabKeyNavigation(False)
    return named(view, "label_table", "Labels of this recording", "All labels of this recording, in order of time")
