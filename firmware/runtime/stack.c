#include "stack.h"

extern uint32_t __stack_limit[], __stack_top[]; /* linker script */

static const uint32_t PAINT = 0x51F01D51U;

/*
 * Paints what lies below the stack pointer; returns where that was. In assembly, because a compiler may move a
 * function's prologue behind what it is told to do first, and the painted part must hold nothing of ours.
 */
static inline uint32_t *paint(void)
{
    uint32_t *top;
    uint32_t *word = __stack_limit;
    __asm__ volatile("mov %0, sp\n"
                     "1:\tcmp %1, %0\n\t"
                     "bhs 2f\n\t"
                     "str %2, [%1], #4\n\t"
                     "b 1b\n"
                     "2:"
                     : "=&r"(top), "+r"(word)
                     : "r"(PAINT)
                     : "cc", "memory");
    return top;
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
    const uint32_t *top = paint();
    const sixfold_status status = work();
    *used_bytes = (uint32_t)((uintptr_t)top - (uintptr_t)lowest_used(top));
    return status;
}

void sixfold_paint_stack(void)
{
    (void)paint();
}

uint32_t sixfold_stack_used(void)
{
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)lowest_used(__stack_top));
}

uint32_t sixfold_stack_size(void)
{
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)__stack_limit);
}
