/* Frames that wait for the link, sent in the order they came.
   When the link is too slow, sample frames make way for newer ones, oldest first, and are counted;
   control frames (replies, results) are never dropped for samples: who makes them waits. */
#pragma once
#include "wire.h"

void queue_samples(const struct wire_header *header, const void *rows, int32_t bytes);
void queue_control(const struct wire_header *header, const void *payload, int32_t bytes);

/* Hand the link what it takes; 1 while frames wait. */
int32_t queue_pump(void);

/* 1 when a control frame of any size fits at once: only then is it wise to take a command. */
int32_t queue_takes_control(void);

/* Rows of a stream dropped since queue_forget, which also forgets the sample frames that wait. */
uint32_t queue_dropped(int32_t stream);
void queue_forget(void);

/* Send everything, or give up after a tenth of a second: the last words before a restart. */
void queue_flush(void);
