/*
 * Clocks of the RP2350 (RP2350 Datasheet, sections 7.5 resets, 8.1 clocks, 8.2 crystal oscillator, 8.6 PLL), from a
 * crystal of 12 MHz: BOARD_CLOCK_HZ is reached as 12 MHz * N / 5 / 2.
 *
 * The boot ROM has set up the flash interface and leaves it as it found it to work.
 */
#include "dwt_timer.h"
#include "sixfold/board.h"
#include "soc.h"

_Static_assert(BOARD_CLOCK_HZ % 1200000 == 0 && BOARD_CLOCK_HZ >= 75000000 && BOARD_CLOCK_HZ <= 150000000,
               "clock_hz: a multiple of 1.2 MHz, 75 to 150 MHz");

#define AT(address) (*(volatile uint32_t *)(address))
#define CLEARING(address) AT((address) + 0x3000U) /* writes to this alias clear bits (section 2.1.3) */

#define CLOCK_REFERENCE 0x40010030U
#define CLOCK_SYSTEM 0x4001003CU
#define CLOCK_PERIPHERAL 0x40010048U
#define CLOCK_SELECTED 8U /* offset: one bit per source */
#define RESETS 0x40020000U
#define RESETS_DONE 0x40020008U
#define CRYSTAL_CONTROL 0x40048000U
#define CRYSTAL_STATUS 0x40048004U
#define CRYSTAL_STARTUP 0x4004800CU
#define PLL_CONTROL 0x40050000U
#define PLL_POWER 0x40050004U
#define PLL_FEEDBACK 0x40050008U
#define PLL_POST_DIVIDERS 0x4005000CU

enum {
    RESET_PLL = 1U << 14,
    REFERENCE_FROM_CRYSTAL = 2,
    SYSTEM_FROM_REFERENCE = 0,
    SYSTEM_FROM_PLL = 1, /* the auxiliary source, which is the PLL unless said otherwise */
    PERIPHERAL_ENABLE = 1U << 11, /* from the system's clock unless said otherwise */
    CRYSTAL_1_TO_15_MHZ = 0xAA0,
    CRYSTAL_ENABLE = 0xFAB000,
    CRYSTAL_SETTLE = 6 * 47, /* 6 ms in units of 256 periods */
    POWER_DOWN_PLL = 1U << 0,
    POWER_DOWN_OSCILLATOR = 1U << 5,
    POWER_DOWN_DIVIDERS = 1U << 3,
    POST_DIVIDERS_5_AND_2 = (5U << 16) | (2U << 12),
};

static const uint32_t STABLE_OR_LOCKED = 1U << 31;
static const uint32_t CRYSTAL_HZ = 12000000U;

/*
 * What the boot ROM looks for in the first 4 KiB of flash (sections 5.1.5 and 5.9.5.1): an executable for Arm, secure,
 * for this chip, alone. The vector table lies at the beginning, so nothing has to say where.
 */
__attribute__((section(".boot_block"), used)) static const uint32_t image_definition[] = {
    0xFFFFDED3U, 0x10210142U, 0x000001FFU, 0, 0xAB123579U,
};

static uint32_t core_hz;

static bool wait_for(uint32_t address, uint32_t bits)
{
    for (uint32_t tries = 0; tries < 100000U; ++tries) {
        if ((AT(address) & bits) == bits) {
            return true;
        }
    }
    return false;
}

bool rp2350_start(uint32_t peripherals)
{
    CLEARING(RESETS) = peripherals;
    return wait_for(RESETS_DONE, peripherals);
}

/* By way of source 0: only these selectors change without a glitch, and only while the auxiliary one stays. */
static bool select(uint32_t clock, uint32_t source)
{
    CLEARING(clock) = 3U;
    if (!wait_for(clock + CLOCK_SELECTED, 1U)) {
        return false;
    }
    AT(clock) = 0;
    AT(clock) = source;
    return wait_for(clock + CLOCK_SELECTED, 1U << source);
}

static bool start_crystal(void)
{
    AT(CRYSTAL_STARTUP) = CRYSTAL_SETTLE;
    AT(CRYSTAL_CONTROL) = CRYSTAL_ENABLE | CRYSTAL_1_TO_15_MHZ;
    return wait_for(CRYSTAL_STATUS, STABLE_OR_LOCKED);
}

static bool start_pll(void)
{
    AT(RESETS) |= RESET_PLL;
    if (!rp2350_start(RESET_PLL)) {
        return false;
    }
    AT(PLL_CONTROL) = 1; /* reference divider */
    AT(PLL_FEEDBACK) = BOARD_CLOCK_HZ / 1200000U;
    CLEARING(PLL_POWER) = POWER_DOWN_PLL | POWER_DOWN_OSCILLATOR;
    if (!wait_for(PLL_CONTROL, STABLE_OR_LOCKED)) {
        return false;
    }
    AT(PLL_POST_DIVIDERS) = POST_DIVIDERS_5_AND_2;
    CLEARING(PLL_POWER) = POWER_DOWN_DIVIDERS;
    return true;
}

void sixfold_board_init(void)
{
    /* Without a crystal the ring oscillator goes on, at a frequency that only the datasheet's range is known of. */
    core_hz = CRYSTAL_HZ;
    if (start_crystal() && select(CLOCK_SYSTEM, SYSTEM_FROM_REFERENCE) &&
        select(CLOCK_REFERENCE, REFERENCE_FROM_CRYSTAL) && start_pll() && select(CLOCK_SYSTEM, SYSTEM_FROM_PLL)) {
        core_hz = BOARD_CLOCK_HZ;
    }
    AT(CLOCK_PERIPHERAL) = PERIPHERAL_ENABLE;
    dwt_timer_init();
}

uint32_t sixfold_board_clock_hz(void)
{
    return core_hz;
}

uint32_t rp2350_peripheral_hz(void)
{
    return core_hz;
}
