set(board_drivers dwt_timer nrf_uart nrf_watchdog)
