"""I2C sensors as register files with a FIFO, from their datasheets."""

from collections import deque

ROW_BYTES = 6


class Slave:
    """One address on the bus: the first byte written names a register, reading goes on from there."""

    def __init__(self, address: int, identity: dict[int, int]) -> None:
        self.address, self.registers = address, bytearray(256)
        for at, value in identity.items():
            self.registers[at] = value
        self.at = 0
        self.fifo: deque[int] = deque()
        self.overrun = False
        self.rows = 0

    def write(self, data: bytes) -> None:
        """A write up to its stop or repeated start."""
        self.at = data[0]
        for value in data[1:]:
            self.put(self.at, value)
            self.at += 1

    def put(self, at: int, value: int) -> None:
        """A register takes a value."""
        self.registers[at] = value

    def read(self, n: int) -> bytes:
        """`n` bytes from the current register on."""
        return bytes(self.next() for _ in range(n))

    def next(self) -> int:
        """One byte."""
        raise NotImplementedError

    def row(self) -> bytes:
        """What it measures next: a count in x, so that a lost row shows."""
        self.rows += 1
        return b"".join(v.to_bytes(2, "little", signed=True) for v in (self.rows % 30000, -2, 4096))

    def turning(self) -> bytes:
        """The gyroscope's part of the row that was measured last: its count in -x."""
        return b"".join(v.to_bytes(2, "little", signed=True) for v in (-(self.rows % 30000), 5, -7))

    def take(self) -> None:
        """One more row goes into the FIFO."""
        self.fifo.extend(self.row())

    def measured(self, n: int) -> None:
        """`n` more samples were taken; what has no room pushes out the oldest."""
        for _ in range(n if self.rate_hz() else 0):
            self.take()
        while len(self.fifo) > self.fifo_bytes:
            self.fifo.popleft()
            self.overrun = True

    def row_bytes(self) -> int:
        """Of what one sample puts into the FIFO of `fifo_bytes`."""
        return ROW_BYTES

    fifo_bytes = 0
    RATES: tuple[float, ...] = ()
    DPS = 0.07  # degrees per second in a bit of the gyroscope

    def rate_hz(self) -> float:
        """Output data rate as set; 0 when off."""
        raise NotImplementedError


class Lsm6dsl(Slave):
    """LSM6DSL and LSM6DS3TR-C: 4 KiB of FIFO, counted in 16-bit words of which a count holds 11 bits.

    With both sensors in the FIFO the gyroscope's values come first.
    """

    RATES = (0, 12.5, 26, 52, 104, 208, 416, 833, 1660)
    fifo_bytes = 2047 * 2

    def __init__(self, address: int = 0x6A) -> None:
        super().__init__(address, {0x0F: 0x6A})

    def put(self, at: int, value: int) -> None:
        super().put(at, value)
        if at == 0x0A and value & 7 == 0:  # FIFO_CTRL5: bypass empties
            self.fifo.clear()
            self.overrun = False

    def rate_hz(self) -> float:
        code, gyroscope = self.registers[0x10] >> 4, self.registers[0x11]
        fifo, into = self.registers[0x0A], self.registers[0x08]
        both = into == 9 and gyroscope == code << 4 | 3 << 2
        fits = both or (into == 1 and gyroscope == 0)
        return self.RATES[code] if fits and fifo & 7 == 6 and fifo >> 3 == code else 0

    def row_bytes(self) -> int:
        return 2 * ROW_BYTES if self.registers[0x08] == 9 else ROW_BYTES

    def take(self) -> None:
        row = self.row()
        self.fifo.extend(self.turning() + row if self.registers[0x08] == 9 else row)

    def next(self) -> int:
        at = self.at
        words = len(self.fifo) // 2
        if at == 0x3A:
            value = words & 0xFF
        elif at == 0x3B:
            value = words >> 8 | (not words) << 4 | self.overrun << 6
        elif at in (0x3E, 0x3F):
            self.at = 0x3F if at == 0x3E else 0x3E
            return self.fifo.popleft() if self.fifo else 0
        else:
            value = self.registers[at]
        if self.registers[0x12] & 4:  # CTRL3_C, IF_INC
            self.at += 1
        return value


class Lsm303agr(Slave):
    """The accelerometer of LSM303AGR: 32 rows of FIFO; bit 7 of the register's address counts up."""

    RATES = (0, 1, 10, 25, 50, 100, 200, 400)
    fifo_bytes = 32 * ROW_BYTES

    def __init__(self, address: int = 0x19) -> None:
        super().__init__(address, {0x0F: 0x33})

    def put(self, at: int, value: int) -> None:
        super().put(at & 0x7F, value)
        if at == 0x2E and value >> 6 == 0:
            self.fifo.clear()
            self.overrun = False

    def rate_hz(self) -> float:
        one, four, five = self.registers[0x20], self.registers[0x23], self.registers[0x24]
        running = one & 0xF == 7 and four & 0x38 == 0x28 and five & 0x40 and self.registers[0x2E] >> 6 == 2
        return self.RATES[one >> 4] if running else 0

    def next(self) -> int:
        at = self.at & 0x7F
        if at == 0x2F:
            rows = len(self.fifo) // ROW_BYTES
            value = min(rows, 31) | (rows == 0) << 5 | self.overrun << 6
        elif 0x28 <= at < 0x2E and self.fifo:
            value = self.fifo.popleft()
            self.overrun = False
        else:
            value = self.registers[at]
        if self.at & 0x80:
            self.at = 0xA8 if at == 0x2D else self.at + 1
        return value


class Lsm9ds1(Slave):
    """The accelerometer of LSM9DS1, and its gyroscope: 32 rows of FIFO each, which a read of one row takes from.

    With the gyroscope on, its rate is that of both. Accelerometer and gyroscope are taken from one by one, as
    Arduino's and ArduPilot's drivers do; the count is that of the fuller one.
    """

    RATES = (0, 10, 50, 119, 238, 476, 952)
    BOTH = (0, 14.9, 59.5, 119, 238, 476, 952)
    fifo_bytes = 32 * ROW_BYTES

    def __init__(self, address: int = 0x6B) -> None:
        super().__init__(address, {0x0F: 0x68})
        self.turns: deque[int] = deque(maxlen=self.fifo_bytes)

    def put(self, at: int, value: int) -> None:
        super().put(at, value)
        if at == 0x2E and value >> 5 == 0:
            self.fifo.clear()
            self.turns.clear()
            self.overrun = False

    def rate_hz(self) -> float:
        six, eight, nine = self.registers[0x20], self.registers[0x22], self.registers[0x23]
        running = six >> 3 & 3 == 3 and eight == 0x44 and nine & 2 and self.registers[0x2E] >> 5 == 6
        gyroscope = self.registers[0x10]
        if gyroscope:
            return self.BOTH[gyroscope >> 5] if running and six >> 5 and gyroscope >> 3 & 3 == 3 else 0
        return self.RATES[six >> 5] if running else 0

    def take(self) -> None:
        super().take()
        if self.registers[0x10]:
            self.turns.extend(self.turning())

    def next(self) -> int:
        at = self.at
        self.at += 1
        if at == 0x2F:
            return max(len(self.fifo), len(self.turns)) // ROW_BYTES | self.overrun << 6
        taken = self.fifo if 0x28 <= at < 0x2E else self.turns if 0x18 <= at < 0x1E else None
        if taken:
            self.overrun = False
            return taken.popleft()
        return self.registers[at]
