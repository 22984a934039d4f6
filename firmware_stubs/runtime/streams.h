/* The sensors' samples on their way out: read in batches, gathered to frames, numbered from START. */
#pragma once
#include <stdint.h>

/* Begin the streams of the bit mask `ids` at index 0, end all others. */
void streams_start(uint32_t ids);
/* Send what has been measured so far, then end all. */
void streams_stop(void);
int32_t streams_running(void);

/* 1: injected samples feed the model instead of its sensor. */
void streams_set_source(int32_t inject);
int32_t streams_inject(void);

/* Move what waits in the sensors' FIFOs; 1 when anything did. */
int32_t streams_poll(void);

/* One row of the model's answer: `id` is past the sensors' ids. Nothing happens when that stream is not started. */
void streams_answer(int32_t id, uint32_t index, uint64_t t_us, const void *row, int32_t bytes);

/* Samples of a stream that this board lost since START: overruns of the sensor, frames dropped from the queue. */
uint32_t streams_lost(int32_t id);
