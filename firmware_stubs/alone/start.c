/* Start-up, console and instruction counter of Cortex-M and RISC-V under QEMU. Sources: Arm "Semihosting for AArch32 and AArch64" (IHI 2023),
   "RISC-V Semihosting" 0.4; SysTick: Armv7-M ARM B3.3; CPACR: B3.2.20; rdinstret: RISC-V unprivileged spec, Zicntr. */
#include "start.h"

enum {
    SYS_OPEN = 1,
    SYS_WRITE = 5,
    SYS_EXIT = 24,
    WRITE_BINARY = 5,
    APPLICATION_EXIT = 0x20026,
    RUN_TIME_ERROR = 0x20023,
    LOOPS = 500000 /* of two instructions each: how many ticks an instruction takes */
};

extern uint8_t alone_stack_end[];
void alone_start(void);
void alone_begin(void);
uintptr_t alone_host(uintptr_t what, const void *block); /* a semihosting call */

static void end(uintptr_t reason)
{
    const uintptr_t block[2] = {reason, 0};
    alone_host(SYS_EXIT, sizeof(uintptr_t) == 4 ? (const void *)reason : (const void *)block);
    for (;;) {
    }
}

static void fault(void)
{
    end(RUN_TIME_ERROR);
}

#if defined(__arm__)
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)

__attribute__((used, section(".vectors"))) static const struct {
    const void *stack;
    void (*start)(void);
    void (*faults[14])(void);
} vectors = {alone_stack_end, alone_start, {fault, fault, fault, fault, fault}};

__attribute__((naked)) uintptr_t alone_host(uintptr_t what, const void *block)
{
    __asm__("bkpt #0xab\n"
            "bx lr\n");
}

void alone_start(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR = 0xF00000u; /* the FPU, and with it the vectors, are off at reset */
    __asm__ volatile("dsb\nisb");
#endif
    SYST_RVR = 0xFFFFFFu;
    SYST_CSR = 5u; /* on, from the core's clock, no interrupt */
    alone_begin();
}

/* SysTick counts down from 2^24, and tells when it ran out. */
void alone_restart(void)
{
    SYST_CVR = 0;
    (void)SYST_CSR;
}

uint32_t alone_ticks(void)
{
    const uint32_t now = SYST_CVR;
    return SYST_CSR & 0x10000u && now ? ALONE_TOO_MANY : (0u - now) & 0xFFFFFFu;
}

__attribute__((noinline)) static void loop(uint32_t n)
{
    __asm__ volatile(".syntax unified\n1: subs %0, #1\nbne 1b" : "+l"(n) : : "cc");
}
#else
static uint32_t began;

/* The three instructions must lie in one page. */
__attribute__((naked, aligned(16))) uintptr_t alone_host(uintptr_t what, const void *block)
{
    __asm__(".option push\n"
            ".option norvc\n"
            "slli x0, x0, 0x1f\n"
            "ebreak\n"
            "srai x0, x0, 7\n"
            ".option pop\n"
            "ret\n");
}

__attribute__((aligned(4))) static void trap(void)
{
    fault();
}

__attribute__((naked, section(".vectors"))) void alone_start(void)
{
    __asm__("la sp, alone_stack_end\n"
            "li t0, 0x6000\n" /* mstatus.FS: the FPU, where there is one */
            "csrs mstatus, t0\n"
            "la t0, %0\n"
            "csrw mtvec, t0\n"
            "j alone_begin\n"
            :
            : "i"(trap));
}

static uint32_t now(void)
{
    uintptr_t n;
    __asm__ volatile("csrr %0, minstret" : "=r"(n));
    return (uint32_t)n;
}

void alone_restart(void)
{
    began = now();
}

uint32_t alone_ticks(void)
{
    return now() - began;
}

__attribute__((noinline)) static void loop(uint32_t n)
{
    __asm__ volatile("1: addi %0, %0, -1\nbnez %0, 1b" : "+r"(n));
}
#endif

static uintptr_t console;

static void write(const void *data, uint32_t n_bytes)
{
    const uintptr_t block[3] = {console, (uintptr_t)data, n_bytes};
    alone_host(SYS_WRITE, block);
}

void alone_tell(int32_t number, const void *data, uint32_t n_bytes, uint32_t n_ticks)
{
    const uint32_t head[3] = {(uint32_t)number, n_bytes, n_ticks};
    write(head, sizeof head);
    if (n_bytes)
        write(data, n_bytes);
}

void alone_begin(void)
{
    const uintptr_t opened[3] = {(uintptr_t)":tt", WRITE_BINARY, 3};
    console = alone_host(SYS_OPEN, opened);
    alone_restart();
    loop(LOOPS);
    alone_tell(-1, 0, 0, alone_ticks());
    alone_main();
    end(APPLICATION_EXIT);
}
