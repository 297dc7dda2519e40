/* For boards whose watchdog has no driver here. */
#include "sixfold/watchdog.h"

uint32_t sixfold_watchdog_start(uint32_t milliseconds)
{
    (void)milliseconds;
    return 0;
}

void sixfold_watchdog_feed(void)
{
}
