#pragma once
#include "driver.h"

extern const struct driver lsm6dsl, lsm6dsl_motion;
