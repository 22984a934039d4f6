/* Seeed XIAO nRF52840 Sense, from zephyr's boards/seeed/xiao_ble: the IMU, the microphone
   and the power of both. */
#pragma once

enum { PIN_SDA = 7, PIN_SCL = 27 };
#define PINS_POWER {32 + 8, 32 + 10}
#define PIN_PDM_CLK (32 + 0)
#define PIN_PDM_DIN 16
#define PDM_GAIN 0x28u /* 0 dB; half a decibel each, 0 to 0x50 */
#define MAKER_LOADER 0x57u /* in GPREGRET; Adafruit_nRF52_Bootloader, src/main.c: DFU_MAGIC_UF2_RESET */
