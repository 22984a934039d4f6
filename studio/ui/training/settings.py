"""What to search: families, board, limits, time. Ranges and help are the action's own."""

from dataclasses import field, fields, make_dataclass
from typing import Any

from PySide6 import QtCore, QtWidgets

from studio.ui.forms import Form
from studio.ui.widgets import Side, button, bytes_text, combo, heading, label, named, rows

#: Words above the fields.
WORDS = {
    "task": "What to tell",
    "max_flash_kb": "Flash at most",
    "max_ram_kb": "RAM at most",
    "max_latency_ms": "Answer within",
    "window_s": "Length",
    "stride_s": "Step",
    "max_rate_error": "Rate error up to",
    "minutes": "Time",
    "trials": "Candidates",
    "seed": "Seed",
    "finalists": "Finalists",
    "folds": "Parts to judge on",
    "side_by_side": "At the same time",
    "streaming": "Streaming",
    "resume": "Go on with the last",
    "windows": "Windows",
}
#: Family -> its name, and what a person should know about it.
FAMILIES = {
    "forest": ("Random forest", "Votes of trees on features. Learns from little data."),
    "cnn": ("Small network", "1-D convolutions in int8. Better with more data."),
    "extra_trees": ("Extra trees", "Votes of trees with random thresholds. Larger than a forest, often better."),
    "tree": ("Decision tree", "One tree. The smallest and quickest."),
    "boosting": ("Gradient boosting", "Trees that correct each other."),
    "xgboost": ("XGBoost", "Trees that correct each other. Needs the extra boost."),
    "ridge": ("Ridge", "Least squares on features: classes, a number, or several labels. Very small."),
    "logistic": ("Logistic regression", "One weight per feature. Small, with honest probabilities."),
    "linear_svm": ("Linear SVM", "One weight per feature, with the widest margin."),
    "svm": ("Radial SVM", "Compares with some kept examples."),
    "neighbours": ("Nearest neighbours", "The nearest of some kept examples decide."),
    "naive_bayes": ("Naive Bayes", "A normal distribution per class and feature."),
    "mlp": ("Dense network", "A fully connected network on features, in int8."),
    "rocket": ("MiniRocket", "Fixed convolutions, one weight each. Quick to learn, without hand-made features."),
    "resnet": ("Residual network", "Deeper 1-D convolutions with a way around each block."),
    "tcn": ("Temporal network", "Causal convolutions that look ever further back."),
    "separable": ("Separable network", "1-D convolutions in two cheap halves."),
    "sound_cnn": ("Sound network", "Convolutions on a mel spectrogram. For anything that is heard."),
    "ds_cnn": ("Separable sound network", "As the sound network, in two cheap halves. Few bytes."),
    "sound_resnet": ("Residual sound network", "Deeper, with a way around each block."),
    "lenet": ("LeNet-5", "The classic, on a mel spectrogram."),
    "bc_resnet": ("Broadcast residual network", "Looks at time once for all pitches. Very few bytes."),
    "gru": ("GRU", "A memory that goes through the window step by step."),
    "lstm": ("LSTM", "As the GRU, with a longer memory and more bytes."),
    "rnn": ("Plain recurrent network", "The smallest memory, and the shortest."),
    "crnn": ("Convolutions and GRU", "Patterns first, then their order."),
    "deepsense": ("DeepSense", "Each sensor alone, then together, then a memory. For several sensors."),
    "transformer": ("Small transformer", "Every step looks at all others. Needs a chip with floats."),
    "kmeans": ("Anomaly: k-means", "Far from what is normal. Needs the label normal and one other."),
    "gmm": ("Anomaly: Gaussian mixture", "Unlikely beside what is normal. Needs the label normal and one other."),
    "isolation_forest": ("Anomaly: isolation forest", "Easily set apart. Needs the label normal and one other."),
    "autoencoder": ("Anomaly: autoencoder", "Cannot be given back. Needs the label normal and one other."),
    "conv_autoencoder": (
        "Anomaly: network on samples",
        "Squeezed and given back unlike what is normal. Needs the label normal and one other.",
    ),
    "lof": ("Anomaly: outlier factor", "In thinner surroundings. Needs the label normal and one other."),
}
TASK = ("task",)
LIMITS = ("max_flash_kb", "max_ram_kb", "max_latency_ms")
EFFORT = ("minutes", "trials", "side_by_side", "finalists", "folds", "seed", "resume")
WINDOW = ("window_s", "stride_s", "windows", "max_rate_error", "streaming")


