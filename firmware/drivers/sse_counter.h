/* Starts the counter behind sixfold/timer.h. */
#ifndef SIXFOLD_SSE_COUNTER_H
#define SIXFOLD_SSE_COUNTER_H

void sse_counter_init(void);

#endif
