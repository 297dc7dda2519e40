set(board_drivers stm32f4_clock stm32_timer stm32_usart)
