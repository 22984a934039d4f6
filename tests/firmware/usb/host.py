"""A host as USB 2.0 describes one (chapters 8 and 9): tokens, toggles, stages of a control transfer, enumeration."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

PACKET, DATA, NOTIFY = 64, 2, 1
T = TypeVar("T")
DEVICE, CONFIGURATION, STRING = 1, 2, 3
SET_LINE_CODING, GET_LINE_CODING, SET_LINE_STATE = 0x20, 0x21, 0x22


class Stalled(Exception):
    """The device refuses."""


class Silent(Exception):
    """Nothing but NAK, or nothing at all, for longer than a host waits."""


class Bus(Protocol):
    """A device at the other end. A packet that the device cannot take or give yet is None or False (NAK)."""

    wrongs: list[str]

    def reset(self) -> None: ...

    def suspend(self, suspended: bool) -> None: ...

    def address(self) -> int: ...

    def setup(self, packet: bytes) -> None: ...

    def token_in(self, endpoint: int, toggle: int) -> bytes | None: ...

    def token_out(self, endpoint: int, toggle: int, data: bytes) -> bool: ...

    def step(self) -> None: ...


@dataclass
class Host:
    """One port of a hub with `bus` on it. `tries` is how often a token is repeated, the device working in between."""

    bus: Bus
    tries: int = 50
    at: int = 0
    toggles: dict[int, int] = field(default_factory=dict)

    def _until(self, token: Callable[[], T | None]) -> T:
        for _ in range(self.tries):
            if self.bus.address() != self.at:
                raise Silent(f"the device is at address {self.bus.address()}, the host speaks to {self.at}")
            got = token()
            if got is not None:
                return got
            self.bus.step()
        raise Silent("only NAK")

    def control(self, kind: int, request: int, value: int = 0, index: int = 0, given: int | bytes = 0) -> bytes:
        """A control transfer: `given` is what goes out, or how much may come in."""
        length = given if isinstance(given, int) else len(given)
        self.bus.setup(struct.pack("<BBHHH", kind, request, value, index, length))
        if kind & 0x80 and length:
            got = self._stage_in(length)
            self._until(lambda: self.bus.token_out(0, 1, b"") or None)
            return got
        if isinstance(given, bytes):
            self._stage_out(given)
        status = self._until(lambda: self.bus.token_in(0, 1))
        if status:
            self.bus.wrongs.append(f"{len(status)} bytes in a status stage")
        return b""

    def _stage_in(self, length: int) -> bytes:
        got, toggle = b"", 1
        while True:
            packet = self._until(lambda t=toggle: self.bus.token_in(0, t))  # type: ignore[misc]
            got, toggle = got + packet, toggle ^ 1
            if len(got) > length:
                self.bus.wrongs.append(f"{len(got)} bytes where {length} were asked for")
            if len(packet) < PACKET or len(got) >= length:
                return got

    def _stage_out(self, data: bytes) -> None:
        for i, at in enumerate(range(0, len(data), PACKET)):
            part, toggle = data[at : at + PACKET], i + 1 & 1
            self._until(lambda p=part, t=toggle: self.bus.token_out(0, t, p) or None)  # type: ignore[misc]

    def reset(self) -> None:
        """The bus reset that every enumeration begins with."""
        self.bus.reset()
        self.bus.step()
        self.at, self.toggles = 0, {}

    def descriptor(self, kind: int, index: int = 0, length: int = 255, language: int = 0) -> bytes:
        return self.control(0x80, 6, kind << 8 | index, language, length)

    def text(self, index: int) -> str:
        """A string descriptor's letters."""
        raw = self.descriptor(STRING, index, language=0x0409)
        if raw[0] != len(raw) or raw[1] != STRING:
            self.bus.wrongs.append(f"string {index} says {raw[:2]!r} of {len(raw)} bytes")
        return raw[2:].decode("utf-16-le")

    def set_address(self, address: int) -> None:
        self.control(0, 5, address)
        self.bus.step()
        self.at = address

    def enumerate(self, address: int = 5) -> tuple[bytes, bytes]:
        """As Linux does it: (device descriptor, configuration descriptor) of a device that is then configured."""
        self.reset()
        first = self.descriptor(DEVICE, length=64)
        self.reset()
        self.set_address(address)
        device = self.descriptor(DEVICE, length=18)
        if device != first[:18] or first[7] != PACKET:
            self.bus.wrongs.append("the device descriptor changes")
        total = struct.unpack_from("<H", self.descriptor(CONFIGURATION, length=9), 2)[0]
        configuration = self.descriptor(CONFIGURATION, length=total)
        self.configure(1)
        return device, configuration

    def configure(self, which: int) -> None:
        self.control(0, 9, which)
        self.toggles = {}

    def open(self, baud: int = 115200, dtr: bool = True) -> None:
        """What a serial driver says when a program opens the port."""
        self.control(0x21, SET_LINE_CODING, 0, 0, struct.pack("<IBBB", baud, 0, 0, 8))
        self.line(dtr)

    def line(self, dtr: bool) -> None:
        self.control(0x21, SET_LINE_STATE, 3 if dtr else 0)

    def clear_halt(self, endpoint: int) -> None:
        self.control(2, 1, 0, endpoint)
        self.toggles[endpoint] = 0

    def try_in(self) -> bytes | None:
        """A packet from the data endpoint if it has one."""
        toggle = self.toggles.get(0x80 | DATA, 0)
        packet = self.bus.token_in(DATA, toggle)
        if packet is not None:
            self.toggles[0x80 | DATA] = toggle ^ 1
        return packet

    def try_out(self, data: bytes) -> bool:
        """Offer a packet to the data endpoint."""
        toggle = self.toggles.get(DATA, 0)
        taken = self.bus.token_out(DATA, toggle, data)
        if taken:
            self.toggles[DATA] = toggle ^ 1
        return taken

    def write(self, data: bytes) -> None:
        """All of `data`; as serial drivers do, no empty packet after a full one."""
        for at in range(0, len(data), PACKET):
            part = data[at : at + PACKET]
            self._until(lambda p=part: self.try_out(p) or None)  # type: ignore[misc]

    def read(self, n: int) -> bytes:
        """At least `n` bytes."""
        got = b""
        while len(got) < n:
            got += self._until(self.try_in)
        return got
