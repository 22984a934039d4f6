"""The line above the live plots: what they show, how long a stretch, and the button that makes them stand still."""

from collections.abc import Callable

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.parts.numbers import Figure
from studio.ui.parts.rows import SECONDS, LiveRows
from studio.ui.widgets import Pill, button, columns, combo, label, named

TICKS_PER_S = 100


class LiveBar(QtWidgets.QFrame):
    """Bound to one LiveRows: both show the same, whoever changed it. `past` goes below the plots."""

    def __init__(self, rows: LiveRows, mark: Callable[[], object]) -> None:
        super().__init__()
        self.setProperty("kind", "strip")
        self.setProperty("edge", "top")
        self._rows = rows
        self.state, self.words = Pill("Live", "ok"), label("", "small")
        self.pause = button("live_pause", "Pause", self._pause, icon="player-pause", shortcut="P")
        self.mark = button(
            "live_marker",
            "Marker",
            lambda: None,
            icon="flag",
            shortcut="M",
            tip="A marker at this moment of the recording",
        )
        self.mark.pressed.connect(mark)  # not when it is let go: the moment counts
        self.seconds = combo("live_seconds", "Time shown", "How long a stretch is shown; the wheel over a plot too")
        for seconds in SECONDS:
            self.seconds.addItem(f"{seconds:g} s", seconds)
        self.seconds.setFixedWidth(84)
        self.back = named(QtWidgets.QScrollBar(Qt.Orientation.Horizontal), "live_back", "Look back")
        self.back.setToolTip("Look back while paused: drag it or the plots, or use Left and Right")
        self.back.setInvertedControls(False)  # else Left would go to the right
        self.back.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.past, self.where = QtWidgets.QFrame(), Figure("Looking back", "−60.0 s", "How far back the right edge is")
        self._build()
        rows.changed.connect(self.show_rows)
        self.show_rows()

    def _build(self) -> None:
        across = columns(self.state, self.words, self.mark, self.seconds, self.pause, spacing=10)
        across.setContentsMargins(14, 6, 14, 6)
        across.setStretch(1, 1)
        self.words.setMinimumWidth(1)
        self.words.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        self.setLayout(across)
        below = columns(self.where, self.back, spacing=10)
        below.setContentsMargins(14, 3, 14, 3)
        below.setStretch(1, 1)
        self.past.setLayout(below)
        self.past.setProperty("kind", "strip")
        self.seconds.currentIndexChanged.connect(lambda: self._rows.show_seconds(self.seconds.currentData()))
        self.back.valueChanged.connect(self._scrolled)

    def _pause(self) -> None:
        self._rows.pause(not self._rows.paused)

    def _scrolled(self, value: int) -> None:
        self._rows.look_back((self.back.maximum() - value) / TICKS_PER_S)

    def show_rows(self) -> None:
        """Follow what the plots show."""
        rows = self._rows
        self.pause.show_as("Resume" if rows.paused else "Pause", "player-play" if rows.paused else "player-pause")
        self.seconds.setCurrentIndex(self.seconds.findData(rows.seconds))
        self.past.setVisible(rows.paused)
        self.where.say(f"−{rows.back_s:.1f} s")
        with QtCore.QSignalBlocker(self.back):
            reach = round(rows.reach_s * TICKS_PER_S)
            self.back.setRange(0, reach)
            self.back.setPageStep(round(rows.seconds * TICKS_PER_S))
            self.back.setSingleStep(TICKS_PER_S // 4)
            self.back.setValue(reach - round(rows.back_s * TICKS_PER_S))

    def say(self, state: str, tone: str, words: str) -> None:
        """The pill and the words beside it."""
        if self.state.text() != state:
            self.state.say(state, tone)
        if self.words.text() != words:
            self.words.setText(words)
            self.words.setToolTip(words)
