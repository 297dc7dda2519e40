/*
 * Executes cases of the streaming kernels for the Python tests (streaming_cases.py makes them).
 *
 * A case is its operation, int32 words and arrays, little-endian, in the order in which run_*() read them. The answer
 * is the number of output bytes, and these. What a kernel may not touch lies beside its buffers, which have exactly the
 * sizes that the Python layout says.
 */
#include "streaming_peer.h"

#include <string.h>

#include "sixfold/streaming.h"

enum operation { BLOCK, SUM, CLASSIFY, ADD };

enum { MISALIGNMENT = 1 }; /* of pixels, which need no alignment */

static void take(void *data, size_t bytes)
{
    if (bytes > 0 && !peer_read(data, bytes)) {
        peer_abort("the cases are cut short");
    }
}

static int32_t take_word(void)
{
    int32_t word;
    take(&word, sizeof word);
    return word;
}

static void *take_array(int32_t bytes)
{
    void *data = peer_allocate((size_t)bytes);
    take(data, (size_t)bytes);
    return data;
}

static int8_t *allocate_pixels(int32_t bytes)
{
    return (int8_t *)peer_allocate((size_t)bytes + MISALIGNMENT) + MISALIGNMENT;
}

static int8_t *take_pixels(int32_t bytes)
{
    int8_t *pixels = allocate_pixels(bytes);
    take(pixels, (size_t)bytes);
    return pixels;
}

static void answer(const void *output, int32_t bytes)
{
    peer_write(&bytes, sizeof bytes);
    peer_write(output, (size_t)bytes);
}

/* Words: inputs, outputs, zero point, saturates, bytes of constants; then these. */
static sixfold_pointwise take_pointwise(void)
{
    sixfold_pointwise params = {.inputs = take_word(), .outputs = take_word(), .output_zero_point = take_word()};
    params.saturates = take_word();
    params.packed = take_array(take_word());
    return params;
}

/* Words: channels, stride, zero point, saturates, bytes of constants; then these. */
static sixfold_depthwise take_depthwise(void)
{
    sixfold_depthwise params = {.channels = take_word(), .stride = take_word(), .output_zero_point = take_word()};
    params.saturates = take_word();
    params.packed = take_array(take_word());
    return params;
}

static int32_t least(int32_t one, int32_t other)
{
    return one < other ? one : other;
}

/* One row of pixels into the ring, strip by strip. */
static void expand_row(const sixfold_pointwise *params, const int8_t *pixels, int32_t strip, void *panel,
                       const sixfold_ring *ring, int32_t slot)
{
    for (int32_t first = 0; first < ring->width; first += strip) {
        const int32_t count = least(strip, ring->width - first);
        sixfold_stream_pack(pixels + first * params->inputs, params->inputs, count, panel);
        sixfold_stream_expand(params, panel, first, count, ring, slot);
    }
}

/* Three rows through three operators, and the memory that it takes. */
typedef struct {
    int32_t width, strip;
    int32_t top;     /* slot of the upper row */
    int32_t padding; /* rows that are padding; bit 0: the upper */
    int8_t code;     /* of padding */
    int32_t ring_bytes;
    int8_t *ring, *saved, *column;
    void *packed, *panel; /* before and after the depthwise convolution */
    sixfold_pointwise expand;
    sixfold_depthwise depthwise;
    sixfold_pointwise project;
    const int8_t *pixels;
    int8_t *output;
} block;

/* `ring->width` pixels of one of the rows, from column `first` on, or padding. */
static void make_row(const block *given, int32_t row, int32_t first, const sixfold_ring *ring)
{
    const int32_t slot = (given->top + row) % 3;
    if ((given->padding >> row & 1) != 0) {
        sixfold_ring_fill(ring, slot, given->code);
        return;
    }
    const int8_t *pixels = given->pixels + (row * given->width + first) * given->expand.inputs;
    expand_row(&given->expand, pixels, given->strip, given->packed, ring, slot);
}

/* All rows in one ring. */
static void run_whole_rows(const block *given)
{
    const sixfold_ring ring = {given->ring, given->width, given->expand.outputs, 3};
    memset(given->ring, 0x55, (size_t)given->ring_bytes);
    sixfold_ring_pad_columns(&ring, given->code);
    for (int32_t row = 0; row < 3; ++row) {
        make_row(given, row, 0, &ring);
    }
    const int32_t out_width = (given->width - 1) / given->depthwise.stride + 1;
    for (int32_t first = 0; first < out_width; first += given->strip) {
        const int32_t count = least(given->strip, out_width - first);
        sixfold_stream_depthwise(&given->depthwise, &ring, given->top, first, count, given->panel);
        sixfold_stream_project(&given->project, given->panel, count, given->output + first * given->project.outputs);
    }
}

