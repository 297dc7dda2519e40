/*
 * What the STM32 drivers share. The peripherals of the F4, F7 and H7 are alike; soc.h of a family says where they are
 * and how they are enabled, board.c how fast their buses run. The settings BOARD_... come from the target file:
 *   BOARD_CLOCK_HZ           the core's clock
 *   BOARD_UART               number of the USART or UART, 1..6
 *   BOARD_UART_TX, _RX       pins: 16 * port + number, port A being 0
 */
#ifndef SIXFOLD_STM32_H
#define SIXFOLD_STM32_H

#include <stdint.h>

static inline volatile uint32_t *stm32_register(uint32_t address)
{
    return (volatile uint32_t *)address;
}

/* Sets bits of a clock-enable register; the read back makes sure that the clock runs before the next access. */
static inline void stm32_enable(uint32_t address, uint32_t bits)
{
    *stm32_register(address) |= bits;
    (void)*stm32_register(address);
}

/* Clocks of the peripherals behind the two buses, and of the timers on APB1; from what was reached, not hoped for. */
uint32_t stm32_apb1_hz(void);
uint32_t stm32_apb2_hz(void);
uint32_t stm32_timer_hz(void);

/* Starts TIM2 behind sixfold/timer.h; after the clocks. */
void stm32_timer_init(void);

#endif
