"""What the models of boot loaders share: a flash that must be erased first, and a life that takes byte by byte."""

from collections.abc import Callable, Generator


class Flash:
    """NOR flash: erase gives ones, programming turns ones to zeros. `flip` is an address whose lowest bit never sticks.

    `fresh` insists on erased words, as an STM32L4's controller does. `left` is how many bytes may still be programmed
    before `dies` is called, as when the power goes.
    """

    def __init__(self, address: int, size: int, page_bytes: int, content: bytes = b"", fresh: bool = True) -> None:
        self.address, self.size, self.page_bytes, self.fresh = address, size, page_bytes, fresh
        self.bytes = bytearray(content.ljust(size, b"\xff"))
        self.flip: int | None = None
        self.erased_pages = 0
        self.programmed_bytes = 0
        self.left: int | None = None
        self.dies: Callable[[], None] = lambda: None

    def holds(self, address: int, n: int) -> bool:
        """Whether all of it is here."""
        return self.address <= address and address + n <= self.address + self.size

    def read(self, address: int, n: int) -> bytes:
        """Bytes by their address."""
        at = address - self.address
        return bytes(self.bytes[at : at + n])

    def erase(self, address: int, n: int) -> None:
        """Whole pages that the stretch touches."""
        page = self.page_bytes
        first = (address - self.address) // page * page
        last = -(-(address + n - self.address) // page) * page
        self.bytes[first:last] = b"\xff" * (last - first)
        self.erased_pages += (last - first) // page

    def program(self, address: int, data: bytes) -> bool:
        """False, and nothing is written, where the flash is not erased and insists on it."""
        at = address - self.address
        old = self.bytes[at : at + len(data)]
        if self.fresh and data.strip(b"\xff") and any(b != 0xFF for b in old):
            return False
        if self.left is not None:
            data, self.left = data[: self.left], max(self.left - len(data), 0)
        self.bytes[at : at + len(data)] = bytes(a & b for a, b in zip(old, data, strict=False))
        self.programmed_bytes += len(data)
        if self.flip is not None and self.holds(self.flip, 1) and address <= self.flip < address + len(data):
            self.bytes[self.flip - self.address] ^= 1
        if self.left == 0:
            self.left = None
            self.dies()
        return True


class Rom:
    """A boot loader that takes its bytes one by one; `reset` begins its life anew."""

    def __init__(self, flash: Flash) -> None:
        self.flash = flash
        self.out: Callable[[bytes], None] = lambda data: None
        self.commands: list[int] = []
        self.resets = 0
        self._life: Generator[None, int, None] | None = None

    def life(self) -> Generator[None, int, None]:
        """Takes a byte at each yield."""
        raise NotImplementedError

    def reset(self) -> None:
        """From the beginning, with the flash as it is."""
        self.resets += 1
        self._life = None

    def feed(self, data: bytes) -> None:
        """Bytes from the other side."""
        for byte in data:
            if self._life is None:
                self._life = self.life()
                next(self._life)
            self._life.send(byte)

    def send(self, data: bytes) -> None:
        """Bytes to the other side."""
        self.out(data)
