/* STM32H742/743/753 and the Cortex-M7 of the H745/747/755/757: memory map, reset and clocks (RM0433 and RM0399). */
#ifndef SIXFOLD_SOC_H
#define SIXFOLD_SOC_H

#define SOC_USART_2
#define SOC_GPIO 0x58020000U
#define SOC_RCC 0x58024400U
#define SOC_WATCHDOG 0x58004800U
#define SOC_RCC_GPIO_ENABLE (SOC_RCC + 0xE0U) /* AHB4 */
#define SOC_RCC_APB1_ENABLE (SOC_RCC + 0xE8U) /* APB1, low */
#define SOC_RCC_APB2_ENABLE (SOC_RCC + 0xF0U)

#endif
