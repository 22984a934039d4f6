#include "guard.h"
#include "firmware.h"

/* Time stamps of a real sensor are good to some milliseconds: over two seconds that is far below the tolerance. */
enum { GUARD_PERMILLE = 50, MEASURE_US = 2000000, MEASURE_SAMPLES = 32 };

static uint32_t first_index, rate_mhz;
static uint64_t first_us;
static int32_t begun, fault;

void guard_clear(void)
{
    begun = fault = 0;
    rate_mhz = 0;
}

void guard_take(uint32_t index, uint64_t t_us)
{
    const uint32_t wanted = firmware_streams[firmware_input].rate_mhz;
    const uint32_t n = index - first_index;
    if (begun && (n < MEASURE_SAMPLES || t_us - first_us < MEASURE_US))
        return;
    if (begun) {
        const uint64_t off = (uint64_t)wanted * GUARD_PERMILLE / 1000;
        rate_mhz = (uint32_t)((uint64_t)n * 1000000000u / (t_us - first_us));
        fault = rate_mhz + off < wanted || rate_mhz > wanted + off;
    }
    begun = 1;
    first_index = index;
    first_us = t_us;
}

int32_t guard_fault(void) { return fault; }

uint32_t guard_rate_mhz(void) { return rate_mhz; }
