/* What the sample uses of Zephyr, written for the tests. */
#pragma once
#include <stdint.h>

int32_t k_usleep(int32_t us);
