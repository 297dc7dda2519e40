/* Board of an Arm FPGA image: the clock runs when the core does. */
#include "sse_counter.h"
#include "sixfold/board.h"
#include "soc.h"

void sixfold_board_init(void)
{
    sse_counter_init();
}

uint32_t sixfold_board_clock_hz(void)
{
    return SOC_CLOCK_HZ;
}
