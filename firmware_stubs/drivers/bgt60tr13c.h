#pragma once
#include "driver.h"

extern const struct driver bgt60tr13c;
