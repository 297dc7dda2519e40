/*
 * Start-up of any Cortex-M (Armv7-M, Armv8-M mainline): vector table, memory, coprocessors, fault report.
 * Symbols with two leading underscores come from the generated linker script.
 */
#include <stdint.h>
#include <string.h>

#include "semihosting.h"

extern uint32_t __stack_limit[], __stack_top[];
extern uint8_t __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

int main(void);
_Noreturn void Reset_Handler(void);
_Noreturn void sixfold_report_fault(const uint32_t *frame, uint32_t exception);

/* System control block (Armv7-M architecture reference manual, B3.2). */
#define CPACR (*(volatile uint32_t *)0xE000ED88U)
#define CFSR (*(const volatile uint32_t *)0xE000ED28U)
#define HFSR (*(const volatile uint32_t *)0xE000ED2CU)
#define BFAR (*(const volatile uint32_t *)0xE000ED38U)

enum { FAULT_EXIT_CODE = 70, FRAME_LR = 5, FRAME_PC = 6, FRAME_WORDS = 8 };

void Reset_Handler(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= 0xFU << 20; /* full access to CP10 and CP11: FPU and Helium */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    memcpy(__data_start, __data_load, (size_t)(__data_end - __data_start));
    memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
    semihosting_exit(main());
}

static void print_register(const char *name, uint32_t value)
{
    semihosting_print(name);
    semihosting_print_hex(value);
}

/* frame: what the core stacked on exception entry, perhaps outside the stack; exception: its number. */
void sixfold_report_fault(const uint32_t *frame, uint32_t exception)
{
    print_register("fault: exception ", exception);
    if (frame >= __stack_limit && frame + FRAME_WORDS <= __stack_top) {
        print_register(" pc ", frame[FRAME_PC]);
        print_register(" lr ", frame[FRAME_LR]);
    } else {
        print_register(" stack overflow, sp ", (uint32_t)frame);
    }
    print_register(" cfsr ", CFSR);
    print_register(" hfsr ", HFSR);
    print_register(" bfar ", BFAR);
    semihosting_print("\n");
    semihosting_exit(FAULT_EXIT_CODE);
}

/* Takes a fresh stack, because an overflow of the old one is a usual cause; nothing returns from here. */
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
