"""A computer's USB port with a modelled chip in it: it enumerates what shows itself, then is a link."""

from typing import TYPE_CHECKING, Protocol

from tests.firmware.usb.host import Bus, Host, Silent, Stalled

if TYPE_CHECKING:
    from tests.firmware.silicon.chip import Silicon


class Plug(Bus, Protocol):
    """A device that may show itself (its pull-up) or not."""

    def attached(self) -> bool: ...


class Port:
    """What a serial driver does: enumerate, open, then move packets. `seen` is how often a device has shown itself."""

    def __init__(self, chip: "Silicon", plug: Plug) -> None:
        self.chip, self.plug, self.host = chip, plug, Host(plug)
        self.ready, self.seen, self.opens = False, 0, True

    def look(self) -> bool:
        """Whether a device is there, known and open."""
        if not self.plug.attached():
            self.ready = False
        elif not self.ready:
            self.seen += 1
            try:
                self.host.enumerate()
                if self.opens:
                    self.host.open()
                self.ready = True
            except (Silent, Stalled):
                self.ready = False
        return self.ready

    def send(self, data: bytes) -> None:
        """To the device; what it does not take because it leaves the bus is lost."""
        if self.look():
            try:
                self.host.write(data)
            except (Silent, Stalled):
                self.ready = False

    def take(self) -> bytes:
        """What the device has to give."""
        got = b""
        while self.look():
            packet = self.host.try_in()
            if packet is None:
                break
            got += packet
            self.chip.step()
        return got
