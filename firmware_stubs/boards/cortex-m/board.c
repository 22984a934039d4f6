/* A board out of a Cortex-M: link, time, sleep, restart, and sensors that gather in FIFOs of their own. */
#include "board.h"
#include "chip.h"
#include "core.h"
#include "driver.h"
#include "note.h"

enum { POLL_US = 5000 }; /* how often a sensor is asked what it has */
enum { SHARED_ROWS = 64 };

/* Written by studio/firmware/sources.py from board.toml; not part of the boot loader. */
extern const struct plugged firmware_sensors[];
extern uint32_t _bss_end, _stack_top;

struct running {
    uint64_t asked_us;
    uint32_t rate_mhz, lost;
    int32_t on;
};

/* What was read last of a part that gives two streams, and how much of it the narrower one has not had yet. */
struct shared {
    uint64_t t_us;
    int32_t rows, left;
    int16_t values[SHARED_ROWS * MOST_AXES];
};

static struct running running[14];
static struct shared shared;

/* Called far more often than once in the 71 minutes that the counter takes to go round. */
uint64_t board_time_us(void)
{
    static uint32_t high, last;
    const uint32_t low = chip_time_us();
    high += low < last;
    last = low;
    return (uint64_t)high << 32 | low;
}

void board_wait_us(uint32_t us)
{
    const uint32_t since = chip_time_us();
    while (chip_time_us() - since < us) {
    }
}

#if __ARM_ARCH >= 7
uint32_t board_ticks(void)
{
    if (!(DWT_CTRL & 1)) {
        SCB_DEMCR |= 1u << 24;
        DWT_CTRL |= 1;
    }
    return DWT_CYCCNT;
}
#else
uint32_t board_ticks(void) { return 0; } /* v6-M has no cycle counter */
#endif

int32_t board_stack_used(void)
{
    const uint32_t *at = &_bss_end;
    while (*at == PAINT)
        at++;
    return (int32_t)((const uint8_t *)&_stack_top - (const uint8_t *)at);
}

/* The next SysTick ends the WFI although interrupts are masked; so nothing waits longer than a millisecond. */
void board_idle(int32_t writing)
{
    (void)writing;
    if (!(SYST_CSR & 1)) {
        SYST_RVR = CLOCK_HZ / TICKS_PER_S - 1;
        SYST_CVR = 0;
        SYST_CSR = 7;
    }
    __asm volatile("wfi" ::: "memory");
    SCB_ICSR = 1u << 25; /* clear what is pending of SysTick */
}

void board_restart(int32_t boot)
{
    chip_sent();
    if (boot)
        chip_set_note(NOTE_STAY);
    chip_reset();
    for (;;) {
    }
}

int32_t board_asked_to_stay(void)
{
    const int32_t asked = chip_note() == NOTE_STAY;
    chip_set_note(0);
    return asked;
}

void board_start_app(uint32_t offset)
{
    const uint32_t *vectors = (const uint32_t *)(FLASH_ADDRESS + offset + 256u);
    chip_sent();
    SYST_CSR = 0;
    SCB_VTOR = (uint32_t)(uintptr_t)vectors;
    __asm volatile("msr msp, %0\n bx %1" ::"r"(vectors[0]), "r"(vectors[1]));
}

const uint8_t *board_flash(uint32_t offset) { return (const uint8_t *)(uintptr_t)(FLASH_ADDRESS + offset); }

/* The wider stream of this one's part, when that runs and so holds the FIFO; else 0. */
static const struct running *fed_by(int32_t index)
{
    const int32_t wider = firmware_sensors[index].wider;
    return wider >= 0 && running[wider].on ? &running[wider] : 0;
}

/* How many rows are due since the sensor was last asked. */
static uint32_t rows_due(const struct running *r, uint64_t now)
{
    return (uint32_t)((now - r->asked_us) * r->rate_mhz / 1000000000u);
}

static void run_alone(int32_t index)
{
    const struct plugged *p = &firmware_sensors[index];
    running[index].on = p->driver->start(p->address, running[index].rate_mhz);
    running[index].asked_us = board_time_us(); /* a part that takes long to start has lost nothing by that */
}

/* The part changes over to the wider stream: what the narrower one had waiting is lost. */
static void take_over(int32_t wider, int32_t index)
{
    const struct plugged *p = &firmware_sensors[index];
    shared.left = 0;
    if (!running[index].on)
        return;
    p->driver->stop(p->address);
    running[index].lost += rows_due(&running[index], running[wider].asked_us);
}

/* And back: the losses of the wider stream were this one's too. */
static void hand_back(int32_t wider, int32_t index)
{
    struct running *r = &running[index];
    if (!r->on)
        return;
    r->lost += running[wider].lost + (uint32_t)shared.left + rows_due(&running[wider], board_time_us());
    run_alone(index);
}

