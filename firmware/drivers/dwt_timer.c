/*
 * Cycle counter of the data watchpoint and trace unit (Armv7-M Architecture Reference Manual, Arm DDI 0403, C1.8;
 * Armv8-M, Arm DDI 0553, D1.2.64): 32 bits at the core's clock. Emulators have none.
 */
#include "dwt_timer.h"

#include "sixfold/board.h"
#include "sixfold/timer.h"

#define DEMCR (*(volatile uint32_t *)0xE000EDFCU)
#define DWT_CTRL (*(volatile uint32_t *)0xE0001000U)
#define DWT_CYCCNT (*(volatile uint32_t *)0xE0001004U)

enum { DEMCR_TRACE_ENABLE = 1U << 24, DWT_CYCLE_COUNTER_ENABLE = 1U << 0 };

static uint64_t counted; /* ticks up to the last call */

void dwt_timer_init(void)
{
    DEMCR |= DEMCR_TRACE_ENABLE;
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CYCLE_COUNTER_ENABLE;
}

uint32_t sixfold_timer_hz(void)
{
    return sixfold_board_clock_hz();
}

uint64_t sixfold_timer_ticks(void)
{
    counted += DWT_CYCCNT - (uint32_t)counted; /* modulo 2^32 */
    return counted;
}
