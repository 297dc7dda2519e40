/* Matrix products. */
#include "layout.h"
#include "simd.h"
#include "sixfold/requantize.h"

enum { CLASSIFIED = 4 }; /* outputs of the classifier that are computed together */

/* Constants that every requantisation suits; behind it the weights, four to a group, zeros behind the last. */
typedef struct {
    int32_t bias, multiplier, shift;
} exact_constants;

/* Four channels of a pixel, in the pairs at `even` and `odd`. */
static inline void put_group(uint32_t *even, uint32_t *odd, uint32_t word)
{
    const uint32_t first = simd_sxtb16(word);
    const uint32_t second = simd_sxtb16_odd(word);
    *even = simd_sadd16(first, first);
    *odd = simd_sadd16(second, second);
}

/* The last channels of a pixel, 1..3 of them, then zeros; nothing beyond the pixel is read. */
static inline uint32_t load_rest(const int8_t *codes, int32_t channels, int32_t rest)
{
    return channels < 4 ? simd_load_some(codes, rest) : simd_load(codes + rest - 4) >> (8 * (4 - rest));
}

/* A tile of DSP_TILE pixels. */
static void pack_tile(const int8_t *pixels, int32_t channels, uint32_t *pairs)
{
    const int32_t rest = channels % 4;
    const int8_t *second = pixels + channels;
    const int8_t *third = second + channels;
    for (int32_t group = channels / 4; group > 0; --group) {
        put_group(pairs, pairs + 3, simd_load(pixels));
        put_group(pairs + 1, pairs + 4, simd_load(second));
        put_group(pairs + 2, pairs + 5, simd_load(third));
        pixels += 4;
        second += 4;
        third += 4;
        pairs += 2 * DSP_TILE;
    }
    if (rest > 0) {
        put_group(pairs, pairs + 3, load_rest(pixels, channels, rest));
        put_group(pairs + 1, pairs + 4, load_rest(second, channels, rest));
        put_group(pairs + 2, pairs + 5, load_rest(third, channels, rest));
    }
}

void sixfold_stream_pack(const int8_t *pixels, int32_t channels, int32_t count, void *panel)
{
    uint32_t *tile = panel;
    for (; count >= DSP_TILE; count -= DSP_TILE) {
        pack_tile(pixels, channels, tile);
        pixels += DSP_TILE * channels;
        tile += DSP_TILE * dsp_pairs(channels);
    }
    const int32_t rest = channels % 4;
    for (int32_t column = 0; column < count; ++column) {
        uint32_t *pairs = tile + column;
        for (int32_t group = channels / 4; group > 0; --group) {
            put_group(pairs, pairs + count, simd_load(pixels));
            pixels += 4;
            pairs += 2 * count;
        }
        if (rest > 0) {
            put_group(pairs, pairs + count, load_rest(pixels, channels, rest));
            pixels += rest;
        }
    }
}

/* The code of an input channel in a tile; `expands`: panel from pack. */
static int32_t panel_code(const dsp_product *job, int32_t channels, int32_t expands, int32_t channel, int32_t pixel)
{
    const int32_t pairs = dsp_pairs(channels);
    const int32_t pair = expands ? channel / 4 * 2 + channel % 2 : channel % pairs;
    const int32_t half = expands ? channel % 4 / 2 : channel / pairs;
    const int32_t value = job->panel[2 * (pair * job->pixels + pixel) + half];
    return expands ? value / 2 : value;
}

/* All outputs of one tile, with a requantisation that the assembly cannot do. */
static void multiply_tile(const sixfold_pointwise *params, const exact_constants *constants, const dsp_product *job)
{
    const int32_t expands = job->destination != DSP_TO_PIXELS;
    const int32_t steps[DSP_TILE] = {0, job->place->second, job->place->third};
    int8_t *code = job->output;
    for (int32_t output = 0; output < params->outputs; ++output) {
        const int8_t *weights = (const int8_t *)(constants + 1);
        for (int32_t pixel = 0; pixel < job->pixels; ++pixel) {
            int32_t sum = constants->bias;
            for (int32_t input = 0; input < params->inputs; ++input) {
                sum += weights[input] * panel_code(job, params->inputs, expands, input, pixel);
            }
            code[steps[pixel]] =
                sixfold_requantize(sum, constants->multiplier, constants->shift, params->output_zero_point);
        }
        code += expands ? job->step : 1;
        constants = (const exact_constants *)(const void *)(weights + 2 * dsp_pairs(params->inputs));
    }
}

/* To the next tile. */
static void advance(dsp_product *job)
{
    job->panel += job->tile_bytes / 2;
    job->output += job->place->advance;
    job->place = job->place->next;
}

