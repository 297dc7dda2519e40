/* Residual addition, TensorFlow Lite's ADD: vectors.S computes it. */
#include "sixfold/streaming.h"
#include "vectors.h"

enum { STEP = 1 << 20 };

void sixfold_stream_add(const sixfold_addition *params, const int8_t *left, const int8_t *right, int8_t *output)
{
    const int32_t shift = params->output_shift;
    const mve_addition addition = {
        .left_term = -params->left_zero_point * STEP,
        .left = {params->left_multiplier, params->left_shift},
        .right_term = -params->right_zero_point * STEP,
        .right = {params->right_multiplier, params->right_shift},
        .output = {params->output_multiplier, shift < 0 ? shift : 0},
        .zero_point = params->output_zero_point,
        .up = shift > 0 ? shift : 0,
    };
    sixfold_mve_add(&addition, left, right, output, params->size);
}
