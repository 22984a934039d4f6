/* What the chip's ROM starts: the small core, from the flash's first words [Infineon/TARGET_CY8CKIT-062S2-AI 0222555,
   COMPONENT_CM0P/TOOLCHAIN_GCC_ARM]. It lets the big core go, from the vectors behind these 1024 bytes, and sleeps; what
   wakes it is the ROM's own interrupt, by which the ROM writes the flash (flash.c). Its stack is what the big core's
   program leaves alone at the top of RAM, below the 2 KiB that are the ROM's. In assembly, as v6-M:

       ldr r0, =0x40200200    CPUSS_CM4_VECTOR_TABLE_BASE, in steps of 1024 bytes
       ldr r1, =0x10000400    str r1, [r0]
       ldr r0, =0x40201200    CPUSS_CM4_PWR_CTL: the key and "enabled", as Cy_SysEnableCM4 writes them
       ldr r1, =0x05FA0003    str r1, [r0]
       1: wfi    b 1b */
#include <stdint.h>

enum { STACK = 0x080FF800, RESET = 0x10000041, ROM_CALL = 0x0000000D, SLEEP = 0x1000004D };

__attribute__((section(".first"), used)) static const uint32_t first[256] = {
    STACK,      RESET,      ROM_CALL,   SLEEP, [16] = 0x49044803, 0x48046001, 0x60014904, 0xE7FDBF30,
    0x40200200, 0x10000400, 0x40201200, 0x05FA0003,
};
