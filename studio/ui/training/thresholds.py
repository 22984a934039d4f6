"""The two thresholds of each class as a table of fields, and those of all classes in its first line."""

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.theme import font
from studio.ui.widgets import label, named

WORDS = {"on": "Begins at", "off": "Ends below"}
TIPS = {
    "on": "Averaged score at which {} begins to be told",
    "off": "Averaged score below which {} is told no more; never above where it begins",
}


class Thresholds(QtWidgets.QWidget):
    """`value()` gives (on, off), a number for each class; `changed` when the person turned one."""

    changed = QtCore.Signal()

    def __init__(self) -> None:
        super().__init__()
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(0, 1)
        self.spins: dict[tuple[str, str], QtWidgets.QDoubleSpinBox] = {}
        self._classes: tuple[str, ...] = ()

    def show_classes(self, classes: tuple[str, ...]) -> None:
        """A line for each class."""
        if classes == self._classes:
            return
        while (item := self._grid.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        self.spins, self._classes = {}, classes
        for column, key in enumerate(WORDS, 1):
            head = label(WORDS[key], "small")
            self._grid.addWidget(head, 0, column, Qt.AlignmentFlag.AlignRight)
        for row, name in enumerate(classes, 1):
            self._grid.addWidget(label(name), row, 0)
            for column, key in enumerate(WORDS, 1):
                self._grid.addWidget(self._spin(key, name), row, column)

    def _spin(self, key: str, name: str) -> QtWidgets.QDoubleSpinBox:
        spin = QtWidgets.QDoubleSpinBox()
        spin.setRange(0.0, 1.0)
        spin.setSingleStep(0.05)
        spin.setDecimals(2)
        spin.setFont(font(13, figures=True))
        spin.setFixedWidth(84)
        spin.lineEdit().setTextMargins(5, 0, 0, 0)  # a style sheet's padding does not reach the text
        spin.setKeyboardTracking(False)
        named(spin, f"decide_{key}_{name}", f"{name} {WORDS[key].lower()}", TIPS[key].format(name))
        spin.valueChanged.connect(lambda _: self._turned(key, name))
        self.spins[key, name] = spin
        return spin

    def _turned(self, key: str, name: str) -> None:
        """The lower one never lies above the upper one."""
        on, off = self.spins["on", name], self.spins["off", name]
        if off.value() > on.value():
            other, value = (off, on.value()) if key == "on" else (on, off.value())
            other.blockSignals(True)
            other.setValue(value)
            other.blockSignals(False)
        self.changed.emit()

    def show_values(self, on: tuple[float, ...], off: tuple[float, ...]) -> None:
        """Other numbers; nobody is told."""
        for key, values in (("on", on), ("off", off)):
            for name, value in zip(self._classes, values, strict=True):
                spin = self.spins[key, name]
                spin.blockSignals(True)
                spin.setValue(value)
                spin.blockSignals(False)

    def value(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(on, off)."""
        on, off = (tuple(round(self.spins[k, c].value(), 4) for c in self._classes) for k in WORDS)
        return on, off
