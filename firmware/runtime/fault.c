#include "sixfold/fault.h"

#include <stddef.h>

static void print_register(void (*print)(const char *), const char *name, uint32_t value)
{
    char text[9];
    for (int32_t digit = 7; digit >= 0; --digit, value >>= 4) {
        text[digit] = "0123456789abcdef"[value & 0xFU];
    }
    text[8] = '\0';
    print(name);
    print(text);
}

void sixfold_print_fault(const sixfold_fault *fault, void (*print)(const char *text))
{
    print_register(print, "exception ", fault->exception);
    if (fault->stacked) {
        print_register(print, " pc ", fault->pc);
        print_register(print, " lr ", fault->lr);
        print_register(print, " sp ", fault->sp);
        print_register(print, " r0 ", fault->r0);
        print_register(print, " r1 ", fault->r1);
        print_register(print, " r2 ", fault->r2);
        print_register(print, " r3 ", fault->r3);
        print_register(print, " r12 ", fault->r12);
        print_register(print, " xpsr ", fault->xpsr);
    } else {
        print_register(print, " stack overflow, sp ", fault->sp);
    }
    print_register(print, " cfsr ", fault->cfsr);
    print_register(print, " hfsr ", fault->hfsr);
    print_register(print, " mmfar ", fault->mmfar);
    print_register(print, " bfar ", fault->bfar);
    print_register(print, " sfsr ", fault->sfsr);
}
