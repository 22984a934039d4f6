/* The filter for PDM microphones of STM32L475, into a ring by DMA: clock on PE9, data on PE7, channel 2 [RM0351, 24].
   80 MHz / 40 = 2 MHz for the microphone, / 125 = 16 kHz. A filter of fourth order gives 125^4, of which five bits are cut
   off and the upper 16 of 24 are taken: full scale is 125^4 / 2^13 = 29802. */
#include "driver.h"
#include "registers.h"

enum { RATE_MHZ = 16000000, DIVIDED = 40, ORDER = 4, RATIO = 125, CUT_OFF = 5, INNER_CLOCK = 1 << 2, CHANNEL_ON = 1 << 7 };
enum { FILTER_ON = 1, START = 1 << 17, ON_AND_ON = 1 << 18, BY_DMA = 1 << 21, CHANNEL_2 = 2 << 24, FAST = 1 << 29 };
enum { RING_OF_16_BITS = 1 << 10 | 1 << 8 | 1 << 7 | 1 << 5 | 1 };

static int32_t items;

/* PE7 and PE9 to DFSDM1 (function 6). */
static void set_up(void)
{
    RCC_AHB2ENR |= 1u << 4;
    RCC_APB2ENR |= 1u << 24;
    GPIOE_AFRL = (GPIOE_AFRL & 0x0FFFFFFFu) | 0x60000000u;
    GPIOE_AFRH = (GPIOE_AFRH & 0xFFFFFF0Fu) | 0x00000060u;
    GPIOE_MODER = (GPIOE_MODER & ~0x000CC000u) | 0x00088000u;
    DFSDM1_Channel0_CHCFGR1 = 1u << 31 | (DIVIDED - 1u) << 16;
    DFSDM1_Channel2_CHCFGR2 = CUT_OFF << 3;
    DFSDM1_Channel2_CHCFGR1 = CHANNEL_ON | INNER_CLOCK;
    DFSDM1_Filter2_FLTCR1 = 0;
    DFSDM1_Filter2_FLTFCR = (uint32_t)ORDER << 29 | (RATIO - 1u) << 16;
}

/* DMA1 channel 6 is filter 2's, as request 0 [11.3.2]. */
int32_t board_sound_start(uint32_t rate_mhz, int16_t *ring, int32_t n)
{
    if (rate_mhz != RATE_MHZ)
        return 0;
    set_up();
    items = n;
    DMA1_Channel6_CCR = 0;
    DMA1_CSELR &= ~0x00F00000u;
    DMA1_Channel6_CPAR = (uint32_t)(uintptr_t)&DFSDM1_Filter2_FLTRDATAR + 2;
    DMA1_Channel6_CMAR = (uint32_t)(uintptr_t)ring;
    DMA1_Channel6_CNDTR = (uint32_t)n;
    DMA1_Channel6_CCR = RING_OF_16_BITS;
    DFSDM1_Filter2_FLTCR1 = FAST | CHANNEL_2 | BY_DMA | ON_AND_ON | FILTER_ON;
    DFSDM1_Filter2_FLTCR1 |= START;
    return 1;
}

int32_t board_sound_at(void) { return (items - (int32_t)DMA1_Channel6_CNDTR) % items; }

void board_sound_stop(void)
{
    DFSDM1_Filter2_FLTCR1 = 0;
    DMA1_Channel6_CCR = 0;
    DFSDM1_Channel2_CHCFGR1 = 0;
    DFSDM1_Channel0_CHCFGR1 = 0;
}
