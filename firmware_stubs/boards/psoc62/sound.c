/* The PDM filter of PSoC 62 with the left microphone on P10.4 and P10.5, into a ring by DMA [Infineon/mtb-pdl-cat1,
   cy_pdm_pcm.c: Cy_PDM_PCM_Init]. */
#include "dma.h"
#include "driver.h"
#include "gpio.h"

enum { ON = 31, RATE_MHZ = 16000000, GAIN_0_DB = 8, LEFT = 1, SIGNED = 1 << 8, REQUEST = 1 << 16 };

static struct descriptor listening;

/* The inner 8 MHz / 5 = 1.6 MHz for the microphone, / (2 * 50) = 16 kHz. */
static void set_up(void)
{
    SRSS_CLK_PATH_SELECT3 = 0;
    SRSS_CLK_ROOT_SELECT1 = 1u << ON | 3;
    set_pin(10, 4, DRIVE_STRONG, BY_PDM);
    set_pin(10, 5, DRIVE_INPUT, BY_PDM);
    PDM0_CTL = 0;
    PDM0_CLOCK_CTL = 50u << 16 | 4u << 8;
    PDM0_CTL = 1u << ON | 1u << 17 | (uint32_t)GAIN_0_DB << 8 | GAIN_0_DB;
    PDM0_MODE_CTL = 0xBu << 24 | 1u << 8 | LEFT; /* its filter against a constant on, the rest as out of reset */
    PDM0_DATA_CTL = SIGNED;
    PDM0_RX_FIFO_CTL = 1u << 16;
    PDM0_RX_FIFO_CTL = 0;
    PDM0_TR_CTL = REQUEST;
}

int32_t board_sound_start(uint32_t rate_mhz, int16_t *ring, int32_t n)
{
    if (rate_mhz != RATE_MHZ)
        return 0;
    DW1_CH_STRUCT26_CH_CTL = 0;
    set_up();
    into_ring(&listening, &PDM0_RX_FIFO_RD, ring, (uint32_t)n, HALFWORDS);
    PERI_TR_1TO1_GR4_TR_CTL2 = 1;
    DW1_CTL |= 1u << ON;
    DW1_CH_STRUCT26_CH_CURR_PTR = (uint32_t)(uintptr_t)&listening;
    DW1_CH_STRUCT26_CH_IDX = 0;
    DW1_CH_STRUCT26_CH_CTL = 1u << ON;
    PDM0_CMD = 1;
    return 1;
}

int32_t board_sound_at(void) { return (int32_t)ring_at(DW1_CH_STRUCT26_CH_IDX); }

void board_sound_stop(void)
{
    PDM0_CMD = 0;
    DW1_CH_STRUCT26_CH_CTL = 0;
    PDM0_CTL = 0;
}
