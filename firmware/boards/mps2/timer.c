/* CMSDK APB timer 0 of the MPS2 images AN385, AN386 and AN500 (Cortex-M System Design Kit, section 4.3): 25 MHz. */
#include "sixfold/timer.h"

typedef struct {
    volatile uint32_t control;
    volatile uint32_t value; /* counts down */
    volatile uint32_t reload;
    volatile uint32_t interrupt; /* bit 0: has passed zero; write 1 to clear */
} cmsdk_timer;

enum { CONTROL_ENABLE = 1U << 0, CONTROL_INTERRUPT_ENABLE = 1U << 3, INTERRUPT_RAISED = 1U << 0 };

static cmsdk_timer *const TIMER = (cmsdk_timer *)0x40000000U;
static const uint32_t TOP = 0xFFFFFFFFU;

uint32_t sixfold_timer_hz(void)
{
    return 25000000U;
}

void sixfold_timer_start(void)
{
    TIMER->control = 0;
    TIMER->reload = TOP;
    TIMER->value = TOP;
    TIMER->interrupt = INTERRUPT_RAISED;
    /* The interrupt stays masked in the NVIC; enabling it here records that the counter has wrapped. */
    TIMER->control = CONTROL_ENABLE | CONTROL_INTERRUPT_ENABLE;
}

uint32_t sixfold_timer_ticks(void)
{
    return TOP - TIMER->value;
}

bool sixfold_timer_overflowed(void)
{
    return (TIMER->interrupt & INTERRUPT_RAISED) != 0U;
}
