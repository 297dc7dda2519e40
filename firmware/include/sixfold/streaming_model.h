/*
 * A MobileNetV2 as the streaming engine runs it: tables that the code generator writes, and what runs them.
 *
 * The network is a chain of units, each an inverted residual. A unit takes its input row by row; as soon as three rows
 * of the expanded tensor are there, it makes an output row. Units of one group are cascaded: an output row goes
 * straight into the next unit, and only the last one's output is a whole tensor. After the last group comes the end of
 * the network: a 1x1 convolution, its mean over the image, the classifier. Every row is computed once.
 *
 * Offsets are bytes in the arena. Nothing is checked at run time: the tables are right by construction, and guarded
 * models prove it.
 */
#ifndef SIXFOLD_STREAMING_MODEL_H
#define SIXFOLD_STREAMING_MODEL_H

#include <stdbool.h>

#include "sixfold/status.h"
#include "sixfold/streaming.h"

enum { SIXFOLD_NOWHERE = -1 };

typedef struct {
    sixfold_shape input, expanded, output;
    /* 0: a 1x1 convolution expands each row. 1 or 2: the network's first convolution, 3x3 with this stride, does. */
    int32_t stem_stride;
    int32_t input_code, expanded_code; /* zero points: of the image beside its borders (stem only), of the ring's */
    sixfold_pointwise expand;          /* of a stem: the input is the window's pixels, 9 * input.channels */
    sixfold_depthwise depthwise;
    sixfold_pointwise project;
    const sixfold_addition *addition; /* of the input to the projection, one row; null: there is none */
    bool input_is_left;               /* which of the addition's operands the input is */
    int32_t strip;                    /* pixels computed together, a multiple of SIXFOLD_STRIP */
    int32_t ring, panel;
    /*
     * A tiled unit, of stride 2, has a ring for one strip of its three rows: `saved` is for all strips of the row that
     * the next window needs too, `column` for the column left of the next strip. SIXFOLD_NOWHERE: whole rows.
     */
    int32_t saved, column;
    int32_t patches;     /* stem: `strip` windows; else SIXFOLD_NOWHERE */
    int32_t kept;        /* input rows that are needed later: two of a stem, one for an addition or of a tiled unit;
                            SIXFOLD_NOWHERE: the whole input is in the arena, or no row is needed */
    int32_t output_at;   /* of the first output row */
    int32_t output_step; /* from one output row to the next; 0: each is used up before the next is made */
} sixfold_unit;

typedef struct {
    int32_t first, units;
    int32_t input_at; /* the whole input; SIXFOLD_NOWHERE: rows are pushed */
} sixfold_group;

/* The end of the network. `parts`: the 1x1 convolution, cut by its outputs so that ring and sums stay small. */
typedef struct {
    int32_t pixels, channels; /* of the input */
    const sixfold_pointwise *parts;
    int32_t part_count;
    sixfold_pointwise classifier;
    int32_t strip;
    int32_t input_at, ring, panel, sums, features_at, output_at;
} sixfold_ending;

/* How far a unit is within one inference. */
typedef struct {
    int32_t arrived, expanded, made; /* rows */
    const int8_t *rows[2];           /* the input rows before the one that arrives, the older first */
} sixfold_unit_state;

typedef struct {
    int8_t *arena;
    const sixfold_unit *units;
    const sixfold_group *groups;
    int32_t group_count;
    const sixfold_ending *ending;
    sixfold_unit_state *states;        /* as many as the largest group has units */
    sixfold_status (*after_step)(void); /* guarded models: looks for damage after every step of a unit; else null */
} sixfold_streaming_model;

/* Begins a group: its first row comes next. */
void sixfold_streaming_begin(const sixfold_streaming_model *model, int32_t group);

/* The next row of a begun group's input; after the last one the output is whole. `row` is not needed afterwards. */
sixfold_status sixfold_streaming_push(const sixfold_streaming_model *model, int32_t group, const int8_t *row);

/* A begun group whose whole input is in the arena. */
sixfold_status sixfold_streaming_run(const sixfold_streaming_model *model, int32_t group);

/* What comes after the last group. */
sixfold_status sixfold_streaming_end(const sixfold_streaming_model *model);

#endif
