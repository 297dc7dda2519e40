/*
 * Where things lie, for this build's C files; pipeline/backends/cortex_m/streaming/layouts/mve.py has the same sizes.
 *
 * A panel lies in groups of four pixels, a group in chunks of sixteen channels: [group][chunk][4 pixels][16 channels].
 * Channels beyond the last and pixels beyond the count may hold anything: their weights are zero, their outputs are
 * not stored.
 *
 * A ring lies channel by channel, a channel column by column, a column slot by slot: [channel][1 + width + 1][slots].
 * Loads of sixteen bytes read up to 19 bytes behind it, which belong to it.
 */
#ifndef SIXFOLD_STREAMING_MVE_LAYOUT_H
#define SIXFOLD_STREAMING_MVE_LAYOUT_H

#include <stdint.h>

#include "sixfold/streaming.h"

enum { CHUNK = 16, GROUP = 4 };

static inline int32_t chunks_of(int32_t channels)
{
    return (channels + CHUNK - 1) / CHUNK;
}

static inline int32_t group_bytes_of(int32_t channels)
{
    return chunks_of(channels) * CHUNK * GROUP;
}

static inline int32_t ring_channel_bytes(const sixfold_ring *ring)
{
    return (ring->width + 2) * ring->slots;
}

#endif
