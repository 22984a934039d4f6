/* From samples to scores: filter, gather a window, run the model. */
#pragma once

/* One sample in (MODEL_CHANNELS values in the stream's unit); 1 when `scores` has just been refreshed, else 0. */
int model_push(const float *sample, float *scores);

/* Forget all samples: the window and the filters. */
void model_push_clear(void);
