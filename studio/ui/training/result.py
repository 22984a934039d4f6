"""One model: what it got right in the test, what it costs on its board, and the way to deploy it."""

from collections.abc import Callable
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.app.telling import by_label, figures
from studio.ui.parts.tabs import Tabs
from studio.ui.theme import font
from studio.ui.training.cells import Cells
from studio.ui.training.curves import Curves
from studio.ui.training.deciding import Deciding
from studio.ui.training.models import Shown
from studio.ui.training.trust import GroupTable, Trust
from studio.ui.widgets import Card, Meter, Pill, Stat, button, bytes_text, columns, heading, label, named, rows

ORIGIN = ("Stream", "Window", "Test part", "Seed", "Data")
#: Narrow on the left, so that the longest word fits a small window; numbers end where their heads end.
HEAD = "QHeaderView::section { padding: 4px 11px 4px 1px; } QHeaderView::section:first { padding-left: 11px; }"
STATS = ("Accuracy", "Macro-F1", "Test windows", "Events found", "Found after", "False alarms / h")
TIPS = {
    "overview": "What it is worth, what it costs, and what it was made from",
    "confusion": "Which class was taken for which, and the windows behind it",
    "deciding": "False alarms against misses, and how decisions are made along time",
    "curves": "ROC, precision against recall, calibration",
}
TABLES = {"classes": "By class", "number": "By nearest label", "several": "By single label"}
FIGURES = ("Precision", "Recall", "F1", "n")  # n: windows


class Result(QtWidgets.QWidget):
    """`show_model` with a model's document (`model.json`) and its board's limits."""

    def __init__(self, deploy: Callable[[], object], cells: Cells, deciding: Deciding) -> None:
        super().__init__()
        self.trust, self.cells, self.deciding, self.curves = Trust(), cells, deciding, Curves()
        self.confusion, self.open = cells.confusion, cells.open
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
        self.stats = {name: Stat(name) for name in STATS}
        across = columns(*self.stats.values(), spacing=26)
        across.addStretch()
        overview = QtWidgets.QWidget()
        middle = columns(self._build_tables(), self._build_right(), spacing=14)
        middle.setStretch(0, 3)
        middle.setStretch(1, 2)
        inside = rows(self.trust, spacing=14)
        inside.addLayout(middle, 1)
        overview.setLayout(inside)
        self.tabs = Tabs("result")
        pages = (("overview", "Overview", overview), ("confusion", "Confusion", self.cells),
                 ("deciding", "Decisions", self.deciding), ("curves", "Curves", self.curves))  # fmt: skip
        for number, (key, title, page) in enumerate(pages, 1):
            self.tabs.add(key, title, page, TIPS[key], f"Ctrl+Alt+{number}")
        layout = rows(spacing=12)
        layout.setContentsMargins(20, 16, 12, 8)
        layout.addLayout(head)
        layout.addLayout(across)
        layout.addWidget(self.tabs, 1)
        self.setLayout(layout)

    def _build_right(self) -> QtWidgets.QWidget:
        """What it costs, and what it was made from."""
        side = QtWidgets.QWidget()
        side.setLayout(rows(self._build_cost(), self._build_origin(), spacing=14))
        return side

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
        card, self.table_title = Card(), heading(TABLES["classes"])
        card.body.setContentsMargins(16, 14, 16, 8)
        card.body.addWidget(self.table_title)
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

    def show_model(self, shown: Shown, board: str, limits: dict[str, float]) -> None:
        """`limits`: flash_bytes, ram_bytes, latency_ms that the model may have (0: none), and its stride_ms."""
        found, window_s, length = shown.document, shown.window_s, shown.length
        classes, decision = shown.classes, shown.decision
        test, lock = found.get("test", {}), found.get("lock", {})
        self.title.setText(found["id"])
        self.family.say(found["family"], "accent")
        honest = lock.get("groups_disjoint", False)
        words = f"tested on other {_groups(lock.get('split_by', ''))}" if honest else "test not independent"
        self.split.say(words, "ok" if honest else "warn")
        for stat, (name, figure) in zip(STATS, figures(test).items(), strict=False):
            self.stats[stat].name.setText(name)
            self.stats[stat].say(figure)
        self.stats["Test windows"].say(str(test.get("n_windows", "–")))
        self._show_events(test, decision)
        self.trust.show_model(lock, test, decision)
        self.groups.show_groups(test.get("by_group") or {})
        self.cells.show_model(found, length)
        if "task" not in lock:
            self.deciding.show_model(lock, classes, decision, test.get("decision"))
        self.curves.show_test(test, list(classes), lock.get("temperature"))
        self._show_cost(found.get("cost", {}), board, limits)
        self._show_origin(found, window_s, limits.get("stride_ms", 0.0) / 1000)
        self._show_classes(by_label(test))
        self._show_task(lock.get("task", "classes"))

    def _show_task(self, task: str) -> None:
        """A number and several labels are told window by window: without events, and without a decision along time."""
        for name in STATS[3:]:
            self.stats[name].setVisible(task == "classes")
        self.table_title.setText(TABLES.get(task, TABLES["classes"]).upper())
        for key, shown in (("deciding", task == "classes"), ("curves", task != "number")):
            self.tabs.buttons[key].setVisible(shown)
            if not shown and self.tabs.buttons[key].isChecked():
                self.tabs.show_page("overview")

    def _show_events(self, test: dict[str, Any], decision: Any) -> None:
        """Figures of the test, where they are of the decision as it is now."""
        events = (test.get("events") or {}) if test.get("decision") == decision else {}
        self.stats["Events found"].say(_share(events.get("recall")))
        alarms, late = events.get("false_alarms_per_hour"), events.get("latency_s_p50")
        self.stats["False alarms / h"].say("–" if alarms is None else f"{alarms:.1f}")
        self.stats["Found after"].say("–" if late is None else f"{late:.2f} s")

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
