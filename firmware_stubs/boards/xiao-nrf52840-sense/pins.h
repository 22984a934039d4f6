/* Seeed XIAO nRF52840 Sense, from zephyr's boards/seeed/xiao_ble: pins D6 (TX) and D7 (RX); the IMU, the microphone
   and the power of both. */
#pragma once

enum { PIN_TXD = 32 + 11, PIN_RXD = 32 + 12, PIN_SDA = 7, PIN_SCL = 27 };
#define PINS_POWER {32 + 8, 32 + 10}
#define PIN_PDM_CLK (32 + 0)
#define PIN_PDM_DIN 16
#define PDM_GAIN 0x28u /* 0 dB; half a decibel each, 0 to 0x50 */
#define UARTE_BAUDRATE 0x0EBED000u /* 921600 */
