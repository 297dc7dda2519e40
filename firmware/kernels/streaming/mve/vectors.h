/* Loops over vectors that C cannot express: those that end with part of one by themselves. */
#ifndef SIXFOLD_STREAMING_MVE_VECTORS_H
#define SIXFOLD_STREAMING_MVE_VECTORS_H

#include <stdint.h>

/*
 * One chunk of `count` pixels to a panel: `kept` channels, or sixteen if there are more. gap: bytes from behind a group
 * of four pixels to the next.
 */
void sixfold_mve_pack(const int8_t *pixels, int32_t channels, int32_t count, int8_t *panel, int32_t gap, int32_t kept);

/* sums[i] += weights of two channels [chunk][2][16] times x[inputs]. */
void sixfold_mve_dot(const int8_t *weights, const int8_t *x, int32_t inputs, int32_t *sums);

/* sums[i] += `width` codes that are `slots` bytes apart, for each of `channels` that are `channel_bytes` apart. */
void sixfold_mve_sum(const int8_t *codes, int32_t channels, int32_t width, int32_t *sums, int32_t channel_bytes,
                     int32_t slots);

/* value * multiplier * 2^(shift - 31) as sixfold/requantize.h defines it; shift <= 0. */
typedef struct {
    int32_t multiplier, shift;
} mve_factor;

/* A residual addition. The assembly reads it as consecutive words. */
typedef struct {
    int32_t left_term; /* left zero point * -2^20 */
    mve_factor left;
    int32_t right_term;
    mve_factor right;
    mve_factor output;
    int32_t zero_point;
    int32_t up; /* shift of the sum to the left */
} mve_addition;

void sixfold_mve_add(const mve_addition *addition, const int8_t *left, const int8_t *right, int8_t *output,
                     int32_t size);

#endif
