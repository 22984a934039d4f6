/* Accelerometer of LSM303AGR, +-8 g, 12 bits at the top of 16 (high resolution).
   Source: ST, datasheet DocID027765; names as in ST's lsm303agr_reg.h. */
#include "lsm303agr.h"

enum {
    WHO_AM_I_A = 0x0F,
    CTRL_REG1_A = 0x20,
    CTRL_REG4_A = 0x23,
    CTRL_REG5_A = 0x24,
    OUT_X_L_A = 0x28,
    FIFO_CTRL_REG_A = 0x2E,
    FIFO_SRC_REG_A = 0x2F,
};
enum { IDENTITY = 0x33, KEEP_PAIRS_8_G_HIGH_RESOLUTION = 0xA8, FIFO_ON = 0x40, STREAM = 0x80, ALL_AXES = 7 };
enum { AXES = 3, ROW_BYTES = 6, FIFO_ROWS = 32, COUNT_UP = 0x80 };

/* Output data rates, code 1 first, in thousandths of a hertz. */
static const uint32_t rates_mhz[] = {1000, 10000, 25000, 50000, 100000, 200000, 400000};

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
    return get_registers(address, WHO_AM_I_A, &told, 1) ? told : -1;
}

static int32_t start(uint8_t address, uint32_t rate_mhz)
{
    return identity(address) == IDENTITY &&
           put_register(address, CTRL_REG4_A, KEEP_PAIRS_8_G_HIGH_RESOLUTION) &&
           put_register(address, CTRL_REG5_A, FIFO_ON) && put_register(address, FIFO_CTRL_REG_A, 0) &&
           put_register(address, FIFO_CTRL_REG_A, STREAM) &&
           put_register(address, CTRL_REG1_A, (uint8_t)(rate_code(rate_mhz) << 4 | ALL_AXES));
}

/* A full FIFO goes on with the newest rows: 31 are counted, one more is there. */
static int32_t waiting(uint8_t address, int32_t *overrun)
{
    uint8_t source;
    if (!get_registers(address, FIFO_SRC_REG_A, &source, 1))
        return 0;
    *overrun = -(source >> 6 & 1);
    return *overrun ? FIFO_ROWS : source & 31;
}

static int32_t read(uint8_t address, int16_t *rows, int32_t n)
{
    return get_registers(address, OUT_X_L_A | COUNT_UP, (uint8_t *)rows, n * ROW_BYTES);
}

static void stop(uint8_t address) { put_register(address, CTRL_REG1_A, 0); }

const struct driver lsm303agr = {start, waiting, read, stop, identity, IDENTITY, AXES, 0};
