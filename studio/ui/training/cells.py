"""The confusion matrix with the windows behind each cell: listed, seen, heard, and explained."""

from collections.abc import Callable
from typing import Any

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import QRect

from studio.data.recording import Recording
from studio.ui.labels.lists import ITEM, Line, Lines, list_view, write
from studio.ui.media.playhead import Playhead
from studio.ui.media.sound import Sound
from studio.ui.media.voice import is_sound
from studio.ui.theme import theme
from studio.ui.training.confusion import Confusion
from studio.ui.training.looking import Explained
from studio.ui.widgets import Card, button, columns, label, rows

UNSURE = "(unsure)"
#: One window: recording, first sample, true class, answer.
Window = list[Any]


class WindowLine(Line):
    """A window: where it is, and which recording."""

    height_px = 40
    rate_hz = 1.0

    def draw(self, painter: QtGui.QPainter, place: QRect, value: Window) -> None:
        t = theme().tokens
        top, below = QRect(place), QRect(place)
        top.setBottom(place.top() + 23)
        below.setTop(place.top() + 20)
        write(painter, top, str(value[0]), t.text)
        write(painter, below, f"at {value[1] / self.rate_hz:.2f} s", t.dim, 12)


class Cells(QtWidgets.QWidget):
    """`show_model` with a model's document; `find` gives a recording by its id, `look` opens a window elsewhere.

    `explain(recording, start, then)` works out why a window was answered so and calls `then` with it.
    """

    def __init__(
        self,
        find: Callable[[str], Recording | None],
        look: Callable[[str, int], object],
        explain: Callable[[str, int, Callable[[Any], None]], None],
    ) -> None:
        super().__init__()
        self._find, self._look, self._ask = find, look, explain
        self._windows: list[Window] = []
        self._stream: dict[str, Any] = {}
        self._length, self._stop_s = 0, 0.0
        self.confusion, self.cell = Confusion(), label("", "small", wrap=True)
        self.cell.setObjectName("confusion_text")
        self.lines, self.line = Lines(self._words), WindowLine()
        self.list = list_view("confusion_windows", "Windows of the chosen cell", self.lines, self.line,
                              "Choose a window to see it; sound is played")  # fmt: skip
        self.title, self.explained = label("", "dim", wrap=True), Explained()
        self.head = Playhead(parent=self)
        self.sound = Sound(self.head)
        self._build_buttons()
        self._build()
        self.confusion.said.connect(self._say_cell)
        self.list.selectionModel().currentChanged.connect(lambda at, _: self._show(at.data(ITEM)))
        self.list.clicked.connect(lambda at: self._heard(at.data(ITEM)))
        self._show(None)

    def _build_buttons(self) -> None:
        self.play = button(
            "window_play", "Play", self._play, icon="player-play", shortcut="Ctrl+Space",
            tip="Hear this window: sound as it is, any other sensor as a tone that follows it",
        )  # fmt: skip
        self.explain = button(
            "window_explain", "Explain", self._explain, icon="zoom-check", shortcut="Ctrl+Shift+X",
            tip="Which stretch of time, axis and band made the answer; also for each window chosen from now on",
        )  # fmt: skip
        self.explain.setCheckable(True)
        self.open = button(
            "confusion_open", "Look at them", self._open, icon="tags", shortcut="Ctrl+Shift+W",
            tip="Open the chosen cell's windows on the Label page, one after the other",
        )  # fmt: skip

    def _build(self) -> None:
        matrix = Card(spacing=6)
        matrix.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Maximum)
        matrix.body.addWidget(self.cell)
        matrix.body.addWidget(self.confusion)
        listed = Card(spacing=6)
        listed.body.setContentsMargins(10, 8, 6, 8)
        listed.body.addWidget(self.list, 1)
        self.list.setMinimumHeight(150)
        above = columns(matrix, listed, spacing=14)
        above.setStretch(0, 5)
        above.setStretch(1, 3)
        window = Card(spacing=6)
        window.body.setContentsMargins(16, 10, 16, 10)
        head = columns(self.title, spacing=10)
        head.setStretch(0, 1)
        for each in (self.play, self.explain, self.open):
            head.addWidget(each)
        window.body.addLayout(head)
        window.body.addWidget(self.explained, 1)
        layout = rows(spacing=10)
        layout.addLayout(above)
        layout.addWidget(window, 1)
        self.setLayout(layout)

    # --- content ---------------------------------------------------------------------------

    def show_model(self, found: dict[str, Any], length: int) -> None:
        """A model's document, and the samples of its window."""
        test = found.get("test", {})
        self._windows = [w for key in ("wrong", "right") for w in (test.get(key) or {}).get("rows", [])]
        self._stream, self._length = found.get("stream") or {}, length
        self.line.rate_hz = self._stream.get("rate_hz", 1.0)
        self.confusion.show_confusion(test.get("confusion") or {"labels": [], "matrix": []})

    def chosen(self) -> list[Window]:
        """The windows of the chosen cell that are known; of those that were right, only some are."""
        if self.confusion.cell is None:
            return []
        row, column = self.confusion.cell
        unsure = column == len(self.confusion.labels) - 1 and self.confusion.labels[column] == UNSURE
        return [w for w in self._windows if w[2] == row and w[3] == (-1 if unsure else column)]

    @property
    def current(self) -> Window | None:
        """The one that is shown."""
        return self.list.currentIndex().data(ITEM)

    def _say_cell(self, text: str) -> None:
        self.cell.setText(text)
        self.lines.show([])
        self.lines.show(self.chosen())
        self.open.setEnabled(bool(self.lines.values))
        if self.lines.values:
            self.list.setCurrentIndex(self.lines.index(0))
        else:
            self._show(None)

    def _words(self, window: Window) -> str:
        return f"{window[0]} at {window[1] / self.line.rate_hz:.2f} s"

    def _show(self, window: Window | None) -> None:
        self.head.pause()
        recording = self._find(window[0]) if window is not None else None
        stream = self._stream.get("name", "")
        if recording is not None and all(s.name != stream for s in recording.streams):
            recording = None
        for each in (self.play, self.explain):
            each.setEnabled(recording is not None)
        self.title.setText(self._title(window, recording))
        self.explained.show_window(recording, stream, int(window[1]) if window else 0, self._length)
        if recording is not None and self.explain.isChecked():
            self._explain()

    def _title(self, window: Window | None, recording: Recording | None) -> str:
        if window is None:
            return "Choose a cell, then a window." if self.confusion.labels else "No test is known."
        if recording is None:
            return f"{window[0]} is not in the project any more."
        names = [*self.confusion.labels, UNSURE]
        truth, answer = names[window[2]], UNSURE if window[3] < 0 else names[window[3]]
        said = "recognised" if truth == answer else f"taken for {answer}"
        return f"{truth} {said} · {self._words(window)}"

    # --- what can be done with a window ----------------------------------------------------

    def _heard(self, window: Window | None) -> None:
        """A click on a window of sound plays it."""
        recording = self._find(window[0]) if window is not None else None
        if recording is not None and is_sound(recording.stream(self._stream["name"])):
            self._play()

    def _play(self) -> None:
        window = self.current
        recording = self._find(window[0]) if window is not None else None
        if recording is None or self.head.playing:
            self.head.pause()
            return
        rate_hz, start_s = self.line.rate_hz, window[1] / self.line.rate_hz
        self._stop_s = start_s + self._length / rate_hz
        self.head.open(recording.duration_s)
        self.sound.hear(recording, recording.stream(self._stream["name"]))
        self.head.seek(start_s)
        self.head.play()

    def _explain(self) -> None:
        window = self.current
        if not self.explain.isChecked() or window is None:
            self.explained.show_explanation(None)
            return
        self.explained.words.setText("Working it out; the first time the model's C is compiled.")
        self._ask(window[0], int(window[1]), lambda told: self._told(window, told))

    def _told(self, window: Window, told: dict[str, Any]) -> None:
        if window == self.current and self.explain.isChecked():
            self.explained.show_explanation(told)

    def _open(self) -> None:
        """The window that is shown, on the Label page; then the next is shown."""
        window = self.current
        if window is not None:
            row = self.list.currentIndex().row()
            self.list.setCurrentIndex(self.lines.index((row + 1) % len(self.lines.values)))
            self._look(window[0], int(window[1]))

    def tick(self) -> None:
        """The playhead stops at the end of the window."""
        if self.head.playing:
            self.head.tick()
            if self.head.time_s >= self._stop_s:
                self.head.pause()
        now = ("Stop", "player-pause") if self.head.playing else ("Play", "player-play")
        self.play.show_as(*now)
