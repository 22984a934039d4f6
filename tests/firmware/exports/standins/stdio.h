/* For cores without a C library. */
#pragma once

__attribute__((format(printf, 1, 2))) int printf(const char *format, ...);
__attribute__((format(scanf, 1, 2))) int scanf(const char *format, ...);
