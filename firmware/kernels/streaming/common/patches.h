/* The windows of the network's first convolution, as pixels of a matrix product. */
#ifndef SIXFOLD_STREAMING_PATCHES_H
#define SIXFOLD_STREAMING_PATCHES_H

#include "sixfold/streaming_model.h"

/*
 * The 3x3 windows of expanded pixels first..first + count - 1, row by row: int8 [count][3][3][channels].
 * rows: the three input rows; null is a row beside the image.
 */
void sixfold_gather_patches(const sixfold_unit *unit, const int8_t *const rows[3], int32_t first, int32_t count,
                            int8_t *patches);

#endif
