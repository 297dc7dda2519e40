/* Starts the counter behind sixfold/timer.h. */
#ifndef SIXFOLD_DWT_TIMER_H
#define SIXFOLD_DWT_TIMER_H

void dwt_timer_init(void);

#endif
