/* Residual addition, TensorFlow Lite's ADD. */
#include "arguments.h"
#include "sixfold/kernels.h"
#include "sixfold/requantize.h"

/* Keeps sub-step precision of both inputs: |x - zero point| <= 255, so the shifted value is below 2^28. */
enum { LEFT_SHIFT = 20 };

sixfold_status sixfold_add(const sixfold_addition *params, const int8_t *left, const int8_t *right, int8_t *output)
{
    if (params == NULL || left == NULL || right == NULL || output == NULL || params->size < 1 ||
        !sixfold_is_code(params->left_zero_point) || !sixfold_is_code(params->right_zero_point) ||
        !sixfold_is_code(params->output_zero_point) || params->left_shift > 0 || params->right_shift > 0) {
        return SIXFOLD_BAD_ARGUMENT;
    }
    const sixfold_addition fixed = *params; /* a copy cannot alias output, so it stays in registers */
    for (int32_t i = 0; i < fixed.size; ++i) {
        const int32_t scaled_left = sixfold_multiply_by_quantized_multiplier(
            (left[i] - fixed.left_zero_point) * (1 << LEFT_SHIFT), fixed.left_multiplier, fixed.left_shift);
        const int32_t scaled_right = sixfold_multiply_by_quantized_multiplier(
            (right[i] - fixed.right_zero_point) * (1 << LEFT_SHIFT), fixed.right_multiplier, fixed.right_shift);
        output[i] = sixfold_requantize(scaled_left + scaled_right, fixed.output_multiplier, fixed.output_shift,
                                       fixed.output_zero_point);
    }
    return SIXFOLD_OK;
}
