/* What is generated for alone.c: the windows that the model is to run. */
#pragma once
#include "model.h"

extern const uint32_t alone_windows[]; /* model_value one after the other, as words */
extern const int32_t alone_n_windows;
