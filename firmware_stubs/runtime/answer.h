/* The model's side of the firmware. answer.c when there is a model, silent.c when there is none. */
#pragma once
#include <stdint.h>

/* Raw rows of the model's input stream, one after the other; `t_us` is the time of the first. */
void answer_take(const void *rows, int32_t n, uint64_t t_us);
/* The model's memory to zero: window, filters, counters. */
void answer_clear(void);
/* 1: send every stage of every inference as a RESULT. */
void answer_set_taps(int32_t on);
