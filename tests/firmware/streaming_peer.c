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

/*
 * Three rows through expand, depthwise and project. Words: width, strip, slot of the upper row, rows that are padding
 * (bit 0: the upper), whether rows are saved and restored, the ring's padding code, bytes of the ring, of one saved row,
 * of the panel before and of that after the depthwise convolution; then the three operators and the rows of pixels.
 */
static void run_block(void)
{
    const int32_t width = take_word();
    const int32_t strip = take_word();
    const int32_t top = take_word();
    const int32_t padding = take_word();
    const int32_t saves = take_word();
    const int8_t code = (int8_t)take_word();
    const int32_t ring_bytes = take_word();
    int8_t *ring_data = peer_allocate((size_t)ring_bytes);
    const size_t saved_bytes = (size_t)take_word();
    int8_t *saved[3] = {peer_allocate(saved_bytes), peer_allocate(saved_bytes), peer_allocate(saved_bytes)};
    void *packed = peer_allocate((size_t)take_word());
    void *panel = peer_allocate((size_t)take_word());
    const sixfold_pointwise expand = take_pointwise();
    const sixfold_depthwise depthwise = take_depthwise();
    const sixfold_pointwise project = take_pointwise();
    const int8_t *pixels = take_pixels(3 * width * expand.inputs);
    const sixfold_ring ring = {ring_data, width, expand.outputs, 3};

    memset(ring_data, 0x55, (size_t)ring_bytes);
    sixfold_ring_pad_columns(&ring, code);
    for (int32_t row = 0; row < 3; ++row) {
        const int32_t slot = (top + row) % 3;
        if ((padding >> row & 1) != 0) {
            sixfold_ring_fill(&ring, slot, code);
        } else {
            expand_row(&expand, pixels + row * width * expand.inputs, strip, packed, &ring, slot);
        }
    }
    if (saves != 0) {
        for (int32_t slot = 0; slot < 3; ++slot) {
            sixfold_ring_save(&ring, slot, saved[slot]);
        }
        memset(ring_data, 0x33, (size_t)ring_bytes);
        for (int32_t slot = 0; slot < 3; ++slot) {
            sixfold_ring_restore(&ring, slot, saved[slot]);
        }
    }
    const int32_t out_width = (width - 1) / depthwise.stride + 1;
    int8_t *output = allocate_pixels(out_width * project.outputs);
    for (int32_t first = 0; first < out_width; first += strip) {
        const int32_t count = least(strip, out_width - first);
        sixfold_stream_depthwise(&depthwise, &ring, top, first, count, panel);
        sixfold_stream_project(&project, panel, count, output + first * project.outputs);
    }
    answer(output, out_width * project.outputs);
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
