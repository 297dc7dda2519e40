/* A board's free-running timer. Each folder of firmware/boards implements it. */
#ifndef SIXFOLD_TIMER_H
#define SIXFOLD_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/* Ticks per second. */
uint32_t sixfold_timer_hz(void);

/* Restart from zero. */
void sixfold_timer_start(void);

/* Ticks since the last start; meaningless once overflowed. */
uint32_t sixfold_timer_ticks(void);

/* Whether the timer has wrapped since the last start. */
bool sixfold_timer_overflowed(void);

#endif
