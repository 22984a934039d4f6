#pragma once
#include "driver.h"

extern const struct driver bmi270, bmi270_motion;

/* What the part wants to be given before it measures. It is Bosch's and does not ship with the studio: see bmi270.toml. */
extern const uint8_t bmi270_config[];
extern const int32_t bmi270_config_bytes;
