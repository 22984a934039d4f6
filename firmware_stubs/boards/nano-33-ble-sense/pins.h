/* Arduino Nano 33 BLE Sense, from zephyr's boards/arduino/nano_33_ble: the inner I2C bus,
   whose sensors have their supply on P0.22 and their pull-ups on P1.00; the microphone
   with its supply on P0.17. */
#pragma once

enum { PIN_SDA = 14, PIN_SCL = 15 };
#define PINS_POWER {22, 32 + 0, 17}
#define PIN_PDM_CLK 26
#define PIN_PDM_DIN 25
#define PDM_GAIN 0x28u /* 0 dB; half a decibel each, 0 to 0x50 */
#define MAKER_LOADER 0xB0u /* in GPREGRET; ArduinoCore-mbed, variants/ARDUINO_NANO33BLE/pins_arduino.h: DFU_MAGIC_SERIAL_ONLY_RESET */
