/*
 * STM32F405/407, F42x/43x and F446: memory map, reset-and-clock control, flash (RM0090 sections 2.3, 3, 5 and 7; RM0390
 * sections 2.2, 3, 5 and 6).
 */
#ifndef SIXFOLD_SOC_H
#define SIXFOLD_SOC_H

#define SOC_GPIO 0x40020000U
#define SOC_RCC 0x40023800U
#define SOC_WATCHDOG 0x40003000U
#define SOC_RCC_GPIO_ENABLE (SOC_RCC + 0x30U)
#define SOC_RCC_APB1_ENABLE (SOC_RCC + 0x40U)
#define SOC_RCC_APB2_ENABLE (SOC_RCC + 0x44U)

/* Prefetch, instruction and data cache of the flash interface. */
#define SOC_FLASH_ACCELERATOR ((1U << 8) | (1U << 9) | (1U << 10))

/* Above this clock the regulator must be in over-drive, which the F405 and F407 do not have: they end here. */
#define SOC_OVERDRIVE_ABOVE_HZ 168000000U
#define SOC_MAXIMUM_HZ 180000000U

#endif
