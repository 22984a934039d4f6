"""Sensor drivers, compiled for this computer, on models of the sensors: identity, rate, FIFO, loss, a dead bus."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from studio.firmware.board import DRIVERS, boards
from studio.firmware.supplies import supplies
from studio.graph.host import EXPORT, compile_shared
from studio.paths import STUBS
from tests.firmware.silicon.bosch import Bmi270
from tests.firmware.silicon.sensors import Lsm6dsl, Lsm9ds1, Lsm303agr, Slave

MODELS: dict[str, type[Slave]] = {
    "lsm6dsl": Lsm6dsl,
    "lsm6dsl_motion": Lsm6dsl,
    "lsm303agr": Lsm303agr,
    "lsm9ds1": Lsm9ds1,
    "lsm9ds1_motion": Lsm9ds1,
    "bmi270": Bmi270,
    "bmi270_motion": Bmi270,
}
TRANSFER = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_uint8, ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32
)
#: Not on I2C; these have tests of their own.
OTHERS = {"pdm", "sound", "bgt60tr13c"}
ON_I2C = [part for board in boards().values() for part in board.sensors if part.driver.split("_")[0] not in OTHERS]
RATES = sorted({(part.driver, hz) for part in ON_I2C for hz in part.rates_hz})


def door(driver: str) -> str:
    """What Python calls; the bus is a function of Python's."""
    return f"""#include "{driver.split("_")[0]}.h"
{EXPORT}
static int32_t (*bus)(uint8_t, const uint8_t *, int32_t, uint8_t *, int32_t);
int32_t board_i2c(uint8_t address, const uint8_t *out, int32_t n_out, uint8_t *in, int32_t n_in)
{{ return bus(address, out, n_out, in, n_in); }}
void board_wait_us(uint32_t us) {{ (void)us; }}
API void c_bus(void *call) {{ bus = (int32_t (*)(uint8_t, const uint8_t *, int32_t, uint8_t *, int32_t))call; }}
API int32_t c_start(uint8_t address, uint32_t rate) {{ return {driver}.start(address, rate); }}
API int32_t c_waiting(uint8_t address, int32_t *overrun) {{ return {driver}.waiting(address, overrun); }}
API int32_t c_read(uint8_t address, int16_t *rows, int32_t n) {{ return {driver}.read(address, rows, n); }}
API int32_t c_axes(void) {{ return {driver}.axes; }}
API float c_unit(int32_t axis) {{ return {driver}.units ? {driver}.units[axis] : 0; }}
API void c_stop(uint8_t address) {{ {driver}.stop(address); }}
"""


@dataclass
class Bench:
    """A driver and the sensor it drives; `alive` False: nothing on the bus answers. `most` bytes were read at once.

    After `patience` transfers the sensor acknowledges nothing more.
    """

    c: ctypes.CDLL
    sensor: Slave
    alive: bool = True
    most: int = 0
    patience: int = 1 << 30
    transfers: int = 0

    def transfer(self, address: int, out: int, n_out: int, into: int, n_in: int) -> int:
        self.transfers += 1
        if not self.alive or address != self.sensor.address or self.transfers > self.patience:
            return 0
        self.sensor.write(ctypes.string_at(out, n_out))
        if n_in:
            ctypes.memmove(into, self.sensor.read(n_in), n_in)
        self.most = max(self.most, n_in)
        return 1

    def start(self, rate_hz: float) -> bool:
        return bool(self.c.c_start(self.sensor.address, round(rate_hz * 1000)))

    def waiting(self) -> tuple[int, bool]:
        overrun = ctypes.c_int32(0)
        return self.c.c_waiting(self.sensor.address, ctypes.byref(overrun)), bool(overrun.value)

    @property
    def axes(self) -> int:
        return int(self.c.c_axes())

    def read(self, n: int) -> list[tuple[int, ...]]:
        rows = (ctypes.c_int16 * (self.axes * n))()
        assert self.c.c_read(self.sensor.address, rows, n)
        return [tuple(rows[self.axes * i :][: self.axes]) for i in range(n)]

    def row(self, i: int) -> tuple[int, ...]:
        """What the `i`-th row must be."""
        return (i, -2, 4096, -i, 5, -7)[: self.axes]


