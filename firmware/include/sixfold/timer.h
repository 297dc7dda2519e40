/* A board's clock: what latencies and time-outs are measured with. Started by sixfold_board_init(). */
#ifndef SIXFOLD_TIMER_H
#define SIXFOLD_TIMER_H

#include <stdint.h>

/* Ticks per second. */
uint32_t sixfold_timer_hz(void);

/*
 * Ticks since start-up; never goes back. Most counters have 32 bits and wrap after seconds to minutes; what is counted
 * further here stays right as long as this is called at least once per wrap.
 */
uint64_t sixfold_timer_ticks(void);

#endif
