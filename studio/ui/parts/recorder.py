"""The Record tab of Capture: the clock, what is recorded, how it begins, and the keys that label meanwhile."""

from collections.abc import Sequence

from PySide6 import QtWidgets

from studio.data.project import LabelClass, Project
from studio.ui.theme import font
from studio.ui.widgets import caption, columns, combo, heading, label, line, named, rule, set_look, swatch

COUNTDOWNS = (0, 3, 5, 10)


class Recorder(QtWidgets.QWidget):
    """Fields and figures; the buttons that start and stop are in the top bar."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = label("00:00.0", "clock")
        self.clock.setFont(font(34, figures=True))
        self.state = label("Not recording", "small", wrap=True)
        self.label = combo("record_label", "Label while recording", "Labels the whole recording", editable=True)
        self.label.lineEdit().setPlaceholderText("None")
        self.subject = line("record_subject", "Subject", "Who or what is measured", "Keeps people apart in the split")
        self.pre = named(QtWidgets.QDoubleSpinBox(), "record_pre", "Begin before the button")
        self.pre.setToolTip("So much of what came before you press Record is in the recording")
        self.pre.setRange(0.0, 30.0)
        self.pre.setDecimals(1)
        self.pre.setSuffix(" s")
        self.pre.setSpecialValueText("Off")
        self.pre.lineEdit().setTextMargins(5, 0, 0, 0)
        self.countdown = combo("record_countdown", "Countdown", "Seconds from the button to the recording")
        for seconds in COUNTDOWNS:
            self.countdown.addItem(f"{seconds} s" if seconds else "Off", float(seconds))
        self.open_after = named(
            QtWidgets.QCheckBox("Open in Label afterwards"), "record_open_after", "Open in Label afterwards"
        )
        self.open_after.setToolTip("Switch it off to record several takes in a row")
        self.open_after.setChecked(True)
        self._classes = QtWidgets.QVBoxLayout()
        self._keys: dict[str, QtWidgets.QLabel] = {}
        self._build()

    def _build(self) -> None:
        self.body = body = QtWidgets.QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(10)
        body.addWidget(self.clock)
        body.addWidget(self.state)
        body.addLayout(caption("Label while recording", self.label))
        body.addLayout(caption("Subject", self.subject))
        pair = columns(spacing=10)
        pair.addLayout(caption("Begin before", self.pre), 1)
        pair.addLayout(caption("Countdown", self.countdown), 1)
        body.addLayout(pair)
        body.addWidget(self.open_after)
        body.addWidget(rule())
        body.addWidget(heading("Hold a key to label"))
        self._classes.setSpacing(4)
        body.addLayout(self._classes)
        self._none = label("Classes of the project appear here with their keys.", "small", wrap=True)
        body.addWidget(self._none)
        body.addStretch()

    def show_classes(self, project: Project | None) -> None:
        """Offer the project's classes as labels, and say which key paints which."""
        classes = project.classes if project is not None else ()
        typed = self.label.currentText()
        self.label.clear()
        self.label.addItems([c.name for c in classes])
        self.label.setCurrentText(typed)
        self._show_keys([c for c in classes if c.key])

    def _show_keys(self, classes: Sequence[LabelClass]) -> None:
        while item := self._classes.takeAt(0):
            item.widget().deleteLater()
        self._keys = {}
        self._none.setVisible(not classes)
        for one in classes:
            words = QtWidgets.QLabel(one.name)
            key, dot = label(one.key, "key"), QtWidgets.QLabel()
            dot.setPixmap(swatch(one.color).pixmap(12, 12))
            across = columns(key, dot, words, spacing=8)
            across.setStretch(2, 1)
            across.setContentsMargins(0, 0, 0, 0)
            line = QtWidgets.QWidget()
            line.setLayout(across)
            self._classes.addWidget(line)
            self._keys[one.name] = key

    def show_held(self, held: Sequence[str]) -> None:
        """Light the keys that are down."""
        for name, key in self._keys.items():
            set_look(key, tone="accent" if name in held else "")

    def show_clock(self, seconds: float, words: str = "") -> None:
        """Elapsed time of the recording; 0 when none runs."""
        text = f"{int(seconds // 60):02d}:{seconds % 60:04.1f}"
        if self.clock.text() != text:
            self.clock.setText(text)
        set_look(self.clock, tone="danger" if seconds else "")
        state = words or ("Recording every sensor stream" if seconds else "Not recording")
        if self.state.text() != state:
            self.state.setText(state)
        for field in (self.label, self.subject, self.pre, self.countdown):
            field.setEnabled(not seconds)
