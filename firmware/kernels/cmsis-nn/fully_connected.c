/* The classifier, as a 1x1 convolution of one pixel. */
#include "../arguments.h"
#include "convert.h"
#include "sixfold/cmsis_nn.h"

sixfold_status sixfold_cmsis_nn_fully_connected(const sixfold_dense *params, const int8_t *input, int8_t *output)
{
    if (!sixfold_dense_is_valid(params)) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const sixfold_convolution pixel = {
        .input = {1, 1, params->inputs},
        .output = {1, 1, params->outputs},
        .window = {.height = 1, .width = 1, .stride_vertical = 1, .stride_horizontal = 1},
        .input_zero_point = params->input_zero_point,
        .output_zero_point = params->output_zero_point,
        .weights = params->weights,
        .bias = params->bias,
        .multipliers = params->multipliers,
        .shifts = params->shifts,
    };
    return sixfold_cmsis_nn_convolve_1x1(&pixel, input, NULL, output);
}
