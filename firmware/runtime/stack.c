#include "stack.h"

extern uint32_t __stack_limit[]; /* linker script */

static const uint32_t PAINT = 0x51F01D51U;

__attribute__((noinline)) sixfold_status sixfold_measure_stack(sixfold_status (*work)(void), uint32_t *used_bytes)
{
    /* Constant in this function after its prologue: nothing of ours lies below it. */
    uint32_t *top;
    __asm__ volatile("mov %0, sp" : "=r"(top));
    /* volatile: the compiler must not turn the loops into calls, whose frames would lie in the painted part. */
    for (volatile uint32_t *word = __stack_limit; word < top; ++word) {
        *word = PAINT;
    }
    const sixfold_status status = work();
    const volatile uint32_t *word = __stack_limit;
    while (word < top && *word == PAINT) {
        ++word;
    }
    *used_bytes = (uint32_t)((uintptr_t)top - (uintptr_t)word);
    return status;
}
