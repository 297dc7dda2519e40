/* How much stack an inference takes, found by painting. */
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

#endif
