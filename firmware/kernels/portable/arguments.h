/* What the portable convolutions share: argument checks and clipping of a window to the input. */
#ifndef SIXFOLD_PORTABLE_ARGUMENTS_H
#define SIXFOLD_PORTABLE_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sixfold/kernels.h"

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

#endif
