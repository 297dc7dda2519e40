/* Residual addition, TensorFlow Lite's ADD. */
#include "simd.h"
#include "sixfold/requantize.h"
#include "sixfold/streaming.h"

enum { LEFT_SHIFT = 20 };

/* Shift 0 means a multiplier of 2^30 here: half, exactly. */
static inline int32_t is_half(int32_t multiplier, int32_t shift)
{
    return shift == 0 && multiplier == 1 << 30;
}

void sixfold_stream_add(const sixfold_addition *params, const int8_t *left, const int8_t *right, int8_t *output)
{
    const int8_t *other = left;
    const int8_t *coarse = right;
    int32_t other_zero = params->left_zero_point, coarse_zero = params->right_zero_point;
    int32_t multiplier = params->left_multiplier, shift = -params->left_shift;
    if (!is_half(params->right_multiplier, params->right_shift)) {
        other = right;
        coarse = left;
        other_zero = params->right_zero_point;
        coarse_zero = params->left_zero_point;
        multiplier = params->right_multiplier;
        shift = -params->right_shift;
        if (!is_half(params->left_multiplier, params->left_shift)) {
            (void)sixfold_add(params, left, right, output);
            return;
        }
    }
    const int32_t output_shift = -params->output_shift;
    if (output_shift < 1 || output_shift > 22) {
        (void)sixfold_add(params, left, right, output);
        return;
    }
    /*
     * One operand is halved, exactly. The other one's high product, below 2^28, is rounded to the right by `shift`,
     * halves away from zero: done with twice its value, so that a shift of 0 needs nothing of its own.
     */
    const int32_t rounding = 1 << (shift < 30 ? shift : 30);
    const int32_t twice_shift = shift < 30 ? shift + 1 : 31;
    const int32_t output_multiplier = params->output_multiplier;
    const int32_t output_rounding = (1 << (output_shift - 1)) + params->output_zero_point * (1 << output_shift);
    for (int32_t count = params->size; count > 0; --count) {
        const int32_t difference = (*other++ - other_zero) * (1 << (LEFT_SHIFT + 1));
        const int32_t high = simd_smmlar(difference, multiplier, 0);
        const int32_t sum = ((2 * high + (high >> 31) + rounding) >> twice_shift) +
                            (*coarse++ - coarse_zero) * (1 << (LEFT_SHIFT - 1));
        const int32_t scaled = simd_smmlar(2 * sum, output_multiplier, output_rounding + (sum >> 31));
        *output++ = sixfold_saturate(scaled >> output_shift);
    }
}
