"""The bar under the rows: play, speed, loop, where playing stands, and what is heard."""

from collections.abc import Callable

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Qt

from studio.data.recording import Recording
from studio.ui.media.playhead import SPEEDS, Playhead
from studio.ui.media.sound import Sound
from studio.ui.media.voice import audible, is_sound
from studio.ui.theme import font
from studio.ui.widgets import Button, button, columns, combo, label, named

HEIGHT_PX, ICON_PX = 48, 32
#: Hear nothing.
SILENT = ""


class Transport(QtWidgets.QFrame):
    """Plays `head`, says what `sound` gives. `looped` is called to loop what is marked; `heard(name)` when another
    stream is chosen. Keys are the page's; the tooltips name them.
    """

    heard = QtCore.Signal(str)

    def __init__(self, head: Playhead, sound: Sound, looped: Callable[[], object], step: Callable[[int], None]) -> None:
        super().__init__()
        self.setProperty("kind", "plots")
        self.setFixedHeight(HEIGHT_PX)
        self._head, self._sound, self._looped = head, sound, looped
        self._text = ""
        self._build(step)
        self.play.clicked.connect(head.toggle)
        self.speed.activated.connect(lambda at: head.set_speed(SPEEDS[at]))
        self.volume.valueChanged.connect(self._set_volume)
        self.voice.activated.connect(lambda at: self.heard.emit(self.voice.itemData(at)))
        head.ticked.connect(self._tick)
        head.moved.connect(self._tick)
        head.changed.connect(self.refresh)
        self.refresh()

    def _build(self, step: Callable[[int], None]) -> None:
        self.back = self._icon("frame_back", "player-skip-back", "One video frame back", "W", lambda: step(-1))
        self.play = self._icon("play_toggle", "player-play", "Play or pause", "Space", lambda: None)
        self.on = self._icon("frame_on", "player-skip-forward", "One video frame on", "E", lambda: step(1))
        self.speed = combo("play_speed", "Speed", "How fast it plays (J slower, L faster)")
        self.speed.addItems([f"{x:g}×" for x in SPEEDS])
        self.speed.setMinimumContentsLength(4)
        self.speed.setFixedWidth(68)
        self.loop = self._icon("play_loop", "repeat", "Play the marked stretch again and again", "R", self._looped)
        self.loop.setCheckable(True)
        self.time = label("")
        self.time.setFont(font(12, figures=True))
        self.time.setAccessibleName("Where playing stands")
        self.time.setSizePolicy(QtWidgets.QSizePolicy.Policy.Minimum, QtWidgets.QSizePolicy.Policy.Preferred)
        self.voice = combo("sound_stream", "What is heard", "Which stream is heard; slow sensors become a tone")
        self.voice.setMinimumContentsLength(4)
        self.voice.setMaximumWidth(168)
        self.mute = self._icon("sound_mute", "volume", "Sound off or on", "X", self.toggle_mute)
        self.volume = named(QtWidgets.QSlider(Qt.Orientation.Horizontal), "sound_volume", "Volume", "How loud it is")
        self.volume.setRange(0, 100)
        self.volume.setValue(round(100 * self._sound.volume))
        self.volume.setFixedWidth(56)
        self.extras = columns(spacing=2)
        layout = columns(self.back, self.play, self.on, spacing=1)
        layout.setContentsMargins(66, 6, 14, 6)
        layout.addSpacing(4)
        for widget in (self.speed, self.loop):
            layout.addWidget(widget)
        layout.addSpacing(4)
        layout.addWidget(self.time)
        layout.addStretch(1)
        layout.addWidget(self.voice, 4)
        layout.addWidget(self.mute)
        layout.addWidget(self.volume)
        layout.addLayout(self.extras)
        self.setLayout(layout)

    def _icon(self, name: str, icon: str, what: str, key: str, do: Callable[[], object]) -> Button:
        """An icon button that leaves the keyboard to the rows; the page reads its key."""
        made = button(name, "", do, icon=icon, kind="ghost", accessible=what, tip=f"{what} ({key})")
        made.setFixedWidth(ICON_PX)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return made

    def add(self, name: str, icon: str, what: str, key: str, do: Callable[[], object]) -> Button:
        """One more button at the right end."""
        made = self._icon(name, icon, what, key, do)
        self.extras.addWidget(made)
        return made

    def show_recording(self, recording: Recording | None, chosen: str = SILENT) -> None:
        """List what can be heard of it; `chosen` is heard."""
        self.voice.clear()
        for stream in audible(recording) if recording is not None else ():
            self.voice.addItem(stream.name if is_sound(stream) else f"{stream.name} as a tone", stream.name)
        self.voice.addItem("No sound", SILENT)
        self.voice.setCurrentIndex(max(0, self.voice.findData(chosen)))
        self.refresh()

    def toggle_mute(self) -> None:
        """Sound off, or on again."""
        self._sound.muted = not self._sound.muted
        self._sound.retry()
        self.refresh()

    def _set_volume(self, percent: int) -> None:
        self._sound.volume = percent / 100
        self.refresh()

    def refresh(self) -> None:
        """Show what is."""
        head = self._head
        self.setEnabled(head.end_s > 0)
        self.play.show_as("", "player-pause" if head.playing else "player-play", "ghost", "accent")
        at = min(range(len(SPEEDS)), key=lambda i: abs(SPEEDS[i] - head.speed))
        self.speed.setCurrentIndex(at)
        self.loop.setChecked(head.loop_s is not None)
        self.loop.show_as("", "repeat", "ghost", "accent" if head.loop_s is not None else "dim")
        problem = self._sound.problem
        silent = self._sound.muted or problem is not None or self.voice.currentData() in (SILENT, None)
        self.mute.show_as("", "volume-off" if silent else "volume", "ghost")
        said = f"No sound: {problem.seen}. {problem.next_step}" if problem is not None else "Sound off or on (X)"
        self.mute.setToolTip(said)
        self._tick()

    def _tick(self, *_: object) -> None:
        text = f"{clock_text(self._head.time_s)} / {clock_text(round(self._head.end_s, 1))[:-2]}"
        if text != self._text:
            self._text = text
            self.time.setText(text)
        if self._sound.problem is not None and "No sound:" not in self.mute.toolTip():
            self.refresh()


def clock_text(seconds: float) -> str:
    """1:02:03.456, without hours that are not there."""
    ms = round(max(0.0, seconds) * 1000)
    hours, minutes = divmod(ms // 60_000, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"
