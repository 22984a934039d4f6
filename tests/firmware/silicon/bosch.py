"""BMI270 as a register file with a FIFO, from BST-BMI270-DS000 and boschsensortec/BMI270_SensorAPI 41129fc."""

from collections import deque

from tests.firmware.silicon.sensors import ROW_BYTES, Slave

CHIP_ID, STATUS, LENGTH, DATA = 0x00, 0x21, 0x24, 0x26
ACC_CONF, ACC_RANGE, GYR_CONF, GYR_RANGE, DOWNS, FIFO_0, FIFO_1 = 0x40, 0x41, 0x42, 0x43, 0x45, 0x48, 0x49
INIT_CTRL, INIT_ADDR, INIT_DATA, PWR_CONF, PWR_CTRL, CMD = 0x59, 0x5B, 0x5E, 0x7C, 0x7D, 0x7E


def made_up(n_bytes: int) -> bytes:
    """What a test gives a part in place of its maker's own program."""
    return bytes((i * 7 + i // 256) & 0xFF for i in range(n_bytes))


class Bmi270(Slave):
    """2 KiB of FIFO without headers; with both sensors in it the gyroscope's values come first.

    Measures nothing before its program was loaded whole, which it takes only while its power saving is off.
    """

    RATES = (0, 12.5, 25, 50, 100, 200, 400, 800, 1600)
    fifo_bytes = 2048
    DPS = 2000 / 32768
    EXPECTED = made_up(8192)

    def __init__(self, address: int = 0x68) -> None:
        super().__init__(address, {CHIP_ID: 0x24})
        self.wrongs: list[str] = []
        self._reset()

    def _reset(self) -> None:
        self.registers[1:] = bytes(255)
        for at, value in {ACC_CONF: 0xA8, ACC_RANGE: 2, GYR_CONF: 0xA9, DOWNS: 0x88, FIFO_0: 2, FIFO_1: 0x10}.items():
            self.registers[at] = value
        self.registers[PWR_CONF] = 3
        self.program, self.fifo = bytearray(8192), deque()

    def write(self, data: bytes) -> None:
        """All bytes behind INIT_DATA are the program's, from the word that INIT_ADDR names on."""
        if data[0] == INIT_DATA and len(data) > 1:
            at = 2 * (self.registers[INIT_ADDR] & 15 | self.registers[INIT_ADDR + 1] << 4)
            if self.registers[PWR_CONF] & 1 or self.registers[INIT_CTRL]:
                self.wrongs.append("the program comes while power saving is on, or after its end")
            if len(data) % 2 == 0:
                self.wrongs.append("half a word of the program")
            self.program[at : at + len(data) - 1] = data[1:]
        else:
            super().write(data)

    def put(self, at: int, value: int) -> None:
        if at == CMD and value == 0xB6:
            self._reset()
            return
        super().put(at, value)
        if at == CMD and value == 0xB0:
            self.fifo.clear()
        if at == INIT_CTRL and value == 1:
            self.registers[STATUS] = 1 if bytes(self.program) == self.EXPECTED else 2

    def _both(self) -> bool:
        return self.registers[FIFO_1] == 0xC0

    def rate_hz(self) -> float:
        r = self.registers
        acc, gyr = r[ACC_CONF] & 15, r[GYR_CONF] & 15
        sound = r[STATUS] == 1 and r[DOWNS] == 0x88 and not r[PWR_CONF] & 1 and r[ACC_RANGE] == 2 and 5 <= acc <= 12
        alone = r[FIFO_1] == 0x40 and r[PWR_CTRL] == 4
        both = self._both() and r[PWR_CTRL] == 6 and acc == gyr and gyr >= 6 and r[GYR_RANGE] == 0
        return self.RATES[acc - 4] if sound and (alone or both) else 0

    def row_bytes(self) -> int:
        return 2 * ROW_BYTES if self._both() else ROW_BYTES

    def measured(self, n: int) -> None:
        """Whole rows only: what has no room pushes out the oldest row."""
        for _ in range(n if self.rate_hz() else 0):
            self.take()
            while len(self.fifo) > self.fifo_bytes:
                for _ in range(self.row_bytes()):
                    self.fifo.popleft()

    def take(self) -> None:
        row = self.row()
        self.fifo.extend(self.turning() + row if self._both() else row)

    def next(self) -> int:
        at = self.at
        self.at += at != DATA
        if at == DATA:
            return self.fifo.popleft() if self.fifo else 0x80
        if at in (LENGTH, LENGTH + 1):
            return len(self.fifo) >> 8 * (at - LENGTH) & 0xFF
        return self.registers[at]
