"""A serial port for the protocol of a boot loader: bytes with deadlines, parity, control lines, the 1200-baud touch.

Flashers run in a process of their own, which opens the port by this module's name: `open_line(place)`.
"""

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any

from studio.sources.link import WRITE_TIMEOUT_S, _cannot_open, _gone
from studio.sources.ports import serial_ports

READ_S = 0.02
TOUCH_BAUD, TOUCH_S = 1200, 0.1


class Line:
    """An open port. Its time-out is set once: a change would reconfigure the port (0.1 s each by RFC 2217)."""

    def __init__(self, place: str, baud: int = 115_200, parity: str = "N") -> None:
        import serial

        self.place = place
        self._errors = (serial.SerialException, OSError, TypeError, ValueError)
        options: dict[str, Any] = {"timeout": READ_S, "parity": parity}
        if "://" not in place:
            options |= {"exclusive": True, "write_timeout": WRITE_TIMEOUT_S}
        try:
            self._port = _opened(serial.serial_for_url, place, baud, options)
        except self._errors as e:
            raise _cannot_open(place, place, e) from e

    def read(self, n: int, timeout_s: float) -> bytes:
        """Up to `n` bytes: fewer when they do not come in time."""
        deadline, found = time.monotonic() + timeout_s, b""
        while len(found) < n:
            try:
                found += self._port.read(min(n - len(found), max(self._port.in_waiting, 1)))
            except self._errors as e:
                raise _gone(self.place, e) from e
            if time.monotonic() > deadline:
                break
        return found

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._port.write(data)
        except self._errors as e:
            raise _gone(self.place, e) from e

    def forget(self) -> None:
        """Drop what came and was not read."""
        with contextlib.suppress(*self._errors):
            self._port.reset_input_buffer()

    def set_lines(self, dtr: bool, rts: bool) -> None:
        """The two control lines; nothing where the port has none (a pseudo terminal, TCP)."""
        with contextlib.suppress(*self._errors):
            self._port.rts = rts
            self._port.dtr = dtr

    def close(self) -> None:
        """Let the port go."""
        with contextlib.suppress(*self._errors):
            self._port.close()


def _opened(open_: Callable[..., Any], place: str, baud: int, options: dict[str, Any]) -> Any:
    """A port that refuses parity (a pseudo terminal does) is opened without."""
    try:
        return open_(place, baud, **options)
    except Exception as e:
        if options["parity"] == "N" or type(e).__name__ != "error":  # termios.error, where there is termios
            raise
        return open_(place, baud, **options | {"parity": "N"})


def open_line(place: str, baud: int = 115_200, parity: str = "N") -> Line:
    """The port at `place`: a name of this system, or rfc2217://, socket://. LinkError when it cannot be opened."""
    return Line(place, baud, parity)


def touch(place: str) -> None:
    """Open at 1200 baud, drop DTR, close: a board with Arduino's USB code then starts its boot loader."""
    line = open_line(place, TOUCH_BAUD)
    try:
        line.set_lines(dtr=False, rts=True)
        time.sleep(TOUCH_S)
    finally:
        line.close()


def ports_of(usb: Iterable[str]) -> list[str]:
    """The ports of devices with these USB numbers ("2341:005A")."""
    wanted = {number.upper() for number in usb}
    return [port.url for port in serial_ports() if f"{port.vid:04X}:{port.pid:04X}" in wanted]
