/*
 * Watchdog of the RP2350 (RP2350 Datasheet, sections 12.9 watchdog, 8.5 tick generators, 7.4 what a reset reaches). It
 * counts microseconds made from the 12 MHz of the crystal.
 */
#include "sixfold/watchdog.h"

#define AT(address) (*(volatile uint32_t *)(address))

#define RESET_SELECT AT(0x40018008U)
#define CONTROL AT(0x400D8000U)
#define LOAD AT(0x400D8004U)
#define TICK_CONTROL AT(0x40108030U)
#define TICK_CYCLES AT(0x40108034U)

enum {
    CONTROL_ENABLE = 1U << 30,
    CONTROL_PAUSE_FOR_DEBUGGERS = 7U << 24,
    TICK_ENABLE = 1U << 0,
    CYCLES_PER_MICROSECOND = 12,
    MICROSECONDS_PER_MILLISECOND = 1000,
    /* All but the two oscillators, which the clocks that run after the reset are made from. */
    RESET_ALL_BUT_OSCILLATORS = 0x01FFFFFF & ~((1U << 2) | (1U << 3)),
};

static uint32_t load;

uint32_t sixfold_watchdog_start(uint32_t milliseconds)
{
    load = milliseconds * MICROSECONDS_PER_MILLISECOND; /* 24 bits: at most 16.7 s */
    TICK_CYCLES = CYCLES_PER_MICROSECOND;
    TICK_CONTROL = TICK_ENABLE;
    CONTROL = 0;
    RESET_SELECT = RESET_ALL_BUT_OSCILLATORS;
    LOAD = load;
    CONTROL = CONTROL_PAUSE_FOR_DEBUGGERS | CONTROL_ENABLE;
    return milliseconds;
}

void sixfold_watchdog_feed(void)
{
    LOAD = load;
}
