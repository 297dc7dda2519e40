set(board_drivers dwt_timer pl011_uart rp2350_watchdog)
