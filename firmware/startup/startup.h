/* What the start-up code calls; each application brings its own. */
#ifndef SIXFOLD_STARTUP_H
#define SIXFOLD_STARTUP_H

#include <stdint.h>

int main(void);

/* main has returned. */
_Noreturn void sixfold_exit(int32_t code);

/*
 * A fault, or an interrupt that nobody enabled. Runs on a fresh stack, because an overflow of the old one is a usual
 * cause; nothing returns from here.
 * frame: the eight words that the core stacked on entry (enum frame_word); perhaps outside the stack.
 * exception: its number (Armv7-M architecture reference manual, B1.5.2).
 */
_Noreturn void sixfold_report_fault(const uint32_t *frame, uint32_t exception);

enum frame_word { FRAME_R0, FRAME_R1, FRAME_R2, FRAME_R3, FRAME_R12, FRAME_LR, FRAME_PC, FRAME_XPSR, FRAME_WORDS };

#endif
