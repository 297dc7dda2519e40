/* What the start-up code knows when a core faults, and who is told. */
#ifndef SIXFOLD_FAULT_H
#define SIXFOLD_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* Registers as in the Armv7-M and Armv8-M architecture reference manuals. */
typedef struct {
    uint32_t exception; /* number: 2 NMI, 3 hard fault, ... */
    uint32_t sp;        /* before the exception, as far as it can be known */
    bool stacked;       /* whether the core could save the eight registers below; false after a stack overflow */
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
    uint32_t cfsr, hfsr, mmfar, bfar;
    uint32_t sfsr; /* Armv8-M only, else 0 */
} sixfold_fault;

/* The application's: reports and restarts or stops. It runs on a fresh stack: the old one may be what failed. */
_Noreturn void sixfold_on_fault(const sixfold_fault *fault);

/* One line of text, without a line break, piece by piece to `print`. */
void sixfold_print_fault(const sixfold_fault *fault, void (*print)(const char *text));

#endif
