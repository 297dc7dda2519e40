#include "system.h"

/* System control block (Armv7-M Architecture Reference Manual, Arm DDI 0403, B3.2). */
#define AIRCR (*(volatile uint32_t *)0xE000ED0CU)
#define CCR (*(const volatile uint32_t *)0xE000ED14U)
#define DCCMVAC (*(volatile uint32_t *)0xE000EF68U)

enum { CCR_DATA_CACHE = 1U << 16, LEAST_LINE_BYTES = 4 };

static const uint32_t AIRCR_KEY_AND_RESET = 0x05FA0004U;

static void wait_for_memory(void)
{
    __asm__ volatile("dsb" ::: "memory");
}

void sixfold_reset(void)
{
    wait_for_memory();
    AIRCR = AIRCR_KEY_AND_RESET;
    for (;;) {
        wait_for_memory();
    }
}

void sixfold_clean_cache(const void *data, uint32_t bytes)
{
    if ((CCR & CCR_DATA_CACHE) == 0U) {
        return;
    }
    wait_for_memory();
    /* A line has a multiple of these bytes; cleaning one twice does nothing. */
    for (uint32_t offset = 0; offset < bytes; offset += LEAST_LINE_BYTES) {
        DCCMVAC = (uint32_t)data + offset;
    }
    wait_for_memory();
}
