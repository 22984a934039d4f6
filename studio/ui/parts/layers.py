"""Where flash, memory and time go: a row per stage of the model, as the linked image and the emulated core tell it."""

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.parts.arena import ArenaPicture
from studio.ui.theme import font, theme
from studio.ui.widgets import Card, bytes_text, label, named

HEADS = ("Stage", "Shape", "Flash", "Memory in use", "Instructions", "Time", "Share")
SHARE, ROW = len(HEADS) - 1, 30
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Layers(Card):
    """`show_layers` with the keys "layers" and "memory" of a build; hidden while nothing is known."""

    def __init__(self) -> None:
        super().__init__("Stages")
        self.body.setContentsMargins(16, 14, 16, 12)
        self.words, self.picture = label("", "small", wrap=True), ArenaPicture()
        self.table = QtWidgets.QTableWidget(0, len(HEADS))
        self.table.setHorizontalHeaderLabels(list(HEADS))
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.verticalHeader().setVisible(False)
        self.table.verticalHeader().setDefaultSectionSize(ROW)
        self.table.setItemDelegateForColumn(SHARE, Bar(self.table))
        self._build_head()
        self.body.addWidget(named(self.table, "stage_costs", "Cost of each stage"))
        self.body.addSpacing(8)
        self.body.addWidget(self.picture)
        self.body.addWidget(self.words)
        self.hide()

    def _build_head(self) -> None:
        head = self.table.horizontalHeader()
        head.setHighlightSections(False)
        for column in range(len(HEADS)):
            left = column in (0, SHARE)
            self.table.horizontalHeaderItem(column).setTextAlignment(_LEFT if left else _RIGHT)
            head.setSectionResizeMode(column, QtWidgets.QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(0, QtWidgets.QHeaderView.ResizeMode.Stretch)
        head.setSectionResizeMode(SHARE, QtWidgets.QHeaderView.ResizeMode.Fixed)
        self.table.setColumnWidth(SHARE, 120)

    def show_layers(self, layers: list[dict[str, Any]], memory: dict[str, Any] | None = None) -> None:
        """One row each; the stage at which the memory is fullest is in bold."""
        self.table.setRowCount(len(layers))
        total = sum(one.get("instructions") or 0 for one in layers)
        for row, one in enumerate(layers):
            self._show_row(row, one, total)
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + ROW * len(layers) + 6)
        peak = next((one for one in layers if one.get("peak")), None)
        self.words.setText(" ".join([*([_peak_words(peak)] if peak else []), *_memory_words(memory or {})]))
        self.words.setVisible(bool(self.words.text()))
        self.picture.show_memory(layers, memory or {})
        self.setVisible(bool(layers))

    def _show_row(self, row: int, one: dict[str, Any], total: int) -> None:
        count, ms = one.get("instructions"), one.get("ms")
        texts = (
            str(one["name"]),
            " × ".join(map(str, one["shape"])),
            bytes_text(one["flash_bytes"]) if one["flash_bytes"] else "–",
            bytes_text(one["arena_bytes"]),
            f"{count:,}".replace(",", "\u2009") if count is not None else "–",
            f"{ms:.3f} ms" if ms is not None else "–",
        )
        for column, text in enumerate(texts):
            cell = QtWidgets.QTableWidgetItem(text)
            weight = QtGui.QFont.Weight.DemiBold if one.get("peak") and column == 3 else QtGui.QFont.Weight.Normal
            cell.setFont(font(13, weight, figures=True))
            cell.setTextAlignment(_RIGHT if column else _LEFT)
            cell.setToolTip(_tip(one))
            self.table.setItem(row, column, cell)
        share = QtWidgets.QTableWidgetItem()
        share.setData(Qt.ItemDataRole.UserRole, count / total if count is not None and total else 0.0)
        share.setToolTip(f"{share.data(Qt.ItemDataRole.UserRole):.1%} of the instructions")
        self.table.setItem(row, SHARE, share)


class Bar(QtWidgets.QStyledItemDelegate):
    """A share between 0 and 1 as a bar with its number."""

    def paint(self, painter: QtGui.QPainter, option: QtWidgets.QStyleOptionViewItem, index: QtCore.QModelIndex) -> None:
        super().paint(painter, option, index)
        value, t = float(index.data(Qt.ItemDataRole.UserRole) or 0.0), theme().tokens
        box = QtCore.QRectF(option.rect).adjusted(4, 0, -4, 0)
        bar = QtCore.QRectF(box.x(), box.center().y() - 4, (box.width() - 44) * value, 8)
        painter.save()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(t.accent))
        if bar.width() > 0.5:
            painter.drawRoundedRect(bar, 3, 3)
        painter.setPen(QtGui.QColor(t.dim))
        painter.setFont(font(12, figures=True))
        painter.drawText(box, int(_RIGHT), f"{value:.0%}")
        painter.restore()


def _tip(one: dict[str, Any]) -> str:
    often = "once per row, while samples come in" if one.get("runs") == "row" else "once per answer"
    own = f"its result takes {bytes_text(one['output_bytes'])}"
    scratch = f", its working memory {bytes_text(one['scratch_bytes'])}" if one.get("scratch_bytes") else ""
    return f"{one['op']}: runs {often}; {own}{scratch}"


def _peak_words(one: dict[str, Any]) -> str:
    return (
        f"Memory is fullest at {one['name']}: {bytes_text(one['arena_bytes'])} of results and working memory at once."
    )


def _memory_words(memory: dict[str, Any]) -> list[str]:
    """What the model holds besides, and how little any layout would need."""
    if not memory:
        return []
    held, arena, least = (memory[k] for k in ("window_bytes", "arena_bytes", "arena_least_bytes"))
    smallest = (
        "which is the least there can be"
        if arena <= least
        else f"and no layout could do with less than {bytes_text(least)}"
    )
    found = [f"The window takes {bytes_text(held)} more. The arena has {bytes_text(arena)}, {smallest}."]
    if "stack_bound_bytes" in memory:
        found.append(
            f"One answer needs at most {bytes_text(memory['stack_bound_bytes'])} of stack, by its machine code."
        )
    return found
