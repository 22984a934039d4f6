"""The part that is the same for every chip: memory, time, registers by address, a link for `Talk`."""

from collections.abc import Callable

from studio.firmware.board import Board
from studio.firmware.boardside.chip import Chip
from studio.firmware.boardside.flashfile import FlashFile
from tests.firmware.silicon.sensors import Slave
from tests.firmware.silicon.usb_port import Port

SLICE, MS_US = 20_000, 1000
PAGE = 0x1000

Hook = Callable[[int], None]


class Silicon:
    """Registers are words that keep what is written; `on_write` and `on_read` are what a few do besides.

    Time goes on by a microsecond at every look at the counter and by a millisecond at every WFI.
    """

    regions: tuple[tuple[int, int], ...] = ()

    def __init__(self, board: Board, flash: bytes, sensors: tuple[Slave, ...]) -> None:
        self.board = board
        self.flash = FlashFile(None, board.flash_bytes)
        self.flash._map[:] = flash
        self.chip = Chip(board.core, self.flash, board.ram_bytes, False)
        self.uc = self.chip.uc
        self.sensors = {s.address: s for s in sensors}
        self.words: dict[int, int] = {}
        self.on_write: dict[int, Hook] = {}
        self.on_read: dict[int, Callable[[], int]] = {}
        self.wrongs: list[str] = []
        self.trouble = ""  # of the I2C bus: "stuck", nothing happens on it; "refuses", what is written is not taken
        self.us, self._measured = 0, {s.address: 0.0 for s in sensors}
        self.sent, self.url = bytearray(), f"silicon:{board.id}"
        self.port: Port | None = None
        for base, size in (*self.regions, (0xE0001000, PAGE), (0xE000E000, PAGE)):
            self.chip.map(base, size, self._reader(base), self._writer(base))
        self.on_write[0xE000ED08] = self._vtor
        self.on_write[0xE000ED0C] = self._reset
        self.start()

    def start(self) -> None:
        """Power up."""
        self.chip.reset()

    def _reader(self, base: int) -> Callable[[int], int]:
        def read(at: int) -> int:
            look = self.on_read.get(base + at)
            return look() if look else self.words.get(base + at, 0)

        return read

    def _writer(self, base: int) -> Callable[[int, int], None]:
        def write(at: int, value: int) -> None:
            address = base + at
            self.words[address] = value
            if address in self.on_write:
                self.on_write[address](value)

        return write

    def _vtor(self, value: int) -> None:
        self.chip.vtor = value

    def _reset(self, value: int) -> None:
        if value == 0x05FA0004:
            self.restart()

    def restart(self) -> None:
        """What a reset does: registers forget, memory does not."""
        self.words.clear()
        self.chip.ask_reset()

    def read_time(self) -> int:
        """One look at a counter of microseconds."""
        self.us += 1
        return self.us & 0xFFFFFFFF

    def step(self) -> None:
        """Run to the next sleep, or a slice."""
        if self.chip.run(SLICE):
            self.us += MS_US
            for sensor in self.sensors.values():
                due = self._measured[sensor.address] + sensor.rate_hz() * MS_US / 1e6
                sensor.measured(int(due))
                self._measured[sensor.address] = due - int(due)

    def memory(self, address: int, n: int) -> bytes:
        """`n` bytes that a DMA reads: from RAM only, as far as these chips' DMA reaches."""
        first = self.board.ram_address
        if not first <= address <= address + n <= first + self.board.ram_bytes:
            self.wrongs.append(f"DMA of {n} bytes at {address:#x}, outside RAM")
            return bytes(n)
        return bytes(self.uc.mem_read(address, n))

    def in_makers_loader(self) -> bool:
        """Whether the firmware has asked for the boot loader that the maker has put there."""
        raise NotImplementedError

    def receive(self, data: bytes) -> None:
        """Bytes from the host arrive."""
        raise NotImplementedError

    def read(self) -> bytes:
        """As a link: what the board has sent after a while."""
        for _ in range(20):
            self.step()
            if self.port:
                self.sent += self.port.take()
            if self.sent:
                break
        out, self.sent = bytes(self.sent), bytearray()
        return out

    def write(self, data: bytes) -> None:
        """As a link: what goes to the board, at a pace that lets it look now and then."""
        for at in range(0, len(data), 512):
            if self.port:
                self.port.send(data[at : at + 512])
            else:
                self.receive(data[at : at + 512])
            self.step()

    def close(self) -> None:
        """As a link."""
