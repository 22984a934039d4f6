/* What the sketches use of the Arduino core, written for the tests. */
#pragma once
#include <stdint.h>

struct Port {
    void begin(unsigned long baud);
    void print(int value);
    void print(char value);
    void println(void);
};
extern Port Serial;
extern "C" unsigned long micros(void);
void setup(void);
void loop(void);
