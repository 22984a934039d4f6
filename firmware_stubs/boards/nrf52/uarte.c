/* The link on UARTE0 by EasyDMA. The pins are the board's. */
#include "chip.h"
#include "gpio.h"
#include "pins.h"
#include "registers.h"

#ifndef USB_LINK

enum { SHORT_ENDRX_STARTRX = 1 << 5, UARTE_ON = 8, COUNTER = 1, BITS_32 = 3 };

__attribute__((section(".ring"), aligned(8))) uint8_t chip_ring[LINK_RING];
static int32_t sending;

/* The buffer is a ring: the end of a round starts the next at the same place. How far it came is told by a counter
   that PPI steps with every byte, since AMOUNT is only right at the end of a round. */
void chip_link_start(void)
{
    TIMER1_MODE = COUNTER;
    TIMER1_BITMODE = BITS_32;
    TIMER1_TASKS_CLEAR = 1;
    TIMER1_TASKS_START = 1;
    PPI_CH_0_EEP = (uint32_t)(uintptr_t)&UARTE0_EVENTS_RXDRDY;
    PPI_CH_0_TEP = (uint32_t)(uintptr_t)&TIMER1_TASKS_COUNT;
    PPI_CHENSET = 1;
    pin_high(PIN_TXD, 0);
    *pin_setting(PIN_RXD) = PULL_UP;
    UARTE0_ENABLE = 0;
    UARTE0_PSEL_TXD = PIN_TXD;
    UARTE0_PSEL_RXD = PIN_RXD;
    UARTE0_BAUDRATE = UARTE_BAUDRATE;
    UARTE0_SHORTS = SHORT_ENDRX_STARTRX;
    UARTE0_RXD_PTR = (uint32_t)(uintptr_t)chip_ring;
    UARTE0_RXD_MAXCNT = LINK_RING;
    UARTE0_ENABLE = UARTE_ON;
    UARTE0_TASKS_STARTRX = 1;
    sending = 0;
}

uint32_t chip_received(void)
{
    TIMER1_TASKS_CAPTURE_0 = 1;
    return TIMER1_CC_0 % LINK_RING;
}

int32_t chip_can_send(void)
{
    if (sending && UARTE0_EVENTS_ENDTX)
        sending = 0;
    return !sending;
}

void chip_send(const uint8_t *bytes, int32_t n)
{
    sending = 1;
    UARTE0_EVENTS_ENDTX = 0;
    UARTE0_TXD_PTR = (uint32_t)(uintptr_t)bytes;
    UARTE0_TXD_MAXCNT = (uint32_t)n;
    UARTE0_TASKS_STARTTX = 1;
}

/* ENDTX comes when the last byte is out. */
void chip_sent(void)
{
    while (!chip_can_send()) {
    }
}

#endif
