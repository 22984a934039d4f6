"""The radar's driver on a model of the part: identity, settings, frames, loss, a dead bus."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from studio.data.axes import MOST_NAMES, in_short, spelled_out
from studio.firmware.board import DRIVERS, boards
from studio.graph.host import EXPORT, compile_shared
from studio.paths import STUBS
from tests.firmware.silicon.radar import FIFO_WORDS, Radar

PART, ROW = 1, 512
TRANSFER = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_uint8, ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32
)
DOOR = f"""#include "bgt60tr13c.h"
{EXPORT}
static int32_t (*bus)(uint8_t, const uint8_t *, int32_t, uint8_t *, int32_t);
int32_t board_spi(uint8_t part, const uint8_t *out, int32_t n_out, uint8_t *in, int32_t n_in)
{{ return bus(part, out, n_out, in, n_in); }}
int32_t board_spi_reset(uint8_t part) {{ return bus(part, 0, 0, 0, 0); }}
void board_wait_us(uint32_t us) {{ (void)us; }}
int32_t board_i2c(uint8_t a, const uint8_t *o, int32_t n_o, uint8_t *i, int32_t n_i)
{{ (void)a, (void)o, (void)n_o, (void)i, (void)n_i; return 0; }}
API void c_bus(void *call) {{ bus = (int32_t (*)(uint8_t, const uint8_t *, int32_t, uint8_t *, int32_t))call; }}
API int32_t c_start(void) {{ return bgt60tr13c.start({PART}, 20000); }}
API int32_t c_waiting(int32_t *overrun) {{ return bgt60tr13c.waiting({PART}, overrun); }}
API int32_t c_read(int16_t *rows, int32_t n) {{ return bgt60tr13c.read({PART}, rows, n); }}
API int32_t c_identity(void) {{ return bgt60tr13c.identity({PART}); }}
API int32_t c_axes(void) {{ return bgt60tr13c.axes; }}
API void c_stop(void) {{ bgt60tr13c.stop({PART}); }}
"""


@dataclass
class Bench:
    """The driver and the part; after `patience` transfers the bus does nothing more."""

    c: ctypes.CDLL
    radar: Radar = field(default_factory=Radar)
    transfers: int = 0
    patience: int = 1 << 30

    def transfer(self, part: int, out: int, n_out: int, into: int, n_in: int) -> int:
        self.transfers += 1
        if part != PART or self.transfers > self.patience:
            return 0
        if not n_out:
            self.radar.reset(True)
            self.radar.reset(False)
            return 1
        self.radar.select(True)
        for byte in ctypes.string_at(out, n_out):
            self.radar.exchange(byte)
        got = bytes(self.radar.exchange(0) for _ in range(n_in))
        self.radar.select(False)
        if n_in:
            ctypes.memmove(into, got, n_in)
        return 1

    def waiting(self) -> tuple[int, int]:
        overrun = ctypes.c_int32(0)
        return self.c.c_waiting(ctypes.byref(overrun)), overrun.value

    def frame(self) -> list[int]:
        rows = (ctypes.c_int16 * ROW)()
        assert self.c.c_read(rows, 1)
        return [value + 2048 for value in rows]


@pytest.fixture
def bench() -> Iterator[Bench]:
    files = [DRIVERS / "bgt60tr13c.c", STUBS / "kernels" / "freestanding.c"]
    made = Bench(ctypes.CDLL(str(compile_shared("bgt60tr13c", files, {"door.c": DOOR}, [DRIVERS]))))
    call = TRANSFER(made.transfer)
    made.c.c_bus(ctypes.cast(call, ctypes.c_void_p))
    yield made
    assert not made.radar.wrongs


def test_its_settings_mean_what_is_said_of_them(bench: Bench) -> None:
    """Worked out from the registers by Infineon's own formulas, not from the driver's comments."""
    assert bench.c.c_start()
    radar = bench.radar
    assert (radar.start_hz(), radar.width_hz()) == (pytest.approx(58.286e9, rel=1e-4), pytest.approx(4.215e9, rel=1e-3))
    assert radar.start_hz() > 57e9 and radar.start_hz() + radar.width_hz() < 64e9  # the band for radar of this kind
    assert radar.samples() == ROW == bench.c.c_axes() and 80e6 / radar.field(1, 14, 10) == 2e6
    assert radar.field(0x33, 0, 12) / 2e6 < radar.field(0x32, 0, 14) * 8 / 80e6  # the samples lie on the ramp
    assert radar.rate_hz() == pytest.approx(20, rel=0.003)
    assert radar.field(6, 0, 13) == ROW // 2 - 1


def test_frames_come_whole_and_in_order(bench: Bench) -> None:
    assert bench.c.c_start() and bench.waiting() == (0, 0)
    bench.radar.measured(3)
    for k in (1, 2, 3):
        assert bench.waiting() == (1, 0)
        assert bench.frame() == [(k + i) % 4096 for i in range(ROW)]
    assert bench.waiting() == (0, 0)


def test_an_overrun_is_told_and_it_goes_on_with_a_whole_frame(bench: Bench) -> None:
    assert bench.c.c_start()
    bench.radar.measured(FIFO_WORDS * 2 // ROW + 1)
    assert bench.radar.overflow and bench.waiting() == (0, -1)
    assert bench.radar.running and not bench.radar.overflow
    bench.radar.measured(1)
    assert bench.waiting() == (1, 0)
    frame = bench.frame()
    assert frame == [(frame[0] + i) % 4096 for i in range(ROW)]


@pytest.mark.parametrize("id", [0x000606, 0x00000B, 0x000307])
def test_another_part_is_not_started(bench: Bench, id: int) -> None:
    bench.radar.id = id
    assert not bench.c.c_start()
    assert bench.c.c_identity() not in (3, -1)


def test_nobody_on_the_bus_is_told(bench: Bench) -> None:
    bench.radar.alive = False
    assert not bench.c.c_start() and bench.c.c_identity() == -1


def test_a_bus_that_breaks_at_any_transfer_of_the_start_is_told(bench: Bench) -> None:
    assert bench.c.c_start()
    for patience in range(bench.transfers):
        bench.radar, bench.transfers, bench.patience = Radar(), 0, patience
        assert not bench.c.c_start(), patience
    bench.patience = 1 << 30
    assert bench.c.c_start()
    bench.radar.measured(1)
    bench.transfers, bench.patience = 0, 3
    rows = (ctypes.c_int16 * ROW)()
    assert not bench.c.c_read(rows, 1)


def test_a_stop_ends_the_frames(bench: Bench) -> None:
    assert bench.c.c_start()
    bench.c.c_stop()
    assert not bench.radar.rate_hz()


def test_its_channels_are_named_in_short() -> None:
    (names,) = {s.channels for b in boards().values() for s in b.streams if s.kind == "radar"}
    assert (len(names), names[0], names[64], names[-1]) == (ROW, "s0p0", "s1p0", "s7p63")
    assert in_short(names) == ["s0-7p0-63"] and spelled_out(["s0-7p0-63"]) == names


@pytest.mark.parametrize("names", [("x",), ("s0p0",), ("s0p1", "s0p0"), ("a", "s1p1"), ("s0p0re", "s0p0im"), ()])
def test_other_names_stay_as_they_are(names: tuple[str, ...]) -> None:
    assert tuple(in_short(names)) == names and spelled_out(names) == names


def test_a_short_name_of_too_many_is_only_a_name() -> None:
    assert spelled_out([f"s0-{MOST_NAMES}p0-1"]) == (f"s0-{MOST_NAMES}p0-1",)
