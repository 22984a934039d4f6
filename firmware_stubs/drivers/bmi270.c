/* BMI270: accelerometer, +-8 g; with the gyroscope, +-2000 deg/s.
   Source: Bosch, BST-BMI270-DS000; names and order of the steps as in boschsensortec/BMI270_SensorAPI 41129fc, bmi2.c and
   bmi2_defs.h. */
#include "bmi270.h"

enum {
    CHIP_ID = 0x00,
    INTERNAL_STATUS = 0x21,
    FIFO_LENGTH_0 = 0x24,
    FIFO_DATA = 0x26,
    ACC_CONF = 0x40,
    ACC_RANGE = 0x41,
    GYR_CONF = 0x42,
    GYR_RANGE = 0x43,
    FIFO_DOWNS = 0x45,
    FIFO_CONFIG_0 = 0x48,
    FIFO_CONFIG_1 = 0x49,
    INIT_CTRL = 0x59,
    INIT_ADDR_0 = 0x5B,
    INIT_DATA = 0x5E,
    PWR_CONF = 0x7C,
    PWR_CTRL = 0x7D,
    CMD = 0x7E,
};
enum { IDENTITY = 0x24, INIT_OK = 1, SOFT_RESET = 0xB6, FIFO_FLUSH = 0xB0, SLOWEST_CODE = 5, FILTERED = 0x88 };
enum { ACC_PRECISE = 0xA0, GYR_PRECISE = 0xE0, RANGE_8_G = 2, RANGE_2000_DPS = 0, ACC_ON = 4, GYR_ON = 2 };
enum { ACC_IN_FIFO = 0x40, BOTH_IN_FIFO = 0xC0 }; /* without headers */
enum { AXES = 3, MOTION_AXES = 6, FIFO_BYTES = 2048, MOST_BYTES = 240, CHUNK = 32 };
enum { RESET_US = 2000, AWAKE_US = 450, LOOK_US = 1000, LOOKS = 150 };

/* Output data rates, code 5 first, in thousandths of a hertz; the gyroscope's begin at code 6. */
static const uint32_t rates_mhz[] = {12500, 25000, 50000, 100000, 200000, 400000, 800000, 1600000};

static uint8_t rate_code(uint32_t rate_mhz)
{
    uint8_t code = 0;
    while (code < sizeof rates_mhz / sizeof *rates_mhz - 1 && rates_mhz[code] < rate_mhz)
        code++;
    return (uint8_t)(code + SLOWEST_CODE);
}

static int32_t identity(uint8_t address)
{
    uint8_t told;
    return get_registers(address, CHIP_ID, &told, 1) ? told : -1;
}

static int32_t is_ready(uint8_t address)
{
    uint8_t status;
    return get_registers(address, INTERNAL_STATUS, &status, 1) && (status & 15) == INIT_OK;
}

/* The address counts in words: its lowest four bits and the rest in a register each. */
static int32_t load_chunk(uint8_t address, int32_t at)
{
    const int32_t left = bmi270_config_bytes - at, n = left < CHUNK ? left : CHUNK;
    const uint8_t where[3] = {INIT_ADDR_0, (uint8_t)(at / 2 & 15), (uint8_t)(at / 2 >> 4)};
    uint8_t out[1 + CHUNK] = {INIT_DATA};
    __builtin_memcpy(out + 1, bmi270_config + at, (uint32_t)n);
    return board_i2c(address, where, 3, 0, 0) && board_i2c(address, out, 1 + n, 0, 0);
}

/* Out of power up and reset the part measures nothing before it is given its program, whose check sum it tells after
   20 ms at most. A part that has it keeps it: only the loss of power or a reset takes it away. */
static int32_t load(uint8_t address)
{
    if (is_ready(address))
        return 1;
    if (!put_register(address, CMD, SOFT_RESET))
        return 0;
    board_wait_us(RESET_US);
    if (!put_register(address, PWR_CONF, 0))
        return 0;
    board_wait_us(AWAKE_US);
    if (!put_register(address, INIT_CTRL, 0))
        return 0;
    for (int32_t at = 0; at < bmi270_config_bytes; at += CHUNK)
        if (!load_chunk(address, at))
            return 0;
    if (!put_register(address, INIT_CTRL, 1))
        return 0;
    for (int32_t i = 0; i < LOOKS && !is_ready(address); i++)
        board_wait_us(LOOK_US);
    return is_ready(address);
}

