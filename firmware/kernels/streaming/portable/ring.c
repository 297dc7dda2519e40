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

void sixfold_ring_close(const sixfold_ring *ring, int32_t slot, int8_t *saved, int8_t *column)
{
    for (int32_t channel = 0; channel < ring->channels; ++channel) {
        memcpy(saved, portable_row(ring, channel, slot) + 1, (size_t)ring->width);
        saved += ring->width;
        for (int32_t row = 0; row < ring->slots; ++row) {
            column[row] = portable_row(ring, channel, row)[ring->width];
        }
        column += SIXFOLD_COLUMN;
    }
}

void sixfold_ring_open(const sixfold_ring *ring, int32_t slot, const int8_t *saved, const int8_t *column)
{
    for (int32_t channel = 0; channel < ring->channels; ++channel) {
        memcpy(portable_row(ring, channel, slot) + 1, saved, (size_t)ring->width);
        saved += ring->width;
        for (int32_t row = 0; row < ring->slots; ++row) {
            portable_row(ring, channel, row)[0] = column[row];
        }
        column += SIXFOLD_COLUMN;
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
