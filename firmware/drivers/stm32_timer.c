/*
 * TIM2, a 32-bit timer on APB1 in every STM32F4, F7 and H7 (RM0390 section 17, RM0385 section 23, RM0433 section 39).
 * Used in place of the cycle counter because an emulator has it too.
 */
#include "sixfold/timer.h"
#include "soc.h"
#include "stm32.h"

typedef struct {
    volatile uint32_t control_1, control_2, slave, interrupts, status, events, compare_mode[2], compare_enable;
    volatile uint32_t count, prescaler, reload;
} stm32_timer;

enum { CONTROL_ENABLE = 1U << 0, EVENT_UPDATE = 1U << 0, RCC_APB1_TIM2 = 1U << 0, DIVIDER = 8 };

static stm32_timer *const TIMER = (stm32_timer *)0x40000000U;

static uint64_t counted; /* ticks up to the last call */

void stm32_timer_init(void)
{
    stm32_enable(SOC_RCC_APB1_ENABLE, RCC_APB1_TIM2);
    TIMER->prescaler = DIVIDER - 1;
    TIMER->reload = 0xFFFFFFFFU;
    TIMER->events = EVENT_UPDATE; /* takes the prescaler over */
    TIMER->count = 0;
    TIMER->control_1 = CONTROL_ENABLE;
}

uint32_t sixfold_timer_hz(void)
{
    return stm32_timer_hz() / DIVIDER;
}

uint64_t sixfold_timer_ticks(void)
{
    counted += TIMER->count - (uint32_t)counted; /* modulo 2^32 */
    return counted;
}
