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

/* From a channel to the next, for eight of them. */
static uint16x8_t channels_of(const sixfold_ring *ring)
{
    return vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)ring_channel_bytes(ring));
}

/* A column of all rows; in memory a row's channels lie together. */
static void save_column(const sixfold_ring *ring, const int8_t *from, int8_t *column)
{
    for (int32_t slot = 0; slot < ring->slots; ++slot) {
        const int8_t *pixels = from + slot;
        for (int32_t left = ring->channels; left > 0; left -= COLUMN_CHUNK) {
            const mve_pred16_t inside = vctp16q((uint32_t)left);
            vstrbq_p_s16(column, vldrbq_gather_offset_z_s16(pixels, channels_of(ring), inside), inside);
            pixels += COLUMN_CHUNK * ring_channel_bytes(ring);
            column += left < COLUMN_CHUNK ? left : COLUMN_CHUNK;
        }
    }
}

static void restore_column(const sixfold_ring *ring, const int8_t *column, int8_t *to)
{
    for (int32_t slot = 0; slot < ring->slots; ++slot) {
        int8_t *pixels = to + slot;
        for (int32_t left = ring->channels; left > 0; left -= COLUMN_CHUNK) {
            const mve_pred16_t inside = vctp16q((uint32_t)left);
            vstrbq_scatter_offset_p_s16(pixels, channels_of(ring), vldrbq_z_s16(column, inside), inside);
            pixels += COLUMN_CHUNK * ring_channel_bytes(ring);
            column += left < COLUMN_CHUNK ? left : COLUMN_CHUNK;
        }
    }
}

void sixfold_ring_close(const sixfold_ring *ring, int32_t slot, int8_t *saved, int8_t *column)
{
    const int32_t bytes = ring_channel_bytes(ring);
    for (int32_t first = 0; first < ring->width; first += CHUNK) {
        const mve_pred16_t inside = vctp8q((uint32_t)(ring->width - first));
        const int8_t *from = ring->data + (1 + first) * ring->slots + slot;
        int8_t *to = saved + first;
        for (int32_t channel = ring->channels; channel > 0; --channel) {
            vstrbq_p_s8(to, vldrbq_gather_offset_z_s8(from, columns_of(ring), inside), inside);
            from += bytes;
            to += ring->width;
        }
    }
    save_column(ring, ring->data + ring->width * ring->slots, column);
}

void sixfold_ring_open(const sixfold_ring *ring, int32_t slot, const int8_t *saved, const int8_t *column)
{
    const int32_t bytes = ring_channel_bytes(ring);
    restore_column(ring, column, ring->data);
    for (int32_t first = 0; first < ring->width; first += CHUNK) {
        const mve_pred16_t inside = vctp8q((uint32_t)(ring->width - first));
        const int8_t *from = saved + first;
        int8_t *to = ring->data + (1 + first) * ring->slots + slot;
        for (int32_t channel = ring->channels; channel > 0; --channel) {
            vstrbq_scatter_offset_p_s8(to, columns_of(ring), vldrbq_z_s8(from, inside), inside);
            from += ring->width;
            to += bytes;
        }
    }
}
