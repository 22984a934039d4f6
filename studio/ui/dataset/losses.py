"""What a format cannot hold, or what an import changed: one line for each kind, however many recordings it concerns."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.data.travel.entry import KINDS
from studio.ui.widgets import Glyph, button, columns, label, rows, scrolled

#: What nobody misses when they look at samples and labels: said, but quietly.
QUIET = ("clock", "created", "device")


def grouped(report: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, int, list[str]]]:
    """(kind, how many, in how many recordings, its words), the kinds in the order of KINDS, quiet ones last."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for entry in report:
        kinds.setdefault(entry["kind"], []).append(entry)
    order = sorted(kinds, key=lambda k: (k in QUIET, list(KINDS).index(k) if k in KINDS else 99))
    return [_group(kind, kinds[kind]) for kind in order]


def _group(kind: str, found: list[Mapping[str, Any]]) -> tuple[str, int, int, list[str]]:
    words = list(dict.fromkeys(str(e["text"]) for e in found))
    return kind, sum(e["count"] for e in found), len({e["recording"] for e in found}), words


class Losses(QtWidgets.QWidget):
    """The list, or one line that says that nothing is lost."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._layout = rows(spacing=12)
        self.setLayout(self._layout)

    def show_report(self, report: Sequence[Mapping[str, Any]], nothing: str) -> None:
        """What is in it; `nothing` when it is empty."""
        self._clear()
        said = []
        for kind, count, n, words in grouped(report):
            title = KINDS.get(kind, kind)
            title = title[:1].upper() + title[1:]
            places = f" in {n} recordings" if n > 1 else ""
            head = f"{title}  ·  {count}{places}" if count > 1 or places else title
            self._layout.addWidget(_row(kind, head, words))
            said.append(f"{head}: {words[0]}")
        if not report:
            self._layout.addWidget(_line("circle-check", "ok", label(nothing, wrap=True)))
        self._layout.addStretch()
        self.setAccessibleName("; ".join(said) or nothing)

    def say(self, words: str) -> None:
        """Only words."""
        self._clear()
        self._layout.addWidget(label(words, "dim", wrap=True))
        self._layout.addStretch()

    def _clear(self) -> None:
        while item := self._layout.takeAt(0):
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()


def tell(parent: QtWidgets.QWidget, name: str, title: str, report: Sequence[Mapping[str, Any]]) -> None:
    """What was changed, in a small window of its own."""
    box = QtWidgets.QDialog(parent)
    box.setObjectName(name)
    box.setWindowTitle(title)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    losses = Losses(f"{name}_list")
    losses.show_report(report, "")
    close = button(f"{name}_close", "Close", box.accept, kind="primary", shortcut="Return")
    below = columns(close)
    below.insertStretch(0)
    layout = rows(label(title, "title"), scrolled(losses), spacing=14, margins=18)
    layout.addLayout(below)
    box.setLayout(layout)
    box.resize(520, 320)
    box.open()


def _row(kind: str, head: str, words: list[str]) -> QtWidgets.QWidget:
    quiet = kind in QUIET
    text = words[0] if len(words) == 1 else f"{words[0]}\n… and {len(words) - 1} more like this"
    below = label(text, "small", wrap=True)
    below.setToolTip("\n".join(words[:30]))
    both = QtWidgets.QWidget()
    both.setLayout(rows(label(head, "dim" if quiet else ""), below, spacing=2))
    return _line("info-circle" if quiet else "alert-triangle", "dim" if quiet else "warn", both)


def _line(icon: str, role: str, words: QtWidgets.QWidget) -> QtWidgets.QWidget:
    made = QtWidgets.QWidget()
    across = columns(spacing=9)
    across.addWidget(Glyph(icon, role, 17), 0, Qt.AlignmentFlag.AlignTop)
    across.addWidget(words, 1)
    made.setLayout(across)
    return made
