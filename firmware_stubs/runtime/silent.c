#include "answer.h"

void answer_take(const void *rows, int32_t n, uint64_t t_us) { (void)rows, (void)n, (void)t_us; }

void answer_clear(void) {}

void answer_set_taps(int32_t on) { (void)on; }
