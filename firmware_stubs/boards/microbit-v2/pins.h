/* BBC micro:bit v2, from zephyr's boards/bbc/microbit_v2: the interface chip's UART, the inner I2C bus; the
   microphone from lancaster-university/codal-microbit-v2, model/MicroBitIO.cpp: its power, and P0.05, the fourth input. */
#pragma once

enum { PIN_TXD = 6, PIN_RXD = 32 + 8, PIN_SDA = 16, PIN_SCL = 8 };
#define UARTE_BAUDRATE 0x01D60000u /* 115200 */
#define PIN_MICROPHONE_POWER 20
#define MICROPHONE_INPUT 4u
