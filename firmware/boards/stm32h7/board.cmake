set(board_drivers stm32_timer stm32_usart stm32_watchdog)
