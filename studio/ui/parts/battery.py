"""How long a battery lasts: three numbers from the person, the share of time that the core works from the build."""

from typing import Any

from PySide6 import QtWidgets

from studio.errors import ParamError
from studio.firmware.energy import Supply
from studio.ui.forms import Form
from studio.ui.widgets import Stat, columns, heading, rows

UNKNOWN = "–"
HINT = "What your board draws is yours to measure: no emulator knows it."


class Battery(QtWidgets.QWidget):
    """`show_build` with how long an answer takes and how often one is due; hidden while that is not known."""

    def __init__(self) -> None:
        super().__init__()
        self.form = Form(Supply, "battery", columns=2)
        self.days, self.answer = Stat("days"), Stat("per answer, at 3 V")
        self._latency_ms = self._share = 0.0
        figures = columns(self.days, self.answer, spacing=12)
        figures.setStretch(0, 1)
        figures.setStretch(1, 1)
        box = rows(heading("How long a battery lasts"), spacing=8)
        box.addLayout(figures)
        box.addWidget(self.form)
        self.setToolTip(HINT)
        self.setLayout(box)
        self.form.changed.connect(self._work_out)
        self.hide()

    def show_build(self, latency_ms: float | None, period_ms: float) -> None:
        """An answer of `latency_ms` every `period_ms`."""
        known = latency_ms is not None and period_ms > 0
        self.setVisible(known)
        if known and latency_ms is not None:
            self._latency_ms, self._share = latency_ms, min(1.0, latency_ms / period_ms)
            self._work_out()

    def _work_out(self) -> None:
        try:
            supply: Any = self.form.value()
        except ParamError:
            self.days.say(UNKNOWN)
            self.answer.say(UNKNOWN)
            return
        self.days.say(_days(supply.days(self._share)))
        self.answer.say(_energy(supply.answer_mj(self._latency_ms)))


def _days(days: float) -> str:
    return f"{days:.1f}" if days < 10 else f"{days:,.0f}".replace(",", "\u2009")


def _energy(millijoules: float) -> str:
    return f"{millijoules * 1000:.1f} µJ" if abs(millijoules) < 1 else f"{millijoules:.2f} mJ"
