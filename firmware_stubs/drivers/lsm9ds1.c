/* LSM9DS1: accelerometer, +-8 g, with the gyroscope off; or both, +-2000 deg/s, at the gyroscope's rates.
   Source: ST, datasheet DocID025715; names as in ST's lsm9ds1_reg.h. That the FIFO counts rows of both and each half is
   read from its own registers, gyroscope first: micropython-lib 06592f8, lsm9ds1.py, which runs on this very part. */
#include "lsm9ds1.h"

enum {
    WHO_AM_I = 0x0F,
    CTRL_REG1_G = 0x10,
    OUT_X_L_G = 0x18,
    CTRL_REG6_XL = 0x20,
    CTRL_REG8 = 0x22,
    CTRL_REG9 = 0x23,
    OUT_X_L_XL = 0x28,
    FIFO_CTRL = 0x2E,
    FIFO_SRC = 0x2F,
};
enum { IDENTITY = 0x68, RANGE_8_G = 3 << 3, RANGE_2000_DPS = 3 << 3, KEEP_PAIRS_COUNT_UP = 0x44, FIFO_ON = 2 };
enum { CONTINUOUS = 6 << 5, AXES = 3, MOTION_AXES = 6, ROW_BYTES = 6, FIFO_ROWS = 32 };

/* Output data rates, code 1 first, in thousandths of a hertz. */
enum { RATES = 6 };
static const uint32_t rates_mhz[RATES] = {10000, 50000, 119000, 238000, 476000, 952000};
static const uint32_t motion_rates_mhz[RATES] = {14900, 59500, 119000, 238000, 476000, 952000};

static uint8_t rate_code(const uint32_t *rates, uint32_t rate_mhz)
{
    uint8_t code = 0;
    while (code < RATES && rates[code] < rate_mhz)
        code++;
    return (uint8_t)(code + 1);
}

static int32_t identity(uint8_t address)
{
    uint8_t told;
    return get_registers(address, WHO_AM_I, &told, 1) ? told : -1;
}

/* With the gyroscope on, its rate is that of both. */
static int32_t begin(uint8_t address, uint8_t code, uint8_t gyroscope)
{
    return identity(address) == IDENTITY &&
           put_register(address, CTRL_REG8, KEEP_PAIRS_COUNT_UP) && put_register(address, CTRL_REG9, FIFO_ON) &&
           put_register(address, FIFO_CTRL, 0) && put_register(address, FIFO_CTRL, CONTINUOUS) &&
           put_register(address, CTRL_REG6_XL, (uint8_t)(code << 5 | RANGE_8_G)) &&
           put_register(address, CTRL_REG1_G, gyroscope ? (uint8_t)(code << 5 | RANGE_2000_DPS) : 0);
}

static int32_t start(uint8_t address, uint32_t rate_mhz) { return begin(address, rate_code(rates_mhz, rate_mhz), 0); }

static int32_t start_motion(uint8_t address, uint32_t rate_mhz)
{
    return begin(address, rate_code(motion_rates_mhz, rate_mhz), 1);
}

static int32_t waiting(uint8_t address, int32_t *overrun)
{
    uint8_t source;
    if (!get_registers(address, FIFO_SRC, &source, 1))
        return 0;
    *overrun = -(source >> 6 & 1);
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

/* Each half of a row from its own registers, for the same reason. */
static int32_t read_motion(uint8_t address, int16_t *rows, int32_t n)
{
    for (int16_t *row = rows; n-- > 0; row += MOTION_AXES)
        if (!get_registers(address, OUT_X_L_G, (uint8_t *)(row + AXES), ROW_BYTES) ||
            !get_registers(address, OUT_X_L_XL, (uint8_t *)row, ROW_BYTES))
            return 0;
    return 1;
}

static void stop(uint8_t address)
{
    put_register(address, CTRL_REG6_XL, 0);
    put_register(address, CTRL_REG1_G, 0);
}

/* g and degrees per second. */
static const float units[] = {0x1p-12f, 0x1p-12f, 0x1p-12f, 0.07f, 0.07f, 0.07f};

const struct driver lsm9ds1 = {start, waiting, read, stop, identity, IDENTITY, AXES, 0};
const struct driver lsm9ds1_motion = {start_motion, waiting, read_motion, stop, identity, IDENTITY, MOTION_AXES, units};
