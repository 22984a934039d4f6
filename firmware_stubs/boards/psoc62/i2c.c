/* I2C at 400 kHz on SCB0 (P0.2, P0.3), byte by byte [Infineon/mtb-pdl-cat1, cy_scb_i2c.c: Cy_SCB_I2C_MasterSendStart and
   its neighbours]. */
#include "chip.h"
#include "driver.h"
#include "gpio.h"
#include "parts.h"

enum { START = 1, START_ON_IDLE = 2, ACK = 4, NACK = 8, STOP = 16, CLEAR = 1 << 16, PATIENCE_US = 20000 };
enum { ON = 31, LOST = 1, REFUSED = 2, TAKEN = 4, STOPPED = 16, BROKEN = 256, ALL = 0x117 };

/* 10 MHz: 16 steps low, 9 high. */
void start_i2c(void)
{
    divide(DIVIDER_I2C, CLOCK_HZ / 10000000, &PERI_CLOCK_CTL0);
    pin_level(0, 2, 1);
    pin_level(0, 3, 1);
    set_pin(0, 2, DRIVE_OPEN_DRAIN, BY_I2C);
    set_pin(0, 3, DRIVE_OPEN_DRAIN, BY_I2C);
    SCB0_CTRL = 1u << 11;
    SCB0_I2C_CTRL = 1u << ON | 15u << 4 | 8;
    SCB0_RX_CTRL = 1u << 8 | 7;
    SCB0_TX_CTRL = 1u << 16 | 1u << 8 | 7;
    SCB0_RX_FIFO_CTRL = 0;
    SCB0_TX_FIFO_CTRL = 1;
    SCB0_CTRL |= 1u << ON;
}

/* Until one of `wanted` is up; 0 when the other end refuses or nothing happens. */
static int32_t comes(uint32_t wanted)
{
    const uint32_t since = chip_time_us();
    while (chip_time_us() - since < PATIENCE_US) {
        const uint32_t seen = SCB0_INTR_M;
        if (seen & (wanted | REFUSED | LOST | BROKEN)) {
            SCB0_INTR_M = seen;
            return (seen & wanted) && !(seen & (REFUSED | LOST | BROKEN));
        }
    }
    return 0;
}

static void empty_fifos(void)
{
    SCB0_TX_FIFO_CTRL = CLEAR | 1;
    SCB0_TX_FIFO_CTRL = 1;
    SCB0_RX_FIFO_CTRL = CLEAR;
    SCB0_RX_FIFO_CTRL = 0;
    SCB0_INTR_M = ALL;
}

static int32_t out_byte(uint32_t byte)
{
    SCB0_TX_FIFO_WR = byte;
    return comes(TAKEN);
}

static int32_t begin(uint8_t address)
{
    empty_fifos();
    SCB0_TX_FIFO_WR = (uint32_t)address << 1;
    SCB0_I2C_M_CMD = START_ON_IDLE;
    return comes(TAKEN);
}

static int32_t begin_again(uint8_t address)
{
    const uint32_t since = chip_time_us();
    SCB0_I2C_M_CMD = START;
    while (SCB0_I2C_M_CMD & START && chip_time_us() - since < PATIENCE_US) {
    }
    return out_byte((uint32_t)address << 1 | 1);
}

static int32_t end(void)
{
    SCB0_I2C_M_CMD = STOP | NACK;
    return comes(STOPPED);
}

static int32_t in_bytes(uint8_t *in, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const uint32_t since = chip_time_us();
        while (!(SCB0_RX_FIFO_STATUS & 0x1FF))
            if (chip_time_us() - since >= PATIENCE_US)
                return 0;
        in[i] = (uint8_t)SCB0_RX_FIFO_RD;
        if (i + 1 < n)
            SCB0_I2C_M_CMD = ACK;
    }
    return 1;
}

int32_t board_i2c(uint8_t address, const uint8_t *out, int32_t n_out, uint8_t *in, int32_t n_in)
{
    int32_t done = begin(address);
    for (int32_t i = 0; done && i < n_out; i++)
        done = out_byte(out[i]);
    if (done && n_in)
        done = begin_again(address) && in_bytes(in, n_in);
    const int32_t ended = end();
    if (!done || !ended) { /* off and on again lets the bus go [Cy_SCB_FwBlockReset] */
        SCB0_CTRL &= ~(1u << ON);
        SCB0_I2C_M_CMD = 0;
        SCB0_CTRL |= 1u << ON;
    }
    return done && ended;
}
