/*
 * The layouts of the build in plain C.
 *
 *   panel      the pixels themselves: int8 [pixel][channel], in both directions.
 *   ring       int8 [channel][slot][1 + width + 1].
 *   pointwise  a portable_requantization for every output, then int8 weights [output][input].
 *   depthwise  a portable_filter for every channel.
 */
#ifndef SIXFOLD_STREAMING_PORTABLE_LAYOUT_H
#define SIXFOLD_STREAMING_PORTABLE_LAYOUT_H

#include "sixfold/streaming.h"

typedef struct {
    int32_t bias, multiplier, shift;
} portable_requantization;

typedef struct {
    portable_requantization requantization;
    int8_t weights[12]; /* nine, row by row, and three unused */
} portable_filter;

/* Bytes of one row of one channel. */
static inline int32_t portable_row_bytes(const sixfold_ring *ring)
{
    return ring->width + 2;
}

/* The left padding column of a channel's row; its pixels follow. */
static inline int8_t *portable_row(const sixfold_ring *ring, int32_t channel, int32_t slot)
{
    return ring->data + (channel * ring->slots + slot) * portable_row_bytes(ring);
}

#endif
