set(board_drivers cmsdk_timer cmsdk_uart cmsdk_watchdog)
