/* What is done with whole rows of a ring. */
#include <string.h>

#include "layout.h"
#include "simd.h"

void sixfold_ring_pad_columns(const sixfold_ring *ring, int8_t code)
{
    const int32_t pitch = dsp_pitch(ring->width);
    const int32_t right = dsp_byte(ring->width + 1);
    int8_t *row = ring->data;
    for (int32_t count = ring->channels * ring->slots; count > 0; --count) {
        row[0] = code;
        row[right] = code;
        row += pitch;
    }
}

void sixfold_ring_fill(const sixfold_ring *ring, int32_t slot, int8_t code)
{
    const size_t pitch = (size_t)dsp_pitch(ring->width);
    for (int32_t channel = 0; channel < ring->channels; ++channel) {
        memset(dsp_row(ring, channel, slot), code, pitch);
    }
}

/*
 * Pixels are positions 1..width. Words hold positions from 0 on, the padding column, so the last pixel takes its place:
 * as many words as the pixels would take by themselves.
 */
void sixfold_ring_close(const sixfold_ring *ring, int32_t slot, int8_t *saved, int8_t *column)
{
    const int32_t bytes = (ring->width + 3) & ~3;
    const int32_t pitch = dsp_pitch(ring->width);
    const int32_t last = dsp_byte(ring->width);
    const int32_t slots = ring->slots; /* the compiler cannot know that no store changes the ring itself */
    const int32_t before = slot * pitch;
    const int8_t *row = ring->data;
    for (int32_t channel = ring->channels; channel > 0; --channel) {
        for (int32_t byte = 0; byte < bytes; byte += 4) {
            memcpy(saved + byte, row + before + byte, 4);
        }
        saved[0] = row[before + last];
        saved += bytes;
        for (int32_t other = 0; other < slots; ++other) {
            column[other] = row[last];
            row += pitch;
        }
        column += SIXFOLD_COLUMN;
    }
}

void sixfold_ring_open(const sixfold_ring *ring, int32_t slot, const int8_t *saved, const int8_t *column)
{
    const int32_t bytes = (ring->width + 3) & ~3;
    const int32_t pitch = dsp_pitch(ring->width);
    const int32_t last = dsp_byte(ring->width);
    const int32_t slots = ring->slots;
    const int32_t before = slot * pitch;
    int8_t *row = ring->data;
    for (int32_t channel = ring->channels; channel > 0; --channel) {
        for (int32_t byte = 0; byte < bytes; byte += 4) {
            memcpy(row + before + byte, saved + byte, 4);
        }
        row[before + last] = saved[0];
        saved += bytes;
        for (int32_t other = 0; other < slots; ++other) {
            row[0] = column[other];
            row += pitch;
        }
        column += SIXFOLD_COLUMN;
    }
}

void sixfold_stream_sum(const sixfold_ring *ring, int32_t slot, int32_t *sums)
{
    const int32_t words = (ring->width + 1 + 3) / 4; /* positions 0..width */
    uint32_t inside = 0;                             /* bytes of the last word that hold pixels */
    for (int32_t position = 4 * (words - 1); position <= ring->width; ++position) {
        inside |= 0xFFU << (8 * (dsp_byte(position) & 3));
    }
    const uint32_t ones = 0x00010001U;
    const int32_t step = ring->slots * dsp_pitch(ring->width);
    const int8_t *row = dsp_row(ring, 0, slot);
    for (int32_t channel = 0; channel < ring->channels; ++channel) {
        int32_t sum = sums[channel] - row[0];
        const int8_t *bytes = row;
        for (int32_t rest = words - 1; rest > 0; --rest) {
            const uint32_t word = simd_load(bytes);
            sum = simd_smlad(simd_sxtb16_odd(word), ones, simd_smlad(simd_sxtb16(word), ones, sum));
            bytes += 4;
        }
        const uint32_t last = simd_load(bytes) & inside;
        sums[channel] = simd_smlad(simd_sxtb16_odd(last), ones, simd_smlad(simd_sxtb16(last), ones, sum));
        row += step;
    }
}
