/* Depthwise 3x3 convolution, tile by tile of the panel that it makes. */
#include "layout.h"
#include "sixfold/requantize.h"

/* Constants that every requantisation suits. */
typedef struct {
    int32_t bias, multiplier, shift;
    int8_t weights[12]; /* nine, row by row, and three unused */
} exact_filter;

/* All channels of a tile, with a requantisation that the assembly cannot do. */
static void convolve_exactly(const sixfold_depthwise *params, const sixfold_ring *ring, int32_t top, int32_t first,
                             int32_t pixels, int16_t *tile)
{
    const int32_t pairs = dsp_pairs(params->channels);
    const exact_filter *filters = params->packed;
    for (int32_t channel = 0; channel < params->channels; ++channel) {
        const exact_filter *filter = filters + channel;
        for (int32_t pixel = 0; pixel < pixels; ++pixel) {
            int32_t sum = filter->bias;
            for (int32_t tap = 0; tap < 9; ++tap) {
                const int8_t *row = dsp_row(ring, channel, (top + tap / 3) % 3);
                sum += row[dsp_byte((first + pixel) * params->stride + tap % 3)] * filter->weights[tap];
            }
            tile[2 * (channel % pairs * pixels + pixel) + channel / pairs] =
                sixfold_requantize(sum, filter->multiplier, filter->shift, params->output_zero_point);
        }
    }
}

void sixfold_stream_depthwise(const sixfold_depthwise *params, const sixfold_ring *ring, int32_t top, int32_t first,
                              int32_t count, void *panel)
{
    const int32_t pitch = dsp_pitch(ring->width);
    const int32_t tile = 2 * dsp_pairs(params->channels) * DSP_TILE;
    const int32_t lower = top == 0 ? 2 : top - 1;
    const int32_t middle = top == 2 ? 0 : top + 1;
    int16_t *output = panel;
    dsp_window job = {
        .window = dsp_row(ring, 0, top) + first * params->stride,
        .steps = {(middle - top) * pitch, (lower - middle) * pitch, (3 + top - lower) * pitch},
        .kind = params->stride == 2 ? DSP_STRIDE_2 : DSP_STRIDE_1_EVEN,
    };
    if (!params->saturates) {
        for (int32_t end = first + count; first < end; first += DSP_TILE) {
            const int32_t pixels = end - first < DSP_TILE ? end - first : DSP_TILE;
            convolve_exactly(params, ring, top, first, pixels, output);
            output += tile;
        }
        return;
    }
    for (; count > 0; count -= DSP_WINDOWS) {
        job.pixels = count < DSP_WINDOWS ? count : DSP_WINDOWS;
        job.output[0] = output;
        job.output[1] = output + tile;
        sixfold_dsp_window(&job, params->packed);
        output += 2 * tile;
        if (job.kind == DSP_STRIDE_1_EVEN) {
            job.window += 4; /* six positions on: the middle of the next word */
            job.kind = DSP_STRIDE_1_ODD;
        } else {
            /* Twelve positions from word to word at stride 1, and in every call at stride 2. */
            job.window += params->stride == 2 ? 2 * DSP_WINDOWS : 2 * DSP_WINDOWS - 4;
            job.kind = params->stride == 2 ? DSP_STRIDE_2 : DSP_STRIDE_1_EVEN;
        }
    }
}
