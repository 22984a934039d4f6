/* PSoC 62 at 100 MHz: the big core, its link on SCB5 (P5.0, P5.1) by DMA. As Infineon's own library sets it up:
   Infineon/mtb-pdl-cat1 53804bf, names of its functions in brackets. */
#include "chip.h"
#include "dma.h"
#include "gpio.h"
#include "parts.h"

enum { FLL_REFERENCE = 2, FLL_OUTPUT = 3, FIFO_HALF = 64, ON = 31 };

__attribute__((section(".ring"), aligned(8))) uint8_t chip_ring[LINK_RING];
static struct descriptor receiving, sending;

/* It runs out of reset, and restarts the chip after a third of a second [Cy_WDT_Unlock, Cy_WDT_Disable]. */
static void stop_watchdog(void)
{
    SRSS_WDT_CTL = (SRSS_WDT_CTL & ~(3u << 30)) | 1u << 30;
    SRSS_WDT_CTL |= 1u << 31;
    SRSS_WDT_CTL &= ~1u;
}

/* The inner 8 MHz / 20 * 500 / 2 = 100 MHz, for which the flash wants three wait states; the small core gets half. The
   figures are those that Infineon's configurator gives this board and zephyr uses [Cy_SysClk_FllManualConfigure,
   Cy_SysClk_FllEnable, Cy_SysLib_SetWaitStates]. */
static void start_clock(void)
{
    const uint32_t multiply = 500 | 1u << 24, loop = 9 | 5u << 4 | 8u << 8;
    if (SRSS_CLK_FLL_CONFIG == (multiply | 1u << ON) && SRSS_CLK_FLL_CONFIG3 >> 28 == FLL_OUTPUT)
        return;
    FLASHC_FLASH_CTL = (FLASHC_FLASH_CTL & ~15u) | 3;
    CPUSS_CM0_CLOCK_CTL = 1u << 8;
    CPUSS_CM4_CLOCK_CTL = 0;
    SRSS_CLK_FLL_CONFIG3 = loop | (uint32_t)FLL_REFERENCE << 28;
    SRSS_CLK_FLL_CONFIG &= ~(1u << ON);
    SRSS_CLK_FLL_CONFIG4 &= ~(1u << ON);
    SRSS_CLK_PATH_SELECT0 = 0;
    SRSS_CLK_FLL_CONFIG = multiply;
    SRSS_CLK_FLL_CONFIG2 = 20 | 10u << 16;
    SRSS_CLK_FLL_CONFIG4 = (SRSS_CLK_FLL_CONFIG4 & ~(0x1FFu << 16 | 7u << 8)) | 355u << 16 | 4u << 8;
    SRSS_CLK_FLL_CONFIG4 |= 1u << ON;
    while (!(SRSS_CLK_FLL_STATUS & 1u << 2)) {
    }
    SRSS_CLK_FLL_CONFIG |= 1u << ON;
    while (!(SRSS_CLK_FLL_STATUS & 1)) {
    }
    SRSS_CLK_ROOT_SELECT0 = 1u << ON;
    SRSS_CLK_FLL_CONFIG3 = loop | (uint32_t)FLL_OUTPUT << 28;
}

/* A counter of 32 bits at 1 MHz. */
static void start_counter(void)
{
    divide(DIVIDER_COUNTER, CLOCK_HZ / 1000000, &PERI_CLOCK_CTL15);
    TCPWM0_CNT0_CTRL = 0;
    TCPWM0_CNT0_PERIOD = 0xFFFFFFFFu;
    TCPWM0_CTRL_SET = 1;
    TCPWM0_CMD_START = 1;
}

/* Ten clocks a bit. Bytes go to and come from the FIFO by the two channels that its requests are wired to. */
void chip_link_start(void)
{
    SCB5_CTRL = 0;
    DW0_CH_STRUCT26_CH_CTL = 0;
    DW0_CH_STRUCT27_CH_CTL = 0;
    divide(DIVIDER_UART, CLOCK_HZ / 10 / BAUD, &PERI_CLOCK_CTL5);
    set_pin(5, 0, DRIVE_PULL_UP, BY_UART); /* idles high when nothing drives it */
    set_pin(5, 1, DRIVE_STRONG, BY_UART);
    pin_level(5, 0, 1);
    SCB5_CTRL = 2u << 24 | 1u << 11 | 9;
    SCB5_UART_CTRL = 0;
    SCB5_UART_RX_CTRL = 10u << 16 | 1;
    SCB5_UART_TX_CTRL = 1;
    SCB5_RX_CTRL = 7;
    SCB5_TX_CTRL = 7;
    SCB5_RX_FIFO_CTRL = 0;
    SCB5_TX_FIFO_CTRL = FIFO_HALF;
    SCB5_CTRL |= 1u << ON;
    PERI_TR_1TO1_GR0_TR_CTL10 = 1;
    PERI_TR_1TO1_GR0_TR_CTL11 = 1;
    DW0_CTL |= 1u << ON;
    into_ring(&receiving, &SCB5_RX_FIFO_RD, chip_ring, LINK_RING, BYTES);
    DW0_CH_STRUCT27_CH_CURR_PTR = (uint32_t)(uintptr_t)&receiving;
    DW0_CH_STRUCT27_CH_IDX = 0;
    DW0_CH_STRUCT27_CH_CTL = 1u << ON;
}

void chip_start(void)
{
    stop_watchdog();
    start_clock();
    start_counter();
    chip_link_start();
    start_i2c();
    start_spi();
}

uint32_t chip_time_us(void) { return TCPWM0_CNT0_COUNTER; }

uint32_t chip_received(void) { return ring_at(DW0_CH_STRUCT27_CH_IDX); }

/* The channel goes off by itself with the last byte. */
int32_t chip_can_send(void) { return !(DW0_CH_STRUCT26_CH_CTL >> ON); }

void chip_send(const uint8_t *bytes, int32_t n)
{
    sending = (struct descriptor){
        .control = ONE_LOOP | TO_WORD | THEN_OFF | AGAIN_AFTER_4,
        .from = (uint32_t)(uintptr_t)bytes,
        .to = (uint32_t)(uintptr_t)&SCB5_TX_FIFO_WR,
        .x = (uint32_t)(n - 1) << 24 | 1,
    };
    DW0_CH_STRUCT26_CH_CURR_PTR = (uint32_t)(uintptr_t)&sending;
    DW0_CH_STRUCT26_CH_IDX = 0;
    DW0_CH_STRUCT26_CH_CTL = 1u << ON;
}

/* Until the FIFO and what comes after it are empty. */
void chip_sent(void)
{
    while (!chip_can_send() || SCB5_TX_FIFO_STATUS & (1u << 15 | 0x1FFu)) {
    }
}

/* A register that only the loss of power clears. */
uint32_t chip_note(void) { return BACKUP_BREG0; }

void chip_set_note(uint32_t note) { BACKUP_BREG0 = note; }

void chip_reset(void) { SCB_AIRCR = 0x05FA0004u; }
