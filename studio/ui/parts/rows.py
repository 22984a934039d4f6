"""The live view: a row per stream with its name and the ways to look at it that one has chosen.

All rows share one right edge in time. Pausing copies what the rings hold, so the picture stands still and can be
scrolled back, while samples go on into the rings and into a running recording.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.app.takes import Mark
from studio.data.stream import Ring
from studio.ui.plots.live import ANSWERS, lanes, note
from studio.ui.plots.marks import Shown
from studio.ui.plots.trace import Held, Playhead, level
from studio.ui.plots.views import VIEWS, LiveView, WaveView
from studio.ui.theme import settings, theme
from studio.ui.widgets import Button, button, label, scrolled

SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
MOST_NAMES = 6


class StreamRow(QtWidgets.QWidget):
    """One stream: a line with its name, channels and view buttons; its views below."""

    viewed = QtCore.Signal(object)  # a view that was just made

    def __init__(self, ring: Ring, seconds: float) -> None:
        super().__init__()
        self.ring, self.seconds = ring, seconds
        self.head = Playhead(ring.stream.rate_hz)
        self.held: Held | None = None
        self.views: dict[str, LiveView] = {}
        self.chips: dict[str, Button] = {}
        self._legend = label("")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._layout = QtWidgets.QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addLayout(self._line())
        theme().changed.connect(self._recolor)
        self._recolor()
        for name in self._wanted():
            self.show_view(name, True)

    def _line(self) -> QtWidgets.QHBoxLayout:
        stream, across = self.ring.stream, QtWidgets.QHBoxLayout()
        across.setContentsMargins(14, 6, 14, 2)
        across.setSpacing(8)
        title = label(stream.name, "strong")
        title.setToolTip(note(stream))
        across.addWidget(title)
        self._legend.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        across.addWidget(self._legend, 1)
        for name, view in VIEWS.items():
            if view.fits(stream):
                self.chips[name] = self._chip(name)
                across.addWidget(self.chips[name])
        return across

    def _chip(self, name: str) -> Button:
        view = VIEWS[name]
        chip = button(
            f"view_{name}_{self.ring.stream.name}", view.title, partial(self._toggled, name), kind="chip", tip=view.tip
        )
        chip.setCheckable(True)
        chip.setAccessibleName(f"{view.title} of {self.ring.stream.name}")
        return chip

    def _toggled(self, name: str) -> None:
        """The last view stays: a row without any says nothing."""
        on = self.chips[name].isChecked()
        if not on and len(self.views) == 1:
            self.chips[name].setChecked(True)
            return
        self.show_view(name, on)
        settings().setValue(f"views/{self.ring.stream.kind}", ",".join(self.views))

    def _wanted(self) -> list[str]:
        """As chosen last time for this kind of sensor, else what suits it."""
        stream = self.ring.stream
        kept = str(settings().value(f"views/{stream.kind}", "")).split(",")
        fitting = [n for n, v in VIEWS.items() if v.fits(stream)]
        return [n for n in fitting if n in kept] or [n for n in fitting if VIEWS[n].first(stream)] or fitting[:1]

    def show_view(self, name: str, on: bool) -> None:
        """Show or drop a view; they stand in the order of VIEWS."""
        self.chips[name].setChecked(on)
        if on and name not in self.views:
            made = VIEWS[name].make(self.ring, self.seconds)
            made.setAccessibleName(f"{VIEWS[name].title} of {self.ring.stream.name}")
            self.views[name] = made
            self.views = {n: self.views[n] for n in VIEWS if n in self.views}
            self._layout.insertWidget(1 + list(self.views).index(name), made, 1)
            self.viewed.emit(made)
        elif not on and name in self.views:
            gone = self.views.pop(name)
            self._layout.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        self._show_axes()

    def _show_axes(self) -> None:
        """Only the lowest of the views over time shows the seconds."""
        over_time = [v for v in self.views.values() if v.over_time]
        for view in over_time:
            view.show_time_axis(view is over_time[-1])

    def hold(self, on: bool) -> None:
        """Stand still, or follow again."""
        self.held = Held(self.ring) if on else None

    def tick(self, now_s: float, back_s: float, marks: Sequence[Shown]) -> None:
        """Draw every view; `back_s` is how far back to look while held."""
        source = self.held or self.ring
        at = self.head.at - back_s * self.ring.stream.rate_hz if self.held is not None else self.head.at
        for view in self.views.values():
            if not view.viewport().visibleRegion().isEmpty():  # scrolled out of sight it costs nothing
                view.tick(source, at, now_s)
                view.show_marks(marks)

    def _recolor(self) -> None:
        t, found = theme().tokens, lanes(self.ring.stream)
        names = [f'<span style="color:{t.lanes[i % len(t.lanes)]}">&#9679; {n}</span>' for n, i in found[:MOST_NAMES]]
        more = f'<span style="color:{t.dim}">of {len(found)} channels</span>' if len(found) > MOST_NAMES else ""
        unit = f'<span style="color:{t.dim}">{self.ring.stream.unit}</span>'
        self._legend.setText("&nbsp;&nbsp;".join([*names, more, unit]) if len(found) <= 64 else f"{len(found)} cells")


@dataclass(frozen=True)
class Level:
    """A trigger's line: on which stream, at what level."""

    stream: str
    at: float


