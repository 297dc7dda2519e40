/*
 * CMSDK APB watchdog (Cortex-M System Design Kit, Arm DDI 0479, section 4.5). The first time-out raises the
 * non-maskable interrupt, in which the program can still say where it hangs; the second one resets the board.
 */
#include "soc.h"
#include "sixfold/watchdog.h"

typedef struct {
    volatile uint32_t load;
    volatile uint32_t value;
    volatile uint32_t control;
    volatile uint32_t clear; /* any write: counts from `load` again */
} cmsdk_watchdog;

enum { CONTROL_INTERRUPT_ENABLE = 1U << 0, CONTROL_RESET_ENABLE = 1U << 1, MILLISECONDS = 1000 };

static cmsdk_watchdog *const WATCHDOG = (cmsdk_watchdog *)SOC_CMSDK_WATCHDOG;
static volatile uint32_t *const LOCK = (volatile uint32_t *)(SOC_CMSDK_WATCHDOG + 0xC00U);
static const uint32_t UNLOCK = 0x1ACCE551U;

uint32_t sixfold_watchdog_start(uint32_t milliseconds)
{
    *LOCK = UNLOCK;
    WATCHDOG->load = (uint32_t)((uint64_t)milliseconds * SOC_CMSDK_WATCHDOG_HZ / MILLISECONDS);
    WATCHDOG->control = CONTROL_INTERRUPT_ENABLE | CONTROL_RESET_ENABLE;
    *LOCK = 0;
    return milliseconds;
}

void sixfold_watchdog_feed(void)
{
    *LOCK = UNLOCK;
    WATCHDOG->clear = 1;
    *LOCK = 0; /* a program gone astray must not stop it by chance */
}
