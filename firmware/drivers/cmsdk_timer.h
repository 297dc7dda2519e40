/* Starts the timer behind sixfold/timer.h. */
#ifndef SIXFOLD_CMSDK_TIMER_H
#define SIXFOLD_CMSDK_TIMER_H

void cmsdk_timer_init(void);

#endif
