/*
 * Clocks of the STM32F4 and F7 (RM0090 sections 5 to 7, RM0390 sections 3, 5 and 6, RM0385 sections 3, 4 and 5), from
 * the internal 16 MHz oscillator: no board's crystal has to be known, and a serial port stands its 1 %.
 *
 * BOARD_CLOCK_HZ is reached as 16 MHz / 8 * N / 2, so that N is the clock in MHz.
 */
#include <stdbool.h>

#include "sixfold/board.h"
#include "soc.h"
#include "stm32.h"

_Static_assert(BOARD_CLOCK_HZ % 1000000 == 0 && BOARD_CLOCK_HZ >= 50000000 && BOARD_CLOCK_HZ <= SOC_MAXIMUM_HZ,
               "clock_hz: whole MHz, from 50 MHz to the highest of the family");

enum {
    RCC_CONTROL = SOC_RCC + 0x00,
    RCC_PLL = SOC_RCC + 0x04,
    RCC_CONFIGURATION = SOC_RCC + 0x08,
    PWR_CONTROL = 0x40007000,
    PWR_STATUS = 0x40007004,
    FLASH_ACCESS = 0x40023C00,
};

enum {
    INTERNAL_READY = 1U << 1,
    PLL_ON = 1U << 24,
    PLL_READY = 1U << 25,
    PLL_FIELDS = 0x0F437FFF, /* M, N, P, source and Q; others keep their reset value */
    SYSTEM_FROM_INTERNAL = 0,
    SYSTEM_FROM_PLL = 2,
    SYSTEM_SELECTED = 3U << 2,
    APB_FIELDS = 0xFC00,
    APB1_BY_4 = 5U << 10,
    APB2_BY_2 = 4U << 13,
    APB1_POWER = 1U << 28,
    OVERDRIVE = 1U << 16,
    OVERDRIVE_SWITCH = 1U << 17,
};

static const uint32_t INTERNAL_HZ = 16000000U;
/* A flash wait state per started 30 MHz at 2.7 to 3.6 V. */
static const uint32_t WAIT_STATES = (BOARD_CLOCK_HZ - 1U) / 30000000U;

static uint32_t core_hz;
static bool emulated;

/* Waits until the bits under `mask` are `value`; false if that takes far longer than any oscillator or regulator. */
static bool wait_for(uint32_t address, uint32_t mask, uint32_t value)
{
    for (uint32_t tries = 0; tries < 100000U; ++tries) {
        if ((*stm32_register(address) & mask) == value) {
            return true;
        }
    }
    return false;
}

static bool select(uint32_t source)
{
    volatile uint32_t *configuration = stm32_register(RCC_CONFIGURATION);
    *configuration = (*configuration & ~3U) | source;
    return wait_for(RCC_CONFIGURATION, SYSTEM_SELECTED, source << 2);
}

static bool start_overdrive(void)
{
    if (BOARD_CLOCK_HZ <= SOC_OVERDRIVE_ABOVE_HZ) {
        return true;
    }
    *stm32_register(PWR_CONTROL) |= OVERDRIVE;
    if (!wait_for(PWR_STATUS, OVERDRIVE, OVERDRIVE)) {
        return false;
    }
    *stm32_register(PWR_CONTROL) |= OVERDRIVE_SWITCH;
    return wait_for(PWR_STATUS, OVERDRIVE_SWITCH, OVERDRIVE_SWITCH);
}

/* Not from reset, where the PLL is off, but after a debugger has restarted the program. */
static bool stop_pll(void)
{
    if (!select(SYSTEM_FROM_INTERNAL)) {
        return false;
    }
    *stm32_register(RCC_CONTROL) &= ~(uint32_t)PLL_ON;
    return wait_for(RCC_CONTROL, PLL_READY, 0);
}

static bool start_pll(void)
{
    const uint32_t m = 8, n = BOARD_CLOCK_HZ / 1000000U, q = 9;
    volatile uint32_t *pll = stm32_register(RCC_PLL);
    *pll = (*pll & ~(uint32_t)PLL_FIELDS) | m | (n << 6) | (q << 24);
    *stm32_register(RCC_CONTROL) |= PLL_ON;
    return wait_for(RCC_CONTROL, PLL_READY, PLL_READY);
}

static bool raise_clock(void)
{
    stm32_enable(SOC_RCC_APB1_ENABLE, APB1_POWER);
    if (!stop_pll() || !start_pll() || !start_overdrive()) {
        return false;
    }
    *stm32_register(FLASH_ACCESS) = SOC_FLASH_ACCELERATOR | WAIT_STATES;
    if (!wait_for(FLASH_ACCESS, 15U, WAIT_STATES)) {
        return false;
    }
    volatile uint32_t *configuration = stm32_register(RCC_CONFIGURATION);
    *configuration = (*configuration & ~(uint32_t)APB_FIELDS) | APB1_BY_4 | APB2_BY_2;
    return select(SYSTEM_FROM_PLL);
}

void sixfold_board_init(void)
{
    /* On a chip the internal oscillator runs after reset. QEMU has no clock control: it reads as zero. */
    emulated = (*stm32_register(RCC_CONTROL) & INTERNAL_READY) == 0U;
    core_hz = emulated || raise_clock() ? BOARD_CLOCK_HZ : INTERNAL_HZ;
    stm32_timer_init();
}

uint32_t sixfold_board_clock_hz(void)
{
    return core_hz;
}

/* The divider that a prescaler field means: 0xx is 1, then 2, 4, 8, 16. */
static uint32_t apb_divider(uint32_t position)
{
    const uint32_t field = (*stm32_register(RCC_CONFIGURATION) >> position) & 7U;
    return field < 4U ? 1U : 1U << (field - 3U);
}

uint32_t stm32_apb1_hz(void)
{
    return core_hz / apb_divider(10);
}

uint32_t stm32_apb2_hz(void)
{
    return core_hz / apb_divider(13);
}

uint32_t stm32_timer_hz(void)
{
    if (emulated) {
        return 1000000000U; /* QEMU's model of the timers counts nanoseconds */
    }
    return apb_divider(10) == 1U ? core_hz : 2U * stm32_apb1_hz();
}
