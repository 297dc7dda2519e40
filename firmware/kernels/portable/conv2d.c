/*
 * Convolution as a matrix product: two output pixels by two output channels at a time, so that every loaded byte is
 * used twice. A 1x1 convolution reads its pixels where they lie; any other window is gathered into scratch first.
 */
#include <stdbool.h>
#include <string.h>

#include "../arguments.h"
#include "sixfold/kernels.h"
#include "sixfold/requantize.h"

/* Bytes of one gathered window, which is also the length of one output channel's weights. */
static int32_t window_bytes(const sixfold_convolution *params)
{
    return params->window.height * params->window.width * params->input.channels;
}

/* Whether output pixel i reads input pixel i and nothing else. */
static bool reads_pixels_in_place(const sixfold_convolution *params)
{
    const sixfold_window *window = &params->window;
    return window->height == 1 && window->width == 1 && window->stride_vertical == 1 &&
           window->stride_horizontal == 1 && window->pad_top == 0 && window->pad_left == 0 &&
           params->output.height == params->input.height && params->output.width == params->input.width;
}

static size_t folded_bias_bytes(const sixfold_convolution *params)
{
    return params->input_zero_point == 0 ? 0U : (size_t)params->output.channels * sizeof(int32_t);
}

size_t sixfold_conv2d_scratch_bytes(const sixfold_convolution *params)
{
    if (params == NULL) {
        return 0;
    }
    const size_t windows = reads_pixels_in_place(params) ? 0U : 2U * (size_t)window_bytes(params);
    return folded_bias_bytes(params) + windows;
}

/*
 * sum (x - z) w = sum x w - z sum w. Taps on padding hold z and so contribute nothing to either side. The code
 * generator does this where there is no padding; one pass over the weights is little beside one per pixel.
 */
static void fold_zero_point(const sixfold_convolution *params, int32_t *folded)
{
    const int32_t depth = window_bytes(params);
    const int8_t *weight = params->weights;
    for (int32_t channel = 0; channel < params->output.channels; ++channel) {
        int32_t sum = 0;
        for (int32_t k = 0; k < depth; ++k) {
            sum += *weight++;
        }
        folded[channel] = params->bias[channel] - params->input_zero_point * sum;
    }
}

/* Copies the window of one output pixel, with the zero point wherever it leaves the input. */
static void gather(const sixfold_convolution *params, const int8_t *input, int32_t pixel, int8_t *gathered)
{
    const sixfold_window *window = &params->window;
    const int32_t channels = params->input.channels;
    const int32_t top = pixel / params->output.width * window->stride_vertical - window->pad_top;
    const int32_t left = pixel % params->output.width * window->stride_horizontal - window->pad_left;
    const sixfold_span columns = sixfold_clip(left, window->width, params->input.width);
    const size_t row_bytes = (size_t)(window->width * channels);
    const size_t inside_at = (size_t)(columns.begin * channels);
    const size_t inside_bytes = (size_t)((columns.end - columns.begin) * channels);
    for (int32_t row = 0; row < window->height; ++row, gathered += row_bytes) {
        const int32_t y = top + row;
        const bool inside = y >= 0 && y < params->input.height && inside_bytes > 0;
        if (!inside || inside_bytes < row_bytes) {
            memset(gathered, params->input_zero_point, row_bytes);
        }
        if (inside) {
            const int32_t first = (y * params->input.width + left + columns.begin) * channels;
            memcpy(gathered + inside_at, input + first, inside_bytes);
        }
    }
}

/* Two pixels and where their results go; both may be one pixel, which is then written twice, equally. */
typedef struct {
    const int8_t *windows[2];
    int8_t *outputs[2];
} pixel_pair;

/* All output channels of two pixels. */
static void multiply(const sixfold_convolution *params, const int32_t *bias, pixel_pair pair)
{
    const int32_t depth = window_bytes(params);
    const int32_t channels = params->output.channels;
    const int32_t zero_point = params->output_zero_point;
    const int8_t *weights = params->weights;
    for (int32_t first = 0; first < channels; first += 2) {
        /* Likewise the last of an odd number of channels is its own partner. */
        const int32_t second = first + 1 < channels ? first + 1 : first;
        const int8_t *x0 = pair.windows[0];
        const int8_t *x1 = pair.windows[1];
        const int8_t *w0 = weights + first * depth;
        const int8_t *w1 = weights + second * depth;
        int32_t sum00 = bias[first];
        int32_t sum10 = bias[first];
        int32_t sum01 = bias[second];
        int32_t sum11 = bias[second];
#pragma GCC unroll 4
        for (int32_t k = 0; k < depth; ++k) {
            sum00 += x0[k] * w0[k];
            sum01 += x0[k] * w1[k];
            sum10 += x1[k] * w0[k];
            sum11 += x1[k] * w1[k];
        }
        int32_t multiplier = params->multipliers[first];
        int32_t shift = params->shifts[first];
        pair.outputs[0][first] = sixfold_requantize(sum00, multiplier, shift, zero_point);
        pair.outputs[1][first] = sixfold_requantize(sum10, multiplier, shift, zero_point);
        multiplier = params->multipliers[second];
        shift = params->shifts[second];
        pair.outputs[0][second] = sixfold_requantize(sum01, multiplier, shift, zero_point);
        pair.outputs[1][second] = sixfold_requantize(sum11, multiplier, shift, zero_point);
    }
}

sixfold_status sixfold_conv2d(const sixfold_convolution *params, const int8_t *input, void *scratch, int8_t *output)
{
    if (!sixfold_convolution_is_valid(params) || input == NULL || output == NULL ||
        !sixfold_scratch_is_enough(params, scratch, sixfold_conv2d_scratch_bytes(params))) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const int32_t *bias = params->bias;
    if (params->input_zero_point != 0) {
        fold_zero_point(params, scratch);
        bias = scratch;
    }
    const bool in_place = reads_pixels_in_place(params);
    const int32_t depth = window_bytes(params);
    int8_t *gathered = in_place ? NULL : (int8_t *)scratch + folded_bias_bytes(params);
    const int32_t pixels = params->output.height * params->output.width;
    for (int32_t pixel = 0; pixel < pixels; pixel += 2) {
        pixel_pair pair;
        for (int32_t i = 0; i < 2; ++i) {
            const int32_t at = pixel + i < pixels ? pixel + i : pixel;
            pair.outputs[i] = output + at * params->output.channels;
            pair.windows[i] = in_place ? input + at * depth : gathered + i * depth;
            if (!in_place) {
                gather(params, input, at, gathered + i * depth);
            }
        }
        multiply(params, bias, pair);
    }
    return SIXFOLD_OK;
}
