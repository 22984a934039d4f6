"""The right column of Capture: clock, what is being recorded, and what the link has lost."""

import time
from collections import deque
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.app.live import Connection
from studio.data.project import Project
from studio.data.stream import Ring
from studio.ui.plots.live import ANSWERS
from studio.ui.theme import font
from studio.ui.widgets import Side, bytes_text, caption, combo, heading, label, line, rule, set_look

RATE_OVER_S, EVERY_S = 2.0, 0.25


class RateMeter:
    """True rate of a ring, from its end over the last two seconds of this computer's clock."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def measure(self, end: int, now_s: float) -> float:
        """Samples per second; 0 until half a second was seen."""
        self._seen.append((now_s, end))
        while now_s - self._seen[0][0] > RATE_OVER_S:
            self._seen.popleft()
        (t0, e0), (t1, e1) = self._seen[0], self._seen[-1]
        return (e1 - e0) / (t1 - t0) if t1 - t0 > 0.5 else 0.0


class Recorder(Side):
    """Fields and figures; the buttons that start and stop are in the top bar."""

    def __init__(self) -> None:
        super().__init__("right", 272)
        self.clock = label("00:00.0", "clock")
        self.clock.setFont(font(34, figures=True))
        self.state = label("Not recording", "small")
        self.label = combo("record_label", "Label while recording", "Labels the whole recording", editable=True)
        self.label.lineEdit().setPlaceholderText("None")
        self.subject = line("record_subject", "Subject", "Who or what is measured", "Keeps people apart in the split")
        self.open_after = QtWidgets.QCheckBox("Open in Label afterwards")
        self.open_after.setObjectName("record_open_after")
        self.open_after.setAccessibleName("Open in Label afterwards")
        self.open_after.setToolTip("Switch it off to record several takes in a row")
        self.open_after.setChecked(True)
        self._streams = QtWidgets.QGridLayout()
        self._cells: dict[str, tuple[QtWidgets.QLabel, QtWidgets.QLabel]] = {}
        self._meters: dict[str, RateMeter] = {}
        self._link_bytes = RateMeter()
        self._link = {name: label("–") for name in ("Packets", "Damaged", "Throughput")}
        self._told_s = 0.0
        self._build()

    def _build(self) -> None:
        self.body.addWidget(heading("Recording"))
        self.body.addWidget(self.clock)
        self.body.addWidget(self.state)
        self.body.addSpacing(4)
        self.body.addLayout(caption("Label while recording", self.label))
        self.body.addLayout(caption("Subject", self.subject))
        self.body.addWidget(self.open_after)
        self.body.addSpacing(4)
        self.body.addWidget(rule())
        self.body.addSpacing(2)
        self._none = label("They appear once a device is connected.", "small", wrap=True)
        self.body.addWidget(heading("Streams"))
        self.body.addWidget(self._none)
        self._streams.setVerticalSpacing(6)
        self._streams.setColumnStretch(0, 1)
        self.body.addLayout(self._streams)
        self.body.addSpacing(4)
        self.body.addWidget(heading("Link"))
        grid = QtWidgets.QGridLayout()
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        for row, (name, value) in enumerate(self._link.items()):
            value.setFont(font(13, figures=True))
            grid.addWidget(label(name, "dim"), row, 0)
            grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignRight)
        self.body.addLayout(grid)
        self.body.addStretch()

    def show_classes(self, project: Project | None) -> None:
        """Offer the project's classes as labels."""
        typed = self.label.currentText()
        self.label.clear()
        self.label.addItems([c.name for c in project.classes] if project is not None else [])
        self.label.setCurrentText(typed)

    def show_clock(self, seconds: float) -> None:
        """Elapsed time of the recording; 0 when none runs."""
        text = f"{int(seconds // 60):02d}:{seconds % 60:04.1f}"
        if self.clock.text() != text:
            self.clock.setText(text)
        set_look(self.clock, tone="danger" if seconds else "")
        self.state.setText("Recording every sensor stream" if seconds else "Not recording")
        for field in (self.label, self.subject):
            field.setEnabled(not seconds)

    def show_link(self, connection: Connection | None) -> None:
        """Rates and losses, a few times a second."""
        now_s = time.perf_counter()
        if now_s - self._told_s < EVERY_S:
            return
        self._told_s = now_s
        rings = {n: r for n, r in connection.rings.items() if r.stream.kind not in ANSWERS} if connection else {}
        if list(rings) != list(self._cells):
            self._show_streams(rings)
        stats: dict[str, Any] = connection.stats if connection is not None else {}
        for name, ring in rings.items():
            self._show_stream(name, ring, stats.get("streams", {}).get(name, {}), now_s)
        self._link["Packets"].setText(f"{stats.get('packets', 0):,}".replace(",", " ") if stats else "–")
        self._link["Damaged"].setText(str(stats.get("bad_packets", 0)) if stats else "–")
        rate = self._link_bytes.measure(int(stats.get("bytes", 0)), now_s)
        self._link["Throughput"].setText(f"{bytes_text(rate)}/s" if stats else "–")

    def _show_stream(self, name: str, ring: Ring, counts: dict[str, Any], now_s: float) -> None:
        rate, lost = self._cells[name]
        found = self._meters[name].measure(ring.end, now_s)
        rate.setText(rate_text(found) if found else "–")
        n_lost = int(counts.get("lost", 0))
        lost.setText(f"{n_lost} lost")
        set_look(lost, tone="danger" if n_lost else "", kind="" if n_lost else "dim")

    def _show_streams(self, rings: dict[str, Ring]) -> None:
        while item := self._streams.takeAt(0):
            item.widget().deleteLater()
        self._cells, self._meters = {}, {}
        self._none.setVisible(not rings)
        for row, name in enumerate(rings):
            cells = label("–"), label("0 lost", "dim")
            title = label(name)
            title.setToolTip(name)
            for cell in cells:
                cell.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, cell in enumerate((title, *cells)):
                cell.setFont(font(13, figures=True))
                self._streams.addWidget(cell, row, column)
            self._cells[name], self._meters[name] = cells, RateMeter()


def rate_text(rate_hz: float) -> str:
    """99.8 Hz, 16.00 kHz."""
    return f"{rate_hz / 1000:.2f} kHz" if rate_hz >= 1000 else f"{rate_hz:.1f} Hz"
