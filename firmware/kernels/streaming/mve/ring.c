/* What is done with whole rows of a ring: their bytes are `slots` apart. */
#include <arm_mve.h>
#include <string.h>

#include "layout.h"
#include "vectors.h"

/* A row of a channel: its columns, sixteen together, at these offsets. */
static uint8x16_t columns_of(const sixfold_ring *ring)
{
    return vmulq_n_u8(vidupq_n_u8(0, 1), (uint8_t)ring->slots);
}

void sixfold_stream_sum(const sixfold_ring *ring, int32_t slot, int32_t *sums)
{
    sixfold_mve_sum(ring->data + ring->slots + slot, ring->channels, ring->width, sums, ring_channel_bytes(ring),
                    ring->slots);
}

void sixfold_ring_pad_columns(const sixfold_ring *ring, int8_t code)
{
    const int32_t bytes = ring_channel_bytes(ring);
    int8_t *left = ring->data;
    for (int32_t channel = 0; channel < ring->channels; ++channel) {
        memset(left, code, (size_t)ring->slots);
        left += bytes;
        memset(left - ring->slots, code, (size_t)ring->slots);
    }
}

void sixfold_ring_fill(const sixfold_ring *ring, int32_t slot, int8_t code)
{
    int8_t *to = ring->data + slot;
    for (int32_t left = ring->channels * (ring->width + 2); left > 0; left -= CHUNK) {
        vstrbq_scatter_offset_p_s8(to, columns_of(ring), vdupq_n_s8(code), vctp8q((uint32_t)left));
        to += CHUNK * ring->slots;
    }
}

enum { COLUMN_CHUNK = 8 };

/*
 * What the loops below need of a ring, in variables of their own: a store of bytes could change the ring itself, as far
 * as the compiler knows.
 */
typedef struct {
    int8_t *data;
    int32_t width, channels, slots, channel_bytes;
    uint8x16_t columns;
    uint16x8_t eight_channels; /* from a channel to the next */
} steps;

static inline steps steps_of(const sixfold_ring *ring)
{
    const int32_t bytes = ring_channel_bytes(ring);
    return (steps){ring->data, ring->width, ring->channels, ring->slots, bytes, columns_of(ring),
                   vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)bytes)};
}

/* A column of all rows; in memory a row's channels lie together. */
static inline void save_column(steps by, const int8_t *from, int8_t *column)
{
    for (int32_t slot = 0; slot < by.slots; ++slot) {
        const int8_t *pixels = from + slot;
        for (int32_t first = 0; first < by.channels; first += COLUMN_CHUNK) {
            const mve_pred16_t inside = vctp16q((uint32_t)(by.channels - first));
            vstrbq_p_s16(column + first, vldrbq_gather_offset_z_s16(pixels, by.eight_channels, inside), inside);
            pixels += COLUMN_CHUNK * by.channel_bytes;
        }
        column += by.channels;
    }
}

static inline void restore_column(steps by, const int8_t *column, int8_t *to)
{
    for (int32_t slot = 0; slot < by.slots; ++slot) {
        int8_t *pixels = to + slot;
        for (int32_t first = 0; first < by.channels; first += COLUMN_CHUNK) {
            const mve_pred16_t inside = vctp16q((uint32_t)(by.channels - first));
            vstrbq_scatter_offset_p_s16(pixels, by.eight_channels, vldrbq_z_s16(column + first, inside), inside);
            pixels += COLUMN_CHUNK * by.channel_bytes;
        }
        column += by.channels;
    }
}

void sixfold_ring_close(const sixfold_ring *ring, int32_t slot, int8_t *saved, int8_t *column)
{
    const steps by = steps_of(ring);
    for (int32_t first = 0; first < by.width; first += CHUNK) {
        const mve_pred16_t inside = vctp8q((uint32_t)(by.width - first));
        const int8_t *from = by.data + (1 + first) * by.slots + slot;
        int8_t *to = saved + first;
        for (int32_t channel = by.channels; channel > 0; --channel) {
            vstrbq_p_s8(to, vldrbq_gather_offset_z_s8(from, by.columns, inside), inside);
            from += by.channel_bytes;
            to += by.width;
        }
    }
    save_column(by, by.data + by.width * by.slots, column);
}

void sixfold_ring_open(const sixfold_ring *ring, int32_t slot, const int8_t *saved, const int8_t *column)
{
    const steps by = steps_of(ring);
    restore_column(by, column, by.data);
    for (int32_t first = 0; first < by.width; first += CHUNK) {
        const mve_pred16_t inside = vctp8q((uint32_t)(by.width - first));
        const int8_t *from = saved + first;
        int8_t *to = by.data + (1 + first) * by.slots + slot;
        for (int32_t channel = by.channels; channel > 0; --channel) {
            vstrbq_scatter_offset_p_s8(to, by.columns, vldrbq_z_s8(from, inside), inside);
            from += by.width;
            to += by.channel_bytes;
        }
    }
}
