/* SPI at 12.5 MHz on SCB6 (P12.0 to P12.3), mode 0, bytes [Infineon/mtb-pdl-cat1, cy_scb_spi.c: Cy_SCB_SPI_Init]. One part
   is there, number 1, with a reset line on P11.1 [Infineon/TARGET_CY8CKIT-062S2-AI, config/design.modus]. */
#include "chip.h"
#include "driver.h"
#include "gpio.h"
#include "parts.h"

enum { ON = 31, FIFO_HALF = 64, RADAR = 1, PATIENCE_US = 20000, PULSE_US = 1000 };

void start_spi(void)
{
    divide(DIVIDER_SPI, 2, &PERI_CLOCK_CTL6);
    pin_level(12, 3, 1);
    pin_level(11, 1, 1);
    set_pin(12, 0, DRIVE_STRONG, BY_SPI);
    set_pin(12, 1, DRIVE_INPUT, BY_SPI);
    set_pin(12, 2, DRIVE_STRONG, BY_SPI);
    set_pin(12, 3, DRIVE_STRONG, BY_SOFTWARE);
    set_pin(11, 1, DRIVE_STRONG, BY_SOFTWARE);
    SCB6_CTRL = 1u << 24 | 1u << 11 | 3;
    SCB6_SPI_CTRL = 1u << ON | 1u << 4 | 1; /* master; the answer is taken half a clock late, as Infineon's HAL does */
    SCB6_RX_CTRL = 1u << 8 | 7;
    SCB6_TX_CTRL = 1u << 8 | 7;
    SCB6_RX_FIFO_CTRL = 0;
    SCB6_TX_FIFO_CTRL = 0;
    SCB6_CTRL |= 1u << ON;
}

/* Never more bytes under way than a FIFO holds. */
static int32_t exchange(const uint8_t *out, int32_t n_out, uint8_t *in, int32_t skipped, int32_t n)
{
    const uint32_t since = chip_time_us();
    for (int32_t sent = 0, got = 0; got < n;) {
        while (sent < n && sent - got < FIFO_HALF) {
            SCB6_TX_FIFO_WR = sent < n_out ? out[sent] : 0;
            sent++;
        }
        if (SCB6_RX_FIFO_STATUS & 0x1FF) {
            const uint8_t byte = (uint8_t)SCB6_RX_FIFO_RD;
            if (got >= skipped)
                in[got - skipped] = byte;
            got++;
        } else if (chip_time_us() - since > PATIENCE_US)
            return 0;
    }
    return 1;
}

int32_t board_spi(uint8_t part, const uint8_t *out, int32_t n_out, uint8_t *in, int32_t n_in)
{
    if (part != RADAR)
        return 0;
    pin_level(12, 3, 0);
    const int32_t done = exchange(out, n_out, in, n_out, n_out + n_in);
    pin_level(12, 3, 1);
    return done;
}

int32_t board_spi_reset(uint8_t part)
{
    if (part != RADAR)
        return 0;
    pin_level(11, 1, 1);
    board_wait_us(PULSE_US);
    pin_level(11, 1, 0);
    board_wait_us(PULSE_US);
    pin_level(11, 1, 1);
    board_wait_us(PULSE_US);
    return 1;
}
