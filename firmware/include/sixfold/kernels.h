/*
 * The int8 operators: their parameters, and the portable functions (firmware/kernels/portable). Other libraries offer
 * functions of the same form for some of the operators; the code generator names the function that each layer calls.
 *
 * Common to all:
 *   - activations are int8, height x width x channels, channels fastest, without padding between rows;
 *   - weights are int8 with zero point 0, biases int32 with scale input scale * weight scale;
 *   - multipliers and shifts are one per output channel, as sixfold/requantize.h defines them;
 *   - zero points are in -128..127;
 *   - the accumulator |bias| + 255 * sum |weight| stays below 2^31; the code generator proves it;
 *   - int8 arrays need no alignment, int32 arrays and scratch need that of int32_t;
 *   - output must not overlap input unless a function says so; scratch overlaps nothing, its content is lost;
 *   - where a function says that output may lead, output may start so far before input that what is written never
 *     reaches what is still to be read (pipeline/backends/cortex_m/overlap.py computes how far);
 *   - on SIXFOLD_BAD_ARGUMENT nothing was written. Array sizes cannot be checked and are the caller's promise.
 */
#ifndef SIXFOLD_KERNELS_H
#define SIXFOLD_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "sixfold/status.h"

/* Extent of an activation; each at least 1. */
typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels;
} sixfold_shape;

/*
 * The window of a convolution. Bottom and right padding follow from the output's extent: taps outside the input
 * count as real zero on all four sides.
 */
typedef struct {
    int32_t height, width;
    int32_t stride_vertical, stride_horizontal; /* at least 1 */
    int32_t pad_top, pad_left;                  /* at least 0 */
} sixfold_window;

/*
 * conv2d: accumulator[o] = bias[o] + sum over taps inside the input of (x - input_zero_point) * weights[o][tap].
 * weights: [output.channels][window.height][window.width][input.channels].
 *
 * depthwise_conv2d: the same for each channel alone; output.channels = input.channels.
 * weights: [window.height][window.width][channels].
 */
typedef struct {
    sixfold_shape input, output;
    sixfold_window window;
    int32_t input_zero_point, output_zero_point;
    size_t scratch_bytes; /* that the code generator planned; what the caller passes has as many */
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multipliers;
    const int32_t *shifts;
} sixfold_convolution;

/* accumulator[o] = bias[o] + sum over i of (x[i] - input_zero_point) * weights[o][i]; weights: [outputs][inputs]. */
typedef struct {
    int32_t inputs, outputs; /* at least 1 */
    int32_t input_zero_point, output_zero_point;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multipliers;
    const int32_t *shifts;
} sixfold_dense;

/*
 * Sum of two tensors of one shape, each with its own scale (TensorFlow Lite's ADD). Both inputs, less their zero
 * points, are multiplied by 2^20 and brought to a common step before they are added.
 */
typedef struct {
    int32_t size; /* elements, at least 1 */
    int32_t left_zero_point, right_zero_point, output_zero_point;
    int32_t left_multiplier, left_shift; /* shift at most 0, likewise right_shift: the common step is the coarser */
    int32_t right_multiplier, right_shift;
    int32_t output_multiplier, output_shift;
} sixfold_addition;

/* Bytes of scratch that sixfold_conv2d needs for these parameters; 0 for a null pointer. */
size_t sixfold_conv2d_scratch_bytes(const sixfold_convolution *params);

/*
 * scratch: params->scratch_bytes bytes, at least sixfold_conv2d_scratch_bytes(params); may be null where that is 0.
 * Output may lead: pixels are computed in order, two together, of which a window other than 1x1 is read before.
 */
sixfold_status sixfold_conv2d(const sixfold_convolution *params, const int8_t *input, void *scratch, int8_t *output);

/* scratch: not used, may be null. Output may lead: pixels are computed in order, one by one. */
sixfold_status sixfold_depthwise_conv2d(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                        int8_t *output);

sixfold_status sixfold_fully_connected(const sixfold_dense *params, const int8_t *input, int8_t *output);

/* Output may lead over left and right, by nothing at least: it may be the same array. */
sixfold_status sixfold_add(const sixfold_addition *params, const int8_t *left, const int8_t *right, int8_t *output);

/*
 * Mean of each channel over height and width, halves away from zero, taken on the raw codes (TensorFlow Lite's
 * AVERAGE_POOL_2D): input and output share scale and zero point. height * width is at most 2^23.
 * output: shape.channels codes.
 */
sixfold_status sixfold_global_average_pool(const sixfold_shape *shape, const int8_t *input, int8_t *output);

#endif
