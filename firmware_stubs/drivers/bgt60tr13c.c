/* BGT60TR13C, a radar at 60 GHz: frames of eight chirps of 64 samples from one antenna, 20 times a second.
   Registers and fields: Infineon/sensor-xensiv-bgt60trxx 81afebe, xensiv_bgt60trxx_regs.h; Infineon's radar SDK,
   lib_avian, registers_BGT60TRxxC.h. The analogue settings are those that Infineon's configurator gives every use of this
   part; frequencies and times are worked out here. */
#include "bgt60tr13c.h"

enum { MAIN = 0x00, CHIP_ID = 0x02, FIFO_STATUS = 0x5F, FIFO = 0x60, WRITE = 1, BURST = 0xFF };
enum { FRAME_START = 1, SW_RESET = 2, FSM_RESET = 4, DIGITAL_ID = 3, RF_ID = 3, LOOKS = 100, LOOK_US = 100, RESET_US = 10000 };
enum { CHIRPS = 8, SAMPLES = 64, ROW = CHIRPS * SAMPLES, ROW_WORDS = ROW / 2, MIDDLE = 2048 };
enum { PIECE = 96, PIECE_SAMPLES = 64, FIFO_LOST = 0x80, FRAME_THERE = 0x20 };

#define SET(name, value) ((uint32_t)(name) << 24 | (value))

/* 80 MHz * 8 * (96 - 5166846 / 2^20) = 58.286 GHz at the start of a chirp, up by 2333 / 2^20 * 640 MHz every 12.5 ns for
   370 * 8 of these: 4.21 GHz. Samples come 2 million a second (80 MHz / 40), so 64 see 3.6 GHz: 4.2 cm a range point.
   A chirp every 0.2998 ms; 8 of these, the wake-up (0.998 ms) and the rest (229 * 2^11 * 8 * 12.5 ns = 46.9 ms) make
   50.09 ms a frame. */
static const uint32_t settings[] = {
    SET(0x00, 0x1E8270),                           /* MAIN: wake-up 39 * 2^8, slow clocks / 8 */
    SET(0x01, 40u << 14 | 0x210),                  /* ADC0: 80 MHz / 40 */
    SET(0x04, 0xE967FD),                           /* PACR1: supplies and charge pump of the PLL on, its lock forced */
    SET(0x05, 0x0805B4),                           /* PACR2: divider 20, fast way down */
    SET(0x06, 0x102000 | (ROW_WORDS - 1)),         /* SFCTL: asks for attention at a frame */
    SET(0x07, 0x010D00),                           /* SADC_CTRL: as the configurator's */
    SET(0x08, 0), SET(0x09, 0), SET(0x0A, 0),      /* CSP_I: everything off while idle */
    SET(0x0B, 0x000BE0),                           /* CSCI: all isolated, band gap on */
    SET(0x0C, 0), SET(0x0D, 0), SET(0x0E, 0),      /* CSP_D: everything off in deep sleep */
    SET(0x0F, 0x000B60),                           /* CSCDS: all isolated, band gap off */
    SET(0x10, 0x103C51),                           /* CS1_U_0: transmitter 1, VCO, dividers, receiver 1 */
    SET(0x11, 0x1FF41F),                           /* CS1_U_1: full power, ADC on, base band of channel 1 */
    SET(0x12, 0x000C63),                           /* CS1_U_2: high pass 3, lowest gain */
    SET(0x16, 0x000490), SET(0x1D, 0x000480),      /* CS1 is used, */
    SET(0x24, 0x000480), SET(0x2B, 0x000480),      /* CS2 to CS4 are not */
    SET(0x2C, 0x11BE0E),                           /* CCR0: goes on for ever */
    SET(0x2D, 11u << 19 | 229u << 11 | 0x40A),     /* CCR1: deep sleep after a frame, for 229 * 2^11 */
    SET(0x2E, (CHIRPS - 1u) << 12),                /* CCR2: chirps of a frame; no last frame */
    SET(0x2F, 0x787E1E),                           /* CCR3: amplifier and start of sampling */
    SET(0x30, 0xB12902),                           /* PLL1_0: start of the chirp, -5166846 */
    SET(0x31, 2333), SET(0x32, 370),               /* PLL1_1, PLL1_2: slope and length */
    SET(0x33, SAMPLES),                            /* PLL1_3 */
    SET(0x34, 0), SET(0x35, 0), SET(0x36, 0),      /* no way down that is sampled */
    SET(0x37, 0x2A0B10),                           /* PLL1_7: shape 1 is used, 65 * 2^5 behind a chirp */
    SET(0x3F, 0x000100), SET(0x47, 0x000100),      /* shapes 2 to 4 are not */
    SET(0x4F, 0x000100), SET(0x56, 0), SET(0x5B, 0),
};

