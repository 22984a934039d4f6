/* A chip that exists as a program: the peripherals of studio/firmware/boardside/peripherals.py at 0x40030000.
   Everywhere else (QEMU's mps2-an386) the block reads 0, and there is only ARM's own UART and SysTick. */
#pragma once
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define VB_ID REGISTER(0x40030000u) /* VB_ID_VALUE, or 0 */
#define VB_ID_VALUE 0x32424F56u
#define VB_TIME_LOW REGISTER(0x40030008u) /* us since power up; reading it holds VB_TIME_HIGH */
#define VB_TIME_HIGH REGISTER(0x4003000Cu)
#define VB_COUNT REGISTER(0x40030010u) /* instructions */
#define VB_TX_FROM REGISTER(0x40030020u)
#define VB_TX_BYTES REGISTER(0x40030024u) /* write: send so many; read: how many can be sent now */
#define VB_RX_TO REGISTER(0x40030028u)
#define VB_RX_BYTES REGISTER(0x4003002Cu) /* write: take at most so many; read: how many were taken */

/* Sensor i: a FIFO behind a DMA channel. */
#define VB_SENSOR(i, at) REGISTER(0x40030100u + 0x20u * (uint32_t)(i) + (at))
#define VB_SENSOR_ON(i) VB_SENSOR(i, 0x00u)
#define VB_SENSOR_ROW_BYTES(i) VB_SENSOR(i, 0x04u)
#define VB_SENSOR_RATE(i) VB_SENSOR(i, 0x08u) /* thousandths of a row per second */
#define VB_SENSOR_WATERMARK(i) VB_SENSOR(i, 0x0Cu)
#define VB_SENSOR_TO(i) VB_SENSOR(i, 0x10u)
#define VB_SENSOR_ROWS(i) VB_SENSOR(i, 0x14u) /* write: move at most so many; read: how many were moved */
#define VB_SENSOR_OVERRUNS(i) VB_SENSOR(i, 0x18u) /* rows lost before the first row moved */
#define VB_SENSOR_TIME(i) VB_SENSOR(i, 0x1Cu) /* us, low word, of the first row moved */

/* The flash controller. The key opens it for one operation. */
#define FLASH_KEY REGISTER(0x40031004u)
#define FLASH_KEY_VALUE 0x45670123u
#define FLASH_OFFSET REGISTER(0x40031008u)
#define FLASH_FROM REGISTER(0x4003100Cu)
#define FLASH_WRITE REGISTER(0x40031010u) /* so many bytes from FLASH_FROM; bits go from 1 to 0 only */
#define FLASH_ERASE REGISTER(0x40031014u) /* 1: the page at FLASH_OFFSET */

/* ARM's CMSDK UART and core registers. */
#define UART_DATA REGISTER(0x40004000u)
#define UART_STATE REGISTER(0x40004004u) /* bit 0: cannot send, bit 1: a byte has come */
#define UART_CONTROL REGISTER(0x40004008u)
#define UART_INTERRUPT REGISTER(0x4000400Cu)
#define UART_DIVIDER REGISTER(0x40004010u)
#define SYST_CONTROL REGISTER(0xE000E010u)
#define SYST_RELOAD REGISTER(0xE000E014u)
#define SYST_NOW REGISTER(0xE000E018u)
#define NVIC_ENABLE REGISTER(0xE000E100u)
#define NVIC_CLEAR REGISTER(0xE000E280u)
#define SCB_ICSR REGISTER(0xE000ED04u)
#define SCB_VTOR REGISTER(0xE000ED08u)
#define SCB_AIRCR REGISTER(0xE000ED0Cu)
#define SCB_CPACR REGISTER(0xE000ED88u)
