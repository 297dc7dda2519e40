/* How much stack is taken, found by painting. */
#ifndef SIXFOLD_STACK_H
#define SIXFOLD_STACK_H

#include <stdint.h>

#include "sixfold/status.h"

/*
 * Runs `work` once on a painted stack.
 * used_bytes: what `work` and everything it calls took, without the caller's own frames.
 * Returns what `work` returned. No interrupt may be enabled: its frames would be counted.
 */
sixfold_status sixfold_measure_stack(sixfold_status (*work)(void), uint32_t *used_bytes);

/* Paints what is not in use yet; to be called once, early. */
void sixfold_paint_stack(void);

/* The most that was ever in use since it was painted, in bytes, and how much there is. */
uint32_t sixfold_stack_used(void);
uint32_t sixfold_stack_size(void);

#endif
