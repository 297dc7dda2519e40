/* Residual addition, TensorFlow Lite's ADD. */
#include "simd.h"
#include "sixfold/requantize.h"
#include "sixfold/streaming.h"

enum { LEFT_SHIFT = 20 };

/* One operand's factor is half, exactly: that of the coarser step, whose own step is half the common one. */
static inline int32_t is_half(int32_t multiplier, int32_t shift)
{
    return shift == 0 && multiplier == 1 << 30;
}

/* What the sum of an element is made of. */
typedef struct {
    int32_t fine_zero, fine_up, fine_multiplier, fine_rounding, fine_down;
    int32_t coarse_zero;
    int32_t multiplier, rounding, down;
} addition;

/* value * 2^up */
static inline int32_t raised(int32_t value, int32_t up)
{
    return (int32_t)((uint32_t)value << up);
}

/* Byte number `byte` of two words. */
static inline __attribute__((always_inline)) int8_t add_one(const addition *by, uint32_t fine, uint32_t coarse,
                                                            const int32_t byte)
{
    /* Halves are rounded away from zero: negative values are lowered by one, then halves go up. */
    const int32_t difference = raised(simd_sxtab(-by->fine_zero, fine, byte), by->fine_up);
    const int32_t high = simd_smmlar(difference, by->fine_multiplier, by->fine_rounding + (difference >> 31));
    const int32_t half = raised(simd_sxtab(-by->coarse_zero, coarse, byte), LEFT_SHIFT - 1);
    const int32_t sum = (high >> by->fine_down) + half;
    return sixfold_saturate(simd_smmlar(2 * sum, by->multiplier, by->rounding + (sum >> 31)) >> by->down);
}

void sixfold_stream_add(const sixfold_addition *params, const int8_t *left, const int8_t *right, int8_t *output)
{
    const int32_t right_is_half = is_half(params->right_multiplier, params->right_shift);
    const int32_t down = -params->output_shift;
    const int32_t fine_shift = right_is_half ? params->left_shift : params->right_shift;
    if ((!right_is_half && !is_half(params->left_multiplier, params->left_shift)) || down < 1 || down > 22 ||
        fine_shift < -28) {
        (void)sixfold_add(params, left, right, output);
        return;
    }
    const int8_t *fine = right_is_half ? left : right;
    const int8_t *coarse = right_is_half ? right : left;
    /* A factor of half has no shift; twice the value, shifted by one, is the same. */
    const int32_t fine_down = fine_shift == 0 ? 1 : -fine_shift;
    const addition by = {
        .fine_zero = right_is_half ? params->left_zero_point : params->right_zero_point,
        .fine_up = LEFT_SHIFT + (fine_shift == 0 ? 2 : 1),
        .fine_multiplier = right_is_half ? params->left_multiplier : params->right_multiplier,
        .fine_rounding = 1 << (fine_down - 1),
        .fine_down = fine_down,
        .coarse_zero = right_is_half ? params->right_zero_point : params->left_zero_point,
        .multiplier = params->output_multiplier,
        .rounding = (1 << (down - 1)) + params->output_zero_point * (1 << down),
        .down = down,
    };
    int32_t count = params->size;
    for (; count >= 4; count -= 4) {
        const uint32_t x = simd_load(fine);
        const uint32_t y = simd_load(coarse);
        output[0] = add_one(&by, x, y, 0);
        output[1] = add_one(&by, x, y, 1);
        output[2] = add_one(&by, x, y, 2);
        output[3] = add_one(&by, x, y, 3);
        fine += 4;
        coarse += 4;
        output += 4;
    }
    for (; count > 0; --count) {
        *output++ = add_one(&by, (uint32_t)(uint8_t)*fine++, (uint32_t)(uint8_t)*coarse++, 0);
    }
}
