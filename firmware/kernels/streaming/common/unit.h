/* One unit, one row at a time. */
#ifndef SIXFOLD_STREAMING_UNIT_H
#define SIXFOLD_STREAMING_UNIT_H

#include "sixfold/streaming_model.h"

/* Before the first row of an inference. */
void sixfold_unit_begin(const sixfold_unit *unit, sixfold_unit_state *state, int8_t *arena);

/*
 * Takes the next input row, or null: no more will come, the rows below the image are padding. Returns the output row
 * that could be made, or null. After the last input row, more nulls make more output rows until all are made.
 */
const int8_t *sixfold_unit_step(const sixfold_unit *unit, sixfold_unit_state *state, int8_t *arena, const int8_t *row);

#endif