static int32_t set(uint8_t part, uint32_t name, uint32_t value)
{
    const uint8_t out[4] = {(uint8_t)(name << 1 | WRITE), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    return board_spi(part, out, 4, 0, 0);
}

/* The answer comes while the question's last three bytes go out. */
static int32_t get(uint8_t part, uint32_t name, uint32_t *value)
{
    const uint8_t out[1] = {(uint8_t)(name << 1)};
    uint8_t in[3];
    if (!board_spi(part, out, 1, in, 3))
        return 0;
    *value = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
    return 1;
}

/* 3 for this part; -1 for a bus on which nobody drives the line. */
static int32_t identity(uint8_t part)
{
    uint32_t id;
    if (!get(part, CHIP_ID, &id) || id == 0 || id == 0xFFFFFF)
        return -1;
    return (id >> 8) == DIGITAL_ID ? (int32_t)(id & 0xFF) : (int32_t)(id >> 8 & 0xFF);
}

static int32_t reset(uint8_t part, uint32_t what)
{
    uint32_t now;
    if (!get(part, MAIN, &now) || !set(part, MAIN, now | what))
        return 0;
    for (int32_t i = 0; i < LOOKS; i++) {
        if (get(part, MAIN, &now) && !(now & what))
            return 1;
        board_wait_us(LOOK_US);
    }
    return 0;
}

static int32_t go(uint8_t part)
{
    uint32_t now;
    return get(part, MAIN, &now) && set(part, MAIN, now | FRAME_START);
}

static int32_t start(uint8_t part, uint32_t rate_mhz)
{
    (void)rate_mhz; /* one there is */
    if (!board_spi_reset(part) || identity(part) != RF_ID || !reset(part, SW_RESET))
        return 0;
    board_wait_us(RESET_US);
    for (uint32_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!set(part, settings[i] >> 24, settings[i] & 0xFFFFFF))
            return 0;
    uint32_t taken;
    return get(part, 0x30, &taken) && taken == 0xB12902 && go(part);
}

/* A frame at a time: when as much waits as SFCTL was told. A FIFO that ran over has lost nobody knows how much, and where a frame begins: it is
   emptied and begins anew. */
static int32_t waiting(uint8_t part, int32_t *overrun)
{
    uint32_t status;
    if (!get(part, FIFO_STATUS, &status))
        return 0;
    if (status >> 16 & FIFO_LOST) {
        *overrun = -1;
        if (reset(part, FSM_RESET))
            go(part);
        return 0;
    }
    return (status >> 16 & FRAME_THERE) != 0;
}

/* Two samples of twelve bits in three bytes. */
static int16_t *unpack(const uint8_t *in, int16_t *to)
{
    for (int32_t i = 0; i < PIECE; i += 3) {
        *to++ = (int16_t)((in[i] << 4 | in[i + 1] >> 4) - MIDDLE);
        *to++ = (int16_t)(((in[i + 1] & 15) << 8 | in[i + 2]) - MIDDLE);
    }
    return to;
}

/* Piece by piece, each a burst of its own: a burst may end behind any two samples. */
static int32_t read(uint8_t part, int16_t *rows, int32_t n)
{
    static const uint8_t burst[4] = {BURST, FIFO << 1, 0, 0};
    uint8_t in[PIECE];
    for (int32_t left = n * ROW; left > 0; left -= PIECE_SAMPLES) {
        if (!board_spi(part, burst, 4, in, PIECE))
            return 0;
        rows = unpack(in, rows);
    }
    return 1;
}

static void stop(uint8_t part) { reset(part, FSM_RESET); }

const struct driver bgt60tr13c = {start, waiting, read, stop, identity, RF_ID, ROW, 0};
