"""What every connection to a device offers: bytes in, bytes out.

`sources` makes them, `firmware` flashes through them.
"""

from typing import Protocol


class Link(Protocol):
    """Raises LinkError when the device is gone. `read` blocks for at most a tenth of a second (b"": nothing came)."""

    url: str

    def read(self) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...