void board_sensor_start(int32_t index, int32_t row_bytes, uint32_t rate_mhz, int32_t watermark)
{
    (void)row_bytes, (void)watermark;
    const int32_t narrower = firmware_sensors[index].narrower;
    const struct running *wider = fed_by(index);
    running[index] = (struct running){.asked_us = board_time_us(), .rate_mhz = rate_mhz};
    if (wider) { /* counts from here on */
        running[index].on = 1;
        running[index].lost = 0u - wider->lost;
        shared.left = 0;
        return;
    }
    if (narrower >= 0)
        take_over(index, narrower);
    run_alone(index);
}

void board_sensor_stop(int32_t index)
{
    const struct plugged *p = &firmware_sensors[index];
    const int32_t was_on = running[index].on, alone = !fed_by(index);
    running[index].on = 0;
    if (was_on && alone)
        p->driver->stop(p->address);
    if (p->narrower >= 0 && was_on)
        hand_back(index, p->narrower);
}

enum sensor_part board_sensor_part(int32_t index, int32_t *told, int32_t *expected)
{
    const struct plugged *p = &firmware_sensors[index];
    if (!p->driver->identity)
        return PART_NONE;
    *told = p->driver->identity(p->address);
    *expected = p->driver->expected;
    return *told < 0 ? PART_SILENT : *told == *expected ? PART_RIGHT : PART_OTHER;
}

/* How long a number of rows takes to measure. */
static uint64_t rows_us(const struct running *r, int32_t rows) { return (uint64_t)rows * 1000000000u / r->rate_mhz; }

/* Many a FIFO that ran over says only that it did: how many rows that cost is told by the time since it was last asked. */
static void count_lost(struct running *r, uint64_t now, int32_t waiting)
{
    const uint32_t due = rows_due(r, now);
    if (due > (uint32_t)waiting)
        r->lost += due - (uint32_t)waiting;
}

/* The narrower stream: the first values of rows that the wider one has had. */
static int32_t read_fed(int32_t index, int16_t *rows, int32_t n, const struct running *wider, struct sensor_batch *batch)
{
    const int32_t axes = firmware_sensors[index].driver->axes;
    const int32_t all = firmware_sensors[firmware_sensors[index].wider].driver->axes;
    const int32_t taken = shared.left < n ? shared.left : n, first = shared.rows - shared.left;
    for (int32_t i = 0; i < taken; i++)
        __builtin_memcpy(rows + i * axes, shared.values + (first + i) * all, 2u * (uint32_t)axes);
    shared.left -= taken;
    batch->t_us = shared.t_us + rows_us(wider, first);
    batch->overruns = running[index].lost + wider->lost;
    return taken;
}

/* Rows as the stream sends them. */
static int32_t read_rows(const struct plugged *p, void *rows, int32_t n)
{
    const int32_t axes = p->driver->axes;
    const float *units = p->driver->units;
    if (!units)
        return p->driver->read(p->address, rows, n);
    if (!p->driver->read(p->address, shared.values, n))
        return 0;
    for (int32_t i = 0; i < n * axes; i++)
        ((float *)rows)[i] = (float)shared.values[i] * units[i % axes];
    return 1;
}

int32_t board_sensor_read(int32_t index, void *rows, int32_t n, struct sensor_batch *batch)
{
    struct running *r = &running[index];
    const struct plugged *p = &firmware_sensors[index];
    const struct running *wider = fed_by(index);
    const int32_t feeds = p->narrower >= 0 && running[p->narrower].on;
    const uint64_t now = board_time_us();
    int32_t overrun = 0;
    if (r->on && wider)
        return read_fed(index, rows, n, wider, batch);
    if (!r->on || now - r->asked_us < POLL_US || (feeds && shared.left > 0))
        return 0;
    const int32_t waiting = p->driver->waiting(p->address, &overrun);
    if (waiting <= 0 && !overrun)
        return 0;
    if (overrun < 0)
        count_lost(r, now, waiting);
    else
        r->lost += (uint32_t)overrun;
    const int32_t most = p->driver->units && n > SHARED_ROWS ? SHARED_ROWS : n;
    const int32_t taken = waiting < most ? waiting : most;
    if (taken > 0 && !read_rows(p, rows, taken))
        return 0;
    if (taken == waiting) /* else the rest is asked for at once */
        r->asked_us = now;
    batch->t_us = now - rows_us(r, waiting);
    batch->overruns = r->lost;
    if (feeds) {
        shared.t_us = batch->t_us;
        shared.rows = shared.left = taken;
    }
    return taken;
}
