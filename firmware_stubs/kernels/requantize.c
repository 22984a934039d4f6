#include "requantize.h"

int8_t requantize(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero, int32_t low, int32_t high)
{
    const int32_t q = rescale(sum, multiplier, shift); /* compared before zero is added, which could overflow */
    return (int8_t)(q < low - zero ? low : q > high - zero ? high : q + zero);
}
