/* Accelerometer of LSM6DSL and LSM6DS3TR-C (same registers, same identity), +-8 g.
   Source: ST, datasheets DocID028475 (LSM6DSL) and DocID030071 (LSM6DS3TR-C); names as in ST's lsm6dsl_reg.h. */
#include "lsm6dsl.h"

enum {
    FIFO_CTRL3 = 0x08,
    FIFO_CTRL5 = 0x0A,
    WHO_AM_I = 0x0F,
    CTRL1_XL = 0x10,
    CTRL3_C = 0x12,
    FIFO_STATUS1 = 0x3A,
    FIFO_DATA_OUT_L = 0x3E,
};
enum { IDENTITY = 0x6A, RANGE_8_G = 3 << 2, KEEP_PAIRS_COUNT_UP = 0x44, ACCELEROMETER_ONLY = 1, CONTINUOUS = 6 };
enum { AXES = 3, ROW_BYTES = 6, MOST_ROWS = 40 };

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

static int32_t start(uint8_t address, uint32_t rate_mhz)
{
    const uint8_t code = rate_code(rate_mhz);
    fifo_setting = (uint8_t)(code << 3 | CONTINUOUS);
    return identity(address) == IDENTITY &&
           put_register(address, CTRL3_C, KEEP_PAIRS_COUNT_UP) && put_register(address, FIFO_CTRL3, ACCELEROMETER_ONLY) &&
           put_register(address, CTRL1_XL, (uint8_t)(code << 4 | RANGE_8_G)) && empty_fifo(address, fifo_setting);
}

/* After an overrun the FIFO may begin in the middle of a row, so it is emptied: those rows are lost too. */
static int32_t waiting(uint8_t address, int32_t *overrun)
{
    uint8_t status[2];
    if (!get_registers(address, FIFO_STATUS1, status, 2))
        return 0;
    if (status[1] & 0x40) {
        *overrun = 1;
        empty_fifo(address, fifo_setting);
        return 0;
    }
    return (status[0] | (status[1] & 7) << 8) / AXES;
}

static int32_t read(uint8_t address, int16_t *rows, int32_t n)
{
    for (; n > 0; n -= MOST_ROWS, rows += MOST_ROWS * AXES) {
        const int32_t now = n < MOST_ROWS ? n : MOST_ROWS;
        if (!get_registers(address, FIFO_DATA_OUT_L, (uint8_t *)rows, now * ROW_BYTES))
            return 0;
    }
    return 1;
}

static void stop(uint8_t address)
{
    put_register(address, FIFO_CTRL5, 0);
    put_register(address, CTRL1_XL, 0);
}

const struct driver lsm6dsl = {start, waiting, read, stop, identity, IDENTITY};