class LiveRows(QtWidgets.QWidget):
    """Every stream of a device. Call `tick` on every beat."""

    changed = QtCore.Signal()  # paused, scrolled, another length of time
    level_moved = QtCore.Signal(float)

    def __init__(self, seconds: float = 10.0) -> None:
        super().__init__()
        self.seconds, self.back_s, self.paused = seconds, 0.0, False
        self.rows: dict[str, StreamRow] = {}
        self.marks: Sequence[Mark] = ()
        self.colors: Mapping[str, str] = {}
        self._level: Level | None = None
        self._held_mark: Mark | None = None  # where a trigger fired
        self._rings: tuple[Ring, ...] = ()
        self._inside = QtWidgets.QWidget()
        self._layout = QtWidgets.QVBoxLayout(self._inside)
        self._layout.setContentsMargins(0, 0, 0, 4)
        self._layout.setSpacing(2)
        area = scrolled(self._inside, "live_rows")
        outer = QtWidgets.QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    @property
    def rings(self) -> tuple[Ring, ...]:
        """What is shown."""
        return self._rings

    def show_rings(self, rings: Mapping[str, Ring]) -> None:
        """Show these from now on; does nothing when they are shown already."""
        sensors = tuple(r for r in rings.values() if r.stream.kind not in ANSWERS)
        if sensors == self._rings:
            return
        self._rings, self.paused, self.back_s = sensors, False, 0.0
        for row in self.rows.values():
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = {r.stream.name: StreamRow(r, self.seconds) for r in sensors}
        for row in self.rows.values():
            row.viewed.connect(self._adopt)
            for view in row.views.values():
                self._adopt(view)
            self._layout.addWidget(row, max(1, len(row.views)))
        self.changed.emit()

    def _adopt(self, view: LiveView) -> None:
        """A new view obeys the mouse as the others do."""
        view.box.wheeled.connect(self._wheeled)
        if view.over_time:
            view.box.dragged.connect(self.drag)
        if isinstance(view, WaveView):
            view.level_moved.connect(self.level_moved)
            self._put_level()

    def _wheeled(self, steps: int) -> None:
        at = min(range(len(SECONDS)), key=lambda i: abs(SECONDS[i] - self.seconds))
        self.show_seconds(SECONDS[max(0, min(len(SECONDS) - 1, at + steps))])

    def show_seconds(self, seconds: float) -> None:
        """Another length of time in every row."""
        if seconds == self.seconds:
            return
        self.seconds = seconds
        for row in self.rows.values():
            row.seconds = seconds
            for view in row.views.values():
                view.show_seconds(seconds)
        self.look_back(self.back_s)
        self.changed.emit()

    # Standing still ------------------------------------------------------------------------------------------

    def pause(self, on: bool) -> None:
        """Stand still with a copy of what the rings hold, or follow the newest samples again."""
        if on != self.paused and (self.rows or not on):
            self.paused, self.back_s, self._held_mark = on, 0.0, None
            for row in self.rows.values():
                row.hold(on)
            self.changed.emit()

    @property
    def reach_s(self) -> float:
        """How far one can look back."""
        held = [(r.head.at - r.held.start) / r.ring.stream.rate_hz for r in self.rows.values() if r.held is not None]
        return max(0.0, max(held, default=0.0) - self.seconds)

    def look_back(self, seconds: float) -> None:
        """Show what was `seconds` before the pause, as far as it is held."""
        wanted = max(0.0, min(self.reach_s, seconds)) if self.paused else 0.0
        if wanted != self.back_s:
            self.back_s = wanted
            self.changed.emit()

    def drag(self, seconds: float) -> None:
        """Pull the picture; pulling it to the right while it follows stops it."""
        if not self.paused and seconds > 0:
            self.pause(True)
        self.look_back(self.back_s + seconds)

    def hold_at(self, stream: str, index: float, share: float) -> None:
        """Stand still with sample `index` of `stream` at `share` of the width from the left."""
        for row in self.rows.values():
            row.head.at = float(row.ring.end)
            row.hold(True)
        row = self.rows[stream]
        self.paused = True
        ago_s = (row.head.at - index) / row.ring.stream.rate_hz
        self.back_s = ago_s - (1 - share) * self.seconds
        here = {n: r.head.at - ago_s * r.ring.stream.rate_hz for n, r in self.rows.items()}
        self._held_mark = Mark("trigger", here, here, point=True)
        self.changed.emit()

    # Drawing -------------------------------------------------------------------------------------------------

    def show_level(self, wanted: Level | None) -> None:
        """The trigger's line."""
        if wanted != self._level:
            self._level = wanted
            self._put_level()

    def _put_level(self) -> None:
        for name, row in self.rows.items():
            wave = row.views.get("wave")
            if isinstance(wave, WaveView):
                here = self._level is not None and self._level.stream == name
                wave.show_level(self._level.at if here and self._level is not None else None)

    def tick(self) -> None:
        """Show what came since the last call."""
        now_s = time.perf_counter()
        if not self.paused:
            level(row.head for row in self.rows.values())
            for row in self.rows.values():
                row.head.advance(row.ring.end, now_s)
        marks = [*self.marks, self._held_mark] if self._held_mark is not None else self.marks
        for name, row in self.rows.items():
            row.tick(now_s, self.back_s, [s for m in marks if (s := self._shown(name, row, m)) is not None])

    def _shown(self, name: str, row: StreamRow, mark: Mark) -> Shown | None:
        """The mark in seconds from the right edge; None when the stream does not know it, or it is not in view."""
        start, rate_hz = mark.start.get(name), row.ring.stream.rate_hz
        if start is None:
            return None
        edge = row.head.at - self.back_s * rate_hz
        stop = edge if mark.stop is None else mark.stop.get(name, edge)
        start_s, stop_s = (start - edge) / rate_hz, (stop - edge) / rate_hz
        if stop_s < -self.seconds or start_s > 0:
            return None
        return Shown(start_s, start_s if mark.point else stop_s, mark.label, self.colors.get(mark.label, ""))
