#include "unit.h"

#include <string.h>

#include "patches.h"
#include "tiles.h"

enum { SLOTS = 3 };

static sixfold_ring ring_of(const sixfold_unit *unit, int8_t *arena)
{
    return (sixfold_ring){arena + unit->ring, unit->expanded.width, unit->expanded.channels, SLOTS};
}

static int32_t least(int32_t one, int32_t other)
{
    return one < other ? one : other;
}

void sixfold_unit_begin(const sixfold_unit *unit, sixfold_unit_state *state, int8_t *arena)
{
    *state = (sixfold_unit_state){0, 0, 0, {NULL, NULL}};
    if (unit->saved != SIXFOLD_NOWHERE) {
        sixfold_tiles_begin(unit, arena);
        return;
    }
    const sixfold_ring ring = ring_of(unit, arena);
    sixfold_ring_pad_columns(&ring, (int8_t)unit->expanded_code);
    sixfold_ring_fill(&ring, SLOTS - 1, (int8_t)unit->expanded_code); /* row -1, above the image */
}

/* One more row of the expanded tensor, from three rows of the image (stem), or from `row` alone. */
static void expand_row(const sixfold_unit *unit, sixfold_unit_state *state, int8_t *arena, const int8_t *row)
{
    const sixfold_ring ring = ring_of(unit, arena);
    const int32_t slot = state->expanded++ % SLOTS;
    const int8_t *const rows[3] = {state->rows[0], state->rows[1], row};
    for (int32_t first = 0; first < ring.width; first += unit->strip) {
        const int32_t count = least(unit->strip, ring.width - first);
        const int8_t *pixels;
        if (unit->stem_stride != 0) {
            sixfold_gather_patches(unit, rows, first, count, arena + unit->patches);
            pixels = arena + unit->patches;
        } else {
            pixels = row + first * unit->expand.inputs;
        }
        sixfold_stream_pack(pixels, unit->expand.inputs, count, arena + unit->panel);
        sixfold_stream_expand(&unit->expand, arena + unit->panel, first, count, &ring, slot);
    }
}

/* Where the next output row goes. */
static int8_t *output_of(const sixfold_unit *unit, const sixfold_unit_state *state, int8_t *arena)
{
    return arena + unit->output_at + state->made * unit->output_step;
}

/* An output row from the three rows in the ring. */
static const int8_t *project_row(const sixfold_unit *unit, sixfold_unit_state *state, int8_t *arena)
{
    const sixfold_ring ring = ring_of(unit, arena);
    const int32_t top = (unit->depthwise.stride * state->made + SLOTS - 1) % SLOTS;
    int8_t *output = output_of(unit, state, arena);
    for (int32_t first = 0; first < unit->output.width; first += unit->strip) {
        const int32_t count = least(unit->strip, unit->output.width - first);
        sixfold_stream_depthwise(&unit->depthwise, &ring, top, first, count, arena + unit->panel);
        sixfold_stream_project(&unit->project, arena + unit->panel, count, output + first * unit->output.channels);
    }
    if (unit->addition != NULL) {
        const int8_t *input = state->rows[1];
        sixfold_stream_add(unit->addition, unit->input_is_left ? input : output, unit->input_is_left ? output : input,
                           output);
    }
    ++state->made;
    return output;
}

/* Whether the 3x3 window of output row `made` reaches no further than the rows that have come. */
static bool has_window(int32_t made, int32_t stride, int32_t come)
{
    return come == stride * made + 2;
}

/* Whether only its lower row is missing, which lies below the image. */
static bool lacks_padding(int32_t made, int32_t stride, int32_t come, int32_t height)
{
    return come == height && stride * made + 1 == height;
}

/* Input rows that a later step needs; where the whole input is in the arena they stay where they are. */
static void remember(const sixfold_unit *unit, sixfold_unit_state *state, int8_t *arena, const int8_t *row)
{
    if (unit->kept != SIXFOLD_NOWHERE) {
        const int32_t bytes = unit->input.width * unit->input.channels;
        int8_t *kept = arena + unit->kept + (unit->stem_stride != 0 ? (state->arrived & 1) * bytes : 0);
        memcpy(kept, row, (size_t)bytes);
        row = kept;
    }
    state->rows[0] = state->rows[1];
    state->rows[1] = row;
}

/* Whether the first convolution can make a row, now that `row` is there or (null) no more will come. */
static bool stem_is_ready(const sixfold_unit *unit, const sixfold_unit_state *state, const int8_t *row)
{
    if (row != NULL) {
        return has_window(state->expanded, unit->stem_stride, state->arrived + 1);
    }
    return lacks_padding(state->expanded, unit->stem_stride, state->arrived, unit->input.height);
}

/* A row is kept until the one below it comes, or null. */
static const int8_t *tiled_step(const sixfold_unit *unit, sixfold_unit_state *state, int8_t *arena, const int8_t *row)
{
    int8_t *output = NULL;
    if (state->arrived == unit->depthwise.stride * state->made) {
        remember(unit, state, arena, row);
    } else {
        output = output_of(unit, state, arena);
        sixfold_tiles_project(unit, arena, state->rows[1], row, output);
        ++state->made;
    }
    state->arrived += row != NULL;
    return output;
}

const int8_t *sixfold_unit_step(const sixfold_unit *unit, sixfold_unit_state *state, int8_t *arena, const int8_t *row)
{
    if (unit->saved != SIXFOLD_NOWHERE) {
        return tiled_step(unit, state, arena, row);
    }
    if (unit->stem_stride != 0 ? stem_is_ready(unit, state, row) : row != NULL) {
        expand_row(unit, state, arena, row);
    }
    const int32_t stride = unit->depthwise.stride;
    const int8_t *output = NULL;
    if (has_window(state->made, stride, state->expanded)) {
        output = project_row(unit, state, arena);
    } else if (row == NULL && lacks_padding(state->made, stride, state->expanded, unit->expanded.height)) {
        const sixfold_ring ring = ring_of(unit, arena);
        sixfold_ring_fill(&ring, state->expanded % SLOTS, (int8_t)unit->expanded_code);
        output = project_row(unit, state, arena);
    }
    if (row != NULL) {
        if (unit->stem_stride != 0 || unit->addition != NULL) {
            remember(unit, state, arena, row);
        }
        ++state->arrived;
    }
    return output;
}
