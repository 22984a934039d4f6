/* LSM6DSL and LSM6DS3TR-C (same registers, same identity): accelerometer, +-8 g; with the gyroscope, +-2000 deg/s.
   Source: ST, datasheets DocID028475 (LSM6DSL) and DocID030071 (LSM6DS3TR-C); names as in ST's lsm6dsl_reg.h. */
#include "lsm6dsl.h"

enum {
    FIFO_CTRL3 = 0x08,
    FIFO_CTRL5 = 0x0A,
    WHO_AM_I = 0x0F,
    CTRL1_XL = 0x10,
    CTRL2_G = 0x11,
    CTRL3_C = 0x12,
    FIFO_STATUS1 = 0x3A,
    FIFO_DATA_OUT_L = 0x3E,
};
enum { IDENTITY = 0x6A, RANGE_8_G = 3 << 2, RANGE_2000_DPS = 3 << 2, KEEP_PAIRS_COUNT_UP = 0x44, CONTINUOUS = 6 };
enum { ACCELEROMETER_ONLY = 1, BOTH = 1 | 1 << 3, AXES = 3, MOTION_AXES = 6, MOST_BYTES = 240 };

/* Output data rates, code 1 first, in thousandths of a hertz. */
static const uint32_t rates_mhz[] = {12500, 26000, 52000, 104000, 208000, 416000, 833000, 1660000};

static uint8_t rate_code(uint32_t rate_mhz)
{
    uint8_t code = 0;
    while (code < sizeof rates_mhz / sizeof *rates_mhz && rates_mhz[code] < rate_mhz)
        code++;
    return (uint8_t)(code + 1);
}

static int32_t empty_fifo(uint8_t address, uint8_t fifo)
{
    return put_register(address, FIFO_CTRL5, 0) && put_register(address, FIFO_CTRL5, fifo);
}

static uint8_t fifo_setting;

static int32_t identity(uint8_t address)
{
    uint8_t told;
    return get_registers(address, WHO_AM_I, &told, 1) ? told : -1;
}

static int32_t begin(uint8_t address, uint32_t rate_mhz, uint8_t gyroscope, uint8_t into_fifo)
{
    const uint8_t code = rate_code(rate_mhz);
    fifo_setting = (uint8_t)(code << 3 | CONTINUOUS);
    return identity(address) == IDENTITY &&
           put_register(address, CTRL3_C, KEEP_PAIRS_COUNT_UP) && put_register(address, FIFO_CTRL3, into_fifo) &&
           put_register(address, CTRL2_G, gyroscope ? (uint8_t)(code << 4 | RANGE_2000_DPS) : 0) &&
           put_register(address, CTRL1_XL, (uint8_t)(code << 4 | RANGE_8_G)) && empty_fifo(address, fifo_setting);
}

static int32_t start(uint8_t address, uint32_t rate_mhz) { return begin(address, rate_mhz, 0, ACCELEROMETER_ONLY); }

static int32_t start_motion(uint8_t address, uint32_t rate_mhz) { return begin(address, rate_mhz, 1, BOTH); }

/* After an overrun the FIFO may begin in the middle of a row, so it is emptied: those rows are lost too. */
static int32_t values_waiting(uint8_t address, int32_t *overrun)
{
    uint8_t status[2];
    if (!get_registers(address, FIFO_STATUS1, status, 2))
        return 0;
    if (status[1] & 0x40) {
        *overrun = -1;
        empty_fifo(address, fifo_setting);
        return 0;
    }
    return status[0] | (status[1] & 7) << 8;
}

static int32_t waiting(uint8_t address, int32_t *overrun) { return values_waiting(address, overrun) / AXES; }

static int32_t motion_waiting(uint8_t address, int32_t *overrun)
{
    return values_waiting(address, overrun) / MOTION_AXES;
}

static int32_t read_values(uint8_t address, int16_t *values, int32_t n)
{
    for (int32_t bytes = 2 * n; bytes > 0; bytes -= MOST_BYTES, values += MOST_BYTES / 2)
        if (!get_registers(address, FIFO_DATA_OUT_L, (uint8_t *)values, bytes < MOST_BYTES ? bytes : MOST_BYTES))
            return 0;
    return 1;
}

static int32_t read(uint8_t address, int16_t *rows, int32_t n) { return read_values(address, rows, n * AXES); }

/* The FIFO gives the gyroscope's values of a row first: so do ChromiumOS EC, accelgyro_lsm6dsm.h (enum dev_fifo), and ST's
   own driver for Linux. */
static int32_t read_motion(uint8_t address, int16_t *rows, int32_t n)
{
    if (!read_values(address, rows, n * MOTION_AXES))
        return 0;
    swap_halves(rows, n);
    return 1;
}

static void stop(uint8_t address)
{
    put_register(address, FIFO_CTRL5, 0);
    put_register(address, CTRL1_XL, 0);
    put_register(address, CTRL2_G, 0);
}

/* g and degrees per second. */
static const float units[] = {0x1p-12f, 0x1p-12f, 0x1p-12f, 0.07f, 0.07f, 0.07f};

const struct driver lsm6dsl = {start, waiting, read, stop, identity, IDENTITY, AXES, 0};
const struct driver lsm6dsl_motion = {start_motion, motion_waiting, read_motion, stop,
                                      identity,     IDENTITY,       MOTION_AXES, units};
