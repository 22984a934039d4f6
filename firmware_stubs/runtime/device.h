/* The firmware itself: answers the host, moves samples, runs the model. */
#pragma once
#include <stdint.h>

/* Runs until told to restart; 1 when the boot loader is wanted next. */
int32_t device_run(void);
