#pragma once
#include "driver.h"

extern const struct driver lsm9ds1, lsm9ds1_motion;
