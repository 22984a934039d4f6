"""Beside the table: the selected recordings as fields, what is wrong with them, the balance and the split."""

from studio.ui.dataset.bars import ClassBars
from studio.ui.dataset.findings import Findings
from studio.ui.dataset.parting import Parting
from studio.ui.widgets import Side, button, caption, columns, combo, heading, label, line, rule

SPLITS = (("Automatic", ""), ("Train", "train"), ("Test", "test"))


class SelectionSide(Side):
    """Only widgets; the page fills them and acts on them."""

    def __init__(self) -> None:
        super().__init__("right", 318)
        self.body.setSpacing(12)
        self.chosen = label("", "title")
        self.subject = line("recording_subject", "Subject of the selected recordings", "Nobody in particular")
        self.split = combo("recording_split", "Part of the selected recordings", "Which part the recordings belong to")
        for text, value in SPLITS:
            self.split.addItem(text, value)
        self.open = button("recording_open", "Label", lambda: None, icon="tags", tip="Label this recording")
        self.delete = button(
            "recording_delete", "Delete", lambda: None, icon="trash", shortcut="Ctrl+Del",
            tip="Move the selection to the trash",
        )  # fmt: skip
        self.findings, self.bars, self.parting = Findings(), ClassBars(), Parting()
        self.advice = label("", "small", wrap=True)
        self._build()

    def _build(self) -> None:
        fields = columns(spacing=10)
        fields.addLayout(caption("Subject", self.subject), 3)
        fields.addLayout(caption("Split", self.split), 2)
        self.body.addWidget(self.chosen)
        self.body.addLayout(fields)
        self.body.addLayout(columns(self.open, self.delete))
        self.body.addWidget(self.findings)
        for title, widgets in (
            ("Labelled time by class", (self.bars, self.advice)),
            ("Split for training", (self.parting,)),
        ):
            self.body.addSpacing(4)
            self.body.addWidget(rule())
            self.body.addWidget(heading(title))
            for widget in widgets:
                self.body.addWidget(widget)
        self.body.addStretch()
