"""The video beside the signal: its picture, and at its right where it lies in time and what places it there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.data.video import VideoTrack
from studio.ui.media.film import Film
from studio.ui.media.playhead import Playhead
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme
from studio.ui.widgets import Button, button, columns, combo, label, named, rows, set_look

LEAST_PX, USUAL_PX, MOST_PX, SIDE_PX, GRIP_PX = 168, 208, 560, 214, 5
#: Ways to place a video, as the menu says them.
WAYS = {"clap": "By a clap", "correlate": "By sound, or else motion", "motion": "By motion"}


@safe_overrides
class Picture(QtWidgets.QWidget):
    """Paints the newest frame as large as fits; words where there is none. `dragged(frames)` while it is pulled."""

    dragged = QtCore.Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("video_picture")
        self.setAccessibleName("Picture of the video")
        self._frame: Any = None
        self._image: QtGui.QImage | None = None
        self._words, self._from_x = "", 0
        self.movable = False
        theme().changed.connect(self.update)

    def show_frame(self, frame: Any) -> None:
        """Paint this frame from now on; it is converted only when it is painted."""
        self._frame, self._image = frame, None
        self.update()

    def say(self, words: str) -> None:
        """Words instead of a picture; "" the picture."""
        if words != self._words:
            self._words = words
            self.update()

    def clear(self) -> None:
        """No picture."""
        self._frame = self._image = None
        self.update()

    @property
    def image(self) -> QtGui.QImage | None:
        """The picture."""
        if self._image is None and self._frame is not None:
            self._image = self._frame.toImage()
        return self._image

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), theme().color("plot"))
        image = self.image if not self._words else None
        if image is not None and not image.isNull():
            size = image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            box = QtCore.QRect(QtCore.QPoint(0, 0), size)
            box.moveCenter(self.rect().center())
            painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(box, image)
        elif self._words:
            painter.setPen(theme().color("dim"))
            inner = self.rect().adjusted(24, 8, -24, -8)
            painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        self._from_x = round(event.position().x())

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        frames = (round(event.position().x()) - self._from_x) // 6
        if self.movable and frames:
            self._from_x += frames * 6
            self.dragged.emit(frames)


@safe_overrides
class VideoPane(QtWidgets.QFrame):
    """Shows the videos of a recording at the playhead's time. Hidden when there is none.

    `shown(path, track)` tells which; `placed(index, start_s, rate)` when a person moved one, `matched(index, video_s)`
    when the held picture belongs to where the playhead is, `asked(index, way)` to have it placed, `removed(index)`.
    """

    placed = QtCore.Signal(int, float, float)
    matched = QtCore.Signal(int, float)
    asked = QtCore.Signal(int, str)
    removed = QtCore.Signal(int)
    shown = QtCore.Signal(object, object)  # path and track of the video in view, None when there is none

    def __init__(self, head: Playhead) -> None:
        super().__init__()
        self.setProperty("kind", "plots")
        self._head, self._folder = head, Path()
        self.tracks: tuple[VideoTrack, ...] = ()
        self.film = Film(head, self)
        self.picture = Picture()
        self._grip_y: float | None = None
        self._build()
        self.film.framed.connect(self.picture.show_frame)
        self.film.opened.connect(self._say)
        self.picture.dragged.connect(self.film.step)
        head.ticked.connect(self._say)
        self.setFixedHeight(USUAL_PX)
        self.setMouseTracking(True)
        self.hide()

    @property
    def index(self) -> int:
        """Which of the videos is shown."""
        return max(0, self.choice.currentIndex())

    def _build(self) -> None:
        self.choice = combo("video_choice", "Video", "Which of the recording's videos is shown")
        self.choice.currentIndexChanged.connect(lambda _: self._open())
        self.start = QtWidgets.QDoubleSpinBox()
        named(self.start, "video_start", "Where the video begins", "Second of the recording at which the video begins")
        self.start.setDecimals(3)
        self.start.setRange(-1e6, 1e6)
        self.start.setSuffix(" s")
        self.start.setKeyboardTracking(False)
        self.start.lineEdit().setTextMargins(5, 0, 0, 0)
        self.start.valueChanged.connect(self._moved)
        self.align = button("video_align", "Place …", self.show_ways, icon="wand", tip=PLACE)
        self.hold = self._toggle("video_hold", "Hold", "lock", "Hold the picture while the line moves on", "D")
        self.hold.toggled.connect(self._hold)
        self.match = button("video_match", "Match", self._match, icon="anchor", accessible="Match", tip=MATCH)
        self.remove = button(
            "video_remove", "", lambda: self.removed.emit(self.index), icon="trash", kind="ghost",
            accessible="Remove the video", tip="Take the video off the recording; a copied file is kept",
        )  # fmt: skip
        self.state = label("", "small", wrap=True)
        top = columns(self.choice, self.remove, spacing=4)
        begins = columns(label("Begins at", "small"), spacing=8)
        begins.addWidget(self.start, 1)
        hand = columns(self.hold, self.match, spacing=6)
        side = QtWidgets.QWidget()
        side.setFixedWidth(SIDE_PX)
        body = rows(spacing=6)
        for part in (top, begins):
            body.addLayout(part)
        body.addWidget(self.align)
        body.addLayout(hand)
        body.addWidget(self.state)
        body.addStretch(1)
        body.setContentsMargins(0, 8, 14, 4)
        side.setLayout(body)
        layout = columns(spacing=12)
        layout.setContentsMargins(58, 8, 0, GRIP_PX)
        layout.addWidget(self.picture, 1)
        layout.addWidget(side)
        self.setLayout(layout)

    def _toggle(self, name: str, text: str, icon: str, tip: str, key: str) -> Button:
        made = button(name, text, lambda: None, icon=icon, tip=f"{tip}; pull it sideways to step ({key})")
        made.setCheckable(True)
        return made

    def show_videos(self, folder: Path, tracks: tuple[VideoTrack, ...]) -> None:
        """The videos of the recording in `folder`."""
        same = folder == self._folder and len(tracks) == len(self.tracks)
        index = self.index if same else 0
        if folder != self._folder:
            self.hold.setChecked(False)
        self._folder, self.tracks = folder, tracks
        quiet = QtCore.QSignalBlocker(self.choice)
        self.choice.clear()
        self.choice.addItems([t.name or Path(t.file).name for t in tracks])
        self.choice.setCurrentIndex(index)
        quiet.unblock()
        self.setVisible(bool(tracks))
        self._open()

    def close_video(self) -> None:
        """Let the file go, here and in whatever else shows it."""
        self.shown.emit(None, None)
        self.film.close()
        self.picture.clear()

    def _open(self) -> None:
        if not self.tracks:
            self.close_video()
            return
        track = self.tracks[self.index]
        self.shown.emit(track.path(self._folder), track)
        self.film.open(track.path(self._folder), track)
        quiet = QtCore.QSignalBlocker(self.start)
        self.start.setValue(track.start_s)
        quiet.unblock()
        self._say()

    def _moved(self, start_s: float) -> None:
        if self.tracks:
            self.placed.emit(self.index, start_s, self.tracks[self.index].rate)

    def _hold(self, on: bool) -> None:
        self.film.hold(on)
        self.picture.movable = on
        self.picture.setCursor(Qt.CursorShape.SizeHorCursor if on else Qt.CursorShape.ArrowCursor)
        self.match.setEnabled(on)
        self._say()

    def _match(self) -> None:
        if self.film.held_s is not None:
            self.matched.emit(self.index, self.film.held_s)
            self.hold.setChecked(False)

    def show_ways(self) -> None:
        """A menu of ways to place the video."""
        if not self.tracks:
            return
        menu = QtWidgets.QMenu(self)
        for way, words in WAYS.items():
            menu.addAction(words, lambda way=way: self.asked.emit(self.index, way))
        menu.popup(self.align.mapToGlobal(QtCore.QPoint(0, self.align.height())))

    def _say(self) -> None:
        """Words over the picture when it cannot be seen, and about the clock below the buttons."""
        film, problem = self.film, self.film.problem
        if not self.tracks:
            return
        self.start.setSingleStep(film.period_s)
        words = ""
        if problem is not None:
            words = f"{problem.thing}: {problem.seen}. {problem.next_step}"
        elif not film.ready:
            words = "Opening the video …"
        elif film.outside:
            words = "The video begins later" if film.wanted_s < 0 else "The video has ended"
        self.picture.say(words)
        self.match.setEnabled(film.held_s is not None)
        text = HELD if film.held_s is not None else rate_text(self.tracks[self.index].rate)
        if text != self.state.text():
            self.state.setText(text)
        set_look(self.hold, on=film.held_s is not None)

    # --- its height ------------------------------------------------------------------------

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        self._grip_y = event.position().y() if self._on_grip(event) else None

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        self.setCursor(Qt.CursorShape.SizeVerCursor if self._on_grip(event) else Qt.CursorShape.ArrowCursor)
        if self._grip_y is not None:
            self.setFixedHeight(min(max(LEAST_PX, round(event.position().y())), MOST_PX))

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        self._grip_y = None

    def _on_grip(self, event: QtGui.QMouseEvent) -> bool:
        return event.position().y() > self.height() - 2 * GRIP_PX


PLACE = "Find where the video lies (Shift+V)"
MATCH = "The picture belongs to where the line is (Shift+D). One match places the video, a second gives its clock, too"
HELD = "Put the line on this moment, then Match."


def rate_text(rate: float) -> str:
    """What the clock of the video does, in words."""
    ppm = 1e6 * (rate - 1)
    if abs(ppm) < 0.5:
        return "Same clock as the recording"
    return f"Its clock is {abs(ppm):.0f} ppm {'fast' if ppm > 0 else 'slow'}"


def chosen_file(parent: QtWidgets.QWidget, ask: Callable[..., tuple[str, str]] | None = None) -> Path | None:
    """The video that the person picks, or None."""
    kinds = "Videos (*.mp4 *.m4v *.mov *.mkv *.avi *.webm);;All files (*)"
    found, _ = (ask or QtWidgets.QFileDialog.getOpenFileName)(parent, "Add a video", "", kinds)
    return Path(found) if found else None
