/* What is done with whole rows of a ring. */
#include <string.h>

#include "layout.h"

void sixfold_ring_pad_columns(const sixfold_ring *ring, int8_t code)
{
    for (int32_t row = 0; row < ring->channels * ring->slots; ++row) {
        int8_t *left = portable_row(ring, 0, row);
        left[0] = code;
        left[1 + ring->width] = code;
    }
}

void sixfold_ring_fill(const sixfold_ring *ring, int32_t slot, int8_t code)
{
    for (int32_t channel = 0; channel < ring->channels; ++channel) {
        memset(portable_row(ring, channel, slot), code, (size_t)portable_row_bytes(ring));
    }
}

void sixfold_ring_save(const sixfold_ring *ring, int32_t slot, int8_t *saved)
{
    const size_t bytes = (size_t)portable_row_bytes(ring);
    for (int32_t channel = 0; channel < ring->channels; ++channel) {
        memcpy(saved + (size_t)channel * bytes, portable_row(ring, channel, slot), bytes);
    }
}

void sixfold_ring_restore(const sixfold_ring *ring, int32_t slot, const int8_t *saved)
{
    const size_t bytes = (size_t)portable_row_bytes(ring);
    for (int32_t channel = 0; channel < ring->channels; ++channel) {
        memcpy(portable_row(ring, channel, slot), saved + (size_t)channel * bytes, bytes);
    }
}

void sixfold_stream_sum(const sixfold_ring *ring, int32_t slot, int32_t *sums)
{
    for (int32_t channel = 0; channel < ring->channels; ++channel) {
        const int8_t *codes = portable_row(ring, channel, slot) + 1;
        int32_t sum = 0;
        for (int32_t x = 0; x < ring->width; ++x) {
            sum += codes[x];
        }
        sums[channel] += sum;
    }
}
