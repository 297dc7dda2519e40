#include "stack.h"

extern uint32_t __stack_limit[], __stack_top[]; /* linker script */

static const uint32_t PAINT = 0x51F01D51U;

/* volatile: the compiler must not turn the loops into calls, whose frames would lie in the painted part. */
static inline void paint_below(const uint32_t *top)
{
    for (volatile uint32_t *word = __stack_limit; word < top; ++word) {
        *word = PAINT;
    }
}

/* The lowest word at or below `top` that was written to since. */
static inline const volatile uint32_t *lowest_used(const uint32_t *top)
{
    const volatile uint32_t *word = __stack_limit;
    while (word < top && *word == PAINT) {
        ++word;
    }
    return word;
}

__attribute__((noinline)) sixfold_status sixfold_measure_stack(sixfold_status (*work)(void), uint32_t *used_bytes)
{
    /* Constant in this function after its prologue: nothing of ours lies below it. */
    uint32_t *top;
    __asm__ volatile("mov %0, sp" : "=r"(top));
    paint_below(top);
    const sixfold_status status = work();
    *used_bytes = (uint32_t)((uintptr_t)top - (uintptr_t)lowest_used(top));
    return status;
}

__attribute__((noinline)) void sixfold_paint_stack(void)
{
    uint32_t *top;
    __asm__ volatile("mov %0, sp" : "=r"(top));
    paint_below(top);
}

uint32_t sixfold_stack_used(void)
{
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)lowest_used(__stack_top));
}

uint32_t sixfold_stack_size(void)
{
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)__stack_limit);
}
