/* Matrix products: of panels in product.S, of the classifier's one pixel here. */
#include "layout.h"
#include "product.h"
#include "sixfold/requantize.h"
#include "vectors.h"

void sixfold_stream_pack(const int8_t *pixels, int32_t channels, int32_t count, void *panel)
{
    enum { PACKED = CHUNK * GROUP }; /* of a group, by one chunk */
    const int32_t gap = group_bytes_of(channels) - PACKED;
    int8_t *to = panel;
    for (int32_t before = 0; before < channels; before += CHUNK) {
        sixfold_mve_pack(pixels + before, channels, count, to, gap, channels - before);
        to += PACKED;
    }
}

/* How an operator's constants begin; layouts/mve.py chooses what suffices. */
enum { SATURATING, ROUNDING, EXACT };
typedef struct {
    int32_t requantization;
    uint8_t pairs[];
} pointwise_constants;

static mve_multiply *kernel(int32_t requantization, int32_t chunks)
{
    enum { FEW = 3 }; /* what has kernels of its own, and all others */
    static mve_multiply *const kernels[][FEW] = {
        [SATURATING] = {sixfold_mve_product_1, sixfold_mve_product_2, sixfold_mve_product},
        [ROUNDING] = {sixfold_mve_product_rounding_1, sixfold_mve_product_rounding_2, sixfold_mve_product_rounding},
        [EXACT] = {sixfold_mve_product_exact, sixfold_mve_product_exact, sixfold_mve_product_exact},
    };
    return kernels[requantization][(chunks < FEW ? chunks : FEW) - 1];
}

/* A step between the outputs of neighbouring channels and one between those of neighbouring pixels, in bytes. */
static void multiply(const sixfold_pointwise *params, const void *panel, int32_t count, int8_t *output,
                     int32_t channel_step, int32_t pixel_step)
{
    enum { NUMBERS_BYTES = 32, EXACT_NUMBERS_BYTES = 48 };
    const pointwise_constants *constants = params->packed;
    const int32_t chunks = chunks_of(params->inputs);
    const int32_t pair_bytes =
        2 * CHUNK * chunks + (constants->requantization == EXACT ? EXACT_NUMBERS_BYTES : NUMBERS_BYTES);
    mve_multiply *const run = kernel(constants->requantization, chunks);
    mve_product product = {
        .panel = panel,
        .group_step = GROUP * pixel_step,
        .packed = constants->pairs,
        .output = output,
        .groups = count / GROUP,
        .pair_bytes = pair_bytes,
        .pair_step = 2 * channel_step,
        .packed_end = constants->pairs + params->outputs / 2 * pair_bytes,
        .rest = count % GROUP,
        .chunks = chunks,
    };
    for (int32_t pixel = 0; pixel < GROUP; ++pixel) {
        product.offsets[2 * pixel] = (uint16_t)(pixel * pixel_step);
        product.offsets[2 * pixel + 1] = (uint16_t)(pixel * pixel_step + channel_step);
    }
    if (params->outputs > 1) {
        run(&product);
    }
    if (params->outputs % 2 != 0) { /* the last channel makes a pair with itself */
        for (int32_t pixel = 0; pixel < GROUP; ++pixel) {
            product.offsets[2 * pixel + 1] = product.offsets[2 * pixel];
        }
        product.packed_end += pair_bytes;
        run(&product);
    }
}

void sixfold_stream_expand(const sixfold_pointwise *params, const void *panel, int32_t first, int32_t count,
                           const sixfold_ring *ring, int32_t slot)
{
    multiply(params, panel, count, ring->data + (first + 1) * ring->slots + slot, ring_channel_bytes(ring),
             ring->slots);
}

void sixfold_stream_project(const sixfold_pointwise *params, const void *panel, int32_t count, int8_t *pixels)
{
    multiply(params, panel, count, pixels, 1, params->outputs);
}

/* The numbers of a pair of outputs follow chunks x [2 outputs][16] weights. */
typedef struct {
    int32_t bias[2], multiplier[2], shift[2];
} classifier_pair;

void sixfold_stream_classify(const sixfold_pointwise *params, const int8_t *features, int8_t *output)
{
    const int32_t weight_bytes = 2 * CHUNK * chunks_of(params->inputs);
    const int8_t *packed = params->packed;
    for (int32_t left = params->outputs; left > 0; left -= 2) {
        const classifier_pair *pair = (const void *)(packed + weight_bytes);
        int32_t sums[2] = {pair->bias[0], pair->bias[1]};
        sixfold_mve_dot(packed, features, params->inputs, sums);
        for (int32_t index = 0; index < 2 && index < left; ++index) {
            *output++ = sixfold_requantize(sums[index], pair->multiplier[index], pair->shift[index],
                                           params->output_zero_point);
        }
        packed += weight_bytes + (int32_t)sizeof *pair;
    }
}
