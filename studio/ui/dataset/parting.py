"""The split preview: which recordings and people teach, which judge, and whether that is honest."""

from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.errors import StudioError
from studio.ui.widgets import Glyph, Pill, columns, label, rows

BY = {
    "given": "Parted as the recordings are marked.",
    "subject": "Parted by person: nobody is in both.",
    "recording": "Parted by recording: none is in both.",
    "time": "Parted by time inside recordings, with a guard between. Record more sessions for an honest test.",
}
MIXED = "A group is in both parts, because the recordings are marked so. The test will flatter the model."


class Parting(QtWidgets.QWidget):
    """Shows what `split_preview` returned."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("split_preview")
        self.glyph, self.text = Glyph("info-circle", "dim", 17), label("", "dim", wrap=True)
        head = columns(spacing=9)
        head.addWidget(self.glyph, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.text, 1)
        self.train, self.test = _Side("Train", "accent"), _Side("Test", "ok")
        layout = rows(spacing=12)
        layout.addLayout(head)
        layout.addWidget(self.train)
        layout.addWidget(self.test)
        self.setLayout(layout)

    def show_parts(self, found: dict[str, Any]) -> None:
        """The result of the preview."""
        mixed = found["by"] == "given" and not found["groups_disjoint"]
        honest = bool(found["groups_disjoint"])
        self.text.setText(MIXED if mixed else BY[found["by"]])
        self.glyph.show_icon("circle-check" if honest else "alert-triangle", "ok" if honest else "warn")
        for side in (self.train, self.test):
            side.show()
        self.train.show_side(found["sides"]["train"])
        self.test.show_side(found["sides"]["test"])

    def show_problem(self, error: BaseException) -> None:
        """Why there is no split yet."""
        text = f"{error.thing}: {error.seen}. {error.next_step}" if isinstance(error, StudioError) else str(error)
        self.say(text)

    def say(self, text: str) -> None:
        """Only words."""
        self.glyph.show_icon("info-circle", "dim")
        self.text.setText(text)
        self.train.hide()
        self.test.hide()


class _Side(QtWidgets.QWidget):
    def __init__(self, name: str, tone: str) -> None:
        super().__init__()
        self.pill = Pill(name, tone)
        self.count, self.who = label(""), label("", "small", wrap=True)
        top = columns(self.pill, self.count)
        top.addStretch()
        layout = rows(spacing=4)
        layout.addLayout(top)
        layout.addWidget(self.who)
        self.setLayout(layout)

    def show_side(self, side: dict[str, Any]) -> None:
        """One side of the split."""
        n, recordings = side["windows"], side["recordings"]
        self.count.setText(f"{n} windows · {len(recordings)} recording{'s' if len(recordings) != 1 else ''}")
        people = side["subjects"]
        who = f"subject{'s' if len(people) > 1 else ''} {shortened(people)}" if people else shortened(recordings)
        self.who.setText(who)
        self.who.setToolTip("\n".join(recordings))


def shortened(names: list[str], most: int = 6) -> str:
    """a, b, c and 4 more; numbers in order of size."""
    names = sorted(names, key=lambda n: (0, int(n), "") if n.isdecimal() else (1, 0, n))
    return (
        ", ".join(names) if len(names) <= most else f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    )
