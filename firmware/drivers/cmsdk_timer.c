/* CMSDK APB timer (Cortex-M System Design Kit, Arm DDI 0479, section 4.3): 32 bits, counts down. */
#include "cmsdk_timer.h"

#include "sixfold/timer.h"
#include "soc.h"

typedef struct {
    volatile uint32_t control;
    volatile uint32_t value;
    volatile uint32_t reload;
    volatile uint32_t interrupt; /* bit 0: has passed zero; write 1 to clear */
} cmsdk_timer;

enum { CONTROL_ENABLE = 1U << 0, CONTROL_INTERRUPT_ENABLE = 1U << 3, INTERRUPT_RAISED = 1U << 0 };

static cmsdk_timer *const TIMER = (cmsdk_timer *)SOC_CMSDK_TIMER;
static const uint32_t TOP = 0xFFFFFFFFU;

static uint64_t wrapped_ticks; /* a multiple of 2^32 */

void cmsdk_timer_init(void)
{
    TIMER->control = 0;
    TIMER->reload = TOP;
    TIMER->value = TOP;
    TIMER->interrupt = INTERRUPT_RAISED;
    /* The interrupt stays masked in the NVIC; enabling it here records that the counter has wrapped. */
    TIMER->control = CONTROL_ENABLE | CONTROL_INTERRUPT_ENABLE;
}

uint32_t sixfold_timer_hz(void)
{
    return SOC_CMSDK_HZ;
}

uint64_t sixfold_timer_ticks(void)
{
    uint32_t value = TIMER->value;
    if ((TIMER->interrupt & INTERRUPT_RAISED) != 0U) {
        TIMER->interrupt = INTERRUPT_RAISED;
        wrapped_ticks += UINT64_C(1) << 32;
        value = TIMER->value; /* the first may have been read before the wrap */
    }
    return wrapped_ticks + (TOP - value);
}
