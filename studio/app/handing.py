"""A link whose port may go and come: flashers run in programs that open it themselves, and a board that is reached by
its own USB leaves the bus whenever it restarts."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from studio.app.links import moved, open_link, option, port_of
from studio.data.link import Link
from studio.errors import LinkError
from studio.sources.ports import serial_ports

#: A board that has just been flashed restarts, and its USB port comes anew.
BACK_S, LOOK_S = 10.0, 0.2
OPENER = "studio.sources.line"
_T = TypeVar("_T")


class HandedLink:
    """`open_link(url)`, with `put_down` and `take_up`. For a USB port that goes away it waits; what ran is lost."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._port = port_of(url)
        self._link: Link | None = open_link(url)

    def read(self) -> bytes:
        return self._lasting(lambda link: link.read()) or b""

    def write(self, data: bytes) -> None:
        self._lasting(lambda link: link.write(data))

    def _lasting(self, do: Callable[[Link], _T]) -> _T | None:
        """What `do` gives; None when the port went away and is back now. LinkError when it does not come back."""
        try:
            return do(self._there())
        except LinkError:
            if self._port is None or self._link is None:
                raise
            self.close()
            self.take_up()
            return None

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def put_down(self) -> dict[str, Any]:
        """Close it; how its port, or the one that `?loader=` names, is opened."""
        self.close()
        return port_to_open(self.url)

    def take_up(self) -> None:
        """Open it again, where it may be by now. LinkError when it does not come back."""
        deadline = time.monotonic() + BACK_S
        while self._link is None:
            try:
                self._link = open_link(self._now())
            except LinkError as e:
                if time.monotonic() > deadline:
                    seen = f"did not come back ({e.seen})"
                    raise LinkError(self.url, seen, "Unplug the board, plug it in again, and flash again.") from e
                time.sleep(LOOK_S)

    def _there(self) -> Link:
        if self._link is None:
            raise LinkError(self.url, "the port is with the flasher", "Wait until it is done.")
        return self._link

    def _now(self) -> str:
        """Where the board's port is: firmware and boot loader may show different USB numbers in the same socket."""
        url = moved(self.url, self._port)
        if self._port is None or not self._port.location or port_of(url) is not None:
            return url
        here = [port.url for port in serial_ports() if port.location == self._port.location]
        return self.url.replace(self._port.url, here[0], 1) if here else url


class PortAlone:
    """The port of a board that is not spoken to by the studio itself: it is handed on."""

    def __init__(self, url: str) -> None:
        self.url = url

    def put_down(self) -> dict[str, Any]:
        """How its port is opened."""
        return port_to_open(self.url)

    def take_up(self) -> None:
        """Nobody waits for it."""


def port_to_open(url: str) -> dict[str, Any]:
    """The port of `url`, or the one that its `?loader=` names, as a flasher's program opens it."""
    place = option(url, "loader") or url.removeprefix("serial:").partition("?")[0]
    return {"opener": OPENER, "place": place}
