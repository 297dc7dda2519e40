/*
 * Of three whole expanded rows, two are only needed while one output row is made. So they are expanded strip by strip
 * when the second of them has come, and only the row that the next window needs too is saved as a whole. A window of
 * stride 2 reaches one column to the left of its strip, and that one is carried from strip to strip: as everywhere,
 * nothing is computed twice.
 */
#include "tiles.h"

#include <string.h>

enum { UPPER, MIDDLE, LOWER, SLOTS, STRIDE = 2 };

static int32_t least(int32_t one, int32_t other)
{
    return one < other ? one : other;
}

/* The ring for a strip; the last one of a row is narrower. */
static sixfold_ring ring_at(const sixfold_unit *unit, int8_t *arena, int32_t first)
{
    const int32_t columns = least(unit->strip, unit->expanded.width - first);
    return (sixfold_ring){arena + unit->ring, columns, unit->expanded.channels, SLOTS};
}

/* Where the strip of the saved row lies. */
static int8_t *saved_at(const sixfold_unit *unit, int8_t *arena, int32_t first)
{
    return arena + unit->saved + first * unit->expanded.channels;
}

void sixfold_tiles_begin(const sixfold_unit *unit, int8_t *arena)
{
    for (int32_t first = 0; first < unit->expanded.width; first += unit->strip) {
        const sixfold_ring ring = ring_at(unit, arena, first);
        sixfold_ring_fill(&ring, LOWER, (int8_t)unit->expanded_code); /* row -1, above the image */
        sixfold_ring_close(&ring, LOWER, saved_at(unit, arena, first), arena + unit->column);
    }
}

static void expand_strip(const sixfold_unit *unit, int8_t *arena, const int8_t *row, int32_t first,
                         const sixfold_ring *ring, int32_t slot)
{
    if (row == NULL) {
        sixfold_ring_fill(ring, slot, (int8_t)unit->expanded_code);
        return;
    }
    sixfold_stream_pack(row + first * unit->expand.inputs, unit->expand.inputs, ring->width, arena + unit->panel);
    sixfold_stream_expand(&unit->expand, arena + unit->panel, 0, ring->width, ring, slot);
}

void sixfold_tiles_project(const sixfold_unit *unit, int8_t *arena, const int8_t *middle, const int8_t *lower,
                           int8_t *output)
{
    memset(arena + unit->column, unit->expanded_code, (size_t)(SIXFOLD_COLUMN * unit->expanded.channels));
    for (int32_t first = 0; first < unit->expanded.width; first += unit->strip) {
        const sixfold_ring ring = ring_at(unit, arena, first);
        if (ring.width % STRIDE != 0) { /* the last window reaches beyond the row */
            sixfold_ring_pad_columns(&ring, (int8_t)unit->expanded_code);
        }
        sixfold_ring_open(&ring, UPPER, saved_at(unit, arena, first), arena + unit->column);
        expand_strip(unit, arena, middle, first, &ring, MIDDLE);
        expand_strip(unit, arena, lower, first, &ring, LOWER);
        sixfold_ring_close(&ring, LOWER, saved_at(unit, arena, first), arena + unit->column);
        const int32_t count = (ring.width + 1) / STRIDE;
        sixfold_stream_depthwise(&unit->depthwise, &ring, UPPER, 0, count, arena + unit->panel);
        sixfold_stream_project(&unit->project, arena + unit->panel, count, output);
        output += count * unit->output.channels;
    }
}
