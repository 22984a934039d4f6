#pragma once
#include "driver.h"

extern const struct driver pdm, pdm_analogue;
