/* Depthwise convolution by gathered windows. */
#include "../arguments.h"
#include "convert.h"
#include "sixfold/cmsis_nn.h"

/* A window wholly above or below the input would be gathered past the end of scratch. */
static bool windows_touch_the_input(const sixfold_convolution *params)
{
    const sixfold_window *window = &params->window;
    const int32_t last = (params->output.height - 1) * window->stride_vertical - window->pad_top;
    return window->pad_top < window->height && last < params->input.height;
}

sixfold_status sixfold_cmsis_nn_depthwise(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                          int8_t *output)
{
    if (!sixfold_depthwise_is_valid(params) || input == NULL || output == NULL || !windows_touch_the_input(params)) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const cmsis_nn_dw_conv_params conv = sixfold_dw_conv_params(params);
    const cmsis_nn_dims in = sixfold_dims(&params->input);
    const cmsis_nn_dims out = sixfold_dims(&params->output);
    const cmsis_nn_dims window = sixfold_window_dims(params, 1);
    const cmsis_nn_dims bias = sixfold_channel_dims(out.c);
    const cmsis_nn_per_channel_quant_params scales = sixfold_scales(params->multipliers, params->shifts);
    const cmsis_nn_context context = sixfold_context(params, scratch);
    if (!sixfold_scratch_is_enough(params, scratch, (size_t)arm_depthwise_conv_s8_opt_get_buffer_size(&in, &window))) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    return sixfold_status_of(arm_depthwise_conv_s8_opt(&context, &conv, &scales, &in, input, &window, params->weights,
                                                       &bias, params->bias, &out, output));
}
