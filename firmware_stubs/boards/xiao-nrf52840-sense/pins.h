/* Seeed XIAO nRF52840 Sense, from zephyr's boards/seeed/xiao_ble: pins D6 (TX) and D7 (RX); the IMU and its power. */
#pragma once

enum { PIN_TXD = 32 + 11, PIN_RXD = 32 + 12, PIN_SDA = 7, PIN_SCL = 27 };
#define PINS_POWER {32 + 8}
#define UARTE_BAUDRATE 0x0EBED000u /* 921600 */
