"""The driver of a microphone whose samples a DMA writes round and round, on a ring that a test fills, with a count."""

import ctypes

import pytest

from studio.firmware.board import DRIVERS
from studio.graph.host import EXPORT, compile_shared
from studio.paths import STUBS

RING, MARGIN, SETTLING, RATE_HZ = 4096, 256, 64, 16_000

DMA = f"""#include "sound.h"
{EXPORT}
static int16_t *ring;
static int32_t n, running;
static uint64_t count, now_us;
int32_t board_sound_start(uint32_t rate_mhz, int16_t *first, int32_t samples)
{{ ring = first; n = samples; running = 1; return rate_mhz == 16000000; }}
int32_t board_sound_at(void) {{ return (int32_t)(count % (uint32_t)n); }}
void board_sound_stop(void) {{ running = 0; }}
uint64_t board_time_us(void) {{ return now_us; }}
int32_t board_i2c(uint8_t a, const uint8_t *o, int32_t n_o, uint8_t *i, int32_t n_i)
{{ (void)a, (void)o, (void)n_o, (void)i, (void)n_i; return 0; }}
API void c_pass(uint32_t samples, uint32_t us)
{{ for (; samples; samples--, count++) ring[count % (uint32_t)n] = (int16_t)(count % 30000); now_us += us; }}
API int32_t c_running(void) {{ return running; }}
API int32_t c_start(uint32_t rate) {{ count = 0; return sound.start(0, rate); }}
API int32_t c_waiting(int32_t *overrun) {{ return sound.waiting(0, overrun); }}
API int32_t c_read(int16_t *rows, int32_t n_rows) {{ return sound.read(0, rows, n_rows); }}
API void c_stop(void) {{ sound.stop(0); }}
"""


class Microphone:
    """The driver; `heard` are (index with losses counted, what the microphone counted)."""

    def __init__(self) -> None:
        files = [DRIVERS / "sound.c", STUBS / "kernels" / "freestanding.c"]
        self.c = ctypes.CDLL(str(compile_shared("sound", files, {"door.c": DMA}, [DRIVERS])))
        self.index, self.lost = 0, 0
        self.heard: list[tuple[int, int]] = []
        assert self.c.c_start(RATE_HZ * 1000)

    def run(self, samples: int, off: float = 0.0) -> None:
        """Time for so many samples of a microphone whose clock is `off` from the core's."""
        self.c.c_pass(samples, round(samples * 1e6 / RATE_HZ * (1 + off)))

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
        """Whether every sample lies where the microphone counted it."""
        return all(value == (index + SETTLING) % 30_000 for index, value in self.heard)


def test_samples_come_in_order_round_and_round() -> None:
    microphone = Microphone()
    for samples in (10, 60, 500, 3000, 1, 4095 - MARGIN, 80, 3000, 2000):
        microphone.run(samples)
        microphone.fetch(700)
        while microphone.fetch(700):
            pass
    assert microphone.is_true() and not microphone.lost
    assert len(microphone.heard) == 10 + 60 + 500 + 3000 + 1 + 4095 - MARGIN + 80 + 3000 + 2000 - SETTLING


@pytest.mark.parametrize("off", [-0.02, 0.0, 0.02])
@pytest.mark.parametrize("pause", [3900, RING, RING + 1, 3 * RING - 1, 3 * RING + 5, 10 * RING, 20 * RING + 77])
def test_what_was_written_over_is_counted_to_the_sample(pause: int, off: float) -> None:
    """Also where the microphone's clock and the core's differ by what a trimmed oscillator may be off."""
    microphone = Microphone()
    microphone.run(1000)
    microphone.fetch()
    microphone.run(pause, off)
    microphone.fetch()
    microphone.run(300)
    microphone.fetch()
    assert microphone.is_true()
    assert microphone.lost == max(pause - (RING - MARGIN), 0)


def test_a_stop_reaches_the_chip_and_a_start_begins_anew() -> None:
    microphone = Microphone()
    microphone.run(900)
    microphone.c.c_stop()
    assert not microphone.c.c_running()
    again = Microphone()
    again.run(500)
    assert again.fetch() == 500 - SETTLING and again.is_true()


def test_a_rate_that_the_chip_does_not_have_is_refused() -> None:
    assert not Microphone().c.c_start(48_000_000)
