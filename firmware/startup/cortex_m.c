/*
 * Start-up of any Cortex-M (Armv7-M, Armv8-M mainline): vector table, memory, coprocessors, caches, faults.
 * Symbols with two leading underscores come from the generated linker script. Sections in brackets are those of the
 * Armv7-M Architecture Reference Manual (Arm DDI 0403).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sixfold/board.h"
#include "sixfold/fault.h"

extern uint32_t __stack_limit[], __stack_top[];
extern uint8_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[], __vectors[];
extern uint8_t __arena_start[], __arena_end[];

int main(void);
_Noreturn void Reset_Handler(void);
_Noreturn void sixfold_collect_fault(const uint32_t *frame, uint32_t exception);

/* System control block [B3.2]. */
#define VTOR (*(volatile uint32_t *)0xE000ED08U)
#define CCR (*(volatile uint32_t *)0xE000ED14U)
#define CFSR (*(const volatile uint32_t *)0xE000ED28U)
#define HFSR (*(const volatile uint32_t *)0xE000ED2CU)
#define MMFAR (*(const volatile uint32_t *)0xE000ED34U)
#define BFAR (*(const volatile uint32_t *)0xE000ED38U)
#define CLIDR (*(const volatile uint32_t *)0xE000ED78U)
#define CCSIDR (*(const volatile uint32_t *)0xE000ED80U)
#define CSSELR (*(volatile uint32_t *)0xE000ED84U)
#define CPACR (*(volatile uint32_t *)0xE000ED88U)
#define MPU_TYPE (*(const volatile uint32_t *)0xE000ED90U)
#define MPU_CTRL (*(volatile uint32_t *)0xE000ED94U)
#define MPU_RNR (*(volatile uint32_t *)0xE000ED98U)
#define MPU_RBAR (*(volatile uint32_t *)0xE000ED9CU)
#define MPU_RASR (*(volatile uint32_t *)0xE000EDA0U)
#define SFSR (*(const volatile uint32_t *)0xE000EDE4U) /* Armv8-M */
#define ICIALLU (*(volatile uint32_t *)0xE000EF50U)
#define DCISW (*(volatile uint32_t *)0xE000EF60U)

enum {
    CCR_DATA_CACHE = 1U << 16,
    CCR_INSTRUCTION_CACHE = 1U << 17,
    CCR_LOOP_CACHE = 1U << 19, /* Armv8.1-M: low-overhead-branch extension */
    CLIDR_LEVEL_1 = 7U,
    MPU_TYPE_REGIONS = 0xFF00U,
    MPU_CTRL_ENABLE = 1U << 0,
    MPU_CTRL_DEFAULT_MAP = 1U << 2,
    MPU_RASR_ENABLE = 1U << 0, /* and access permission 0: none */
    MPU_RASR_256_BYTES = 7U << 1,
    GUARD_BYTES = 256,
};

/* An overflow of the stack faults before it writes, whatever lies below. */
static void guard_stack(void)
{
#if __ARM_ARCH >= 8
    __asm__ volatile("msr msplim, %0" ::"r"(__stack_limit));
#else
    if ((MPU_TYPE & MPU_TYPE_REGIONS) == 0U) {
        return; /* then only because the stack lies at the bottom of its memory */
    }
    MPU_RNR = 0;
    MPU_RBAR = (uint32_t)__stack_limit - GUARD_BYTES;
    MPU_RASR = MPU_RASR_256_BYTES | MPU_RASR_ENABLE;
    MPU_CTRL = MPU_CTRL_DEFAULT_MAP | MPU_CTRL_ENABLE;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
}

typedef struct {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
} exception_frame;

/* Without it every low-overhead loop branches like an ordinary one; where it does not exist the bit reads as zero. */
static void enable_loop_cache(void)
{
#if defined(__ARM_FEATURE_MVE)
    CCR |= CCR_LOOP_CACHE;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
}

