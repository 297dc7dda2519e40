/* The end of a program that runs under semihosting: an exit code for the host, a fault in one line. */
#include "semihosting.h"
#include "startup.h"

extern uint32_t __stack_limit[], __stack_top[]; /* linker script */

/* System control block (Armv7-M architecture reference manual, B3.2). */
#define CFSR (*(const volatile uint32_t *)0xE000ED28U)
#define HFSR (*(const volatile uint32_t *)0xE000ED2CU)
#define BFAR (*(const volatile uint32_t *)0xE000ED38U)

enum { FAULT_EXIT_CODE = 70 };

void sixfold_exit(int32_t code)
{
    semihosting_exit(code);
}

static void print_register(const char *name, uint32_t value)
{
    semihosting_print(name);
    semihosting_print_hex(value);
}

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
