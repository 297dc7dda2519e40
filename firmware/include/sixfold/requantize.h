/*
 * From an int32 accumulator to an int8 code, exactly as TensorFlow Lite's reference kernels do it
 * (MultiplyByQuantizedMultiplier with double rounding; Jacob et al. 2018, section 2.2).
 *
 * A real factor is stored as multiplier * 2^(shift - 31): multiplier in [2^30, 2^31) or 0, shift in [-31, 30].
 * Negative values are shifted right arithmetically, as every compiler of a two's complement machine does.
 */
#ifndef SIXFOLD_REQUANTIZE_H
#define SIXFOLD_REQUANTIZE_H

#include <stdint.h>

_Static_assert((-3 >> 1) == -2, "the kernels need an arithmetic right shift");

/*
 * value * multiplier * 2^(shift - 31), rounded half up to int32, then shifted right with halves away from zero.
 *
 * value:      value * 2^max(shift, 0) fits int32; the code generator proves it for every layer.
 * multiplier: 0 or [2^30, 2^31).
 * shift:      [-31, 30].
 */
static inline int32_t sixfold_multiply_by_quantized_multiplier(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t up = shift > 0 ? shift : 0;
    const int32_t scaled = (int32_t)((uint32_t)value << up);
    /* The specification nudges by sign and divides towards zero; that is rounding half up by an arithmetic shift.
     * Its saturation is for multiplier = -2^31 only, which the range above excludes. */
    const int32_t high = (int32_t)(((int64_t)scaled * multiplier + (INT64_C(1) << 30)) >> 31);
    if (shift >= 0) {
        return high;
    }
    /* Half away from zero is half up once negative values are lowered by one. Halving last keeps the rounding
     * addition inside int32: -2^31 < high < 2^31 - 1. */
    const int32_t lowered = high + (high >> 31);
    return ((lowered >> (-shift - 1)) + 1) >> 1;
}

/* value limited to -128..127. With zero point -128 and scale r/255 this is the network's ReLU6. */
static inline int8_t sixfold_saturate(int32_t value)
{
#if defined(__ARM_FEATURE_SAT)
    /* Compilers find this instruction in the lines below only as long as nothing is inlined around them. */
    int32_t saturated;
    __asm__("ssat %0, #8, %1" : "=r"(saturated) : "r"(value));
    return (int8_t)saturated;
#else
    const int32_t floored = value < INT8_MIN ? INT8_MIN : value;
    return (int8_t)(floored > INT8_MAX ? INT8_MAX : floored);
#endif
}

/* The int8 code of an accumulator: scaled, moved to the output's zero point, saturated. Ranges as above. */
static inline int8_t sixfold_requantize(int32_t accumulator, int32_t multiplier, int32_t shift, int32_t zero_point)
{
    return sixfold_saturate(sixfold_multiply_by_quantized_multiplier(accumulator, multiplier, shift) + zero_point);
}

#endif