class SettingsSide(Side):
    """`value()` is the action's settings; `changed` tells of every edit."""

    changed = QtCore.Signal()

    def __init__(self, settings: type, boards: dict[str, Any]) -> None:
        super().__init__("left", 292)
        self._settings, self._boards = settings, boards
        self.body.setSpacing(9)
        self.body.addWidget(heading("Answers"))
        self.task = self._form("Answers", TASK)
        self.body.addSpacing(6)
        self.body.addWidget(heading("Families"))
        self._add_families()
        self.body.addSpacing(6)
        self.body.addWidget(heading("Board and limits"))
        self.board = combo("train_board", "Board", "Its memory and speed are the limits")
        for board in sorted(boards.values(), key=lambda b: (not b.virtual, b.title)):
            self.board.addItem(board.title, board.id)
        start = self.board.findData(next(f.default for f in fields(settings) if f.name == "board"))
        self.board.setCurrentIndex(max(0, start))
        self.has = label("", "small", wrap=True)
        self.body.addWidget(self.board)
        self.body.addWidget(self.has)
        self.limits = self._form("Limits", LIMITS)
        self.body.addSpacing(6)
        self.body.addWidget(heading("Window"))
        self.window_form = self._form("Window", WINDOW)
        self.body.addSpacing(6)
        self.body.addWidget(heading("Effort"))
        self.effort = self._form("Effort", EFFORT)
        self.body.addStretch()
        self.board.currentIndexChanged.connect(self._show_board)
        self.task.changed.connect(self._show_task)
        self._show_board()
        self._special()

    def _add_families(self) -> None:
        """The usual families with their words; the others behind a button."""
        from studio.learn import USUAL

        boxes = [self._box(name, *FAMILIES[name]) for name in FAMILIES if name not in USUAL]
        self.families = {name: self._family(name, *FAMILIES[name]) for name in USUAL}
        self.families |= {name: box for name, box in zip((n for n in FAMILIES if n not in USUAL), boxes, strict=True)}
        self.more = QtWidgets.QWidget()
        self.more.setLayout(rows(*boxes, spacing=5))
        self.more.hide()
        shows = "Show or hide further families and anomaly detectors"
        self.body.addWidget(button("train_more_families", "More families", self._toggle_more, tip=shows))
        self.body.addWidget(self.more)

    def _toggle_more(self) -> None:
        self.more.setVisible(self.more.isHidden())

    def _box(self, name: str, title: str, words: str) -> QtWidgets.QCheckBox:
        box = named(QtWidgets.QCheckBox(title), f"train_family_{name}", title, words)
        box.toggled.connect(self.changed)
        return box

    def _family(self, name: str, title: str, words: str) -> QtWidgets.QCheckBox:
        box = self._box(name, title, words)
        box.setChecked(True)
        text = label(words, "small", wrap=True)
        text.setContentsMargins(28, 0, 0, 0)
        self.body.addLayout(rows(box, text, spacing=1))
        return box

    def _form(self, name: str, wanted: tuple[str, ...]) -> Form:
        """A form of some of the settings' fields, two in a row."""
        found = {f.name: f for f in fields(self._settings)}
        shown = [(n, found[n].type, field(default=found[n].default, metadata=dict(found[n].metadata))) for n in wanted]
        form = Form(make_dataclass(name, shown, frozen=True), "train")
        form.changed.connect(self.changed)
        for spin in form.findChildren(QtWidgets.QAbstractSpinBox):
            spin.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
        for text in form.findChildren(QtWidgets.QLabel):
            text.setText(WORDS[text.buddy().objectName().removeprefix("train_")])
        _two_columns(form)
        self.body.addWidget(form)
        return form

    def _special(self) -> None:
        """Zero means "decide for me" and says so."""
        for name, text in (
            ("train_max_flash_kb", "board's"),
            ("train_max_ram_kb", "board's"),
            ("train_max_latency_ms", "one stride"),
            ("train_window_s", "automatic"),
            ("train_stride_s", "half a window"),
        ):
            spin = self.findChild(QtWidgets.QDoubleSpinBox, name)
            spin.setSpecialValueText(text)
            spin.setDecimals(2 if name.endswith("_s") else 1)
            spin.setSingleStep(0.1 if name.endswith("_s") else 1.0)
        self.findChild(QtWidgets.QSpinBox, "train_side_by_side").setSpecialValueText("one per core")

    def _show_board(self) -> None:
        board = self._boards.get(self.board.currentData())
        if board is not None:
            speed = f" · {board.clock_hz / 1e6:g} MHz" if board.clock_hz else ""
            self.has.setText(f"{bytes_text(board.flash_bytes)} flash · {bytes_text(board.ram_bytes)} RAM{speed}")
        self.changed.emit()

    def _show_task(self) -> None:
        """Only families that can tell what is asked for can be chosen; one of them always is."""
        from studio.learn import DETECTORS, tells
        from studio.learn import FAMILIES as KINDS

        task, kinds = self.task.value().task, KINDS | DETECTORS
        for name, box in self.families.items():
            box.setEnabled(task in tells(kinds[name]))
        if task != "classes" and not self.any_family:
            self.families["ridge"].setChecked(True)
        self.changed.emit()

    def value(self) -> Any:
        """The settings as filled in; ParamError when one is outside its range."""
        chosen = tuple(name for name, box in self.families.items() if box.isChecked() and box.isEnabled())
        parts: dict[str, Any] = {"board": self.board.currentData(), "families": chosen}
        forms = ((self.task, TASK), (self.limits, LIMITS), (self.window_form, WINDOW), (self.effort, EFFORT))
        for form, names in forms:
            filled = form.value()
            parts |= {n: getattr(filled, n) for n in names}
        return self._settings(**parts)

    @property
    def any_family(self) -> bool:
        """At least one family is chosen."""
        return any(box.isChecked() and box.isEnabled() for box in self.families.values())

    def lock(self, locked: bool) -> None:
        """No changes while a search runs."""
        for widget in (*self.families.values(), self.task, self.board, self.limits, self.window_form, self.effort):
            widget.setEnabled(not locked)
        if not locked:
            self._show_task()


def _two_columns(form: Form) -> None:
    """Lay the form's rows out in pairs; the fields are short figures."""
    old = form.layout()
    parts = [item for item in iter(lambda: old.takeAt(0), None)]
    grid = QtWidgets.QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(9)
    for n, part in enumerate(parts):
        if part.layout() is not None:
            part.layout().setParent(None)
            grid.addLayout(part.layout(), n // 2, n % 2)
    grid.setColumnStretch(0, 1)
    grid.setColumnStretch(1, 1)
    old.addLayout(grid)
