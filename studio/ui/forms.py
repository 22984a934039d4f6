"""A form read from a dataclass of `studio.params.param` fields: one declaration, no second list to keep in step."""

from dataclasses import Field, fields, is_dataclass
from typing import Any

from PySide6 import QtCore, QtWidgets

from studio.params import check
from studio.ui.widgets import combo, label, line, named, rows

FAR = 1e9


class Form(QtWidgets.QWidget):
    """Fields for the dataclass `shown`; `value()` is a checked instance, `changed` tells of every edit.

    A field's objectName is `<prefix>_<field name>`. In a narrow place short fields may stand in two columns.
    """

    changed = QtCore.Signal()

    def __init__(self, shown: Any, prefix: str, columns: int = 1) -> None:
        super().__init__()
        self._cls = shown if isinstance(shown, type) else type(shown)
        self._shown, self._prefix = shown, prefix
        self._fields: dict[str, QtWidgets.QWidget] = {}
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        asked = [self._row(f) for f in fields(self._cls) if f.init and "help" in f.metadata]
        for i in range(0, len(asked), columns):
            layout.addLayout(asked[i] if columns == 1 else _beside(asked[i : i + columns], columns))

    def value(self) -> Any:
        """The dataclass as filled in; ParamError when a value is outside its range."""
        made = self._cls(**{name: _read(widget) for name, widget in self._fields.items()})
        check(made)
        return made

    def _row(self, f: "Field[Any]") -> QtWidgets.QLayout:
        start = (
            getattr(self._shown, f.name)
            if is_dataclass(self._shown) and not isinstance(self._shown, type)
            else f.default
        )
        words = _words(f)
        widget = _widget(f, start, f"{self._prefix}_{f.name}", words)
        _signal(widget).connect(self.changed)
        self._fields[f.name] = widget
        if isinstance(widget, QtWidgets.QCheckBox):
            return rows(widget)
        name = label(words, "small")
        name.setBuddy(widget)
        return rows(name, widget, spacing=4)


def _beside(few: list[QtWidgets.QLayout], columns: int) -> QtWidgets.QGridLayout:
    """Fields in one line, each as wide as the others."""
    grid = QtWidgets.QGridLayout()
    grid.setSpacing(10)
    for i in range(columns):
        grid.setColumnStretch(i, 1)
    for i, field in enumerate(few):
        grid.addLayout(field, 0, i, QtCore.Qt.AlignmentFlag.AlignBottom)
    return grid


def _words(f: "Field[Any]") -> str:
    """The field's name for people; the unit stands behind the number."""
    unit = f.metadata["unit"].lower()
    name = f.name.removesuffix(f"_{unit}") if unit else f.name
    return name.replace("_", " ").capitalize()


def _widget(f: "Field[Any]", start: Any, name: str, words: str) -> QtWidgets.QWidget:
    tip, choices = f.metadata["help"], f.metadata["choices"]
    if choices is not None:
        made = combo(name, words, tip)
        for choice in choices:
            made.addItem(str(choice), choice)
        made.setCurrentIndex(max(0, made.findData(start)))
        return made
    if isinstance(start, bool):
        check_box = QtWidgets.QCheckBox(words)
        check_box.setChecked(start)
        return named(check_box, name, words, tip)
    if isinstance(start, (int, float)):
        return named(_number(f, start), name, words, tip)
    text = line(name, words, tip=tip)
    text.setText("" if start is None else str(start))
    return text


def _number(f: "Field[Any]", start: float) -> QtWidgets.QAbstractSpinBox:
    low, high = f.metadata["low"], f.metadata["high"]
    spin = QtWidgets.QSpinBox() if isinstance(start, int) else QtWidgets.QDoubleSpinBox()
    if isinstance(spin, QtWidgets.QDoubleSpinBox):
        spin.setDecimals(max(2, 1 - _exponent(start)))
        spin.setSingleStep(10.0 ** (_exponent(start) - 1))
    kind = type(start)
    spin.setRange(kind(-FAR if low is None else low), kind(FAR if high is None else high))
    spin.setValue(start)
    spin.lineEdit().setTextMargins(5, 0, 0, 0)  # a style sheet's padding does not reach the text
    spin.setSuffix(f" {f.metadata['unit']}" if f.metadata["unit"] else "")
    return spin


def _exponent(value: float) -> int:
    """Power of ten of `value`: -3 for 0.004."""
    return int(f"{value:e}".partition("e")[2]) if value else 0


def _signal(widget: QtWidgets.QWidget) -> Any:
    if isinstance(widget, QtWidgets.QComboBox):
        return widget.currentIndexChanged
    if isinstance(widget, QtWidgets.QCheckBox):
        return widget.toggled
    return widget.valueChanged if isinstance(widget, QtWidgets.QAbstractSpinBox) else widget.textChanged


def _read(widget: QtWidgets.QWidget) -> Any:
    if isinstance(widget, QtWidgets.QComboBox):
        return widget.currentData()
    if isinstance(widget, QtWidgets.QCheckBox):
        return widget.isChecked()
    return widget.value() if isinstance(widget, QtWidgets.QAbstractSpinBox) else widget.text()
