/* 1x1 convolution: a matrix product of the pixels where they lie. */
#include "../arguments.h"
#include "convert.h"
#include "sixfold/cmsis_nn.h"

sixfold_status sixfold_cmsis_nn_convolve_1x1(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                             int8_t *output)
{
    if (!sixfold_convolution_is_valid(params) || input == NULL || output == NULL || params->window.height != 1 ||
        params->window.width != 1 || params->input.height != params->output.height ||
        params->input.width != params->output.width) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const cmsis_nn_conv_params conv = sixfold_conv_params(params);
    const cmsis_nn_dims in = sixfold_dims(&params->input);
    const cmsis_nn_dims out = sixfold_dims(&params->output);
    const cmsis_nn_dims window = sixfold_window_dims(params, out.c);
    const cmsis_nn_dims bias = sixfold_channel_dims(out.c);
    const cmsis_nn_per_channel_quant_params scales = sixfold_scales(params->multipliers, params->shifts);
    const cmsis_nn_context context = sixfold_context(params, scratch);
    return sixfold_status_of(arm_convolve_1x1_s8_fast(&context, &conv, &scales, &in, input, &window, params->weights,
                                                      &bias, params->bias, &out, output));
}