static void multiply_tiles(const sixfold_pointwise *params, const dsp_product *job)
{
    const int32_t *constants = params->packed;
    const int32_t form = *constants++;
    if (form != DSP_EXACT) {
        sixfold_dsp_product(job, constants);
        return;
    }
    dsp_product tile = *job;
    for (int32_t rest = job->tiles; rest > 0; --rest) {
        multiply_tile(params, (const exact_constants *)constants, &tile);
        advance(&tile);
    }
}

/* output, step, destination and place of the job are set. */
static void multiply(const sixfold_pointwise *params, const void *panel, int32_t count, dsp_product *job)
{
    const int32_t pairs = dsp_pairs(params->inputs);
    const int32_t rounds = pairs / 2 - 1; /* groups after the first */
    job->panel = panel;
    job->loops = rounds > DSP_UNROLL;
    job->entry = job->loops ? rounds % DSP_UNROLL : rounds;
    if (count >= DSP_TILE) {
        job->pixels = DSP_TILE;
        job->tile_bytes = 4 * pairs * DSP_TILE;
        job->tiles = count / DSP_TILE;
        multiply_tiles(params, job);
    }
    const int32_t rest = count % DSP_TILE;
    if (rest > 0) {
        for (int32_t tiles = count / DSP_TILE; tiles > 0; --tiles) {
            advance(job);
        }
        job->pixels = rest;
        job->tile_bytes = 4 * pairs * rest;
        job->tiles = 1;
        multiply_tiles(params, job);
    }
}

void sixfold_stream_expand(const sixfold_pointwise *params, const void *panel, int32_t first, int32_t count,
                           const sixfold_ring *ring, int32_t slot)
{
    /* Positions 1, 2 and 3, then 4, 5 and 6, and so on: twelve are three words. */
    static const dsp_place places[] = {{places + 1, 2, -1, 1}, {places + 2, 3, 2, 1}, {places + 3, 2, 1, 3},
                                       {places, 5, 2, 3}};
    dsp_product job = {
        .output = dsp_row(ring, 0, slot) + first + dsp_byte(1),
        .step = ring->slots * dsp_pitch(ring->width),
        .destination = *(const int32_t *)params->packed == DSP_PLAIN ? DSP_TO_RING_PLAIN : DSP_TO_RING,
        .place = places,
    };
    multiply(params, panel, count, &job);
}

void sixfold_stream_project(const sixfold_pointwise *params, const void *panel, int32_t count, int8_t *pixels)
{
    const dsp_place place = {&place, 3 * params->outputs, params->outputs, 2 * params->outputs};
    dsp_product job = {.output = pixels, .destination = DSP_TO_PIXELS, .place = &place};
    multiply(params, panel, count, &job);
}

/* Four features for CLASSIFIED outputs. */
static inline void add_group(int32_t *sums, uint32_t codes, const uint32_t *weights)
{
    const uint32_t even = simd_sxtb16(codes);
    const uint32_t odd = simd_sxtb16_odd(codes);
#pragma GCC unroll 4
    for (int32_t row = 0; row < CLASSIFIED; ++row) {
        sums[row] = simd_smlad(even, simd_sxtb16(weights[row]), sums[row]);
        sums[row] = simd_smlad(odd, simd_sxtb16_odd(weights[row]), sums[row]);
    }
}

void sixfold_stream_classify(const sixfold_pointwise *params, const int8_t *features, int8_t *output)
{
    const int32_t whole = params->inputs / 4;
    const int32_t rest = params->inputs % 4;
    const uint32_t last = simd_load_some(features + 4 * whole, rest);
    const exact_constants *constants = params->packed;
    for (int32_t first = 0; first < params->outputs; first += CLASSIFIED) {
        const uint32_t *weights = (const uint32_t *)(constants + CLASSIFIED);
        const int8_t *codes = features;
        int32_t sums[CLASSIFIED];
#pragma GCC unroll 4
        for (int32_t row = 0; row < CLASSIFIED; ++row) {
            sums[row] = constants[row].bias;
        }
        for (int32_t group = whole; group > 0; --group) {
            add_group(sums, simd_load(codes), weights);
            codes += 4;
            weights += CLASSIFIED;
        }
        if (rest > 0) {
            add_group(sums, last, weights);
            weights += CLASSIFIED;
        }
        for (int32_t row = 0; row < CLASSIFIED && first + row < params->outputs; ++row) {
            output[first + row] = sixfold_requantize(sums[row], constants[row].multiplier, constants[row].shift,
                                                     params->output_zero_point);
        }
        constants = (const exact_constants *)weights;
    }
}