/* Ring by ring of one strip: the upper row is saved first, the others are made when it is back. */
static void run_tiles(const block *given)
{
    const int32_t channels = given->expand.outputs;
    int8_t *output = given->output;
    for (int32_t turn = 0; turn < 2; ++turn) {
        memset(given->column, given->code, (size_t)(SIXFOLD_COLUMN * channels));
        for (int32_t first = 0; first < given->width; first += given->strip) {
            const sixfold_ring ring = {given->ring, least(given->strip, given->width - first), channels, 3};
            memset(given->ring, 0x55, (size_t)given->ring_bytes);
            if (ring.width % 2 != 0) {
                sixfold_ring_pad_columns(&ring, given->code);
            }
            if (turn == 0) {
                make_row(given, 0, first, &ring);
                sixfold_ring_close(&ring, given->top, given->saved + first * channels, given->column);
                continue;
            }
            sixfold_ring_open(&ring, given->top, given->saved + first * channels, given->column);
            make_row(given, 1, first, &ring);
            make_row(given, 2, first, &ring);
            sixfold_ring_close(&ring, given->top, given->saved + first * channels, given->column);
            const int32_t count = (ring.width + 1) / 2;
            sixfold_stream_depthwise(&given->depthwise, &ring, given->top, 0, count, given->panel);
            sixfold_stream_project(&given->project, given->panel, count, output);
            output += count * given->project.outputs;
        }
    }
}

/*
 * Words: width, strip, slot of the upper row, rows that are padding, whether the ring holds a strip at a time (stride 2
 * only), the padding's code, bytes of the ring, of a saved row, of the panel before and of that after the depthwise
 * convolution; then the three operators and the rows of pixels.
 */
static void run_block(void)
{
    block given = {.width = take_word(), .strip = take_word(), .top = take_word(), .padding = take_word()};
    const int32_t tiled = take_word();
    given.code = (int8_t)take_word();
    given.ring_bytes = take_word();
    given.ring = peer_allocate((size_t)given.ring_bytes);
    given.saved = peer_allocate((size_t)take_word());
    given.packed = peer_allocate((size_t)take_word());
    given.panel = peer_allocate((size_t)take_word());
    given.expand = take_pointwise();
    given.depthwise = take_depthwise();
    given.project = take_pointwise();
    given.column = peer_allocate((size_t)(SIXFOLD_COLUMN * given.expand.outputs));
    given.pixels = take_pixels(3 * given.width * given.expand.inputs);
    const int32_t outputs = ((given.width - 1) / given.depthwise.stride + 1) * given.project.outputs;
    given.output = allocate_pixels(outputs);
    if (tiled != 0) {
        run_tiles(&given);
    } else {
        run_whole_rows(&given);
    }
    answer(given.output, outputs);
}

/* One row into a ring of one, then its sums. Words: width, strip, bytes of ring and panel; operator, pixels, sums. */
static void run_sum(void)
{
    const int32_t width = take_word();
    const int32_t strip = take_word();
    const int32_t ring_bytes = take_word();
    int8_t *ring_data = peer_allocate((size_t)ring_bytes);
    void *panel = peer_allocate((size_t)take_word());
    const sixfold_pointwise expand = take_pointwise();
    const int8_t *pixels = take_pixels(width * expand.inputs);
    int32_t *sums = take_array(expand.outputs * (int32_t)sizeof(int32_t));
    const sixfold_ring ring = {ring_data, width, expand.outputs, 1};
    memset(ring_data, 0x55, (size_t)ring_bytes);
    expand_row(&expand, pixels, strip, panel, &ring, 0);
    sixfold_stream_sum(&ring, 0, sums);
    answer(sums, expand.outputs * (int32_t)sizeof(int32_t));
}

/* The operator, then features. */
static void run_classify(void)
{
    const sixfold_pointwise params = take_pointwise();
    const int8_t *features = take_array(params.inputs);
    int8_t *output = allocate_pixels(params.outputs);
    sixfold_stream_classify(&params, features, output);
    answer(output, params.outputs);
}

/* Words: sixfold_addition, then where the output lies: 0 apart, 1 on left, 2 on right. */
static void run_add(void)
{
    sixfold_addition params;
    take(&params, sizeof params);
    const int32_t place = take_word();
    int8_t *left = take_pixels(params.size);
    int8_t *right = take_pixels(params.size);
    int8_t *apart = allocate_pixels(params.size);
    int8_t *output = place == 0 ? apart : place == 1 ? left : right;
    sixfold_stream_add(&params, left, right, output);
    answer(output, params.size);
}

void peer_answer_all(void)
{
    int32_t operation;
    while (peer_read(&operation, sizeof operation)) {
        switch (operation) {
        case BLOCK:
            run_block();
            break;
        case SUM:
            run_sum();
            break;
        case CLASSIFY:
            run_classify();
            break;
        case ADD:
            run_add();
            break;
        default:
            peer_abort("unknown operation");
        }
        peer_release();
    }
}
