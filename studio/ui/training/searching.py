"""A search while it runs, and after: progress, time, every candidate as a point, and the lines it said."""

import time
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.progress import Progress
from studio.ui.theme import font, theme
from studio.ui.training.front import SHAPES, FrontPlot, candidate_text, latency_color
from studio.ui.training.settings import FAMILIES
from studio.ui.widgets import Card, JobBar, button, columns, label, named, rows

MARKS = {"t1": "▲", "h": "⬢", "o": "●", "d": "◆", "s": "■", "star": "★"}


class Searching(QtWidgets.QWidget):
    """`begin`, then `step` with each Progress, then `end`."""

    def __init__(self, cancel: Any, finish: Any) -> None:
        super().__init__()
        self.job = JobBar("train_cancel", cancel, "Ctrl+.")
        self.finish = button(
            "train_finish", "Finish now", finish, icon="flag", shortcut="Ctrl+Shift+.",
            tip="End the search and keep the best model so far",
        )  # fmt: skip
        self.finish.hide()
        self.elapsed = label("", "small")
        self.elapsed.setFont(font(12, figures=True))
        self.front = FrontPlot()
        self.picked = label("", "small", wrap=True)
        self.legend = label("", "small", wrap=True)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.log = named(QtWidgets.QPlainTextEdit(), "train_log", "What the search said")
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(2000)
        self.log.setFont(font(12, figures=True))
        self._began_s, self._running, self._last = 0.0, False, ""
        self.seen = False
        self._families: set[str] = set()
        self.front.picked.connect(lambda row: self.picked.setText(candidate_text(row)))
        theme().changed.connect(self._show_legend)
        self._build()

    def _build(self) -> None:
        plot = Card("Candidates")
        plot.body.addWidget(self.legend)
        plot.body.addWidget(self.front, 1)
        plot.body.addWidget(self.picked)
        log = Card("Log")
        log.body.addWidget(self.log, 1)
        layout = rows(spacing=14)
        layout.setContentsMargins(20, 18, 20, 16)
        self.head = Card()
        self.head.body.addWidget(self.job)
        foot = columns(self.elapsed, spacing=12)
        foot.addStretch()
        foot.addWidget(self.finish)
        self.head.body.addLayout(foot)
        layout.addWidget(self.head)
        layout.addWidget(plot, 3)
        layout.addWidget(log, 2)
        self.setLayout(layout)
        self._show_legend()

    def _show_legend(self) -> None:
        parts = [f"{MARKS[SHAPES[name]]} {FAMILIES[name][0]}" for name in FAMILIES if name in self._families]
        swatches = "".join(f'<span style="color:{latency_color(s / 4)}">■</span>' for s in range(5))
        parts += [f"quick {swatches} slow", "○ over a limit, or stopped early"]
        parts.append(f'<span style="color:{theme().tokens.warn}">┆</span> flash limit')
        self.legend.setText("&nbsp;&nbsp;&nbsp; ".join(parts))

    def _explain(self, families: set[str]) -> None:
        """The legend tells of the families that are in the picture."""
        if families != self._families:
            self._families = families
            self._show_legend()

    def begin(self, text: str, flash_limit: float) -> None:
        """A new search starts."""
        self._began_s, self._running, self._last = time.monotonic(), True, ""
        self.seen = True
        self.log.clear()
        self.picked.setText("")
        self.front.show_limit(flash_limit or None)
        self.front.show_candidates([], [])
        self._explain(set())
        self.job.stop.show()
        self.finish.show()
        self.finish.setEnabled(True)
        self.job.begin(text)
        self.tick()

    def step(self, progress: Progress) -> None:
        """News of the search."""
        self.job.step(progress.done, progress.total, progress.text)
        self._say(progress.text)
        found = progress.data
        if "front" in found:
            front = found["front"]
            rows_ = found.get("candidates", front)
            self._explain({r["family"] for r in rows_})
            self.front.show_candidates(rows_, [r["model"] for r in front])

    def _say(self, text: str) -> None:
        """A line of the log; the steps of one candidate (until its colon) share a line."""
        head = text.partition(":")[0]
        if not text or text == self._last:
            return
        if ":" in text and self._last.partition(":")[0] == head and "rejected" not in text:
            cursor = self.log.textCursor()
            cursor.movePosition(cursor.MoveOperation.End)
            cursor.select(cursor.SelectionType.BlockUnderCursor)
            cursor.removeSelectedText()
        self._last = text
        clock = f"{self.seconds:6.1f}".replace(" ", "\u2007")  # as wide as a digit
        self.log.appendPlainText(f"{clock} s   {text}")

    @property
    def seconds(self) -> float:
        """Since the search began."""
        return time.monotonic() - self._began_s

    def tick(self) -> None:
        """The clock of a running search."""
        if self._running:
            minutes, seconds = divmod(int(self.seconds), 60)
            self.elapsed.setText(f"Elapsed {minutes}:{seconds:02d}")

    def end(self, text: str, chosen: str = "") -> None:
        """It is over; `chosen` is the model that was kept."""
        self._running = False
        self.job.step(1, 1, text)
        self.job.stop.hide()
        self.finish.hide()
        self._say(text)
        if chosen:
            self.picked.setText(f"Kept: {chosen}")
