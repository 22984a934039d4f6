/* Accelerometer of LSM9DS1, +-8 g, with the gyroscope off.
   Source: ST, datasheet DocID025715; names as in ST's lsm9ds1_reg.h. */
#include "lsm9ds1.h"

enum {
    WHO_AM_I = 0x0F,
    CTRL_REG6_XL = 0x20,
    CTRL_REG8 = 0x22,
    CTRL_REG9 = 0x23,
    OUT_X_L_XL = 0x28,
    FIFO_CTRL = 0x2E,
    FIFO_SRC = 0x2F,
};
enum { IDENTITY = 0x68, RANGE_8_G = 3 << 3, KEEP_PAIRS_COUNT_UP = 0x44, FIFO_ON = 2, CONTINUOUS = 6 << 5 };
enum { AXES = 3, ROW_BYTES = 6, FIFO_ROWS = 32 };

/* Output data rates, code 1 first, in thousandths of a hertz. */
static const uint32_t rates_mhz[] = {10000, 50000, 119000, 238000, 476000, 952000};

static uint8_t rate_code(uint32_t rate_mhz)
{
    uint8_t code = 0;
    while (code < sizeof rates_mhz / sizeof *rates_mhz && rates_mhz[code] < rate_mhz)
        code++;
    return (uint8_t)(code + 1);
}

static int32_t identity(uint8_t address)
{
    uint8_t told;
    return get_registers(address, WHO_AM_I, &told, 1) ? told : -1;
}

static int32_t start(uint8_t address, uint32_t rate_mhz)
{
    return identity(address) == IDENTITY &&
           put_register(address, CTRL_REG8, KEEP_PAIRS_COUNT_UP) && put_register(address, CTRL_REG9, FIFO_ON) &&
           put_register(address, FIFO_CTRL, 0) && put_register(address, FIFO_CTRL, CONTINUOUS) &&
           put_register(address, CTRL_REG6_XL, (uint8_t)(rate_code(rate_mhz) << 5 | RANGE_8_G));
}

static int32_t waiting(uint8_t address, int32_t *overrun)
{
    uint8_t source;
    if (!get_registers(address, FIFO_SRC, &source, 1))
        return 0;
    *overrun = source >> 6 & 1;
    return *overrun ? FIFO_ROWS : source & 63;
}

/* Row by row: where a longer read goes on is not the accelerometer's first register. */
static int32_t read(uint8_t address, int16_t *rows, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (!get_registers(address, OUT_X_L_XL, (uint8_t *)(rows + i * AXES), ROW_BYTES))
            return 0;
    return 1;
}

static void stop(uint8_t address) { put_register(address, CTRL_REG6_XL, 0); }

const struct driver lsm9ds1 = {start, waiting, read, stop, identity, IDENTITY};
