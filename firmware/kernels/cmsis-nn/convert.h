/* Our parameters as CMSIS-NN's. */
#ifndef SIXFOLD_CMSIS_NN_CONVERT_H
#define SIXFOLD_CMSIS_NN_CONVERT_H

#include <stdint.h>

#include "arm_nnfunctions.h"
#include "sixfold/kernels.h"

static const cmsis_nn_activation SIXFOLD_INT8_RANGE = {.min = INT8_MIN, .max = INT8_MAX};

static inline cmsis_nn_context sixfold_context(const sixfold_convolution *params, void *scratch)
{
    const cmsis_nn_context context = {.buf = scratch, .size = (int32_t)params->scratch_bytes};
    return context;
}

static inline cmsis_nn_dims sixfold_dims(const sixfold_shape *shape)
{
    const cmsis_nn_dims dims = {.n = 1, .h = shape->height, .w = shape->width, .c = shape->channels};
    return dims;
}

static inline cmsis_nn_dims sixfold_window_dims(const sixfold_convolution *params, int32_t count)
{
    const cmsis_nn_dims dims = {
        .n = count, .h = params->window.height, .w = params->window.width, .c = params->input.channels};
    return dims;
}

static inline cmsis_nn_dims sixfold_channel_dims(int32_t channels)
{
    const cmsis_nn_dims dims = {.n = 1, .h = 1, .w = 1, .c = channels};
    return dims;
}

static inline cmsis_nn_tile sixfold_stride(const sixfold_window *window)
{
    const cmsis_nn_tile stride = {.w = window->stride_horizontal, .h = window->stride_vertical};
    return stride;
}

static inline cmsis_nn_tile sixfold_padding(const sixfold_window *window)
{
    const cmsis_nn_tile padding = {.w = window->pad_left, .h = window->pad_top};
    return padding;
}

static inline cmsis_nn_conv_params sixfold_conv_params(const sixfold_convolution *params)
{
    const cmsis_nn_conv_params converted = {
        .input_offset = -params->input_zero_point,
        .output_offset = params->output_zero_point,
        .stride = sixfold_stride(&params->window),
        .padding = sixfold_padding(&params->window),
        .dilation = {.w = 1, .h = 1},
        .activation = SIXFOLD_INT8_RANGE,
    };
    return converted;
}

static inline cmsis_nn_dw_conv_params sixfold_dw_conv_params(const sixfold_convolution *params)
{
    const cmsis_nn_dw_conv_params converted = {
        .input_offset = -params->input_zero_point,
        .output_offset = params->output_zero_point,
        .ch_mult = 1,
        .stride = sixfold_stride(&params->window),
        .padding = sixfold_padding(&params->window),
        .dilation = {.w = 1, .h = 1},
        .activation = SIXFOLD_INT8_RANGE,
    };
    return converted;
}

/* CMSIS-NN declares these pointers without const and only reads through them. */
static inline cmsis_nn_per_channel_quant_params sixfold_scales(const int32_t *multipliers, const int32_t *shifts)
{
    const cmsis_nn_per_channel_quant_params scales = {.multiplier = (int32_t *)multipliers, .shift = (int32_t *)shifts};
    return scales;
}

static inline sixfold_status sixfold_status_of(arm_cmsis_nn_status status)
{
    return status == ARM_CMSIS_NN_SUCCESS ? SIXFOLD_OK : SIXFOLD_BAD_ARGUMENT;
}

#endif
