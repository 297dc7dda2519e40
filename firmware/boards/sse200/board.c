/* Board of an Arm FPGA image: the clock runs when the core does. */
#include "cmsdk_timer.h"
#include "sixfold/board.h"
#include "soc.h"

void sixfold_board_init(void)
{
    cmsdk_timer_init();
}

uint32_t sixfold_board_clock_hz(void)
{
    return SOC_CLOCK_HZ;
}
