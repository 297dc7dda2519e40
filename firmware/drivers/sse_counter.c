/* System counter of an SSE-300 (Arm SSE-300 Technical Reference Manual): 64 bits, at the core's clock. */
#include "sse_counter.h"

#include "sixfold/timer.h"
#include "soc.h"

enum { CONTROL_ENABLE = 1U << 0 };

static volatile uint32_t *const CONTROL = (volatile uint32_t *)SOC_SSE_COUNTER_CONTROL;
static const volatile uint32_t *const VALUE = (const volatile uint32_t *)SOC_SSE_COUNTER_STATUS; /* low, high */

void sse_counter_init(void)
{
    *CONTROL |= CONTROL_ENABLE;
}

uint32_t sixfold_timer_hz(void)
{
    return SOC_CLOCK_HZ;
}

uint64_t sixfold_timer_ticks(void)
{
    uint32_t high = VALUE[1];
    uint32_t low = VALUE[0];
    const uint32_t again = VALUE[1];
    if (again != high) { /* the low word wrapped in between: it is small now */
        high = again;
        low = VALUE[0];
    }
    return ((uint64_t)high << 32) | low;
}
