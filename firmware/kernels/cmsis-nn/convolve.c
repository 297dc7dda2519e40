/* Any convolution: gathered windows times weights. */
#include "../arguments.h"
#include "convert.h"
#include "sixfold/cmsis_nn.h"

sixfold_status sixfold_cmsis_nn_convolve(const sixfold_convolution *params, const int8_t *input, void *scratch,
                                         int8_t *output)
{
    if (!sixfold_convolution_is_valid(params) || input == NULL || output == NULL) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const cmsis_nn_conv_params conv = sixfold_conv_params(params);
    const cmsis_nn_dims in = sixfold_dims(&params->input);
    const cmsis_nn_dims out = sixfold_dims(&params->output);
    const cmsis_nn_dims window = sixfold_window_dims(params, out.c);
    const cmsis_nn_dims bias = sixfold_channel_dims(out.c);
    const cmsis_nn_per_channel_quant_params scales = sixfold_scales(params->multipliers, params->shifts);
    const cmsis_nn_context context = sixfold_context(params, scratch);
    if (!sixfold_scratch_is_enough(params, scratch, (size_t)arm_convolve_s8_get_buffer_size(&in, &window))) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    return sixfold_status_of(arm_convolve_s8(&context, &conv, &scales, &in, input, &window, params->weights, &bias,
                                             params->bias, &out, output));
}
