/*
 * Clocks of the STM32H74x/H75x (RM0433 sections 4.3.8, 6, 8; RM0399 sections 7 and 9 for the parts with two cores),
 * from the internal 64 MHz oscillator: no board's crystal has to be known, and a serial port stands its 1 %.
 *
 * BOARD_CLOCK_HZ is reached as 64 MHz / 4 * N / 2, at most 400 MHz: more takes a voltage that some revisions lack.
 * BOARD_SUPPLY says how the core is fed, as the board is wired: 0 from the linear regulator, 1 from the step-down
 * converter. The wrong one leaves the chip without supply until it is unplugged, and it boots again only from its ROM.
 */
#include <stdbool.h>

#include "sixfold/board.h"
#include "soc.h"
#include "stm32.h"

_Static_assert(BOARD_CLOCK_HZ % 8000000 == 0 && BOARD_CLOCK_HZ >= 96000000 && BOARD_CLOCK_HZ <= 400000000,
               "clock_hz: a multiple of 8 MHz, 96 to 400 MHz");
_Static_assert(BOARD_SUPPLY == 0 || BOARD_SUPPLY == 1, "board.supply: ldo or smps");

#define RCC_CONTROL (SOC_RCC + 0x00U)
#define RCC_CONFIGURATION (SOC_RCC + 0x10U)
#define RCC_DOMAIN_1 (SOC_RCC + 0x18U)
#define RCC_DOMAIN_2 (SOC_RCC + 0x1CU)
#define RCC_DOMAIN_3 (SOC_RCC + 0x20U)
#define RCC_PLL_SOURCE (SOC_RCC + 0x28U)
#define RCC_PLL_CONFIGURATION (SOC_RCC + 0x2CU)
#define RCC_PLL_DIVIDERS (SOC_RCC + 0x30U)
#define PWR_STATUS 0x58024804U
#define PWR_SUPPLY 0x5802480CU
#define PWR_SCALE 0x58024818U
#define FLASH_ACCESS 0x52002000U

enum {
    PLL_ON = 1U << 24,
    PLL_READY = 1U << 25,
    PLL_SOURCE_FIELDS = 0x3F3, /* source and divider of PLL 1 */
    PLL_INTERNAL_BY_4 = 4U << 4,
    PLL_FIELDS = 0x7000F,           /* fraction, range and outputs of PLL 1 */
    PLL_RANGE_8_TO_16_MHZ = 3U << 2, /* and the wide oscillator, 192 to 836 MHz */
    PLL_OUTPUT_P = 1U << 16,
    SYSTEM_FROM_INTERNAL = 0,
    SYSTEM_FROM_PLL = 3,
    SYSTEM_SELECTED = 7U << 3,
    AHB_BY_2 = 8,
    DOMAIN_1_APB_BY_2 = 4U << 4,
    DOMAIN_2_APB_BY_2 = (4U << 4) | (4U << 8),
    DOMAIN_3_APB_BY_2 = 4U << 4,
    SUPPLY_FIELDS = 7,
    SUPPLY_LDO = 1U << 1,
    SUPPLY_SMPS = 1U << 2,
    VOLTAGE_READY = 1U << 13, /* in both registers */
    SCALE_1 = 3U << 14,
    WAIT_STATES_2 = 2,
    WRITE_DELAY_2 = 2U << 4, /* both for an AXI bus of 185 to 210 MHz at scale 1, and enough for any slower one */
};

static const uint32_t INTERNAL_HZ = 64000000U;

static uint32_t core_hz;
static bool divided; /* the buses run at a half and a quarter of the core's clock */

static bool wait_for(uint32_t address, uint32_t mask, uint32_t value)
{
    for (uint32_t tries = 0; tries < 100000U; ++tries) {
        if ((*stm32_register(address) & mask) == value) {
            return true;
        }
    }
    return false;
}

static void set_fields(uint32_t address, uint32_t mask, uint32_t value)
{
    *stm32_register(address) = (*stm32_register(address) & ~mask) | value;
}

static bool select(uint32_t source)
{
    set_fields(RCC_CONFIGURATION, 7U, source);
    return wait_for(RCC_CONFIGURATION, SYSTEM_SELECTED, source << 3);
}

/* Takes effect once after power-on; later writes change nothing. */
static bool choose_supply(void)
{
    set_fields(PWR_SUPPLY, SUPPLY_FIELDS, BOARD_SUPPLY == 0 ? SUPPLY_LDO : SUPPLY_SMPS);
    if (!wait_for(PWR_STATUS, VOLTAGE_READY, VOLTAGE_READY)) {
        return false;
    }
    set_fields(PWR_SCALE, SCALE_1, SCALE_1);
    return wait_for(PWR_SCALE, VOLTAGE_READY, VOLTAGE_READY);
}

static bool start_pll(void)
{
    const uint32_t n = BOARD_CLOCK_HZ / 8000000U, p = 2, q = 8, r = 8;
    *stm32_register(RCC_CONTROL) &= ~(uint32_t)PLL_ON; /* it runs when a debugger has restarted the program */
    if (!wait_for(RCC_CONTROL, PLL_READY, 0)) {
        return false;
    }
    set_fields(RCC_PLL_SOURCE, PLL_SOURCE_FIELDS, PLL_INTERNAL_BY_4);
    set_fields(RCC_PLL_CONFIGURATION, PLL_FIELDS, PLL_RANGE_8_TO_16_MHZ | PLL_OUTPUT_P);
    *stm32_register(RCC_PLL_DIVIDERS) = (n - 1U) | ((p - 1U) << 9) | ((q - 1U) << 16) | ((r - 1U) << 24);
    *stm32_register(RCC_CONTROL) |= PLL_ON;
    return wait_for(RCC_CONTROL, PLL_READY, PLL_READY);
}

static bool raise_clock(void)
{
    if (!choose_supply() || !select(SYSTEM_FROM_INTERNAL) || !start_pll()) {
        return false;
    }
    *stm32_register(FLASH_ACCESS) = WAIT_STATES_2 | WRITE_DELAY_2;
    if (!wait_for(FLASH_ACCESS, 0x3FU, WAIT_STATES_2 | WRITE_DELAY_2)) {
        return false;
    }
    divided = true;
    set_fields(RCC_DOMAIN_1, 0xF7FU, AHB_BY_2 | DOMAIN_1_APB_BY_2);
    set_fields(RCC_DOMAIN_2, 0x770U, DOMAIN_2_APB_BY_2);
    set_fields(RCC_DOMAIN_3, 0x070U, DOMAIN_3_APB_BY_2);
    return select(SYSTEM_FROM_PLL);
}

void sixfold_board_init(void)
{
    core_hz = raise_clock() ? BOARD_CLOCK_HZ : INTERNAL_HZ;
    stm32_timer_init();
}

uint32_t sixfold_board_clock_hz(void)
{
    return core_hz;
}

uint32_t stm32_apb1_hz(void)
{
    return divided ? core_hz / 4U : core_hz;
}

uint32_t stm32_apb2_hz(void)
{
    return stm32_apb1_hz();
}

/* Twice its bus's clock, which is the AHB's, where the bus is divided. */
uint32_t stm32_timer_hz(void)
{
    return divided ? core_hz / 2U : core_hz;
}
