/*
 * Start-up of any Cortex-M (Armv7-M, Armv8-M mainline): vector table, memory, coprocessors, way into the fault report.
 * Symbols with two leading underscores come from the generated linker script.
 */
#include <stdint.h>
#include <string.h>

#include "startup.h"

extern uint32_t __stack_top[];
extern uint8_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

_Noreturn void Reset_Handler(void);

/* System control block (Armv7-M architecture reference manual, B3.2). */
#define CPACR (*(volatile uint32_t *)0xE000ED88U)

void Reset_Handler(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= 0xFU << 20; /* full access to CP10 and CP11: FPU and Helium */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    memcpy(__data_start, __data_load, (size_t)(__data_end - __data_start));
    memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
    sixfold_exit(main());
}

__attribute__((naked)) static void fault_handler(void)
{
    __asm__ volatile("mov r0, sp\n\t"
                     "mrs r1, ipsr\n\t"
                     "ldr r2, =__stack_top\n\t"
                     "mov sp, r2\n\t"
                     "b sixfold_report_fault");
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
        NULL, NULL, NULL, fault_handler, fault_handler, NULL, fault_handler, fault_handler,
    },
};
