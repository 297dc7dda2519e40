/*
 * Watchdog of the nRF52 (nRF52840 Product Specification v1.7, section 6.36). It starts the 32 kHz oscillator itself
 * that it needs, and stands still while a debugger has stopped the core.
 */
#include "sixfold/watchdog.h"

#define START (*(volatile uint32_t *)0x40010000U)
#define RELOAD_VALUE (*(volatile uint32_t *)0x40010504U)
#define RELOAD_ENABLE (*(volatile uint32_t *)0x40010508U)
#define CONFIGURATION (*(volatile uint32_t *)0x4001050CU)
#define RELOAD (*(volatile uint32_t *)0x40010600U)

enum { RUN_IN_SLEEP = 1U << 0, FIRST_CHANNEL = 1U << 0, HZ = 32768, MILLISECONDS = 1000 };

static const uint32_t RELOAD_KEY = 0x6E524635U;

uint32_t sixfold_watchdog_start(uint32_t milliseconds)
{
    CONFIGURATION = RUN_IN_SLEEP;
    RELOAD_VALUE = milliseconds * HZ / MILLISECONDS;
    RELOAD_ENABLE = FIRST_CHANNEL;
    START = 1;
    return milliseconds;
}

void sixfold_watchdog_feed(void)
{
    RELOAD = RELOAD_KEY;
}
