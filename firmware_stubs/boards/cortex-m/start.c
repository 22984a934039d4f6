#include "chip.h"
#include "core.h"
#include "note.h"

extern uint32_t _data_source, _data, _data_end, _bss, _bss_end, _stack_top;
int main(void);

void Reset_Handler(void);

/* Every word of free RAM is painted, so that board_stack_used can see how far the stack came. */
__attribute__((noreturn, used)) void Reset_Handler(void)
{
    __asm volatile("cpsid i");
#if defined(__ARM_FP)
    SCB_CPACR |= 0xFu << 20; /* before the first float */
    __asm volatile("dsb\n isb");
#endif
    const uint32_t *from = &_data_source;
    for (uint32_t *to = &_data; to < &_data_end;)
        *to++ = *from++;
    for (uint32_t *to = &_bss; to < &_bss_end;)
        *to++ = 0;
    for (uint32_t *to = &_bss_end, *end = (uint32_t *)__builtin_frame_address(0) - 16; to < end;)
        *to++ = PAINT;
    chip_start();
    main();
    for (;;) {
    }
}

/* What cannot go on starts anew, in the boot loader: a broken app must not lock itself in. */
static void fault(void)
{
    chip_set_note(NOTE_STAY);
    chip_reset();
    for (;;) {
    }
}

typedef void (*vector)(void);

/* Interrupts stay masked, so only faults have a vector. */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)&_stack_top, Reset_Handler, fault, fault, fault, fault, fault,
};
