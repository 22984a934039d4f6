/* What a compiler calls when there is no C library. Weak: a C library's own win. */
#include <stddef.h>
#include <stdint.h>

/* Without no_builtin the compiler turns each loop into a call of the function it stands in. */
#define PLAIN __attribute__((weak, visibility("hidden"), no_builtin("memset", "memcpy", "memmove")))

void *memset(void *to, int value, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);

PLAIN void *memset(void *to, int value, size_t n)
{
    unsigned char *t = to;
    while (n--)
        *t++ = (unsigned char)value;
    return to;
}

PLAIN void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    while (n--)
        *t++ = *f++;
    return to;
}

PLAIN void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    if ((uintptr_t)t < (uintptr_t)f)
        while (n--)
            *t++ = *f++;
    else
        while (n--)
            t[n] = f[n];
    return to;
}

#ifdef _WIN32
/* What a DLL without the C run-time library must bring along. */
int _fltused = 0;
int DllMainCRTStartup(void *instance, unsigned long reason, void *reserved);
int _DllMainCRTStartup(void *instance, unsigned long reason, void *reserved);

int DllMainCRTStartup(void *instance, unsigned long reason, void *reserved)
{
    (void)instance, (void)reason, (void)reserved;
    return 1;
}

int _DllMainCRTStartup(void *instance, unsigned long reason, void *reserved)
{
    return DllMainCRTStartup(instance, reason, reserved);
}
#endif
