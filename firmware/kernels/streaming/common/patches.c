#include "patches.h"

#include <string.h>

enum { RGB_RUN = 9 }; /* bytes of three pixels of a colour image: the usual case, copied without a call */

/* One row of windows that lie inside the image, all three pixels. */
static void gather_inner(const int8_t *pixels, int32_t step, int32_t run, int32_t count, int8_t *patches)
{
    if (run == RGB_RUN) {
        for (int32_t x = 0; x < count; ++x) {
            memcpy(patches, pixels, RGB_RUN);
            pixels += step;
            patches += 3 * RGB_RUN;
        }
        return;
    }
    for (int32_t x = 0; x < count; ++x) {
        memcpy(patches, pixels, (size_t)run);
        pixels += step;
        patches += 3 * run;
    }
}

/* Pixel by pixel, for the columns at the borders. */
static void gather_at_border(const sixfold_unit *unit, const int8_t *row, int32_t left, int8_t *patch)
{
    const int32_t channels = unit->input.channels;
    for (int32_t column = 0; column < 3; ++column) {
        const int32_t x = left + column;
        if (x < 0 || x >= unit->input.width) {
            memset(patch + column * channels, unit->input_code, (size_t)channels);
        } else {
            memcpy(patch + column * channels, row + x * channels, (size_t)channels);
        }
    }
}

void sixfold_gather_patches(const sixfold_unit *unit, const int8_t *const rows[3], int32_t first, int32_t count,
                            int8_t *patches)
{
    const int32_t stride = unit->stem_stride;
    const int32_t run = 3 * unit->input.channels;
    const int32_t end = first + count;
    /* Windows in inner_begin..inner_end - 1 lie inside the image. */
    const int32_t inner_begin = first == 0 ? 1 : first;
    const int32_t fitting = unit->input.width < 2 ? 0 : (unit->input.width - 2) / stride + 1;
    const int32_t inner_end = end < fitting ? end : fitting;
    for (int32_t row = 0; row < 3; ++row) {
        int8_t *to = patches + row * run;
        const int8_t *from = rows[row];
        for (int32_t x = first; x < end; ++x) {
            if (from == NULL) {
                memset(to + (x - first) * 3 * run, unit->input_code, (size_t)run);
            } else if (x < inner_begin || x >= inner_end) {
                gather_at_border(unit, from, x * stride - 1, to + (x - first) * 3 * run);
            } else {
                gather_inner(from + (x * stride - 1) * unit->input.channels, stride * unit->input.channels, run,
                             inner_end - x, to + (x - first) * 3 * run);
                x = inner_end - 1;
            }
        }
    }
}
