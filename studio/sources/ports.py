"""What can be connected to now: serial ports; on request Bluetooth boards, and boards that call out on the net."""

import socket
import struct
import time
from dataclasses import dataclass

#: Boards of the Tensor Streaming Protocol call out on this UDP port every three seconds.
ANNOUNCE_PORT, ANNOUNCE_S = 19245, 3.2
_ANNOUNCED = struct.Struct("<8s4I4I16sHI64s")
_MAGIC = b"TSPA2501"


@dataclass(frozen=True)
class Port:
    """A device that is there. `vid` and `pid` are its USB numbers (0: none); `title` is what the system calls it."""

    url: str
    title: str
    vid: int = 0
    pid: int = 0
    serial: str = ""


def serial_ports() -> tuple[Port, ...]:
    """Serial ports with a USB device behind them. Up to 30 ms on Windows: not for the UI thread."""
    from serial.tools.list_ports import comports

    found = [p for p in comports() if p.vid is not None]
    return tuple(
        Port(p.device, p.description or p.device, p.vid, p.pid or 0, p.serial_number or "")
        for p in sorted(found, key=lambda p: str(p.device))
    )


def ble_devices(seconds: float = 5.0) -> tuple[Port, ...]:
    """Bluetooth boards that offer the Nordic UART Service; LinkError when Bluetooth is off or absent."""
    from studio.sources.ble import scan

    return tuple(Port(f"ble:{address}", name or address) for address, name in scan(seconds))


def announced(seconds: float = ANNOUNCE_S, port: int = ANNOUNCE_PORT) -> tuple[Port, ...]:
    """Boards on this network that announce themselves within `seconds`; () when the UDP port cannot be had."""
    found: dict[str, Port] = {}
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            ear.bind(("", port))
            while (left := deadline - time.monotonic()) > 0:
                ear.settimeout(left)
                data, (host, _) = ear.recvfrom(2048)
                if board := parse_announcement(data, host):
                    found[board.url] = board
        except OSError:  # the time is over, or another program listens
            pass
    return tuple(found.values())


def parse_announcement(data: bytes, host: str) -> Port | None:
    """The board in a datagram from `host`; None for any other datagram. Its own idea of its address may be stale."""
    if len(data) < _ANNOUNCED.size or not data.startswith(_MAGIC):
        return None
    *_, serial, port, _, name = _ANNOUNCED.unpack_from(data)
    if not port:
        return None
    title = name.split(b"\0")[0].decode("utf-8", "replace") or host
    return Port(f"socket://{host}:{port}?protocol=tensor-streaming", title, serial=serial.hex())
