/* STM32F74x/F75x: memory map, reset-and-clock control, flash (RM0385 sections 2.2.2, 3, 4 and 5). */
#ifndef SIXFOLD_SOC_H
#define SIXFOLD_SOC_H

#define SOC_USART_2
#define SOC_GPIO 0x40020000U
#define SOC_RCC 0x40023800U
#define SOC_WATCHDOG 0x40003000U
#define SOC_RCC_GPIO_ENABLE (SOC_RCC + 0x30U)
#define SOC_RCC_APB1_ENABLE (SOC_RCC + 0x40U)
#define SOC_RCC_APB2_ENABLE (SOC_RCC + 0x44U)

/* Prefetch and accelerator of the flash interface. */
#define SOC_FLASH_ACCELERATOR ((1U << 8) | (1U << 9))

/* Above this clock the regulator must be in over-drive. */
#define SOC_OVERDRIVE_ABOVE_HZ 180000000U
#define SOC_MAXIMUM_HZ 216000000U

#endif
