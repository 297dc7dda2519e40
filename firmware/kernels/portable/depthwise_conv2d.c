/* Depthwise convolution: four channels at a time, so that one pass over the window's taps serves four outputs. */
#include "../arguments.h"
#include "sixfold/kernels.h"
#include "sixfold/requantize.h"

enum { LANES = 4 };

/* Where one output pixel's window lies: its corner in the input (may be negative) and the taps inside the input. */
typedef struct {
    int32_t top, left;
    sixfold_span rows, columns;
} placement;

static placement place(const sixfold_convolution *params, int32_t y, int32_t x)
{
    const sixfold_window *window = &params->window;
    placement at;
    at.top = y * window->stride_vertical - window->pad_top;
    at.left = x * window->stride_horizontal - window->pad_left;
    at.rows = sixfold_clip(at.top, window->height, params->input.height);
    at.columns = sixfold_clip(at.left, window->width, params->input.width);
    if (at.columns.begin == at.columns.end) {
        at.rows.end = at.rows.begin; /* no tap: not even the address of one may be formed */
    }
    return at;
}

/* `lanes` neighbouring channels of one output pixel. Inlined with a constant `lanes`, which unrolls the lane loops. */
static inline __attribute__((always_inline)) void convolve_channels(const sixfold_convolution *params,
                                                                    const placement *at, const int8_t *input,
                                                                    int32_t channel, int32_t lanes, int8_t *output)
{
    const int32_t channels = params->input.channels;
    const int32_t zero_point = params->input_zero_point;
    const int32_t first = at->columns.begin;
    int32_t sums[LANES];
#pragma GCC unroll 4
    for (int32_t lane = 0; lane < lanes; ++lane) {
        sums[lane] = params->bias[channel + lane];
    }
    for (int32_t row = at->rows.begin; row < at->rows.end; ++row) {
        const int8_t *x = input + ((at->top + row) * params->input.width + at->left + first) * channels + channel;
        const int8_t *w = params->weights + (row * params->window.width + first) * channels + channel;
        for (int32_t taps = at->columns.end - first; taps > 0; --taps) {
#pragma GCC unroll 4
            for (int32_t lane = 0; lane < lanes; ++lane) {
                sums[lane] += (x[lane] - zero_point) * w[lane];
            }
            x += channels;
            w += channels;
        }
    }
#pragma GCC unroll 4
    for (int32_t lane = 0; lane < lanes; ++lane) {
        output[channel + lane] = sixfold_requantize(sums[lane], params->multipliers[channel + lane],
                                                    params->shifts[channel + lane], params->output_zero_point);
    }
}

sixfold_status sixfold_depthwise_conv2d(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                        int8_t *output)
{
    (void)scratch;
    if (!sixfold_depthwise_is_valid(params) || input == NULL || output == NULL) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const int32_t channels = params->input.channels;
    for (int32_t y = 0; y < params->output.height; ++y) {
        for (int32_t x = 0; x < params->output.width; ++x, output += channels) {
            const placement at = place(params, y, x);
            int32_t channel = 0;
            for (; channel + LANES <= channels; channel += LANES) {
                convolve_channels(params, &at, input, channel, LANES, output);
            }
            for (; channel < channels; ++channel) {
                convolve_channels(params, &at, input, channel, 1, output);
            }
        }
    }
    return SIXFOLD_OK;
}
