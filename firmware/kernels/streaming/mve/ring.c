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

/* All rows of a slot are one row of channels * (width + 2) columns. */
void sixfold_ring_save(const sixfold_ring *ring, int32_t slot, int8_t *saved)
{
    const int8_t *from = ring->data + slot;
    for (int32_t left = ring->channels * (ring->width + 2); left > 0; left -= CHUNK) {
        const mve_pred16_t inside = vctp8q((uint32_t)left);
        vstrbq_p_s8(saved, vldrbq_gather_offset_z_s8(from, columns_of(ring), inside), inside);
        from += CHUNK * ring->slots;
        saved += CHUNK;
    }
}

void sixfold_ring_restore(const sixfold_ring *ring, int32_t slot, const int8_t *saved)
{
    int8_t *to = ring->data + slot;
    for (int32_t left = ring->channels * (ring->width + 2); left > 0; left -= CHUNK) {
        const mve_pred16_t inside = vctp8q((uint32_t)left);
        vstrbq_scatter_offset_p_s8(to, columns_of(ring), vldrbq_z_s8(saved, inside), inside);
        to += CHUNK * ring->slots;
        saved += CHUNK;
    }
}
