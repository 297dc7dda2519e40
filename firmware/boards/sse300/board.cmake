set(board_drivers sse_counter cmsdk_uart cmsdk_watchdog)
