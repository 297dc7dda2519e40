/* Tiled units: the ring holds one strip of its three rows at a time. */
#ifndef SIXFOLD_STREAMING_TILES_H
#define SIXFOLD_STREAMING_TILES_H

#include "sixfold/streaming_model.h"

/* Before the first row of an inference. */
void sixfold_tiles_begin(const sixfold_unit *unit, int8_t *arena);

/*
 * An output row, from the expanded row that the last call left behind and from two input rows; lower: null, if it lies
 * below the image.
 */
void sixfold_tiles_project(const sixfold_unit *unit, int8_t *arena, const int8_t *middle, const int8_t *lower,
                           int8_t *output);

#endif
