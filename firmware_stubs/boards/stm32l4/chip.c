/* STM32L475 at 80 MHz: link on USART1 (PB6, PB7) by DMA, I2C2 on PB10 and PB11. Sections of RM0351 in brackets. */
#include "chip.h"
#include "driver.h"
#include "registers.h"

enum { PCLK_MHZ = CLOCK_HZ / 1000000, I2C_PATIENCE_US = 20000 };

extern uint32_t _stack_top;

__attribute__((section(".ring"), aligned(8))) uint8_t chip_ring[LINK_RING];

/* HSI16 is trimmed to 1 % in the factory and needs no crystal: 16 MHz * 10 / 2 = 80 MHz [6.4.4], for which the flash
   wants four wait states [3.3.3]. Out of reset the chip runs from MSI; an app finds the PLL running. */
static void start_clock(void)
{
    if ((RCC_CFGR >> 2 & 3) == 3)
        return;
    FLASH_ACR = 4 | 1u << 8 | 1u << 9 | 1u << 10; /* prefetch and both caches */
    RCC_CR |= 1u << 8;
    while (!(RCC_CR & 1u << 10)) {
    }
    RCC_PLLCFGR = 2 | 10u << 8 | 1u << 24;
    RCC_CR |= 1u << 24;
    while (!(RCC_CR & 1u << 25)) {
    }
    RCC_CFGR = 3;
    while ((RCC_CFGR >> 2 & 3) != 3) {
    }
}

/* PB6 and PB7 to USART1 (function 7), PB10 and PB11 to I2C2 (function 4), open drain with pull-up. */
static void start_pins(void)
{
    RCC_AHB2ENR |= 1u << 1;
    GPIOB_AFRL = (GPIOB_AFRL & 0x00FFFFFFu) | 0x77000000u;
    GPIOB_AFRH = (GPIOB_AFRH & 0xFFFF00FFu) | 0x00004400u;
    GPIOB_OTYPER |= 3u << 10;
    GPIOB_PUPDR = (GPIOB_PUPDR & ~0x00F0F000u) | 0x00504000u; /* RX idles high when nothing drives it */
    GPIOB_MODER = (GPIOB_MODER & ~0x00F0F000u) | 0x00A0A000u;
}

static void start_counter(void)
{
    RCC_APB1ENR1 |= 1u;
    TIM2_PSC = PCLK_MHZ - 1;
    TIM2_ARR = 0xFFFFFFFFu;
    TIM2_EGR = 1; /* takes the prescaler over */
    TIM2_CR1 = 1;
}

/* DMA1 channel 4 sends, channel 5 receives without end; both are request 2 [11.3.2]. An overrun is no reason to stop. */
static void start_link(void)
{
    RCC_APB2ENR |= 1u << 14;
    RCC_AHB1ENR |= 1u;
    DMA1_Channel4_CCR = 0;
    DMA1_Channel5_CCR = 0;
    USART1_CR1 = 0;
    DMA1_CSELR = (DMA1_CSELR & ~0x000FF000u) | 0x00022000u;
    DMA1_Channel4_CNDTR = 0;
    DMA1_Channel4_CPAR = (uint32_t)(uintptr_t)&USART1_TDR;
    DMA1_Channel5_CPAR = (uint32_t)(uintptr_t)&USART1_RDR;
    DMA1_Channel5_CMAR = (uint32_t)(uintptr_t)chip_ring;
    DMA1_Channel5_CNDTR = LINK_RING;
    DMA1_Channel5_CCR = 1u << 7 | 1u << 5 | 1u;
    USART1_BRR = (CLOCK_HZ + BAUD / 2) / BAUD;
    USART1_CR3 = 1u << 12 | 1u << 7 | 1u << 6;
    USART1_CR1 = 1u << 3 | 1u << 2 | 1u;
}

/* 400 kHz in steps of 25 ns: 60 low, 34 high, 16 of set-up, 2 of hold [37.4.9]. */
static void start_i2c(void)
{
    RCC_APB1ENR1 |= 1u << 22;
    I2C2_CR1 = 0;
    I2C2_TIMINGR = 1u << 28 | 15u << 20 | 2u << 16 | 33u << 8 | 59u;
    I2C2_CR1 = 1;
}

void chip_start(void)
{
    start_clock();
    start_pins();
    start_counter();
    start_link();
    start_i2c();
}

uint32_t chip_time_us(void) { return TIM2_CNT; }

uint32_t chip_received(void) { return (LINK_RING - DMA1_Channel5_CNDTR) % LINK_RING; }

int32_t chip_can_send(void) { return DMA1_Channel4_CNDTR == 0; }

void chip_send(const uint8_t *bytes, int32_t n)
{
    DMA1_Channel4_CCR = 0;
    DMA1_Channel4_CMAR = (uint32_t)(uintptr_t)bytes;
    DMA1_Channel4_CNDTR = (uint32_t)n;
    USART1_ICR = 1u << 6; /* "complete" is what comes after this block */
    DMA1_Channel4_CCR = 1u << 7 | 1u << 4 | 1u;
}

void chip_sent(void)
{
    while (!chip_can_send() || !(USART1_ISR & 1u << 6)) {
    }
}

/* A reset leaves SRAM1 alone, and no program clears the 16 bytes above the stack. */
uint32_t chip_note(void) { return REGISTER(&_stack_top); }

void chip_set_note(uint32_t note) { REGISTER(&_stack_top) = note; }

void chip_reset(void) { SCB_AIRCR = 0x05FA0004u; }

/* Until a flag of `mask` is up; 0 when the other end refuses or nothing happens. */
static int32_t i2c_wait(uint32_t mask)
{
    const uint32_t since = chip_time_us();
    while (chip_time_us() - since < I2C_PATIENCE_US) {
        const uint32_t state = I2C2_ISR;
        if (state & 1u << 4)
            return 0;
        if (state & mask)
            return 1;
    }
    return 0;
}

static int32_t i2c_out(uint8_t address, const uint8_t *out, int32_t n, int32_t last)
{
    I2C2_CR2 = (uint32_t)address << 1 | (uint32_t)n << 16 | 1u << 13 | (last ? 1u << 25 : 0);
    for (int32_t i = 0; i < n; i++) {
        if (!i2c_wait(1u << 1))
            return 0;
        I2C2_TXDR = out[i];
    }
    return i2c_wait(last ? 1u << 5 : 1u << 6);
}

static int32_t i2c_in(uint8_t address, uint8_t *in, int32_t n)
{
    I2C2_CR2 = (uint32_t)address << 1 | (uint32_t)n << 16 | 1u << 13 | 1u << 10 | 1u << 25;
    for (int32_t i = 0; i < n; i++) {
        if (!i2c_wait(1u << 2))
            return 0;
        in[i] = (uint8_t)I2C2_RXDR;
    }
    return i2c_wait(1u << 5);
}

int32_t board_i2c(uint8_t address, const uint8_t *out, int32_t n_out, uint8_t *in, int32_t n_in)
{
    const int32_t done = i2c_out(address, out, n_out, n_in == 0) && (n_in == 0 || i2c_in(address, in, n_in));
    I2C2_ICR = 1u << 5 | 1u << 4;
    if (!done) { /* off and on again lets the bus go [37.4.6] */
        I2C2_CR1 = 0;
        (void)I2C2_CR1;
        I2C2_CR1 = 1;
    }
    return done;
}
