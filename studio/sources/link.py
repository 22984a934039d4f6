"""Serial ports and TCP connections as links.

A serial port is read with `read(in_waiting or 1)` on one thread: the lowest latency of what was measured, and it works
on every system. Its time-out is set once, since a change reconfigures the port. A pulled cable shows as
SerialException from `read` and as OSError from `in_waiting` and `write`; both become LinkError.
"""

import contextlib
import errno
import os
import socket
import sys
import time
from dataclasses import replace
from typing import Any

from studio.errors import InputError, LinkError
from studio.sources.url import Address, is_port

READ_TIMEOUT_S = 0.1
WRITE_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 5.0
BAUD = 921600
BREAK_S = 1.0
ACCONEER_TCP = 6110


class SocketLink:
    """`socket://HOST:PORT`: a TCP connection, without Nagle's delay."""

    def __init__(self, address: Address) -> None:
        self.url = address.url
        host, port = address.host_port()
        try:
            self._in = socket.create_connection((host, port), CONNECT_TIMEOUT_S)
        except OSError as e:
            raise _no_connection(address.url, e) from e
        self._in.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._out = self._in.dup()  # the same connection with a time-out of its own
        self._in.settimeout(READ_TIMEOUT_S)
        self._out.settimeout(WRITE_TIMEOUT_S)

    def read(self) -> bytes:
        """What came, at most 64 kB; b"" when nothing did for a tenth of a second."""
        try:
            data = self._in.recv(65536)
        except TimeoutError:
            return b""
        except OSError as e:
            raise _gone(self.url, e) from e
        if not data:
            raise LinkError(self.url, "the other side closed the connection", "Restart the board, then connect again.")
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._out.sendall(data)
        except TimeoutError as e:
            raise _deaf(self.url) from e
        except OSError as e:
            raise _gone(self.url, e) from e

    @property
    def waiting(self) -> int | None:
        """Bytes that came and were not read yet; None where the system does not tell."""
        return _unread(self._in)

    def close(self) -> None:
        """End the connection; a `read` that waits on another thread returns at once."""
        with contextlib.suppress(OSError):  # it may be gone already
            self._in.shutdown(socket.SHUT_RDWR)
        self._in.close()
        self._out.close()


class SerialLink:
    """A serial port of this computer, or one behind `rfc2217://HOST:PORT`. Options: `baud`, `flow=1` for RTS/CTS."""

    def __init__(self, address: Address) -> None:
        import serial

        self.url = address.url
        remote = address.scheme == "rfc2217"
        place = "rfc2217://{}:{}".format(*address.host_port()) if remote else address.place
        baud = int(address.number("baud", BAUD, low=1))
        self._errors = (serial.SerialException, OSError, TypeError, ValueError)
        try:
            self._port = _open(serial, place, baud, remote, "flow" in address.options)
        except (serial.SerialException, OSError, ValueError) as e:
            raise _cannot_open(address.url, place, e) from e

    def read(self) -> bytes:
        """What came; b"" when nothing did for a tenth of a second."""
        try:
            data: bytes = self._port.read(self._port.in_waiting or 1)
        except self._errors as e:
            raise _gone(self.url, e) from e
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        import serial

        try:
            self._port.write(data)
        except serial.SerialTimeoutException as e:
            raise _deaf(self.url) from e
        except self._errors as e:
            raise _gone(self.url, e) from e

    def set_baud(self, baud: int) -> None:
        """Another speed; what is half received is dropped."""
        try:
            if self._port.baudrate != baud:
                self._port.baudrate = baud
                self._port.reset_input_buffer()
        except self._errors as e:
            raise _gone(self.url, e) from e

    def send_break(self) -> None:
        """A break, and a second for the device to restart its protocol."""
        try:
            self._port.send_break()
            time.sleep(BREAK_S)
            self._port.reset_input_buffer()
        except self._errors as e:
            raise _gone(self.url, e) from e

    @property
    def waiting(self) -> int | None:
        """Bytes that came and were not read yet; None where the system does not tell."""
        try:
            return int(self._port.in_waiting)
        except self._errors:
            return None

    def close(self) -> None:
        """Let the port go."""
        with contextlib.suppress(*self._errors):  # it may be gone already
            self._port.close()


