"""The Device tab of Capture: what the device says of itself, and what it lets one choose."""

from dataclasses import fields
from typing import Any

from PySide6 import QtCore, QtWidgets

from studio.app.live import ANSWERS, Connection
from studio.data.stream import Stream
from studio.errors import StudioError
from studio.ui.forms import Form
from studio.ui.widgets import button, heading, label, rows

#: What a protocol lets its listener know about losses, for people.
LOSS = {
    "exact": "Every lost sample is counted, and its place is known.",
    "count": "Lost samples are counted; where they are missing is not known.",
    "nothing": "This protocol has no counter: a lost sample leaves no trace.",
}


class About(QtWidgets.QWidget):
    """Filled when a device was connected, and anew when its settings change."""

    failed = QtCore.Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._connection: Connection | None = None
        self._key: object = None
        self.form: Form | None = None
        self._body = QtWidgets.QVBoxLayout(self)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(10)
        self.apply = button(
            "device_options_apply", "Apply", self._apply, icon="check", kind="primary", tip="Ask the device to change"
        )
        self._none = label("Connect a device to see what it is and what can be set.", "small", wrap=True)
        self._inside = QtWidgets.QWidget()
        self._body.addWidget(self._none)
        self._body.addWidget(self._inside)
        self._body.addWidget(self.apply)
        self._body.addStretch()
        self.apply.hide()

    def show_device(self, connection: Connection, recording: bool) -> None:
        """Show what is connected; settings stay as they are while it records."""
        options, hello = connection.options, connection.hello
        if hello is None:
            return
        key = connection, hello, repr(options)
        if key != self._key:
            self._key, self._connection = key, connection
            self._fill(connection, options)
        self.apply.setEnabled(not recording)
        if self.form is not None:
            self.form.setEnabled(not recording)

    def _fill(self, connection: Connection, options: Any) -> None:
        assert connection.hello is not None
        old, self._inside = self._inside, QtWidgets.QWidget()
        streams = [b.stream for b in connection.hello.streams if b.stream.kind not in ANSWERS]
        parts = [heading("Device"), *_facts(connection), heading("Streams"), *(_stream(s) for s in streams)]
        parts.append(heading("Settings"))
        self.form = Form(options, "device_option") if options is not None else None
        nothing = "This device has nothing that could be set from here."
        parts.append(self.form if self.form is not None else label(nothing, "small", wrap=True))
        self._inside.setLayout(rows(*parts))
        self._body.replaceWidget(old, self._inside)
        old.hide()
        old.deleteLater()
        self._none.hide()
        self.apply.setVisible(self.form is not None)

    def _apply(self) -> None:
        """Ask for what differs from what is."""
        if self.form is None or self._connection is None:
            return
        now = self._connection.options
        try:
            wanted = self.form.value()
            for f in fields(wanted):
                value = getattr(wanted, f.name)
                if value != getattr(now, f.name, value):
                    self._connection.set_option(f.name, value)
        except StudioError as e:
            self.failed.emit(e)


def _facts(connection: Connection) -> list[QtWidgets.QWidget]:
    hello = connection.hello
    assert hello is not None
    protocol = "Sensorsmith" if connection.protocol == "own" else connection.protocol
    checked = "Damaged packets are found by their checksum." if connection.checked else "It has no checksum."
    told = [hello.board, f"Protocol: {protocol}", f"{LOSS.get(str(connection.loss), '')} {checked}"]
    return [label(words, "strong" if i == 0 else "small", wrap=True) for i, words in enumerate(told) if words]


def _stream(stream: Stream) -> QtWidgets.QWidget:
    names = ", ".join(stream.channels[:6]) + (f" … {len(stream.channels)}" if len(stream.channels) > 6 else "")
    unit = f" in {stream.unit}" if stream.unit else ""
    return label(f"{stream.name}: {names}{unit}, {stream.rate_hz:g} Hz, {stream.dtype}", "small", wrap=True)