static int32_t set_up(uint8_t address, uint8_t code, uint8_t on)
{
    const uint8_t into_fifo = on & GYR_ON ? BOTH_IN_FIFO : ACC_IN_FIFO;
    return put_register(address, PWR_CTRL, 0) && put_register(address, ACC_CONF, ACC_PRECISE | code) &&
           put_register(address, ACC_RANGE, RANGE_8_G) && put_register(address, GYR_CONF, GYR_PRECISE | code) &&
           put_register(address, GYR_RANGE, RANGE_2000_DPS) && put_register(address, FIFO_DOWNS, FILTERED) &&
           put_register(address, FIFO_CONFIG_0, 0) && put_register(address, FIFO_CONFIG_1, into_fifo) &&
           put_register(address, CMD, FIFO_FLUSH) && put_register(address, PWR_CTRL, on);
}

static int32_t begin(uint8_t address, uint32_t rate_mhz, uint8_t on)
{
    if (identity(address) != IDENTITY || !load(address) || !put_register(address, PWR_CONF, 0))
        return 0;
    board_wait_us(AWAKE_US);
    return set_up(address, rate_code(rate_mhz), on);
}

static int32_t start(uint8_t address, uint32_t rate_mhz) { return begin(address, rate_mhz, ACC_ON); }

static int32_t start_motion(uint8_t address, uint32_t rate_mhz) { return begin(address, rate_mhz, ACC_ON | GYR_ON); }

/* A FIFO with no room for one more row has lost some, nobody knows how many; it is emptied, and these are lost too. */
static int32_t rows_waiting(uint8_t address, int32_t *overrun, int32_t row_bytes)
{
    uint8_t length[2];
    if (!get_registers(address, FIFO_LENGTH_0, length, 2))
        return 0;
    const int32_t bytes = length[0] | (length[1] & 0x3F) << 8;
    if (bytes + row_bytes > FIFO_BYTES) {
        *overrun = -1;
        put_register(address, CMD, FIFO_FLUSH);
        return 0;
    }
    return bytes / row_bytes;
}

static int32_t waiting(uint8_t address, int32_t *overrun) { return rows_waiting(address, overrun, 2 * AXES); }

static int32_t motion_waiting(uint8_t address, int32_t *overrun)
{
    return rows_waiting(address, overrun, 2 * MOTION_AXES);
}

static int32_t read_values(uint8_t address, int16_t *values, int32_t n)
{
    for (int32_t bytes = 2 * n; bytes > 0; bytes -= MOST_BYTES, values += MOST_BYTES / 2)
        if (!get_registers(address, FIFO_DATA, (uint8_t *)values, bytes < MOST_BYTES ? bytes : MOST_BYTES))
            return 0;
    return 1;
}

static int32_t read(uint8_t address, int16_t *rows, int32_t n) { return read_values(address, rows, n * AXES); }

/* A row of both begins with the gyroscope [unpack_accel_headerless_frame skips its length]. */
static int32_t read_motion(uint8_t address, int16_t *rows, int32_t n)
{
    if (!read_values(address, rows, n * MOTION_AXES))
        return 0;
    swap_halves(rows, n);
    return 1;
}

static void stop(uint8_t address)
{
    put_register(address, FIFO_CONFIG_1, 0);
    put_register(address, PWR_CTRL, 0);
}

/* g and degrees per second. */
static const float units[] = {0x1p-12f, 0x1p-12f, 0x1p-12f, 2000 * 0x1p-15f, 2000 * 0x1p-15f, 2000 * 0x1p-15f};

const struct driver bmi270 = {start, waiting, read, stop, identity, IDENTITY, AXES, 0};
const struct driver bmi270_motion = {start_motion, motion_waiting, read_motion, stop,
                                     identity,     IDENTITY,       MOTION_AXES, units};
