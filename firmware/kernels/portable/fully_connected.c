/* Matrix times vector: the classifier, a small part of the network's work. */
#include "../arguments.h"
#include "sixfold/kernels.h"
#include "sixfold/requantize.h"

sixfold_status sixfold_fully_connected(const sixfold_dense *params, const int8_t *input, int8_t *output)
{
    if (!sixfold_dense_is_valid(params) || input == NULL || output == NULL) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const int8_t *weight = params->weights;
    for (int32_t o = 0; o < params->outputs; ++o) {
        int32_t sum = params->bias[o];
        for (int32_t i = 0; i < params->inputs; ++i) {
            sum += (input[i] - params->input_zero_point) * *weight++;
        }
        output[o] = sixfold_requantize(sum, params->multipliers[o], params->shifts[o], params->output_zero_point);
    }
    return SIXFOLD_OK;
}
