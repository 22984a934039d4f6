"""The device in hand: one live connection, opened and closed without the window waiting, and found again when lost."""

import threading
from collections.abc import Callable
from functools import cache

from studio.app.live import Connection
from studio.errors import StudioError
from studio.firmware.board import boards

ALIVE = ("streaming", "stalled")
#: State -> (words for people, tone of the pill).
STATES = {
    "idle": ("No device", ""),
    "opening": ("Opening", "warn"),
    "identifying": ("Identifying", "warn"),
    "ready": ("Identifying", "warn"),
    "streaming": ("Streaming", "ok"),
    "stalled": ("Stalled", "warn"),
    "lost": ("Lost", "danger"),
    "reconnecting": ("Reconnecting", "warn"),
    "closed": ("Closed", ""),
}


def _open(url: str) -> Connection:
    """A connection that looks again for a device that it lost."""
    return Connection(url, reconnect=True)


class Device:
    """Holds at most one Connection. `tick` must be called on every beat."""

    def __init__(self, connect: Callable[[str], Connection] = _open) -> None:
        self._connect, self._closing = connect, threading.Thread()
        self._wanted = False
        self._busy = ""
        self.url = ""
        self.connection: Connection | None = None

    @property
    def state(self) -> str:
        """One of STATES."""
        if self._busy:
            return "idle"
        if self.connection is None:
            return "opening" if self._wanted else "idle"
        return self.connection.state

    @property
    def words(self) -> str:
        """State, or what the device is lent for."""
        return self._busy or STATES.get(self.state, (self.state, ""))[0]

    @property
    def title(self) -> str:
        """What is connected: the board's own name once it told us."""
        hello = self.connection.hello if self.connection is not None else None
        return _title(hello.board) if hello is not None else self.url

    @property
    def streaming(self) -> bool:
        """Samples may be coming."""
        return self.connection is not None and self.connection.state in ALIVE

    @property
    def error(self) -> StudioError | None:
        """Why it is lost, or why it reconnects."""
        return (self.connection.error or self.connection.trouble) if self.connection is not None else None

    def connect(self, url: str) -> None:
        """Let go of the present device and open `url`."""
        self.release()
        self.url, self._wanted, self._busy = url, True, ""

    def disconnect(self) -> None:
        """Let go of the device."""
        self.release()
        self._wanted, self._busy = False, ""

    def lend(self, what: str) -> None:
        """Free the port for an action that opens it itself (flash, verify); `words` says `what` meanwhile."""
        self.release()
        self._wanted, self._busy = False, what

    def take_back(self) -> None:
        """Connect again after `lend`."""
        if self._busy:
            self.connect(self.url)

    def release(self) -> None:
        """Close the connection on a thread of its own: closing may wait for the device."""
        connection, self.connection = self.connection, None
        if connection is not None:
            before = self._closing
            self._closing = threading.Thread(target=_close, args=(connection, before), daemon=True, name="close device")
            self._closing.start()

    @property
    def released(self) -> bool:
        """The port is free again."""
        return self.connection is None and not self._closing.is_alive()

    def tick(self) -> None:
        """Open what is wanted once the port is free; a connection looks by itself for what it lost."""
        if self._wanted and self.connection is None and self.released:
            self.connection = self._connect(self.url)


@cache
def _title(board: str) -> str:
    """A board's name for people; a board we do not know is called by its id."""
    known = boards().get(board)
    return known.title if known is not None else board


def _close(connection: Connection, before: threading.Thread) -> None:
    if before.is_alive():
        before.join()
    connection.close()
