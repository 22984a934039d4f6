#include "board.h"
#include "registers.h"

enum { QEMU_HZ = 25000000, SYST_MOST = 0xFFFFFF };
#define BOOT_REQUEST REGISTER(&_stack_top) /* RAM above the stack, which no program clears */
#define BOOT_REQUEST_VALUE 0xB007B007u

extern uint32_t _bss_end, _stack_top;

static int32_t virtual_block(void) { return VB_ID == VB_ID_VALUE; }

/* Once after every start: QEMU's UART and its only clock. */
static void prepare(void)
{
    static int32_t prepared;
    if (prepared)
        return;
    prepared = 1;
    __asm volatile("cpsid i"); /* interrupts wake, nothing more */
    UART_DIVIDER = 16;
    UART_CONTROL = 0x0B; /* send, receive, interrupt on receive */
    NVIC_ENABLE = 1;
    if (!virtual_block()) {
        SYST_RELOAD = SYST_MOST;
        SYST_NOW = 0;
        SYST_CONTROL = 7;
    }
}

/* Counts SysTick's laps; board_idle wakes at each, so none is missed. */
static uint64_t qemu_cycles(void)
{
    static uint64_t cycles;
    static uint32_t last;
    const uint32_t now = SYST_MOST - SYST_NOW;
    cycles += (now - last) & SYST_MOST;
    last = now;
    return cycles;
}

int32_t board_write(const uint8_t *bytes, int32_t n)
{
    int32_t sent = 0;
    prepare();
    if (virtual_block()) {
        const int32_t room = (int32_t)VB_TX_BYTES;
        sent = n < room ? n : room;
        VB_TX_FROM = (uint32_t)(uintptr_t)bytes;
        VB_TX_BYTES = (uint32_t)sent;
        return sent;
    }
    for (; sent < n && !(UART_STATE & 1); sent++)
        UART_DATA = bytes[sent];
    return sent;
}

int32_t board_read(uint8_t *bytes, int32_t n)
{
    int32_t got = 0;
    prepare();
    if (virtual_block()) {
        VB_RX_TO = (uint32_t)(uintptr_t)bytes;
        VB_RX_BYTES = (uint32_t)n;
        return (int32_t)VB_RX_BYTES;
    }
    for (; got < n && UART_STATE & 2; got++)
        bytes[got] = (uint8_t)UART_DATA;
    return got;
}

uint64_t board_time_us(void)
{
    prepare();
    if (!virtual_block())
        return qemu_cycles() / (QEMU_HZ / 1000000);
    const uint32_t low = VB_TIME_LOW;
    return (uint64_t)VB_TIME_HIGH << 32 | low;
}

uint32_t board_ticks(void) { return virtual_block() ? VB_COUNT : (uint32_t)qemu_cycles(); }

int32_t board_stack_used(void)
{
    const uint32_t *at = &_bss_end;
    while (*at == 0x5AFE5AFEu)
        at++;
    return (int32_t)((const uint8_t *)&_stack_top - (const uint8_t *)at);
}

void board_sensor_start(int32_t index, int32_t row_bytes, uint32_t rate_mhz, int32_t watermark)
{
    VB_SENSOR_ROW_BYTES(index) = (uint32_t)row_bytes;
    VB_SENSOR_RATE(index) = rate_mhz;
    VB_SENSOR_WATERMARK(index) = (uint32_t)watermark;
    VB_SENSOR_ON(index) = 1;
}

void board_sensor_stop(int32_t index) { VB_SENSOR_ON(index) = 0; }

int32_t board_sensor_read(int32_t index, void *rows, int32_t n, struct sensor_batch *batch)
{
    VB_SENSOR_TO(index) = (uint32_t)(uintptr_t)rows;
    VB_SENSOR_ROWS(index) = (uint32_t)n;
    const int32_t moved = (int32_t)VB_SENSOR_ROWS(index);
    if (moved > 0 && virtual_block()) {
        const uint64_t now = board_time_us();
        batch->t_us = now - ((uint32_t)now - VB_SENSOR_TIME(index));
        batch->overruns = VB_SENSOR_OVERRUNS(index);
        return moved;
    }
    return 0;
}

/* Files are played: no part to ask. */
enum sensor_part board_sensor_part(int32_t index, int32_t *told, int32_t *expected)
{
    (void)index;
    *told = *expected = 0;
    return PART_NONE;
}

/* A byte that comes after the flags are cleared sets them again, so none is slept through. */
void board_idle(int32_t writing)
{
    if (writing && !virtual_block())
        return;
    __asm volatile("wfi" ::: "memory");
    UART_INTERRUPT = 2;
    NVIC_CLEAR = 1;
    SCB_ICSR = 1u << 25; /* SysTick */
    if (!virtual_block())
        qemu_cycles();
}

void board_restart(int32_t boot)
{
    if (boot)
        BOOT_REQUEST = BOOT_REQUEST_VALUE;
    SCB_AIRCR = 0x05FA0004u;
    for (;;) {
    }
}

int32_t board_asked_to_stay(void)
{
    const int32_t asked = BOOT_REQUEST == BOOT_REQUEST_VALUE;
    BOOT_REQUEST = 0;
    return asked;
}

void board_start_app(uint32_t offset)
{
    const uint32_t *vectors = (const uint32_t *)(offset + 256u);
    SCB_VTOR = offset + 256u;
    __asm volatile("msr msp, %0\n bx %1" ::"r"(vectors[0]), "r"(vectors[1]));
}

const uint8_t *board_flash(uint32_t offset) { return (const uint8_t *)(uintptr_t)offset; }

/* QEMU has RAM where the flash should be. */
void board_flash_erase(uint32_t offset)
{
    if (virtual_block()) {
        FLASH_KEY = FLASH_KEY_VALUE;
        FLASH_OFFSET = offset;
        FLASH_ERASE = 1;
        return;
    }
    for (uint32_t i = 0; i < PAGE_BYTES; i += 4)
        REGISTER(offset + i) = ~0u;
}

void board_flash_write(uint32_t offset, const uint8_t *bytes, int32_t n)
{
    if (virtual_block()) {
        FLASH_KEY = FLASH_KEY_VALUE;
        FLASH_OFFSET = offset;
        FLASH_FROM = (uint32_t)(uintptr_t)bytes;
        FLASH_WRITE = (uint32_t)n;
        return;
    }
    for (int32_t i = 0; i < n; i += 4) {
        uint32_t word;
        __builtin_memcpy(&word, bytes + i, 4);
        REGISTER(offset + (uint32_t)i) &= word;
    }
}
