/* A board's watchdog: resets the board when the program hangs. */
#ifndef SIXFOLD_WATCHDOG_H
#define SIXFOLD_WATCHDOG_H

#include <stdint.h>

/*
 * Starts it; most can never be stopped again. Returns the time in milliseconds after which it bites, at least what was
 * asked for, or 0 where the board has none.
 *
 * milliseconds: at most 8000, which all of them reach.
 */
uint32_t sixfold_watchdog_start(uint32_t milliseconds);

/* The program is alive. */
void sixfold_watchdog_feed(void);

#endif
