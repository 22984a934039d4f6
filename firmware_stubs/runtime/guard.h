/* The rate that the model was trained for is a contract: measured here, and kept or answers are withheld. */
#pragma once
#include <stdint.h>

/* Begin anew: nothing is known of the rate. */
void guard_clear(void);
/* Sample number `index` since the start was measured at `t_us`. */
void guard_take(uint32_t index, uint64_t t_us);
/* 1 while the rate last measured is off by more than GUARD_PERMILLE. */
int32_t guard_fault(void);
/* Thousandths of a sample per second; 0 while unknown. */
uint32_t guard_rate_mhz(void);
