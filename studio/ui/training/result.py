"""One model: what it got right in the test, what it costs on its board, and the way to deploy it."""

from collections.abc import Callable
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.ui.theme import font
from studio.ui.training.confusion import Confusion
from studio.ui.training.trust import GroupTable, Trust
from studio.ui.widgets import Card, Meter, Pill, Stat, button, bytes_text, columns, label, named, rows

ORIGIN = ("Stream", "Window", "Test part", "Seed", "Data")
#: Narrow on the left, so that the longest word fits a small window; numbers end where their heads end.
HEAD = "QHeaderView::section { padding: 4px 11px 4px 1px; } QHeaderView::section:first { padding-left: 11px; }"
FIGURES = ("Precision", "Recall", "F1", "n")  # n: windows


class Result(QtWidgets.QWidget):
    """`show_model` with a model's document (`model.json`) and its board's limits."""

    def __init__(self, deploy: Callable[[], object], look: Callable[[str, int], object]) -> None:
        super().__init__()
        self.trust, self._look = Trust(), look
        self._wrong: list[list[Any]] = []
        self._turn = 0
        self.open = button(
            "confusion_open", "Look at them", self._open, icon="tags", shortcut="Ctrl+Shift+W",
            tip="Open the chosen cell's windows on the Label page, one after the other",
        )  # fmt: skip
        self.title, self.family, self.split = label("", "display"), Pill("", "accent"), Pill()
        self.deploy = button(
            "deploy_open",
            "Deploy",
            deploy,
            icon="cpu",
            kind="primary",
            tip="Build and flash this model",
            shortcut="Ctrl+D",
        )
        self._build()

    def _build(self) -> None:
        head = columns(self.title, self.family, self.split, spacing=10)
        head.addStretch()
        head.addWidget(self.deploy)
        self.stats = {n: Stat(n) for n in ("Accuracy", "Macro-F1", "Test windows", "Events found", "False alarms / h")}
        figures = columns(*self.stats.values(), spacing=36)
        figures.addStretch()
        self.confusion, self.cell = Confusion(), label("", "small", wrap=True)
        self.cell.setObjectName("confusion_text")
        self.confusion.said.connect(self._say_cell)
        matrix = Card("Confusion")
        matrix.body.addWidget(self.confusion, 1)
        foot = columns(spacing=10)
        foot.addWidget(self.cell, 1)
        foot.addWidget(self.open)
        matrix.body.addLayout(foot)
        middle = columns(matrix, self._build_cost(), spacing=14)
        below = columns(self._build_tables(), self._build_origin(), spacing=14)
        for pair in (middle, below):
            pair.setStretch(0, 3)
            pair.setStretch(1, 2)
        layout = rows(spacing=16)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.addLayout(head)
        layout.addLayout(figures)
        layout.addWidget(self.trust)
        layout.addLayout(middle, 3)
        layout.addLayout(below, 2)
        self.setLayout(layout)

    def _build_cost(self) -> Card:
        card = Card("Cost on the board")
        self.board = label("", "dim")
        self.meters = {n: Meter(n) for n in ("Flash", "RAM", "Latency")}
        self.more = label("", "small", wrap=True)
        card.body.addWidget(self.board)
        for meter in self.meters.values():
            card.body.addWidget(meter)
            meter.layout().setSpacing(9)
        card.body.addWidget(self.more)
        card.body.addStretch()
        return card

    def _build_origin(self) -> Card:
        card = Card("Made from", spacing=6)
        grid = QtWidgets.QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        self.origin = {name: label("", "small") for name in ORIGIN}
        for row, (name, value) in enumerate(self.origin.items()):
            value.setAlignment(_RIGHT)
            value.setFont(font(12, figures=True))
            grid.addWidget(label(name, "small"), row, 0)
            grid.addWidget(value, row, 1)
        card.body.addLayout(grid)
        card.body.addStretch()
        return card

    def _build_tables(self) -> Card:
        """By class, and by person or recording."""
        card = Card("By class")
        card.body.setContentsMargins(16, 14, 16, 8)
        self._build_classes()
        self.groups = GroupTable()
        card.body.addWidget(named(self.classes, "class_results", "Results by class"))
        card.body.addWidget(self.groups)
        return card

    def _build_classes(self) -> None:
        self.classes = QtWidgets.QTableWidget(0, 1 + len(FIGURES))
        self.classes.setHorizontalHeaderLabels(["Class", *FIGURES])
        self.classes.setShowGrid(False)
        self.classes.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.classes.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self.classes.setTabKeyNavigation(False)
        self.classes.verticalHeader().setVisible(False)
        self.classes.verticalHeader().setDefaultSectionSize(28)
        self.classes.horizontalHeader().setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.Stretch)
        self.classes.horizontalHeader().setHighlightSections(False)
        self.classes.horizontalHeader().setStyleSheet(HEAD)
        for column in range(1, 1 + len(FIGURES)):
            self.classes.horizontalHeaderItem(column).setTextAlignment(_RIGHT)
        self.classes.horizontalHeaderItem(0).setTextAlignment(_LEFT)

    # --- content -------------------------------------------------------------------------

    def show_model(self, found: dict[str, Any], board: str, limits: dict[str, float], window_s: float = 0.0) -> None:
        """`limits`: flash_bytes, ram_bytes, latency_ms that the model may have (0: none), and its stride_ms."""
        test, lock = found.get("test", {}), found.get("lock", {})
        self.title.setText(found["id"])
        self.family.say(found["family"], "accent")
        honest = lock.get("groups_disjoint", False)
        words = f"tested on other {_groups(lock.get('split_by', ''))}" if honest else "test not independent"
        self.split.say(words, "ok" if honest else "warn")
        self.stats["Accuracy"].say(_share(test.get("accuracy")))
        self.stats["Macro-F1"].say(_figure(test.get("macro_f1")))
        self.stats["Test windows"].say(str(test.get("n_windows", "–")))
        events = test.get("events") or {}
        self.stats["Events found"].say(_share(events.get("recall")))
        alarms = events.get("false_alarms_per_hour")
        self.stats["False alarms / h"].say("–" if alarms is None else f"{alarms:.1f}")
        self._wrong = (test.get("wrong") or {}).get("rows", [])
        self.trust.show_model(lock, test)
        self.groups.show_groups(test.get("by_group") or {})
        self.confusion.show_confusion(test.get("confusion") or {"labels": [], "matrix": []})
        self._show_cost(found.get("cost", {}), board, limits)
        self._show_origin(found, window_s, limits.get("stride_ms", 0.0) / 1000)
        self._show_classes(test.get("per_class", {}))

    def _say_cell(self, text: str) -> None:
        self.cell.setText(text)
        self._turn = 0
        self.open.setEnabled(bool(self._chosen()))

    def _chosen(self) -> list[list[Any]]:
        """The windows of the chosen cell that are known: those that were taken for another class."""
        if self.confusion.cell is None:
            return []
        row, column = self.confusion.cell
        unsure = column == len(self.confusion.labels) - 1 and self.confusion.labels[column] == "(unsure)"
        return [w for w in self._wrong if w[2] == row and w[3] == (-1 if unsure else column)]

    def _open(self) -> None:
        """The next of the chosen windows."""
        if found := self._chosen():
            recording, start, _, _ = found[self._turn % len(found)]
            self._turn += 1
            self._look(recording, start)

    def _show_cost(self, cost: dict[str, Any], board: str, limits: dict[str, float]) -> None:
        self.board.setText(board)
        for name, key in (("Flash", "flash_bytes"), ("RAM", "ram_bytes")):
            used, most = cost.get(key) or 0, limits.get(key) or 0
            of = f" of {bytes_text(most)}" if most else ""
            self.meters[name].say(used, most, f"{bytes_text(used)}{of}")
        latency, most = cost.get("latency_ms"), limits.get("latency_ms") or 0
        of = f" of {most:g} ms" if most else ""
        self.meters["Latency"].say(latency or 0, most, "–" if latency is None else f"{latency:.2f} ms{of}")
        parts = []
        if cost.get("stack_bytes"):
            parts.append(f"{bytes_text(cost['stack_bytes'])} stack")
        if cost.get("instructions_per_inference"):
            parts.append(f"{cost['instructions_per_inference']:,} instructions per answer".replace(",", "\u2009"))
        sources = {
            "elf+emulator": "read from the linked image and the emulator",
            "elf+board": "read from the image and the board",
        }
        parts.append(sources.get(cost.get("source", ""), "estimated"))
        self.more.setText(" · ".join(parts))

    def _show_origin(self, found: dict[str, Any], window_s: float, stride_s: float) -> None:
        lock, stream = found.get("lock", {}), found.get("stream", {})
        by = {"given": "as marked", "time": "by time"}.get(lock.get("split_by", ""), f"by {lock.get('split_by', '–')}")
        texts = {
            "Stream": f"{stream['name']}, {stream['rate_hz']:g} Hz" if stream else "–",
            "Window": f"{window_s:g} s, every {stride_s:g} s" if window_s else "–",
            "Test part": by,
            "Seed": str(lock.get("seed", "–")),
            "Data": str(lock.get("data_sha256", "–"))[:12],
        }
        for name, text in texts.items():
            self.origin[name].setText(text)

    def _show_classes(self, per_class: dict[str, dict[str, float]]) -> None:
        self.classes.setRowCount(len(per_class))
        for row, (name, one) in enumerate(per_class.items()):
            texts = [name, *(_figure(one[k]) for k in ("precision", "recall", "f1")), str(int(one["support"]))]
            for column, text in enumerate(texts):
                cell = QtWidgets.QTableWidgetItem(text)
                cell.setFont(font(13, figures=True))
                if column:
                    cell.setTextAlignment(_RIGHT)
                self.classes.setItem(row, column, cell)
        self.classes.setMinimumHeight(min(34 + 28 * len(per_class) + 6, 34 + 28 * 5 + 6))


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _groups(by: str) -> str:
    return {"subject": "people", "recording": "recordings", "given": "marked recordings"}.get(by, "data")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
