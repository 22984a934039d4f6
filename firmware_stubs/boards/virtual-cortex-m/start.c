#include "registers.h"

extern uint32_t _data_source, _data, _data_end, _bss, _bss_end, _stack_top;
int main(void);

void Reset_Handler(void);

/* Every word of free RAM is painted, so that board_stack_used can see how far the stack came. */
__attribute__((noreturn, used)) void Reset_Handler(void)
{
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
        *to++ = 0x5AFE5AFEu;
    main();
    for (;;) {
    }
}

/* What cannot go on starts anew, in the boot loader: a broken app must not lock itself in. */
static void fault(void)
{
    REGISTER(&_stack_top) = 0xB007B007u;
    SCB_AIRCR = 0x05FA0004u;
    for (;;) {
    }
}

typedef void (*vector)(void);

/* Nothing is served by interrupt: they only end a WFI, with PRIMASK set. So only faults have a vector. */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)&_stack_top, Reset_Handler, fault, fault, fault, fault, fault,
};
