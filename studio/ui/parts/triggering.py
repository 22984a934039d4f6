"""The Trigger tab of Capture: level, edge and mode as on an oscilloscope; a crossing may start a recording."""

from collections.abc import Mapping

from PySide6 import QtCore, QtWidgets

from studio.app.trigger import Crossings, Trigger
from studio.data.stream import Ring
from studio.errors import StudioError
from studio.ui.forms import Form
from studio.ui.parts.rows import Level, LiveRows
from studio.ui.plots.live import ANSWERS
from studio.ui.widgets import Pill, button, caption, combo, label

#: Share of the shown time at which a crossing stands, when less than `before_s` would be left of it.
SHARE = 0.25
#: A radar's cells are not offered one by one.
MOST = 64


class Triggering(QtWidgets.QWidget):
    """Watches one channel while armed. `fired` carries (stream, index, trigger); the picture stands still by itself."""

    fired = QtCore.Signal(str, int, object)
    failed = QtCore.Signal(object)

    def __init__(self, rows: LiveRows) -> None:
        super().__init__()
        self._rows = rows
        self.armed = False
        self.state = Pill("Off")
        self.channel = combo("trigger_channel", "Channel", "The channel that is watched")
        self.form = Form(Trigger(), "trigger")
        self.arm = button("trigger_arm", "Arm", self.toggle, icon="crosshair", kind="primary", shortcut="T")
        self._crossings: Crossings | None = None
        self._waiting: tuple[str, int] | None = None  # a crossing whose samples behind it are still to come
        self._next = 0.0
        self._build()
        rows.level_moved.connect(self._level_moved)
        rows.changed.connect(self._paused_by_hand)

    def _build(self) -> None:
        body = QtWidgets.QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(10)
        body.addWidget(
            label("The plots stand still where a channel crosses a level. Drag the line to set it.", "small", True)
        )
        body.addWidget(self.state)
        body.addWidget(self.arm)
        body.addLayout(caption("Channel", self.channel))
        body.addWidget(self.form)
        body.addStretch()
        self.form.changed.connect(self._again)
        self.channel.currentIndexChanged.connect(self._again)

    def show_rings(self, rings: Mapping[str, Ring]) -> None:
        """Offer the channels of these."""
        watched = [r.stream for r in rings.values() if r.stream.kind not in ANSWERS and len(r.stream.channels) <= MOST]
        offered = [(s.name, i) for s in watched for i in range(len(s.channels))]
        if offered == [self.channel.itemData(i) for i in range(self.channel.count())]:
            return
        self.disarm()
        with QtCore.QSignalBlocker(self.channel):
            self.channel.clear()
            for name, i in offered:
                self.channel.addItem(f"{name} · {rings[name].stream.channels[i]}", (name, i))

    @property
    def trigger(self) -> Trigger:
        """As filled in; ParamError when a value cannot be."""
        made: Trigger = self.form.value()
        return made

    def toggle(self) -> None:
        """Arm, or disarm."""
        if self.armed:
            self.disarm()
        elif self.channel.count():
            self.armed = True
            self._rows.pause(False)
            self._again()

    def disarm(self) -> None:
        """Watch no more."""
        self.armed, self._waiting, self._crossings = False, None, None
        self._rows.show_level(None)
        self._show("Off", "")

    def _again(self) -> None:
        """Other settings: look afresh."""
        if not self.armed:
            return
        try:
            name, channel = self.channel.currentData()
            self._crossings, self._waiting = Crossings(self.trigger, channel), None
            self._rows.show_level(Level(name, self.trigger.level))
            self._show("Armed", "accent")
        except StudioError as e:
            self.disarm()
            self.failed.emit(e)

    def _level_moved(self, level: float) -> None:
        """The line was dragged on the plot."""
        spin = self.form.findChild(QtWidgets.QDoubleSpinBox, "trigger_level")
        span = abs(level)
        spin.setDecimals(2 if span >= 10 else 4)
        spin.setValue(level)

    def _paused_by_hand(self) -> None:
        """Who resumes after a single shot arms it again: the next crossing is wanted."""
        if self.armed and self._crossings is None and not self._rows.paused:
            self._again()

    def tick(self, rings: Mapping[str, Ring]) -> None:
        """Look at what came."""
        if not self.armed or not self.channel.count():
            return
        name, _ = self.channel.currentData()
        ring = rings.get(name)
        if ring is None:
            self.disarm()
            return
        if self._crossings is not None:
            found = self._crossings.look(ring, self._next)
            if found and self._waiting is None:
                self._waiting = (name, found[0])
                self.fired.emit(name, found[0], self.trigger)
        self._hold_when_complete(ring)

    def _hold_when_complete(self, ring: Ring) -> None:
        """Stand still once the samples behind the crossing are there, up to the right edge."""
        if self._waiting is None:
            return
        (name, index), trigger, seconds = self._waiting, self.trigger, self._rows.seconds
        share = min(0.9, trigger.before_s / seconds) if trigger.before_s < seconds else SHARE
        edge = index + (1 - share) * seconds * ring.stream.rate_hz
        if ring.end < edge:
            return
        self._waiting, self._next = None, edge
        if trigger.mode == "single":
            self._crossings = None
        self._rows.hold_at(name, index, share)
        self._show("Triggered", "ok")

    def _show(self, words: str, tone: str) -> None:
        self.state.say(words, tone)
        on = self.armed
        self.arm.show_as("Disarm" if on else "Arm", "x" if on else "crosshair", "" if on else "primary")
