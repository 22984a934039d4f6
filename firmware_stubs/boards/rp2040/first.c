/* The first 256 bytes of the flash: the ROM checks their CRC, copies them to RAM and runs them [RP2040 datasheet, 2.8.1.3].
   They set the flash interface to the plain 03h read that every flash knows, then go where the vectors behind them say.
   The same six registers as pico-sdk's src/rp2040/boot_stage2/boot2_generic_03h.S. In assembly:

       ldr r3, =0x18000000            XIP_SSI
       movs r1, #0    str r1, [r3, #0x08]     SSIENR: off
       movs r1, #4    str r1, [r3, #0x14]     BAUDR: 125 MHz / 4
       ldr r1, =0x001F0300   str r1, [r3]     CTRLR0: frames of 32 bits, send command and address, then receive
       ldr r0, =0x180000F4
       ldr r1, =0x03000218   str r1, [r0]     SPI_CTRLR0: command 03h of 8 bits, 24 bits of address
       movs r1, #0    str r1, [r3, #0x04]     CTRLR1: one frame
       movs r1, #1    str r1, [r3, #0x08]     SSIENR: on
       ldr r0, =0x10000100   ldr r1, =0xE000ED08   str r0, [r1]     VTOR
       ldr r1, [r0, #4]   ldr r0, [r0]   msr msp, r0   bx r1 */
#include <stdint.h>

__attribute__((section(".first"), used)) static const uint32_t first[64] = {
    0x21004B0A, 0x21046099, 0x49096159, 0x48096019, 0x60014909, 0x60592100, 0x60992101, 0x49084807, 0x68416008,
    0xF3806800, 0x47088808, 0x18000000, 0x001F0300, 0x180000F4, 0x03000218, 0x10000100, 0xE000ED08, [63] = 0xBF1146A9,
};
