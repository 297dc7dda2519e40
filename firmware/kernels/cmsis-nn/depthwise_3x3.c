/* Depthwise convolution with a 3x3 window, straight from the input. */
#include "../arguments.h"
#include "convert.h"
#include "sixfold/cmsis_nn.h"

/* The kernel reads the middle column of every window without looking whether it is inside the input. */
static bool middle_column_is_inside(const sixfold_convolution *params)
{
    const int32_t last = (params->output.width - 1) * params->window.stride_horizontal - params->window.pad_left;
    return params->window.pad_left <= 1 && last + 1 < params->input.width;
}

sixfold_status sixfold_cmsis_nn_depthwise_3x3(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                              int8_t *output)
{
    if (!sixfold_depthwise_is_valid(params) || input == NULL || output == NULL || params->window.height != 3 ||
        params->window.width != 3 || params->window.pad_top > 1 || !middle_column_is_inside(params)) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const cmsis_nn_dw_conv_params conv = sixfold_dw_conv_params(params);
    const cmsis_nn_dims in = sixfold_dims(&params->input);
    const cmsis_nn_dims out = sixfold_dims(&params->output);
    const cmsis_nn_dims window = sixfold_window_dims(params, 1);
    const cmsis_nn_dims bias = sixfold_channel_dims(out.c);
    const cmsis_nn_per_channel_quant_params scales = sixfold_scales(params->multipliers, params->shifts);
    const cmsis_nn_context context = sixfold_context(params, scratch);
    return sixfold_status_of(arm_depthwise_conv_3x3_s8(&context, &conv, &scales, &in, input, &window, params->weights,
                                                       &bias, params->bias, &out, output));
}