def acconeer_link(address: Address) -> SerialLink | SocketLink:
    """`acconeer:PORT` (RTS/CTS, begun with a break) or `acconeer:HOST`, the exploration server's own TCP port."""
    if not is_port(address.place):
        place = address.place if ":" in address.place else f"{address.place}:{ACCONEER_TCP}"
        return SocketLink(replace(address, place=place))
    link = SerialLink(replace(address, options={"baud": "115200", "flow": "1"} | address.options))
    link.send_break()
    return link


def _open(serial: Any, place: str, baud: int, remote: bool, flow: bool = False) -> Any:
    """An open pyserial port. `exclusive`, since two readers would share the bytes between them."""
    if remote:
        return serial.serial_for_url(place, baudrate=baud, timeout=READ_TIMEOUT_S)
    return serial.Serial(
        place, baud, timeout=READ_TIMEOUT_S, write_timeout=WRITE_TIMEOUT_S, exclusive=True, rtscts=flow
    )


def _cannot_open(url: str, place: str, error: Exception) -> LinkError:
    """What a failed open means, and the next step on this system."""
    code, said = getattr(error, "errno", None), str(error)
    denied = code in (errno.EACCES, errno.EPERM) or "PermissionError" in said or "Access is denied" in said
    if place.startswith("rfc2217"):
        return LinkError(url, f"cannot be opened ({said})", "Check the address and that the RFC 2217 server runs.")
    if code in (errno.ENOENT, errno.ENXIO, errno.ENODEV) or "FileNotFoundError" in said:
        return LinkError(url, "there is no such port", f"Plug the board in. {_ports_now()}")
    if code in (errno.EBUSY, errno.EAGAIN) or "lock" in said or (denied and sys.platform == "win32"):
        return LinkError(
            url, "another program uses the port", "Close it (a serial monitor, an IDE), then connect again."
        )
    if denied:
        return LinkError(url, "you may not open the port", _permission_step(place))
    return LinkError(url, f"cannot be opened ({said})", f"Unplug the board and plug it in again. {_ports_now()}")


def _permission_step(place: str) -> str:
    if sys.platform != "linux":
        return "Allow this program to use the port in the system's settings, then connect again."
    group = "dialout"
    with contextlib.suppress(OSError, KeyError):  # the usual name will do
        import grp

        group = grp.getgrgid(os.stat(place).st_gid).gr_name
    return f"Run `sudo usermod -aG {group} $USER`, log out and in again, then connect."


def _ports_now() -> str:
    from studio.sources.ports import serial_ports

    names = [port.url for port in serial_ports()]
    return f"Connected now: {', '.join(names)}." if names else "No serial port is connected now."


def _no_connection(url: str, error: OSError) -> LinkError | InputError:
    if isinstance(error, socket.gaierror):
        return LinkError(url, "there is no host of that name", "Check the name, or use the numeric address.")
    if isinstance(error, TimeoutError):
        return LinkError(
            url, f"no answer in {CONNECT_TIMEOUT_S:g} s", "Check the address, and that both are on one network."
        )
    if isinstance(error, ConnectionRefusedError):
        return LinkError(url, "nothing listens there", "Start the board's program, or check the port number.")
    return LinkError(url, f"cannot be reached ({error.strerror or error})", "Check the address and the network.")


def _gone(url: str, error: Exception) -> LinkError:
    seen = f"the device went away ({getattr(error, 'strerror', None) or error})"
    return LinkError(url, seen, "Check the cable, then connect again. What was recorded is kept.")


def _deaf(url: str) -> LinkError:
    return LinkError(
        url, f"the device took no bytes for {WRITE_TIMEOUT_S:g} s", "Restart the board, then connect again."
    )


def _unread(connection: socket.socket) -> int | None:
    """How much a socket holds for its reader. Windows has no such question that Python could ask."""
    try:
        import fcntl
        import termios

        told = fcntl.ioctl(connection.fileno(), termios.FIONREAD, bytes(4))
    except (ImportError, OSError, ValueError):
        return None
    return int.from_bytes(told, sys.byteorder)
