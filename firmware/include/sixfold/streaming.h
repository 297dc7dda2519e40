/*
 * Kernels that compute a MobileNetV2 row by row: an inverted residual never holds more than three rows of its expanded
 * tensor (Sandler et al. 2018, section 5.1). There is one build of them per kind of core (firmware/kernels/streaming):
 * plain C, DSP extension, Helium. The functions and their results are the same, the layouts below are each build's own.
 *
 *   pixels  int8 [count][channels]: how bottleneck tensors, frames and outputs lie in memory.
 *   panel   pixels as the build's matrix product reads them: sixfold_panel_bytes(channels, count) bytes.
 *   ring    one or three rows of an expanded tensor, channel by channel, with a column of the zero point on either side:
 *           a depthwise 3x3 window never looks whether it is inside. Rows lie in slots: row y in slot y % 3.
 *
 * A matrix product's panel comes from sixfold_stream_pack or from sixfold_stream_depthwise; the two differ in the DSP
 * build, so sixfold_stream_expand takes the former and sixfold_stream_project the latter only.
 *
 * Common to all: zero points are folded into the biases (bias - input zero point * sum of the weights), every window is
 * 3x3 with one column of padding, requantisation is that of sixfold/requantize.h. `packed` is what
 * pipeline/backends/cortex_m/streaming/layouts made of weights, biases, multipliers and shifts for this build. Buffers
 * are aligned to 16 bytes, pixels need no alignment, buffers do not overlap unless a function says so. Arguments are
 * not checked: only the generated model calls these, with shapes that the code generator proved.
 */
#ifndef SIXFOLD_STREAMING_H
#define SIXFOLD_STREAMING_H

#include <stdint.h>

#include "sixfold/kernels.h"

/*
 * A 1x1 convolution or classifier.
 *
 * saturates: the code generator proved that the output's zero point is -128, no shift is to the left and the rounding
 *            term fits, so that negative sums need no exact rounding: they saturate at -128, which is ReLU6.
 */
typedef struct {
    int32_t inputs, outputs;
    int32_t output_zero_point;
    int32_t saturates;
    const void *packed;
} sixfold_pointwise;

/* A depthwise 3x3 convolution; `saturates` as above. */
typedef struct {
    int32_t channels;
    int32_t stride; /* 1 or 2, of columns and rows alike */
    int32_t output_zero_point;
    int32_t saturates;
    const void *packed;
} sixfold_depthwise;

/* Rows of an expanded tensor; slots is 3, or 1 where no window is to be moved over it. */
typedef struct {
    int8_t *data;
    int32_t width, channels;
    int32_t slots;
} sixfold_ring;

/* Pixels to panel, for sixfold_stream_expand. */
void sixfold_stream_pack(const int8_t *pixels, int32_t channels, int32_t count, void *panel);

/*
 * Matrix product into a ring: pixels first..first + count - 1 of the row in `slot`, all params->outputs channels.
 * panel: params->inputs channels, count pixels. first is a multiple of SIXFOLD_STRIP. The padding columns are not
 * written.
 */
void sixfold_stream_expand(const sixfold_pointwise *params, const void *panel, int32_t first, int32_t count,
                           const sixfold_ring *ring, int32_t slot);

/*
 * Window over the three rows of a ring into a panel: output pixels first..first + count - 1 of one row.
 * top: slot of the upper row of the window, 0..2; the middle and lower rows are in the slots after it, modulo 3.
 * first is a multiple of SIXFOLD_STRIP; panel: params->channels channels, count pixels.
 */
void sixfold_stream_depthwise(const sixfold_depthwise *params, const sixfold_ring *ring, int32_t top, int32_t first,
                              int32_t count, void *panel);

/* Matrix product of a panel into pixels. */
void sixfold_stream_project(const sixfold_pointwise *params, const void *panel, int32_t count, int8_t *pixels);

/* sixfold_add without its checks; output may be left or right. */
void sixfold_stream_add(const sixfold_addition *params, const int8_t *left, const int8_t *right, int8_t *output);

/* sums[c] += the codes of channel c in the row of `slot`, without the padding columns. */
void sixfold_stream_sum(const sixfold_ring *ring, int32_t slot, int32_t *sums);

/* The classifier: params->inputs features to params->outputs codes. */
void sixfold_stream_classify(const sixfold_pointwise *params, const int8_t *features, int8_t *output);

/* The padding columns of every row: the functions above never write them. */
void sixfold_ring_pad_columns(const sixfold_ring *ring, int8_t code);

/* A whole row of one code: the rows above and below the image. */
void sixfold_ring_fill(const sixfold_ring *ring, int32_t slot, int8_t code);

/*
 * Rings for one tile of columns after the other, in one place. Closing takes a row and the last pixel of every row out
 * of a tile's ring. Opening puts the row into the ring of the same tile, later, and the pixels of the tile before into
 * the left padding column. Where a window reaches the right padding column it is written before either.
 * saved: the row's pixels, every channel's rounded up to words. column: SIXFOLD_COLUMN bytes a channel, all of them the
 * padding code before the first tile.
 */
void sixfold_ring_close(const sixfold_ring *ring, int32_t slot, int8_t *saved, int8_t *column);
void sixfold_ring_open(const sixfold_ring *ring, int32_t slot, const int8_t *saved, const int8_t *column);

enum { SIXFOLD_COLUMN = 4 };

/* Pixels that are computed together in every build: where a row is cut into strips, strips begin at multiples of it. */
enum { SIXFOLD_STRIP = 12 };

#endif
