/* What all kernel libraries share: argument checks, and clipping of a window to the input. */
#ifndef SIXFOLD_KERNEL_ARGUMENTS_H
#define SIXFOLD_KERNEL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sixfold/kernels.h"

/* ADD keeps sub-step precision of both inputs: |x - zero point| <= 255, so the shifted value is below 2^28. */
enum { SIXFOLD_ADD_SHIFT = 20 };

/* Taps begin <= tap < end; empty when begin == end. */
typedef struct {
    int32_t begin, end;
} sixfold_span;

/* The taps of a window of `taps` that starts at `origin` (may be negative) and fall inside 0..extent-1. */
static inline sixfold_span sixfold_clip(int32_t origin, int32_t taps, int32_t extent)
{
    const int32_t begin = origin < 0 ? -origin : 0;
    const int32_t end = origin + taps > extent ? extent - origin : taps;
    const sixfold_span none = {0, 0};
    const sixfold_span inside = {begin, end};
    return begin < end ? inside : none;
}

static inline bool sixfold_is_code(int32_t zero_point)
{
    return zero_point >= INT8_MIN && zero_point <= INT8_MAX;
}

static inline bool sixfold_shape_is_valid(const sixfold_shape *shape)
{
    return shape->height > 0 && shape->width > 0 && shape->channels > 0;
}

static inline bool sixfold_convolution_is_valid(const sixfold_convolution *params)
{
    return params != NULL && sixfold_shape_is_valid(&params->input) && sixfold_shape_is_valid(&params->output) &&
           params->window.height > 0 && params->window.width > 0 && params->window.stride_vertical > 0 &&
           params->window.stride_horizontal > 0 && params->window.pad_top >= 0 && params->window.pad_left >= 0 &&
           sixfold_is_code(params->input_zero_point) && sixfold_is_code(params->output_zero_point) &&
           params->weights != NULL && params->bias != NULL && params->multipliers != NULL && params->shifts != NULL;
}

static inline bool sixfold_depthwise_is_valid(const sixfold_convolution *params)
{
    return sixfold_convolution_is_valid(params) && params->input.channels == params->output.channels;
}

static inline bool sixfold_dense_is_valid(const sixfold_dense *params)
{
    return params != NULL && params->inputs > 0 && params->outputs > 0 && sixfold_is_code(params->input_zero_point) &&
           sixfold_is_code(params->output_zero_point) && params->weights != NULL && params->bias != NULL &&
           params->multipliers != NULL && params->shifts != NULL;
}

static inline bool sixfold_addition_is_valid(const sixfold_addition *params)
{
    return params != NULL && params->size > 0 && sixfold_is_code(params->left_zero_point) &&
           sixfold_is_code(params->right_zero_point) && sixfold_is_code(params->output_zero_point) &&
           params->left_shift <= 0 && params->right_shift <= 0;
}

/* 2^23 codes of magnitude 2^7 and the rounding term stay inside int32. */
static inline bool sixfold_pool_is_valid(const sixfold_shape *shape)
{
    return shape != NULL && sixfold_shape_is_valid(shape) && shape->height <= (1 << 23) / shape->width;
}

static inline bool sixfold_scratch_is_enough(const sixfold_convolution *params, const void *scratch, size_t needed)
{
    return params->scratch_bytes >= needed && (needed == 0U || scratch != NULL);
}

#endif
