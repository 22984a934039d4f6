"""Devices that stream unasked: lines of numbers, and raw structs."""

from typing import ClassVar

from studio.data.stream import Array
from studio.sources.devices.device import Device


class EdgeImpulseDevice(Device):
    """`-9.81,0.03,1.21` a line, in the stream's unit."""

    talks_at_once: ClassVar[bool] = True

    def frame(self, first: int, rows: Array) -> bytes:
        lines = [",".join(f"{v:.4f}" for v in row) for row in self.in_unit(rows)]
        return ("\r\n".join(lines) + "\r\n").encode()

    @property
    def noise(self) -> bytes:
        return b"# still measuring, all is well\r\n"


class NumbersDevice(EdgeImpulseDevice):
    """`x: 0.1; y: 0.2` a line."""

    def frame(self, first: int, rows: Array) -> bytes:
        names = self.stream.channels
        lines = ["; ".join(f"{n}: {v:.4f}" for n, v in zip(names, row, strict=True)) for row in self.in_unit(rows)]
        return ("\n".join(lines) + "\n").encode()


class RawDevice(Device):
    """The rows as they are."""

    talks_at_once: ClassVar[bool] = True

    def frame(self, first: int, rows: Array) -> bytes:
        return rows.tobytes()
