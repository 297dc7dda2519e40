/* Residual addition, TensorFlow Lite's ADD. */
#include "../arguments.h"
#include "sixfold/kernels.h"
#include "sixfold/requantize.h"

sixfold_status sixfold_add(const sixfold_addition *params, const int8_t *left, const int8_t *right, int8_t *output)
{
    if (!sixfold_addition_is_valid(params) || left == NULL || right == NULL || output == NULL) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const sixfold_addition fixed = *params; /* a copy cannot alias output, so it stays in registers */
    for (int32_t i = 0; i < fixed.size; ++i) {
        const int32_t scaled_left = sixfold_multiply_by_quantized_multiplier(
            (left[i] - fixed.left_zero_point) * (1 << SIXFOLD_ADD_SHIFT), fixed.left_multiplier, fixed.left_shift);
        const int32_t scaled_right = sixfold_multiply_by_quantized_multiplier(
            (right[i] - fixed.right_zero_point) * (1 << SIXFOLD_ADD_SHIFT), fixed.right_multiplier, fixed.right_shift);
        output[i] = sixfold_requantize(scaled_left + scaled_right, fixed.output_multiplier, fixed.output_shift,
                                       fixed.output_zero_point);
    }
    return SIXFOLD_OK;
}
