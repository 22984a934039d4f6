"""What can be connected to now: serial ports, and Bluetooth boards on request."""

from dataclasses import dataclass


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
