"""The PDM driver on a filter that fills a block whenever a test says so, with a count, so that a lost sample shows."""

import ctypes

import pytest

from studio.firmware.board import DRIVERS, boards
from studio.firmware.virtual import emulator_installed
from studio.graph.host import EXPORT, compile_shared
from studio.paths import STUBS
from tests.firmware.silicon.nrf52 import Nrf52
from tests.firmware.silicon.nrf52_pdm import PDM

BLOCK, BLOCK_US = 512, 32_000

FILTER = f"""#include "pdm.h"
{EXPORT}
static int16_t *now, *next;
static int32_t n, running;
static uint32_t ended, since, count;
int32_t board_pdm_start(uint32_t rate_mhz, int16_t *first, int16_t *second, int32_t samples)
{{ now = first; next = second; n = samples; ended = since = 0; running = 1; return rate_mhz == 16000000; }}
void board_pdm_next(int16_t *block) {{ next = block; }}
uint32_t board_pdm_ended(uint32_t *since_us) {{ *since_us = since; return ended; }}
void board_pdm_stop(void) {{ running = 0; }}
int32_t board_i2c(uint8_t a, const uint8_t *o, int32_t n_o, uint8_t *i, int32_t n_i)
{{ (void)a, (void)o, (void)n_o, (void)i, (void)n_i; return 0; }}
API void c_fill(uint32_t later_us)
{{ for (int32_t i = 0; i < n; i++) now[i] = (int16_t)(count++ % 30000); now = next; ended++; since = later_us; }}
API void c_since(uint32_t us) {{ since = us; }}
API int32_t c_running(void) {{ return running; }}
API int32_t c_start(uint32_t rate) {{ count = 0; return pdm.start(0, rate); }}
API int32_t c_waiting(int32_t *overrun) {{ return pdm.waiting(0, overrun); }}
API int32_t c_read(int16_t *rows, int32_t n_rows) {{ return pdm.read(0, rows, n_rows); }}
API void c_stop(void) {{ pdm.stop(0); }}
"""


class Microphone:
    """The driver; `heard` are (index with losses counted, what the filter counted)."""

    def __init__(self) -> None:
        files = [DRIVERS / "pdm.c", STUBS / "kernels" / "freestanding.c"]
        self.c = ctypes.CDLL(str(compile_shared("pdm", files, {"door.c": FILTER}, [DRIVERS])))
        self.index, self.lost = 0, 0
        self.heard: list[tuple[int, int]] = []
        assert self.c.c_start(16_000_000)

    def fill(self, blocks: int = 1, later_us: int = 0) -> None:
        for _ in range(blocks):
            self.c.c_fill(later_us)

    def fetch(self, most: int = 10_000) -> int:
        """As the board asks: what waits, then at most `most` of it."""
        overrun = ctypes.c_int32(0)
        n = min(self.c.c_waiting(ctypes.byref(overrun)), most)
        self.index += overrun.value
        self.lost += overrun.value
        rows = (ctypes.c_int16 * max(n, 1))()
        assert self.c.c_read(rows, n)
        self.heard += [(self.index + i, value) for i, value in enumerate(rows[:n])]
        self.index += n
        return n

    def is_true(self) -> bool:
        """Whether every sample lies where the filter counted it."""
        return all(value == index % 30_000 for index, value in self.heard)


@pytest.fixture
def microphone() -> Microphone:
    return Microphone()


def test_blocks_come_whole_and_in_order_in_any_portions(microphone: Microphone) -> None:
    assert microphone.fetch() == 0
    for most in (1, 511, 512, 300):
        microphone.fill()
        while microphone.fetch(most):
            pass
    assert [value for _, value in microphone.heard] == list(range(4 * BLOCK))
    assert microphone.lost == 0


@pytest.mark.parametrize("late", [2, 3, 10])
def test_who_comes_late_loses_blocks_and_knows_how_many(microphone: Microphone, late: int) -> None:
    microphone.fill()
    microphone.fetch()
    microphone.fill(late)
    for _ in range(3):
        microphone.fetch()
        microphone.fetch()
        microphone.fill()
    microphone.fetch()
    assert microphone.lost == (late - 1) * BLOCK
    assert microphone.is_true() and len(microphone.heard) == 5 * BLOCK


def test_who_reads_too_little_loses_the_oldest(microphone: Microphone) -> None:
    for _ in range(8):
        microphone.fill()
        microphone.fetch(100)
    while microphone.fetch():
        pass
    assert microphone.lost > 0 and microphone.is_true()
    assert microphone.heard[-1] == (8 * BLOCK - 1, 8 * BLOCK - 1)


def test_near_the_end_of_a_block_nothing_is_changed(microphone: Microphone) -> None:
    """The address could be taken over between the look and the telling: that block is given up, and counted."""
    microphone.fill(1, BLOCK_US - 500)
    assert microphone.fetch() == 0
    microphone.fill()
    assert microphone.fetch() == BLOCK
    microphone.fill()
    assert microphone.fetch() == BLOCK
    assert microphone.lost == BLOCK and microphone.is_true()


def test_it_stops_and_starts_anew_and_takes_no_other_rate(microphone: Microphone) -> None:
    microphone.fill(3)
    microphone.c.c_stop()
    assert not microphone.c.c_running()
    assert not microphone.c.c_start(8_000_000)
    assert microphone.c.c_start(16_000_000) and microphone.fetch() == 0


SOUND = {0x500: 1, 0x504: 0x0A000000, 0x508: 1, 0x518: 0x28, 0x51C: 0x28, 0x520: 1, 0x540: 32, 0x544: 16}
SOUND |= {0x560: 0x20000000, 0x564: BLOCK}


@pytest.fixture(scope="module")
def nrf52() -> Nrf52:
    board = boards()["xiao-nrf52840-sense"]
    chip = Nrf52(board, bytes(board.flash_bytes), ())
    chip.words[0x40000100] = 1  # the crystal runs
    chip.words[0x50000A00] = 3  # P1.00 is an output
    return chip


@pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")
@pytest.mark.parametrize(
    ("register", "value", "what"),
    [
        (0x564, BLOCK, ""),
        (0x500, 0, "while off"),
        (0x504, 0x0A000001, "without a clock"),
        (0x508, 0, "two channels"),
        (0x518, 0x51, "a gain that there is not"),
        (0x540, 0xFFFFFFFF, "no output"),
        (0x540, 33, "no output"),
        (0x560, 0x00027000, "outside RAM"),
        (0x560, 0x20000002, "fills"),
        (0x564, 0, "fills"),
    ],
)
def test_the_model_of_the_filter_complains(nrf52: Nrf52, register: int, value: int, what: str) -> None:
    nrf52.wrongs.clear()
    nrf52.words.update({PDM + at: v for at, v in (SOUND | {register: value}).items()})
    nrf52.pdm._start(1)
    nrf52.pdm._stop(1)
    assert bool(nrf52.wrongs) == bool(what) and all(what in w for w in nrf52.wrongs[:1])
