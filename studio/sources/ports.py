"""What can be connected to now: serial ports; on request Bluetooth boards, and boards that call out on the net."""

import socket
import struct
import sys
import time
from dataclasses import dataclass

#: Boards of the Tensor Streaming Protocol call out on this UDP port every three seconds.
ANNOUNCE_PORT, ANNOUNCE_S = 19245, 3.2
#: A board that has not called for so long is gone.
FORGOTTEN_S = 10.0
_ANNOUNCED = struct.Struct("<8s4I4I16sHI64s")
_MAGIC = b"TSPA2501"


@dataclass(frozen=True)
class Port:
    """A device that is there. `vid` and `pid` are its USB numbers (0: none); `title` is what the system calls it.

    `location` is where it is plugged in ("1-2.3", the same for all that one USB device shows), "" when not told.
    """

    url: str
    title: str
    vid: int = 0
    pid: int = 0
    serial: str = ""
    location: str = ""


def serial_ports() -> tuple[Port, ...]:
    """Serial ports with a USB device behind them. Up to 30 ms on Windows: not for the UI thread."""
    from serial.tools.list_ports import comports

    found = [p for p in comports() if p.vid is not None]
    return tuple(
        Port(
            p.device,
            p.description or p.device,
            p.vid,
            p.pid or 0,
            p.serial_number or "",
            (p.location or "").partition(":")[0],
        )
        for p in sorted(found, key=lambda p: str(p.device))
    )


def ble_devices(seconds: float = 5.0) -> tuple[Port, ...]:
    """Bluetooth boards that offer the Nordic UART Service; LinkError when Bluetooth is off or absent."""
    from studio.sources.ble import scan

    return tuple(Port(f"ble:{address}", name or address) for address, name in scan(seconds))


class Ear:
    """Hears boards that announce themselves on the net; deaf when another program has the UDP port for itself.

    On Windows it is deaf unless `asked` for: there a program that listens brings up a question of the firewall.
    """

    def __init__(self, port: int = ANNOUNCE_PORT, asked: bool = True) -> None:
        self._found: dict[str, tuple[Port, float]] = {}
        self._socket: socket.socket | None = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if sys.platform == "win32" and not asked:
                raise OSError
            self._socket.bind(("", port))
        except OSError:
            self.close()

    def hear(self, seconds: float = 0.0) -> tuple[Port, ...]:
        """Boards heard of within the last FORGOTTEN_S, after listening for `seconds` more."""
        deadline = time.monotonic() + seconds
        while self._socket is not None:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.0))
            try:
                data, (host, _) = self._socket.recvfrom(2048)
            except (TimeoutError, BlockingIOError):
                break
            except OSError:  # the network went away
                self.close()
                break
            if board := parse_announcement(data, host):
                self._found[board.url] = board, time.monotonic()
        since = time.monotonic() - FORGOTTEN_S - seconds
        self._found = {url: seen for url, seen in self._found.items() if seen[1] >= since}
        return tuple(port for port, _ in self._found.values())

    def close(self) -> None:
        """Hear no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def announced(seconds: float = ANNOUNCE_S, port: int = ANNOUNCE_PORT) -> tuple[Port, ...]:
    """Boards on this network that announce themselves within `seconds`; () when the UDP port cannot be had."""
    ear = Ear(port)
    try:
        return ear.hear(seconds)
    finally:
        ear.close()


def parse_announcement(data: bytes, host: str) -> Port | None:
    """The board in a datagram from `host`; None for any other datagram. Its own idea of its address may be stale."""
    if len(data) < _ANNOUNCED.size or not data.startswith(_MAGIC):
        return None
    *_, serial, port, _, name = _ANNOUNCED.unpack_from(data)
    if not port:
        return None
    title = name.split(b"\0")[0].decode("utf-8", "replace") or host
    return Port(f"socket://{host}:{port}?protocol=tensor-streaming", title, serial=serial.hex())
