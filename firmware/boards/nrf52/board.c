/* Clocks of the nRF52840 (nRF52840 Product Specification v1.7, sections 5.4 CLOCK, 4.3.6 NVMC). */
#include "dwt_timer.h"
#include "sixfold/board.h"

_Static_assert(BOARD_CLOCK_HZ == 64000000, "clock_hz: the nRF52 runs at 64 MHz");

#define CLOCK_START_CRYSTAL (*(volatile uint32_t *)0x40000000U)
#define CLOCK_CRYSTAL_STARTED (*(volatile uint32_t *)0x40000100U)
#define APPROTECT_DISABLE (*(volatile uint32_t *)0x40000558U)
#define NVMC_CACHE (*(volatile uint32_t *)0x4001E540U)

enum { CACHE_ENABLE = 1U << 0, DEBUG_STAYS_OPEN = 0x5A };

void sixfold_board_init(void)
{
    /* From revision 3 on a program closes the debug port unless it says this; older ones have nothing here. */
    APPROTECT_DISABLE = DEBUG_STAYS_OPEN;
    NVMC_CACHE = CACHE_ENABLE;
    /* The core runs from the internal oscillator already; the crystal's 32 MHz take over for the serial port's sake. */
    CLOCK_CRYSTAL_STARTED = 0;
    CLOCK_START_CRYSTAL = 1;
    for (uint32_t tries = 0; CLOCK_CRYSTAL_STARTED == 0U && tries < 100000U; ++tries) {
    }
    dwt_timer_init();
}

uint32_t sixfold_board_clock_hz(void)
{
    return BOARD_CLOCK_HZ;
}
