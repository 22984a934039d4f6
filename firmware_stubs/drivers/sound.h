#pragma once
#include "driver.h"

extern const struct driver sound;
