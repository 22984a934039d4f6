/* The link on UART0 (GPIO 0 and 1) by DMA [RP2040 datasheet, 2.5, 4.2]. */
#include "chip.h"
#include "parts.h"
#include "registers.h"

#ifndef USB_LINK

/* The DMA keeps the upper bits of the address, so the ring lies on a multiple of its size. */
__attribute__((section(".ring"), aligned(LINK_RING))) uint8_t chip_ring[LINK_RING];

static void listen(void)
{
    DMA_CH0_READ_ADDR = (uint32_t)(uintptr_t)&UART0_UARTDR;
    DMA_CH0_WRITE_ADDR = (uint32_t)(uintptr_t)chip_ring;
    DMA_CH0_TRANS_COUNT = MOST_ROUNDS; /* whole rounds, for hours; then anew */
    DMA_CH0_CTRL_TRIG = UART0_RX | ONLY_0 | RING_4096 | TO_MEMORY | DMA_ON;
}

/* Function 2 of pins 0 and 1. */
void chip_link_start(void)
{
    const uint32_t divider = (CLOCK_HZ * 4u + BAUD / 2) / BAUD; /* in 64ths of 16 clocks [4.2.3.2] */
    const uint32_t pulled_up = 0x5A;
    PADS_BANK0_GPIO0 = pulled_up;
    PADS_BANK0_GPIO1 = pulled_up;
    IO_BANK0_GPIO0_CTRL = 2;
    IO_BANK0_GPIO1_CTRL = 2;
    DMA_CH0_CTRL_TRIG = 0;
    DMA_CH1_CTRL_TRIG = 0;
    UART0_UARTCR = 0;
    UART0_UARTIBRD = divider >> 6;
    UART0_UARTFBRD = divider & 63;
    UART0_UARTLCR_H = 0x70; /* 8 bits, with FIFOs */
    UART0_UARTDMACR = 3;
    UART0_UARTCR = 1u << 9 | 1u << 8 | 1u;
    listen();
}

uint32_t chip_received(void)
{
    const uint32_t at = (DMA_CH0_WRITE_ADDR - (uint32_t)(uintptr_t)chip_ring) % LINK_RING;
    if (!(DMA_CH0_CTRL_TRIG & BUSY))
        listen();
    return at;
}

int32_t chip_can_send(void)
{
    return !(DMA_CH1_CTRL_TRIG & BUSY);
}

void chip_send(const uint8_t *bytes, int32_t n)
{
    DMA_CH1_READ_ADDR = (uint32_t)(uintptr_t)bytes;
    DMA_CH1_WRITE_ADDR = (uint32_t)(uintptr_t)&UART0_UARTDR;
    DMA_CH1_TRANS_COUNT = (uint32_t)n;
    DMA_CH1_CTRL_TRIG = UART0_TX | ONLY_1 | FROM_MEMORY | DMA_ON;
}

void chip_sent(void)
{
    while (!chip_can_send() || UART0_UARTFR & 1u << 3) {
    }
}

#endif
