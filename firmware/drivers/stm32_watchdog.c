/*
 * Independent watchdog of the STM32 (RM0090 section 21; RM0385 section 27 and RM0433 section 46: the same registers).
 * It runs from an oscillator of its own and resets the chip without a warning.
 */
#include "sixfold/watchdog.h"
#include "soc.h"

typedef struct {
    volatile uint32_t key, prescaler, reload;
    volatile const uint32_t status;
} stm32_watchdog;

enum {
    KEY_START = 0xCCCC,
    KEY_UNLOCK = 0x5555,
    KEY_FEED = 0xAAAA,
    PRESCALER_256 = 6,
    DIVIDER = 256,
    MILLISECONDS = 1000,
    /* The oscillator is meant to have 32 kHz. The fastest ones are counted with, so that none bites too early. */
    OSCILLATOR_HZ = 47000,
};

static stm32_watchdog *const WATCHDOG = (stm32_watchdog *)SOC_WATCHDOG;

uint32_t sixfold_watchdog_start(uint32_t milliseconds)
{
    WATCHDOG->key = KEY_START;
    WATCHDOG->key = KEY_UNLOCK;
    WATCHDOG->prescaler = PRESCALER_256;
    WATCHDOG->reload = milliseconds * (OSCILLATOR_HZ / MILLISECONDS) / DIVIDER;
    /* The settings cross to the other clock in a few of its periods; were it dead, nothing would be worse for it. */
    for (uint32_t tries = 0; WATCHDOG->status != 0U && tries < 1000000U; ++tries) {
    }
    sixfold_watchdog_feed();
    return milliseconds;
}

void sixfold_watchdog_feed(void)
{
    WATCHDOG->key = KEY_FEED;
}