/* A Cortex-M7 or M55 has them or not, as its maker chose; their content is undefined until invalidated [B2.2.7]. */
static void enable_caches(void)
{
    if ((CLIDR & CLIDR_LEVEL_1) == 0U) {
        return;
    }
    ICIALLU = 0;
    CSSELR = 0; /* level 1, data */
    __asm__ volatile("dsb" ::: "memory");
    const uint32_t geometry = CCSIDR;
    const uint32_t line_shift = (geometry & 7U) + 4U;
    const uint32_t last_way = (geometry >> 3) & 0x3FFU;
    const uint32_t last_set = (geometry >> 13) & 0x7FFFU;
    const uint32_t way_shift = last_way == 0U ? 0U : (uint32_t)__builtin_clz(last_way);
    for (uint32_t set = 0; set <= last_set; ++set) {
        for (uint32_t way = 0; way <= last_way; ++way) {
            DCISW = (way << way_shift) | (set << line_shift);
        }
    }
    __asm__ volatile("dsb" ::: "memory");
    CCR |= CCR_DATA_CACHE | CCR_INSTRUCTION_CACHE;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

void Reset_Handler(void)
{
    VTOR = (uint32_t)__vectors; /* a boot ROM or debugger may have left its own */
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= 0xFU << 20; /* full access to CP10 and CP11: FPU and Helium */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    guard_stack();
    enable_loop_cache();
    enable_caches();
    memcpy(__data_start, __data_load, (size_t)(__data_end - __data_start));
    memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
    /* Not for the inference, which writes first: memory with error correction must be written before it is read. */
    memset(__arena_start, 0, (size_t)(__arena_end - __arena_start));
    sixfold_board_init();
    (void)main();
    for (;;) { /* an application that ends has nothing left to do */
        __asm__ volatile("wfi");
    }
}

/* frame: what the core stacked on exception entry, perhaps outside the stack; exception: its number. */
void sixfold_collect_fault(const uint32_t *frame, uint32_t exception)
{
    sixfold_fault fault = {
        .exception = exception,
        .sp = (uint32_t)frame,
        .cfsr = CFSR,
        .hfsr = HFSR,
        .mmfar = MMFAR,
        .bfar = BFAR,
    };
#if __ARM_ARCH >= 8
    fault.sfsr = SFSR;
#endif
    enum { STACKING_FAILED = (1U << 4) | (1U << 12) | (1U << 20) }; /* CFSR: MSTKERR, STKERR, STKOF */
    exception_frame saved;
    const uint32_t *end = frame + sizeof saved / sizeof *frame;
    if (frame >= __stack_limit && end <= __stack_top && (fault.cfsr & STACKING_FAILED) == 0U) {
        memcpy(&saved, frame, sizeof saved);
        fault.stacked = true;
        fault.sp = (uint32_t)end;
        fault.r0 = saved.r0;
        fault.r1 = saved.r1;
        fault.r2 = saved.r2;
        fault.r3 = saved.r3;
        fault.r12 = saved.r12;
        fault.lr = saved.lr;
        fault.pc = saved.pc;
        fault.xpsr = saved.xpsr;
    }
    sixfold_on_fault(&fault);
}

/*
 * Goes on below the frame, which holds the registers; with little room or none there, from the top of the stack again:
 * an overflow is a usual cause, and nothing returns from here.
 */
__attribute__((naked)) static void fault_handler(void)
{
    __asm__ volatile("mov r0, sp\n\t"
                     "mrs r1, ipsr\n\t"
                     "ldr r2, =__stack_limit + 512\n\t"
                     "ldr r3, =__stack_top\n\t"
                     "cmp r0, r2\n\t"
                     "blo 1f\n\t"
                     "cmp r0, r3\n\t"
                     "blo 2f\n"
                     "1:\tmov sp, r3\n"
                     "2:\tb sixfold_collect_fault");
}

typedef void (*handler)(void);

/* The sixteen system exceptions; no peripheral interrupt is ever enabled. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *initial_stack;
    handler handlers[15];
} vectors = {
    __stack_top,
    {
        Reset_Handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
        fault_handler, NULL, NULL, fault_handler, fault_handler, NULL, fault_handler, fault_handler,
    },
};
