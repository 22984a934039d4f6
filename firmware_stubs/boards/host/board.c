/* This computer as a board: the firmware is a library, and studio/firmware/hostboard.py is the rest of the board.
   No operating system is called from here, so the same lines serve Linux, macOS and Windows. */
#include "board.h"

#if defined(_WIN32)
#define VISIBLE __declspec(dllexport)
#else
#define VISIBLE __attribute__((visibility("default")))
#endif

/* What the program around the library does for it; the flash is memory that both see. */
struct host_calls {
    int32_t (*write)(const uint8_t *bytes, int32_t n);
    int32_t (*read)(uint8_t *bytes, int32_t n);
    uint64_t (*time_us)(void);
    void (*sensor_start)(int32_t index, int32_t row_bytes, uint32_t rate_mhz, int32_t watermark);
    void (*sensor_stop)(int32_t index);
    int32_t (*sensor_read)(int32_t index, void *rows, int32_t n, uint64_t *t_us, uint32_t *overruns);
    void (*idle)(int32_t writing);
    uint8_t *flash;
    int32_t stay_in_boot;
};

/* Or, greater than these, where the app to start lies in the flash. */
enum next { NEXT_RESTART, NEXT_BOOT };

static struct host_calls *host;
static int32_t next;

int main(void);

/* Run until the program ends; what shall run next. */
/* The number changes with struct host_calls: an app of another studio is then not started with calls it misreads. */
VISIBLE int32_t host_run_2(struct host_calls *calls)
{
    host = calls;
    main();
    return next;
}

int32_t board_write(const uint8_t *bytes, int32_t n) { return host->write(bytes, n); }

int32_t board_read(uint8_t *bytes, int32_t n) { return host->read(bytes, n); }

uint64_t board_time_us(void) { return host->time_us(); }

uint32_t board_ticks(void) { return 0; }

int32_t board_stack_used(void) { return 0; }

void board_sensor_start(int32_t index, int32_t row_bytes, uint32_t rate_mhz, int32_t watermark)
{
    host->sensor_start(index, row_bytes, rate_mhz, watermark);
}

void board_sensor_stop(int32_t index) { host->sensor_stop(index); }

int32_t board_sensor_read(int32_t index, void *rows, int32_t n, struct sensor_batch *batch)
{
    return host->sensor_read(index, rows, n, &batch->t_us, &batch->overruns);
}

/* Files are played: no part to ask. */
enum sensor_part board_sensor_part(int32_t index, int32_t *told, int32_t *expected)
{
    (void)index;
    *told = *expected = 0;
    return PART_NONE;
}

void board_idle(int32_t writing) { host->idle(writing); }

void board_restart(int32_t boot) { next = boot ? NEXT_BOOT : NEXT_RESTART; }

int32_t board_asked_to_stay(void)
{
    const int32_t asked = host->stay_in_boot;
    host->stay_in_boot = 0;
    return asked;
}

void board_start_app(uint32_t offset) { next = (int32_t)offset; }

const uint8_t *board_flash(uint32_t offset) { return host->flash + offset; }

void board_flash_erase(uint32_t offset)
{
    for (int32_t i = 0; i < PAGE_BYTES; i++)
        host->flash[offset + (uint32_t)i] = 0xFF;
}

void board_flash_write(uint32_t offset, const uint8_t *bytes, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        host->flash[offset + (uint32_t)i] &= bytes[i];
}
