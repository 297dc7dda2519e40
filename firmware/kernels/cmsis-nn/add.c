/* Residual addition. */
#include "../arguments.h"
#include "convert.h"
#include "sixfold/cmsis_nn.h"

sixfold_status sixfold_cmsis_nn_add(const sixfold_addition *params, const int8_t *left, const int8_t *right,
                                    int8_t *output)
{
    if (!sixfold_addition_is_valid(params) || left == NULL || right == NULL || output == NULL) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    return sixfold_status_of(arm_elementwise_add_s8(
        left, right, -params->left_zero_point, params->left_multiplier, params->left_shift, -params->right_zero_point,
        params->right_multiplier, params->right_shift, SIXFOLD_ADD_SHIFT, output, params->output_zero_point,
        params->output_multiplier, params->output_shift, INT8_MIN, INT8_MAX, params->size));
}