@pytest.fixture(params=MODELS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = on(request.param)
    call = TRANSFER(made.transfer)
    made.c.c_bus(ctypes.cast(call, ctypes.c_void_p))
    yield made


def on(driver: str) -> Bench:
    files = [DRIVERS / f"{driver.split('_')[0]}.c", STUBS / "kernels" / "freestanding.c"]
    texts = {"door.c": door(driver)}
    texts |= {f"{s.driver}_supply.c": s.c_text() for s in supplies().values() if s.driver == driver.split("_")[0]}
    library = ctypes.CDLL(str(compile_shared(driver, files, texts, [DRIVERS])))
    return Bench(library, MODELS[driver]())


def test_every_driver_has_a_model() -> None:
    assert {p.stem for p in DRIVERS.glob("*.c")} == {name.split("_")[0] for name in MODELS} | OTHERS
    assert {part.driver for part in ON_I2C} == set(MODELS)


@pytest.mark.parametrize(("driver", "rate_hz"), RATES)
def test_the_sensor_is_set_to_the_rate_asked_for(driver: str, rate_hz: float) -> None:
    made = on(driver)
    call = TRANSFER(made.transfer)
    made.c.c_bus(ctypes.cast(call, ctypes.c_void_p))
    assert made.start(rate_hz)
    assert made.sensor.rate_hz() == rate_hz
    made.c.c_stop(made.sensor.address)
    assert made.sensor.rate_hz() == 0


def test_rows_come_whole_and_in_order(bench: Bench) -> None:
    assert bench.start(bench.sensor.RATES[3])
    assert bench.waiting() == (0, False)
    bench.sensor.measured(20)
    assert bench.waiting() == (20, False)
    rows = bench.read(7) + bench.read(13)
    assert rows == [bench.row(i) for i in range(1, 21)]
    assert bench.waiting() == (0, False)


def test_a_long_read_fits_the_bus(bench: Bench) -> None:
    assert bench.start(bench.sensor.RATES[3])
    n = min(200, bench.sensor.fifo_bytes // bench.sensor.row_bytes() - 1)
    bench.sensor.measured(n)
    assert [r[0] for r in bench.read(bench.waiting()[0])] == list(range(1, n + 1))
    assert bench.most <= 255  # what STM32's I2C counts in one go


def test_an_overrun_is_told_once_and_rows_stay_whole(bench: Bench) -> None:
    assert bench.start(bench.sensor.RATES[3])
    bench.sensor.measured(bench.sensor.fifo_bytes // bench.sensor.row_bytes() + 10)
    n, overrun = bench.waiting()
    assert overrun
    assert all(row == bench.row(row[0]) for row in bench.read(n))
    bench.sensor.measured(3)
    assert bench.waiting() == (3, False)
    assert all(row == bench.row(row[0]) for row in bench.read(3))


def test_another_part_or_none_is_not_started(bench: Bench) -> None:
    who = 0x00 if isinstance(bench.sensor, Bmi270) else 0x0F
    bench.sensor.registers[who] ^= 1
    assert not bench.start(50)
    bench.sensor.registers[who] ^= 1
    bench.alive = False
    assert not bench.start(50)
    assert bench.waiting() == (0, False)


def test_a_sensor_that_falls_silent_at_any_transfer_is_not_taken_for_started(bench: Bench) -> None:
    """The bus breaks before each transfer of the start in turn; every time it is told, and the next start works."""
    assert bench.start(50)
    needed = bench.transfers
    for patience in {*range(min(needed, 30)), *range(needed - 12, needed)}:
        bench.sensor = type(bench.sensor)()
        bench.transfers, bench.patience = 0, patience
        assert not bench.start(50), patience
    bench.patience = 1 << 30
    assert bench.start(50) and bench.sensor.rate_hz() >= 50


def test_rows_that_did_not_all_come_are_none(bench: Bench) -> None:
    """Cut in the middle of a long read, and while it is asked what waits."""
    assert bench.start(bench.sensor.RATES[3])
    bench.sensor.measured(30)
    n, _ = bench.waiting()
    bench.patience = bench.transfers
    assert bench.waiting() == (0, False)
    rows = (ctypes.c_int16 * (bench.axes * n))()
    for left in (0, 1) if n * bench.axes * 2 > 240 else (0,):
        bench.transfers, bench.patience = 0, left
        assert not bench.c.c_read(bench.sensor.address, rows, n)


def test_a_wider_stream_begins_with_the_narrower_and_tells_its_units() -> None:
    """1 g is 4096 raw; a bit of the gyroscope is 70 mdeg/s [ST, lsm6dsl_reg.c and lsm9ds1_reg.c], 2000 / 32768 at
    Bosch's [BST-BMI270-DS000, GYR_RANGE]."""
    for driver in (name for name in MODELS if name.endswith("_motion")):
        c = on(driver).c
        c.c_unit.restype = ctypes.c_float
        turn = ctypes.c_float(MODELS[driver].DPS).value
        assert [c.c_unit(i) for i in range(6)] == [1 / 4096] * 3 + [turn] * 3
        assert c.c_axes() == 6 and on(driver.split("_")[0]).c.c_axes() == 3


#: (driver, register of the gyroscope, what another program may have left there, what it must become)
GYROSCOPES = (("lsm6dsl", 0x11, 0x4C, 0), ("lsm9ds1", 0x10, 0x4C, 0), ("bmi270", 0x7D, 6, 4))


@pytest.mark.parametrize(("part", "register", "before", "after"), GYROSCOPES)
def test_the_gyroscope_is_off_where_only_the_accelerometer_is_wanted(
    part: str, register: int, before: int, after: int
) -> None:
    made = on(part)
    call = TRANSFER(made.transfer)
    made.c.c_bus(ctypes.cast(call, ctypes.c_void_p))
    made.sensor.registers[register] = before
    assert made.start(100)
    assert made.sensor.registers[register] == after


def test_a_bmi270_gets_its_program_once_and_a_wrong_one_is_not_taken() -> None:
    """Bosch's order: power saving off, INIT_CTRL 0, all of it by word addresses, INIT_CTRL 1, then INTERNAL_STATUS."""
    made = on("bmi270")
    call = TRANSFER(made.transfer)
    made.c.c_bus(ctypes.cast(call, ctypes.c_void_p))
    assert isinstance(made.sensor, Bmi270)
    assert made.start(100) and bytes(made.sensor.program) == Bmi270.EXPECTED and not made.sensor.wrongs
    first, made.transfers = made.transfers, 0
    assert made.start(100) and made.transfers < first / 10
    made.sensor = Bmi270()
    made.sensor.EXPECTED = bytes(8192)  # another part, or bytes that came wrong: the part's own check fails
    assert not made.start(100) and made.sensor.rate_hz() == 0
