/* What a board adds to a Cortex-M: its clocks. Each folder of firmware/boards implements it. */
#ifndef SIXFOLD_BOARD_H
#define SIXFOLD_BOARD_H

#include <stdint.h>

/*
 * Starts clocks and timer. Called by the start-up code once memory is initialised and before main(). Every wait is
 * bounded: an oscillator that does not start leaves the board on its reset clock, slower and still correct.
 */
void sixfold_board_init(void);

/* The core's clock as it runs now, in Hz. */
uint32_t sixfold_board_clock_hz(void);

#endif
